/**
 * How many links between what came in and what went out are right: `npm run bench:links -- [options]`. Needs root, the built agent and what
 * scripts/test-setup.mjs installs. A run of all cells writes docs/links.md; any other prints its table alone, unless --out says where.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import prettier from 'prettier';
import { inCheckout } from '../support/programs.ts';
import { CELLS, type Cell } from './cells.ts';
import {
  type CellOptions,
  FIXTURES,
  measureLive,
  measureRecording,
  readAbout,
  recordCell,
  recordings,
} from './laboratory.ts';
import { renderCalibration, renderPage, renderTable, type Row } from './table.ts';

const DOC = inCheckout('docs', 'links.md');

const { values: options } = parseArgs({
  options: {
    /** Names of cells, with `*` for anything, separated by commas. */
    cells: { type: 'string', default: '*' },
    /** Numbers of connections of the load. */
    clients: { type: 'string', default: '1,16,64,128' },
    /** Inner links of a cell, at least. */
    links: { type: 'string', default: '10000' },
    /** `idle`, `saturated` (two busy loops beside), or both. */
    cpu: { type: 'string', default: 'idle,saturated' },
    /** The agent is started while the load runs. */
    joining: { type: 'boolean', default: false },
    /** Records the traffic into this directory instead of measuring it. */
    record: { type: 'string' },
    /** Measures the recordings of this directory. */
    'from-recording': { type: 'string' },
    /** Of recordings: leaves out this share of the records. */
    drop: { type: 'string', default: '0' },
    /** Of recordings: so large a share of the sends are made by threads that nothing is known of, so that no rule has an answer for them. */
    hide: { type: 'string', default: '0' },
    /** Of recordings: demands the same parents with all ids blanked. */
    'blank-ids': { type: 'boolean', default: false },
    /** Where the page is written. */
    out: { type: 'string' },
  },
});

const patterns = options.cells.split(',').map((glob) => new RegExp(`^${glob.replaceAll('*', '.*')}$`));
const isAsked = (name: string): boolean => patterns.some((pattern) => pattern.test(name));
const cpuStates = options.cpu.split(',');
for (const state of cpuStates)
  if (!['idle', 'saturated'].includes(state)) throw new Error(`--cpu is idle or saturated, not "${state}"`);
const clientCounts = options.clients.split(',').map(Number);
const cells = CELLS.filter(({ name }) => isAsked(name));
if (cells.length === 0)
  throw new Error(
    `no cell is called "${options.cells}"; there are ${CELLS.map((cell) => cell.name).join(', ')}`,
  );

async function* measureAll(): AsyncGenerator<Row> {
  const directory = options['from-recording'];
  if (directory !== undefined) {
    const { drop, hide } = options;
    const control = { drop: Number(drop), hide: Number(hide), blankIds: options['blank-ids'] };
    for (const folder of recordings(directory))
      if (isAsked(readAbout(folder).cell)) yield await measureRecording(folder, control);
    return;
  }
  const { joining } = options;
  for (const [cell, how] of combinations()) yield await measureLive(cell, { ...how, joining });
}

function* combinations(): Generator<[Cell, CellOptions]> {
  const links = Number(options.links);
  for (const state of cpuStates)
    for (const cell of cells)
      for (const clients of clientCounts) yield [cell, { clients, links, saturated: state === 'saturated' }];
}

if (options.record !== undefined) {
  for (const [cell, how] of combinations()) {
    await recordCell(options.record, cell, how);
    process.stderr.write(`${cell.name}, ${how.clients} clients: recorded\n`);
  }
} else {
  const rows: Row[] = [];
  const loadBefore = loadavg()[0]!;
  for await (const row of measureAll()) {
    rows.push(row);
    process.stderr.write(`${renderTable([row]).split('\n').at(-1)}\n`);
  }
  const whole =
    options.cells === '*' && options['from-recording'] === undefined && Number(options.drop) === 0;
  const out = options.out ?? (whole ? DOC : undefined);
  if (out === undefined) process.stdout.write(`${renderTable(rows)}\n\n${renderCalibration(rows)}`);
  else {
    const machine = `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model.trim() || process.arch}, Node ${process.version}.`;
    const load = `Load average of the machine before the first run ${loadBefore.toFixed(1)}, after the last ${loadavg()[0]!.toFixed(1)}.`;
    const recorded: Row[] = [];
    for (const folder of recordings(FIXTURES))
      recorded.push(await measureRecording(folder, { drop: 0, blankIds: false }));
    const format = { ...(await prettier.resolveConfig(DOC)), parser: 'markdown' };
    writeFileSync(out, await prettier.format(renderPage(rows, recorded, `${machine} ${load}`), format));
  }
}
