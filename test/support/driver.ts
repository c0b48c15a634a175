/** Plays a scenario of the C driver under a live capture and puts its log next to the kernel's records. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Log } from '../../src/base/log-shape.ts';
import { KernelCapture } from '../../src/capture/kernel-capture.ts';
import { loadNative } from '../../src/capture/native.ts';
import {
  ConnectionRecord,
  Counter,
  CountersRecord,
  DataRecord,
  Direction,
  Event,
  ExecRecord,
  Flag,
  Kind,
  PositionKind,
} from '../../src/capture/records.gen.ts';
import { IP_PROTOCOL } from '../../src/capture/unrecognised-ports.ts';
import { sleep } from './agent.ts';
import { payloadByte } from './payload.ts';
import { needCompiled } from './programs.ts';
import { Scratch } from './workload.ts';

const quiet = (): void => undefined;
const SILENT: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
export const MSG_PEEK = 2;
export const MSG_TRUNC = 0x20;
const STREAM = 1;
const EXEC_ARGV_MAX = 4096;
const EXEC_ENVIRON_MAX = 6144;
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
  sock: number;
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
  /** Elided calls that the record tells of. */
  gapRecords: number;
  gapBytes: number;
  payload: Uint8Array;
  /** `position` counts messages. */
  ordinal: boolean;
}

export interface PlainEvent {
  tgid: number;
  inode: number;
  event: number;
  result: number;
  timeNs: number;
  gapRecords: number;
  gapBytes: number;
  /** Of a socket's end: low halves of the positions after what it sent and received. */
  ends: Record<'send' | 'receive', number> | undefined;
}

/** What the records of every process come to, each figure counted by looking at them. */
export interface Recorded {
  /** Data calls they stand for, and their bytes. */
  calls: number;
  bytes: number;
  /** Records of any kind, and how often and with how many bytes the ring was drained. */
  records: number;
  drains: number;
  drained: number;
  truncated: number;
  faulty: number;
  urings: number;
  /** Process images whose arguments or environment fill all the room there is. */
  cutImages: number;
}

/** Unrecognised traffic of one port, as the kernel counts it. */
export interface PortLine {
  protocol: number;
  port: number;
  records: number;
  bytes: number;
}

export interface Played {
  calls: CallLine[];
  events: EventLine[];
  notes: NoteLine[];
  /** Of the driver's processes alone. */
  data: PlainData[];
  connections: PlainEvent[];
  /** Of every process. */
  recorded: Recorded;
  /** The kernel's own counters, which began at zero, and its counts by port. */
  counted: Record<keyof typeof Counter, number>;
  /** Times that the kernel woke the drain; after it had slept, where the driver let it. */
  wakeups: number;
  /** Times that a refusing kernel did not keep the state of a connection or a thread. */
  refused: { conns: number; threads: number } | undefined;
  /** The capture's own figures. */
  captured: { records: number; drains: number; drained: number };
  ports: PortLine[];
}

export interface PlayOptions {
  /** The verdict on a socket at its first record; a driver that waits for it is sent SIGUSR1 when so many `sockets` (default 2) more have theirs. */
  verdict?: number;
  sockets?: number;
  /** Sends a driver that waits for it SIGUSR1 when the drain sleeps after its first calls. */
  letSleep?: boolean;
  /** Default: more than any scenario fills. */
  ringBytes?: number;
  /** Leaves what the driver does in the ring: nobody drains it while it runs. */
  undrained?: boolean;
  /** Plays a kernel that is short of memory; see refuse.h. */
  refusing?: boolean;
}

/** Collects what the ring held, of every process; the driver's part is picked out when its pids are known. */
class Collector {
  readonly data: PlainData[] = [];
  readonly connections: PlainEvent[] = [];
  counters: number[] = [];
  ports: PortLine[] = [];
  records = 0;
  drains = 0;
  drained = 0;
  urings = 0;
  cutImages = 0;
  /** Is given every data record as it comes. */
  onData: (record: PlainData) => void = () => undefined;
  readonly #data = new DataRecord();
  readonly #connection = new ConnectionRecord();
  readonly #exec = new ExecRecord();
  readonly #counters = new CountersRecord();

  /** What was drained. */
  readonly take = (batch: Uint8Array): void => {
    this.drains++;
    this.drained += batch.length;
    this.#data.over(batch);
    for (let at = 0; at < batch.length;) {
      const size = this.#data.at(at).size;
      this.records++;
      if (batch[at + 4] === Kind.data) this.#takeData(plainData(this.#data));
      if (batch[at + 4] === Kind.connection) this.#takeEvent(this.#connection.over(batch).at(at));
      if (batch[at + 4] === Kind.uring) this.urings++;
      if (batch[at + 4] === Kind.exec) this.#takeExec(this.#exec.over(batch).at(at));
      at += (size + 7) & ~7;
    }
  };

