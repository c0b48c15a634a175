/** One cell measured: live, with the agent beside the traffic, or from a recording of it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Agent, type AgentOptions, type Ended, pathOf, spanWithNumbers } from '../support/agent.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { Recorder, replay } from '../support/recording.ts';
import { inCheckout } from '../support/programs.ts';
import { BusyLoops } from './busy-loops.ts';
import { type Cell, CELLS, lackOf, linksPerRequest } from './cells.ts';
import { checkLinks, type Report } from './check.ts';
import { blankIds, dropRecords, hideSenders, rewriteRecording, withoutMachine } from './rewrite.ts';
import type { Row } from './table.ts';
import { readThreads } from './threads.ts';
import { makeTraffic, readTruth, type Traffic } from './traffic.ts';
import type { Truth } from './truth.ts';

/** More than the spans of any run take. */
const QUEUE_SIZE = '512MiB';
const SEED = 1;

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

/**
 * Only what this process has started is looked at. Whether links are right is asked here, not how much load an agent bears: ring and queue hold a
 * whole run, since the agent takes next to nothing of a busy CPU and works off what is left at its end.
 */
export const RECEIVER = {
  ring_size: '64MiB',
  shutdown_timeout: '60s',
  filters: { include: [{ pid: process.pid, children: true }] },
};

export interface LiveOptions extends CellOptions {
  /** The agent is started while the load runs: then connections and requests are older than the agent, and what was before it is missing. */
  joining?: boolean;
  /** What else the agent is told; without exporters the spans go to its sink. */
  agent?: Pick<AgentOptions, 'receiver' | 'exporters' | 'env'>;
}

/** A load that was sent through a cell, and what the agent beside it has said by its end. */
export interface Traced {
  run: string;
  truth: Truth;
  requestsPerSecond: number;
  agent: Agent;
  ended: Ended;
}

/** With an agent of its own, which has handed over everything when this resolves. Throws where it did not end in order. */
export async function traceLoad(cell: Cell, options: LiveOptions): Promise<Traced> {
  const folder = mkdtempSync(path.join(tmpdir(), 'undertrace-links-'));
  const run = freshRun();
  let agent: Agent | undefined;
  const start = async (): Promise<void> => {
    const args = ['--set', `exporters.otlp_http.sending_queue.queue_size=${QUEUE_SIZE}`];
    const receiver = { ...RECEIVER, ...options.agent?.receiver };
    agent = await Agent.start({ ...options.agent, args, receiver });
  };
  try {
    if (!options.joining) await start();
    const traffic = await sendThrough(cell, options, run, folder, options.joining ? start : undefined);
    const truth = await traffic.stop();
    const ended = await agent!.stop();
    if (ended.code !== 0 || !ended.ledger.balanced)
      throw new Error(`the agent ended with ${ended.code}:\n${ended.stderr}`);
    return { run, truth, requestsPerSecond: traffic.requestsPerSecond, agent: agent!, ended };
  } catch (error) {
    agent?.kill('SIGKILL');
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function measureLive(cell: Cell, options: LiveOptions): Promise<Row> {
  const { clients, saturated } = options;
  const row = { cell: cell.name, clients, saturated };
  const skipped = lackOf(cell);
  if (skipped !== undefined) return { ...row, skipped };
  const { run, truth, requestsPerSecond, agent, ended } = await traceLoad(cell, options);
  const report = checkLinks(ofRun(agent.sink.spans.map(spanWithNumbers), run), truth);
  if (report.inner.missing === report.inner.expected)
    throw new Error(`${cell.name}: there is not one span; a longer load may be needed`);
  return { ...row, report, requestsPerSecond, lostRecords: ended.ledger.stages.records!.lost.ring_full ?? 0 };
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

/** What is beside a recording and its truth. */
interface About {
  cell: string;
  clients: number;
  saturated: boolean;
  run: string;
  requestsPerSecond: number;
}

const ABOUT = 'about.json';
const RECORDING = 'recording.gz';

/** Records the traffic of a cell into a folder below `directory`, for replays. */
export async function recordCell(directory: string, cell: Cell, options: CellOptions): Promise<void> {
  const lack = lackOf(cell);
  if (lack !== undefined) throw new Error(`${cell.name}: ${lack}`);
  const { clients, saturated } = options;
  const folder = path.join(directory, `${cell.name}-${clients}${saturated ? '-saturated' : ''}`);
  mkdirSync(folder, { recursive: true });
  const run = freshRun();
  const config = `yaml:${JSON.stringify({ receivers: { undertrace: RECEIVER } })}`;
  const scratch = mkdtempSync(path.join(tmpdir(), 'undertrace-links-'));
  try {
    const whole = path.join(scratch, 'whole');
    const recorder = await Recorder.start(whole, '--config', config);
    let traffic: Traffic;
    try {
      traffic = await sendThrough(cell, options, run, folder);
      await traffic.stop();
    } finally {
      await recorder.stop();
    }
    const recording = path.join(scratch, 'recording');
    rewriteRecording(whole, recording, withoutMachine);
    writeFileSync(path.join(folder, RECORDING), gzipSync(readFileSync(recording), { level: 9 }));
    const { requestsPerSecond } = traffic;
    const about: About = { cell: cell.name, clients, saturated, run, requestsPerSecond };
    writeFileSync(path.join(folder, ABOUT), `${JSON.stringify(about)}\n`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

export interface ReplayOptions {
  /** Share of the records that are left out. */
  drop: number;
  /** Share of the sends whose threads are hidden. */
  hide?: number;
  /** Also replay with all ids blanked, and demand the same parents. */
  blankIds: boolean;
}

/** The recordings that the tests replay. */
export const FIXTURES = inCheckout('test', 'fixtures', 'links');

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
    const whole = path.join(scratch, 'recording');
    let recording = whole;
    writeFileSync(whole, gunzipSync(readFileSync(path.join(folder, RECORDING))), { mode: 0o600 });
    if (options.drop > 0) {
      const reduced = path.join(scratch, 'reduced');
      rewriteRecording(recording, reduced, dropRecords(options.drop, SEED));
      recording = reduced;
    }
    const { hide = 0 } = options;
    if (hide > 0) {
      const hidden = path.join(scratch, 'hidden');
      rewriteRecording(recording, hidden, hideSenders(hide, SEED));
      recording = hidden;
    }
    const all = await replay(recording);
    const report: Report = checkLinks(ofRun(all, run), readTruth(cell, folder), readThreads(whole));
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

export function ofRun(spans: readonly ReceivedSpan[], run: string): ReceivedSpan[] {
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
