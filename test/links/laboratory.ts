/** One cell measured: live, with the agent beside the traffic, or from a recording of it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Agent, pathOf, spanWithNumbers } from '../support/agent.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { Recorder, replay } from '../support/recording.ts';
import { BusyLoops } from './busy-loops.ts';
import { type Cell, CELLS, lackOf, linksPerRequest } from './cells.ts';
import { checkLinks, type Report } from './check.ts';
import { blankIds, dropRecords, rewriteRecording } from './rewrite.ts';
import type { Row } from './table.ts';
import { makeTraffic, readTruth, type Traffic } from './traffic.ts';
import type { Truth } from './truth.ts';

/** After so long without a span of the run no more are expected. */
const SILENCE_MS = 20_000;
const DROP_SEED = 1;

export interface CellOptions {
  clients: number;
  /** At least so many inner links. */
  links: number;
  saturated: boolean;
}

let serial = 0;
const freshRun = (): string => `links-${process.pid}-${serial++}`;

async function beside<T>(saturated: boolean, action: () => Promise<T>): Promise<T> {
  if (!saturated) return action();
  const loops = new BusyLoops();
  try {
    return await action();
  } finally {
    await loops.stop();
  }
}

/** With an agent that ran before the cell was started. */
export async function measureLive(agent: Agent, cell: Cell, options: CellOptions): Promise<Row> {
  return measure(cell, options, async (folder) => {
    const lostBefore = await lostRecords(agent);
    const run = freshRun();
    const traffic = await sendThrough(cell, options, run, folder);
    let spans: ReceivedSpan[] = [];
    let truth: Truth;
    try {
      spans = await allSpans(agent, `/w/${run}/`, traffic.expectedSpans);
    } finally {
      truth = await traffic.stop();
    }
    const { requestsPerSecond } = traffic;
    const lostRecordsNow = (await lostRecords(agent)) - lostBefore;
    return { report: checkLinks(spans, truth), requestsPerSecond, lostRecords: lostRecordsNow };
  });
}

/**
 * Where the CPU is busy the agent takes next to nothing of it and works off what waits in the ring little by little: as long as spans come,
 * there is reason to wait.
 */
async function allSpans(agent: Agent, prefix: string, count: number): Promise<ReceivedSpan[]> {
  const spans: ReceivedSpan[] = [];
  for (;;) {
    const more = await agent.spans(prefix, count - spans.length, SILENCE_MS);
    spans.push(...more);
    if (more.length === 0 || spans.length >= count) return spans;
  }
}

/** With an agent that is started while the load runs: connections and requests are older than it, and what was before is missing. */
export async function measureJoining(cell: Cell, options: CellOptions): Promise<Row> {
  return measure(cell, options, async (folder) => {
    const run = freshRun();
    let agent: Agent | undefined;
    const meanwhile = async (): Promise<void> => {
      agent = await Agent.start({ receiver: { ring_size: '64MiB' } });
    };
    try {
      const traffic = await sendThrough(cell, options, run, folder, meanwhile);
      const truth = await traffic.stop();
      // At its end it gives away all that it holds.
      await agent!.stop();
      const report = checkLinks(ofRun(agent!.sink.spans.map(spanWithNumbers), run), truth);
      if (report.inner.missing === report.inner.expected)
        throw new Error(`${cell.name}: the load had ended before the agent was ready: give it more links`);
      return { report, requestsPerSecond: traffic.requestsPerSecond };
    } catch (error) {
      agent?.kill('SIGKILL');
      throw error;
    }
  });
}

