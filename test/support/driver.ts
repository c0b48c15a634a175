/** Plays a scenario of the C driver under a live capture and puts its log next to the kernel's records. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Log } from '../../src/base/log-shape.ts';
import { KernelCapture } from '../../src/capture/kernel-capture.ts';
import { loadNative } from '../../src/capture/native.ts';
import {
  ConnectionRecord,
  Counter,
  CountersRecord,
  DataRecord,
  Direction,
  Flag,
  Kind,
} from '../../src/capture/records.gen.ts';
import { sleep } from './agent.ts';
import { payloadByte } from './payload.ts';
import { needCompiled } from './programs.ts';
import { Scratch } from './workload.ts';

const quiet = (): void => undefined;
const SILENT: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
export const MSG_PEEK = 2;
export const MSG_TRUNC = 0x20;
const STREAM = 1;
/** Positions of a datagram's bytes: ordinal times this, plus the offset. */
const DATAGRAM_STRIDE = 65_536;

/** One data call as the driver logged it; see test/workload/driver/play.h. */
export interface CallLine {
  call: string;
  pid: number;
  tid: number;
  inode: number;
  netns: number;
  family: number;
  type: number;
  dir: 'send' | 'receive';
  seed: number;
  pos: number;
  asked: number;
  ret: number;
  errno: number;
  flags: number;
  message: number;
  t0: number;
  t1: number;
}

export interface EventLine {
  event: string;
  pid: number;
  inode: number;
  result: number;
  errno: number;
  t0: number;
  t1: number;
}

export type NoteLine = Record<string, number>;

/** What a data record says, copied out of the ring. */
export interface PlainData {
  tgid: number;
  tid: number;
  inode: number;
  netns: number;
  protocol: number;
  localPort: number;
  remotePort: number;
  /** Absolute sequence numbers of the first byte of each direction. */
  txFirst: number;
  rxFirst: number;
  direction: 'send' | 'receive';
  position: number;
  length: number;
  message: number;
  enterNs: number;
  timeNs: number;
  flags: number;
  payload: Uint8Array;
}

export interface PlainEvent {
  tgid: number;
  inode: number;
  event: number;
  result: number;
  timeNs: number;
}

export interface Played {
  calls: CallLine[];
  events: EventLine[];
  notes: NoteLine[];
  /** Of the driver's processes alone. */
  data: PlainData[];
  connections: PlainEvent[];
  /** Of every process: how many data calls the records stand for, and the kernel's own counters, which began at zero. */
  recorded: { calls: number; bytes: number };
  counted: Record<keyof typeof Counter, number>;
}

/** Collects what the sink is given, of every process; the driver's part is picked out when its pids are known. */
class Collector {
  readonly data: PlainData[] = [];
  readonly connections: PlainEvent[] = [];
  counters: number[] = [];
  readonly #data = new DataRecord();
  readonly #connection = new ConnectionRecord();
  readonly #counters = new CountersRecord();

  readonly take = (batch: Uint8Array): void => {
    this.#data.over(batch);
    for (let at = 0; at < batch.length;) {
      const size = this.#data.at(at).size;
      if (batch[at + 4] === Kind.data) this.data.push(plainData(this.#data));
      if (batch[at + 4] === Kind.connection) this.#takeEvent(this.#connection.over(batch).at(at));
      if (batch[at + 4] === Kind.counters) this.#takeCounters(this.#counters.over(batch).at(at));
      at += (size + 7) & ~7;
    }
  };

  #takeEvent({ tgid, inode, event, result, timeNs }: ConnectionRecord): void {
    this.connections.push({ tgid, inode, event, result, timeNs });
  }

  #takeCounters({ payload, counters }: CountersRecord): void {
    const view = new DataView(payload.buffer, payload.byteOffset);
    this.counters = Array.from({ length: counters }, (_, i) => Number(view.getBigUint64(8 * i, true)));
  }
}

function plainData(record: DataRecord): PlainData {
  const { tgid, tid, inode, netns, position, length, message, enterNs, timeNs, flags } = record;
  const { protocol, localPort, remotePort, txFirst, rxFirst } = record;
  const direction = record.direction === Direction.send ? 'send' : 'receive';
  const payload = Uint8Array.from(record.payload);
  return {
    protocol,
    localPort,
    remotePort,
    txFirst,
    rxFirst,
    tgid,
    tid,
    inode,
    netns,
    direction,
    position,
    length,
    message,
    enterNs,
    timeNs,
    flags,
    payload,
  };
}