  /** What the capture hands on; its counters are the agent's own records, one a batch. */
  readonly takeCounters = (batch: Uint8Array): void => {
    if (batch[4] !== Kind.counters) return;
    const { payload, counters, ports } = this.#counters.over(batch).at(0);
    const view = new DataView(payload.buffer, payload.byteOffset);
    const u64 = (i: number): number => Number(view.getBigUint64(8 * i, true));
    this.counters = Array.from({ length: counters }, (_, i) => u64(i));
    this.ports = Array.from({ length: ports }, (_, i) => {
      const key = u64(counters + 3 * i);
      const [records, bytes] = [u64(counters + 3 * i + 1), u64(counters + 3 * i + 2)];
      return { protocol: key >>> 16, port: key & 0xffff, records, bytes };
    });
  };

  recorded(): Recorded {
    const { data, records, drains, drained, urings, cutImages } = this;
    const flagged = (flag: number): number => data.filter(({ flags }) => (flags & flag) !== 0).length;
    return {
      // One call may carry several messages, and one message may come in several chunks.
      calls: data.filter(({ flags, message }) => !(flags & Flag.more) && message === 0).length,
      bytes: data.reduce((sum, { length }) => sum + length, 0),
      truncated: flagged(Flag.truncated),
      faulty: flagged(Flag.fault),
      ...{ records, drains, drained },
      urings,
      cutImages,
    };
  }

  #takeData(record: PlainData): void {
    this.data.push(record);
    this.onData(record);
  }

  #takeEvent(record: ConnectionRecord): void {
    const { tgid, inode, event, result, timeNs, gapRecords } = record;
    const gapBytes = record.gapEnd - record.gapStart;
    const isEnd = event === Event.close || event === Event.destroyed;
    const ends = isEnd && record.captured > 0 ? endsOf(record.payload) : undefined;
    this.connections.push({ tgid, inode, event, result, timeNs, gapRecords, gapBytes, ends });
  }

  #takeExec({ argvLength, environLength }: ExecRecord): void {
    if (argvLength === EXEC_ARGV_MAX || environLength === EXEC_ENVIRON_MAX) this.cutImages++;
  }
}

function endsOf(payload: Uint8Array): PlainEvent['ends'] {
  const view = new DataView(payload.buffer, payload.byteOffset);
  return { send: view.getUint32(0, true), receive: view.getUint32(4, true) };
}

function plainData(record: DataRecord): PlainData {
  const { sock, tgid, tid, inode, netns, position, length, message, enterNs, timeNs, flags } = record;
  const { gapRecords, protocol, localPort, remotePort, txFirst, rxFirst } = record;
  const direction = record.direction === Direction.send ? 'send' : 'receive';
  const payload = Uint8Array.from(record.payload);
  return {
    sock,
    gapRecords,
    gapBytes: record.gapEnd - record.gapStart,
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
    ordinal: record.positionKind === PositionKind.datagram,
  };
}

/**
 * Runs `driver LOG SCENARIO ARGUMENT...` with a capture of its own. Without options no verdict is given, so that every call leaves a record.
 */
export async function play(
  context: Mocha.Context,
  scenario: string,
  args: readonly string[] = [],
  options: PlayOptions = {},
): Promise<Played> {
  const driver = needCompiled(context, 'c', 'driver');
  const scratch = new Scratch();
  const collector = new Collector();
  const object = options.refusing ? compileRefusing(scratch.file('bpf')) : undefined;
  const capture = openCapture(collector, options.ringBytes, object);
  try {
    capture.start();
    const file = scratch.file('log');
    const command = [file, scenario, ...args];
    let pid: number;
    let code: number | null;
    let wakeups = 0;
    if (!options.undrained) {
      const child = spawn(driver, command, { stdio: ['ignore', 'inherit', 'inherit'] });
      pid = child.pid!;
      if (options.verdict !== undefined) judge(collector, capture, pid, options.verdict, options.sockets);
      const exit = once(child, 'exit') as Promise<[number | null]>;
      if (options.letSleep) {
        const began = (): boolean => collector.data.some(({ tgid }) => tgid === pid);
        while (!began() || capture.tracer.getGlobal('asleep') === 0n) await sleep(20);
        wakeups = countWakeups(capture);
        child.kill('SIGUSR1');
      }
      [code] = await exit;
      await sleep(20);
    } else {
      // Timers and wake-ups of the drain wait for this.
      ({ pid, status: code } = spawnSync(driver, command, { stdio: ['ignore', 'inherit', 'inherit'] }));
    }
    assert.equal(code, 0, `driver ${scenario} ${args.join(' ')}`);
    wakeups = countWakeups(capture) - wakeups;
    const asked = (what: string): number => Number(capture.tracer.getGlobal(`refused_${what}`));
    const refused = options.refusing ? { conns: asked('conns'), threads: asked('threads') } : undefined;
    capture.stop();
    const { figures, drainBatch } = capture;
    const captured = { records: figures.records, drains: drainBatch.count, drained: drainBatch.sum };
    return { ...sort(readFileSync(file, 'utf8'), collector, pid), wakeups, refused, captured };
  } finally {
    capture.stop();
    scratch.remove();
  }
}