async function measure(
  cell: Cell,
  { clients, saturated }: CellOptions,
  figures: (folder: string) => Promise<Partial<Row>>,
): Promise<Row> {
  const row = { cell: cell.name, clients, saturated };
  const skipped = lackOf(cell);
  if (skipped !== undefined) return { ...row, skipped };
  const folder = mkdtempSync(path.join(tmpdir(), 'undertrace-links-'));
  try {
    return { ...row, ...(await figures(folder)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function sendThrough(
  cell: Cell,
  { clients, links, saturated }: CellOptions,
  run: string,
  folder: string,
  meanwhile?: () => Promise<void>,
): Promise<Traffic> {
  const requests = Math.ceil(links / linksPerRequest(cell));
  return beside(saturated, () => makeTraffic(cell, { clients, requests, run, folder, meanwhile }));
}

async function lostRecords(agent: Agent): Promise<number> {
  const { books } = await agent.status();
  return books.find(({ stage }) => stage === 'records')!.lost.ring_full ?? 0;
}

/** What is beside a recording and its truth. */
interface About {
  cell: string;
  clients: number;
  saturated: boolean;
  run: string;
  requestsPerSecond: number;
}

const ABOUT = 'about.json';
const RECORDING = 'recording';

/** Records the traffic of a cell into a folder below `directory`, for replays. */
export async function recordCell(directory: string, cell: Cell, options: CellOptions): Promise<void> {
  const lack = lackOf(cell);
  if (lack !== undefined) throw new Error(`${cell.name}: ${lack}`);
  const { clients, saturated } = options;
  const folder = path.join(directory, `${cell.name}-${clients}${saturated ? '-saturated' : ''}`);
  mkdirSync(folder, { recursive: true });
  const run = freshRun();
  const recorder = await Recorder.start(path.join(folder, RECORDING));
  let traffic: Traffic;
  try {
    traffic = await sendThrough(cell, options, run, folder);
    await traffic.stop();
  } finally {
    await recorder.stop();
  }
  const { requestsPerSecond } = traffic;
  const about: About = { cell: cell.name, clients, saturated, run, requestsPerSecond };
  writeFileSync(path.join(folder, ABOUT), `${JSON.stringify(about)}\n`);
}

export interface ReplayOptions {
  /** Share of the records that are left out. */
  drop: number;
  /** Also replay with all ids blanked, and demand the same parents. */
  blankIds: boolean;
}

/** Folders of the recordings of a directory. */
export function recordings(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => path.join(directory, name))
    .sort();
}

export function readAbout(folder: string): About {
  return JSON.parse(readFileSync(path.join(folder, ABOUT), 'utf8')) as About;
}

export async function measureRecording(folder: string, options: ReplayOptions): Promise<Row> {
  const { run, requestsPerSecond, ...row } = readAbout(folder);
  const cell = CELLS.find(({ name }) => name === row.cell);
  if (!cell) throw new Error(`${folder}: there is no cell "${row.cell}"`);
  const scratch = mkdtempSync(path.join(tmpdir(), 'undertrace-links-'));
  try {
    let recording = path.join(folder, RECORDING);
    if (options.drop > 0) {
      const reduced = path.join(scratch, 'reduced');
      rewriteRecording(recording, reduced, dropRecords(options.drop, DROP_SEED));
      recording = reduced;
    }
    const all = await replay(recording);
    const report: Report = checkLinks(ofRun(all, run), readTruth(cell, folder));
    if (options.blankIds) {
      const blank = path.join(scratch, 'blank');
      rewriteRecording(recording, blank, blankIds);
      demandSameParents(folder, ofRun(all, run), ofRun(await replay(blank), run));
    }
    return { ...row, report, requestsPerSecond };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function ofRun(spans: readonly ReceivedSpan[], run: string): ReceivedSpan[] {
  return spans.filter((span) => pathOf(span)?.startsWith(`/w/${run}/`));
}

/** Span ids come from sequence numbers, so a span is the same one in both replays. */
function demandSameParents(
  folder: string,
  spans: readonly ReceivedSpan[],
  blank: readonly ReceivedSpan[],
): void {
  const parents = new Map(blank.map((span) => [span.spanId, span.parentSpanId]));
  const different = spans.filter((span) => parents.get(span.spanId) !== span.parentSpanId);
  if (different.length > 0 || blank.length !== spans.length) {
    throw new Error(
      `${folder}: with the ids blanked ${different.length} of ${spans.length} spans have other parents: something of the ids leaks`,
    );
  }
}