/** Runs `driver LOG SCENARIO ARGUMENT...` with a capture of its own that gives no verdicts, so that every call leaves a record. */
export async function play(
  context: Mocha.Context,
  scenario: string,
  args: readonly string[] = [],
  wrap: readonly string[] = [],
): Promise<Played> {
  const driver = needCompiled(context, 'c', 'driver');
  const scratch = new Scratch();
  const collector = new Collector();
  const options = {
    version: 'test',
    ringBytes: 64 << 20,
    drainIntervalMs: 5,
    payloadBudget: 8192,
    messageStarts: ['GET '],
    connections: 65_536,
    scan: false,
  };
  const capture = new KernelCapture(loadNative(), options, SILENT, collector.take);
  try {
    capture.start();
    const file = scratch.file('log');
    const [command, ...rest] = [...wrap, driver, file, scenario, ...args];
    const child = spawn(command!, rest, { stdio: ['ignore', 'inherit', 'inherit'] });
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.equal(code, 0, `driver ${scenario} ${args.join(' ')}`);
    await sleep(20);
    capture.stop();
    return sort(readFileSync(file, 'utf8'), collector, child.pid!);
  } finally {
    capture.stop();
    scratch.remove();
  }
}

function sort(text: string, collector: Collector, pid: number): Played {
  const lines = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as CallLine | EventLine | NoteLine);
  const calls = lines.filter((line): line is CallLine => 'call' in line);
  const events = lines.filter((line): line is EventLine => 'event' in line);
  const notes = lines.filter((line): line is NoteLine => !('call' in line) && !('event' in line));
  const pids = new Set([pid, ...[...calls, ...events].map((line) => line.pid)]);
  const counted = Object.entries(Counter).map(([name, i]) => [name, collector.counters[i]]);
  // One call may carry several messages, and one message may come in several chunks.
  const complete = collector.data.filter(({ flags, message }) => !(flags & Flag.more) && message === 0);
  return {
    calls,
    events,
    notes,
    data: collector.data.filter(({ tgid }) => pids.has(tgid)),
    connections: collector.connections.filter(({ tgid }) => pids.has(tgid)),
    recorded: { calls: complete.length, bytes: collector.data.reduce((sum, { length }) => sum + length, 0) },
    counted: Object.fromEntries(counted) as Played['counted'],
  };
}

/** The calls that must leave a record: they moved bytes, and for good. */
export function moving(calls: readonly CallLine[]): CallLine[] {
  return calls.filter(({ ret, flags }) => ret > 0 && !(flags & MSG_PEEK));
}

/** Chunks of one call put together again: of adjacent position, thread and time. */
export function joinChunks(data: readonly PlainData[]): PlainData[] {
  const whole: PlainData[] = [];
  let open: PlainData | undefined;
  for (const record of data) {
    if (open) {
      assert.equal(record.position, open.position + open.length, 'a chunk does not follow the one before it');
      open.length += record.length;
      open.payload = Buffer.concat([open.payload, record.payload]);
      open.flags |= record.flags;
    } else {
      open = { ...record };
      whole.push(open);
    }
    if (!(record.flags & Flag.more)) open = undefined;
  }
  return whole;
}

const key = ({ inode, netns }: { inode: number; netns: number }, direction: string): string =>
  `${netns}:${inode}:${direction}`;

function groupBy<T>(items: readonly T[], name: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(name(item), [...(groups.get(name(item)) ?? []), item]);
  return groups;
}

/** Every call that moved bytes left one record of its place, length, thread and time, and whatever payload it has is right. */
export function assertRecorded(played: Played): void {
  const expected = groupBy(moving(played.calls), (line) => key(line, line.dir));
  const found = groupBy(played.data, (record) => key(record, record.direction));
  for (const [name, lines] of expected) {
    const records = joinChunks(found.get(name) ?? []);
    lines.sort((a, b) => a.pos - b.pos);
    records.sort((a, b) => a.position - b.position);
    assert.deepEqual(
      records.map(({ position, length, tid, message }) => ({ position, length, tid, message })),
      lines.map(({ pos, ret, tid, message }) => ({ position: pos, length: ret, tid, message })),
      `records of ${name} (${lines[0]!.call} and so on) are not the calls`,
    );
    lines.forEach((line, i) => assertOne(line, records[i]!));
  }
}

function assertOne(line: CallLine, record: PlainData): void {
  const where = JSON.stringify({ ...line, record: { ...record, payload: record.payload.length } });
  assert.ok(record.timeNs >= line.t0 && record.timeNs <= line.t1, `time outside the call: ${where}`);
  if (line.dir === 'send') {
    assert.ok(
      record.enterNs >= line.t0 && record.enterNs <= record.timeNs,
      `enter outside the call: ${where}`,
    );
  } else assert.equal(record.enterNs, 0, where);
  assert.equal(record.flags & (Flag.fault | Flag.unsure), 0, where);
  const from = line.type === STREAM ? line.pos : line.pos * DATAGRAM_STRIDE;
  const wrong = record.payload.findIndex((byte, i) => byte !== payloadByte(line.seed, from + i));
  assert.equal(wrong, -1, `byte ${wrong} of the payload is wrong: ${where}`);
  const truncates =
    (line.type === STREAM && line.flags & MSG_TRUNC) || line.call === 'sendfile' || line.call === 'splice';
  if (truncates) assert.equal(record.payload.length, 0, `payload of bytes that no buffer held: ${where}`);
  assert.equal(Boolean(record.flags & Flag.truncated), record.payload.length < record.length, where);
}