/** The product's programs with refuse.h in front. */
export function compileRefusing(directory: string): string {
  const flags = `EXTRA_CFLAGS=-include ${fileURLToPath(new URL('refuse.h', import.meta.url))}`;
  const bpf = fileURLToPath(new URL('../../bpf', import.meta.url));
  const object = `${directory}/${process.arch}/undertrace.bpf.o`;
  execFileSync('make', ['-s', '-C', bpf, object, `OUT=${directory}`, flags]);
  return object;
}

/** A capture whose records go to the collector as they are drained. */
function openCapture(collector: Collector, ringBytes = 64 << 20, object?: string): KernelCapture {
  const options = {
    version: 'test',
    ringBytes,
    drainIntervalMs: 5,
    payloadBudget: 8192,
    messageStarts: ['GET '],
    turns: true,
    connections: 65_536,
    scan: false,
    cpuLimit: Infinity,
  };
  const addon = loadNative();
  class Tapped extends addon.Tracer {
    constructor(options: ConstructorParameters<typeof addon.Tracer>[0]) {
      super({ ...options, ...(object && { object }) });
    }

    override drain(most?: number): Buffer {
      const batch = super.drain(most);
      collector.take(batch);
      return batch;
    }
  }
  return new KernelCapture({ ...addon, Tracer: Tapped }, options, SILENT, collector.takeCounters);
}

function countWakeups(capture: KernelCapture): number {
  return Number(capture.tracer.sumPerCpuArray('counters')[Counter.wakeups]);
}

function judge(
  collector: Collector,
  capture: KernelCapture,
  pid: number,
  verdict: number,
  sockets = 2,
): void {
  const judged = new Set<number>();
  collector.onData = ({ tgid, sock, inode, protocol, flags, localPort, remotePort }) => {
    if (tgid !== pid || judged.has(inode)) return;
    const serverPort = flags & Flag.accepted ? localPort : remotePort;
    const transport = protocol === 0 ? 'unix' : protocol === IP_PROTOCOL.udp ? 'udp' : 'tcp';
    const known = capture.setVerdict({ sock, inode, transport, serverPort }, verdict, 0);
    assert.ok(known, 'the kernel does not know the socket');
    judged.add(inode);
    if (judged.size % sockets === 0) process.kill(pid, 'SIGUSR1');
  };
}

function sort(
  text: string,
  collector: Collector,
  pid: number,
): Omit<Played, 'wakeups' | 'refused' | 'captured'> {
  const lines = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as CallLine | EventLine | NoteLine);
  const calls = lines.filter((line): line is CallLine => 'call' in line);
  const events = lines.filter((line): line is EventLine => 'event' in line);
  const notes = lines.filter((line): line is NoteLine => !('call' in line) && !('event' in line));
  const pids = new Set([pid, ...[...calls, ...events].map((line) => line.pid)]);
  const counted = Object.entries(Counter).map(([name, i]) => [name, collector.counters[i]]);
  return {
    calls,
    events,
    notes,
    data: collector.data.filter(({ tgid }) => pids.has(tgid)),
    connections: collector.connections.filter(({ tgid }) => pids.has(tgid)),
    recorded: collector.recorded(),
    counted: Object.fromEntries(counted) as Played['counted'],
    ports: collector.ports,
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

/** Every record of the driver is one of its calls, in place, length, thread and time. */
export function assertAmongCalls(played: Played): void {
  const place = (of: { inode: number; netns: number }, direction: string, position: number): string =>
    `${key(of, direction)}:${position}`;
  const lines = new Map(moving(played.calls).map((line) => [place(line, line.dir, line.pos), line]));
  for (const record of played.data) {
    const line = lines.get(place(record, record.direction, record.position));
    assert.ok(line, `no call is ${JSON.stringify({ ...record, payload: record.payload.length })}`);
    assert.deepEqual([record.length, record.tid], [line.ret, line.tid]);
    assertOne(line, record);
  }
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
  assertEnds(played);
}

/** Every socket's end tells how far its streams went: to the last byte that a record told of, or a FIN further. */
function assertEnds({ data, connections }: Played): void {
  const reached = new Map<string, number>();
  for (const { inode, direction, position, length, ordinal } of data) {
    const end = position + (ordinal ? 1 : length);
    const key = `${inode} ${direction}`;
    reached.set(key, Math.max(reached.get(key) ?? 0, end));
  }
  for (const { inode, ends } of connections) {
    if (ends === undefined) continue;
    for (const direction of ['send', 'receive'] as const) {
      const beyond = ends[direction] - ((reached.get(`${inode} ${direction}`) ?? 0) % 2 ** 32);
      assert.ok(beyond === 0 || beyond === 1, `socket ${inode} ends ${beyond} after its last ${direction}`);
    }
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
