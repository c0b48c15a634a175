/**
 * What Undertrace costs on this machine: `npm run bench [syscalls|switches|throughput|overload|paced|mixed|replay|scrape|host|linker|turns ...]`. Needs root, the built agent and what
 * scripts/test-setup.mjs installs. Writes docs/benchmarks.md when all of it has run.
 */
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';

import { findCommand } from '../../test/support/programs.ts';
import { benchHost } from './host.ts';
import { benchLinker } from './linker.ts';
import { benchMixed } from './mixed.ts';
import { benchOverload } from './overload.ts';
import { benchPaced } from './paced.ts';
import { benchReplay } from './replay.ts';
import { benchScrape } from './scrape.ts';
import type { Row } from './statistics.ts';
import { benchSwitches } from './switches.ts';
import { benchSyscalls } from './syscalls.ts';
import { benchThroughput } from './throughput.ts';
import { benchTurns } from './turns.ts';

const BENCHES: Readonly<Record<string, () => Promise<Row[]>>> = {
  syscalls: benchSyscalls,
  switches: benchSwitches,
  throughput: benchThroughput,
  overload: benchOverload,
  paced: benchPaced,
  mixed: benchMixed,
  replay: benchReplay,
  scrape: benchScrape,
  host: benchHost,
  linker: benchLinker,
  turns: benchTurns,
};
const DOC = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));

const METHOD = `# Benchmarks

Written by \`npm run bench\`. Every comparison interleaves rounds without and with the agent in one run, since machines drift. System calls: median of
batches, pinned to one CPU. nginx: one worker, wrk with one thread, so that both CPUs of the machine are busy without the agent. redis-benchmark: a
protocol that is not decoded (it is switched off). Requests a second and p99 are those of runs of some seconds, with the agent and without it in turn. The change is told from 200 windows of a
quarter of a second for each, within one load: in between the agent's programs leave the two tracepoints of all system calls, and its process stands still. Both
ends of every connection are on the machine and are traced, so a request costs four records. Hooks alone: the same with two programs that return at
once on these tracepoints, which is what the kernel itself takes for them; no bound below that can be met on such a machine. Replay: 200,000 exchanges
seen at both ends, CPU time of all threads less that of starting, median of five.

`;

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ what, without, with: on, change, hooks = '', bound, met }) =>
      `| ${what} | ${without} | ${on} | ${change} | ${hooks} | ${bound} | ${bound === '' ? '' : met ? 'yes' : '**no**'} |`,
  );
  const titles = ['what', 'without', 'with', 'change', 'hooks alone', 'bound', 'met'];
  return [`| ${titles.join(' | ')} |`, `|${'---|'.repeat(titles.length)}`, ...lines].join('\n');
}

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in BENCHES));
if (unknown !== undefined)
  throw new Error(`no benchmark "${unknown}"; there are ${Object.keys(BENCHES).join(', ')}`);
for (const command of [
  'clang',
  'nginx',
  'wrk',
  'h2load',
  'redis-server',
  'redis-benchmark',
  'pgbench',
  'time',
])
  if (findCommand(command) === undefined)
    throw new Error(`${command} is not installed: run \`node scripts/test-setup.mjs\``);
const rows: Row[] = [];
for (const [name, bench] of Object.entries(BENCHES)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const found = await bench();
  rows.push(...found);
  process.stdout.write(`${table(found)}\n`);
}
if (asked.length === 0) {
  const machine = `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model.trim() || process.arch}, Node ${process.version}.\n\n`;
  const text = `${METHOD}${machine}${table(rows)}\n`;
  writeFileSync(
    DOC,
    await prettier.format(text, { ...(await prettier.resolveConfig(DOC)), parser: 'markdown' }),
  );
}
