import assert from 'node:assert/strict';
import { type CaptureOptions, KernelCapture } from '../../src/capture/kernel-capture.ts';
import type { NativeAddon } from '../../src/capture/native.ts';
import { ClockRecord, Counter, CountersRecord, InRing, Kind } from '../../src/capture/records.gen.ts';
import { RecordWriter, TestEnd } from '../support/records.ts';

const SOCK = 0xffff888000001000;
const INODE = 77;
const CONN = {
  inode: { offset: 0, size: 8 },
  gap_start: { offset: 8, size: 8 },
  gap_end: { offset: 16, size: 8 },
  gap_ns: { offset: 24, size: 8 },
  gap_records: { offset: 32, size: 4 },
  gap_direction: { offset: 36, size: 1 },
};

/** A kernel of one connection with an elided run. `batches` is what each drain finds; the rest of them is what is in the ring. */
class FakeTracer {
  static batches: Uint8Array[] = [];
  static consumed = 0;
  /** The run goes on with every look. */
  static moving = false;
  #end = 5000n;
  drain(): Buffer {
    const batch = FakeTracer.batches.shift() ?? new Uint8Array(0);
    FakeTracer.consumed += batch.length;
    return Buffer.from(batch);
  }
  ring(): { size: number; consumed: number; used: number; invalid: number } {
    const used = FakeTracer.batches.reduce((sum, batch) => sum + batch.length, 0);
    return { size: 65_536, consumed: FakeTracer.consumed, used, invalid: 0 };
  }
  /** How often it has been asked what was produced; where that moves, it is more every time. */
  static asked = 0;
  static producing = false;
  lookup(): Buffer {
    const conn = Buffer.alloc(40);
    conn.writeBigUInt64LE(BigInt(INODE), CONN.inode.offset);
    conn.writeBigUInt64LE(this.#end, CONN.gap_end.offset);
    if (FakeTracer.moving) this.#end += 100n;
    conn.writeUInt32LE(3, CONN.gap_records.offset);
    return conn;
  }
  structLayout(): object {
    return { size: 40, members: CONN };
  }
  runOnce(): number {
    return 1;
  }
  sumPerCpuArray(): BigUint64Array {
    const counters = new BigUint64Array(32);
    counters[Counter.produced] = FakeTracer.producing ? BigInt(FakeTracer.asked++) : 42n;
    counters[Counter.lost_ring_full] = 42n;
    return counters;
  }
  mapInfo(): { maxEntries: number } {
    return { maxEntries: 1 };
  }
  pending(used: number): { records: number; bytes: number } {
    return { records: used / 8, bytes: used };
  }
  setConstant(): void {}
  setMaxEntries(): void {}
  disableMap(): void {}
  load(): void {}
  getGlobal(): bigint {
    return 0n;
  }
  setGlobal(): void {}
  attach(): void {}
  detach(): void {}
  onWakeup(): void {}
  close(): void {}
  dump(): { count: number } {
    return { count: 0 };
  }
}

interface SetUp {
  capture: KernelCapture;
  kinds: string[];
  times: number[];
  books: () => object;
}

function setUp(more: Partial<CaptureOptions> = {}): SetUp {
  FakeTracer.asked = 0;
  FakeTracer.producing = false;
  FakeTracer.batches = [];
  FakeTracer.consumed = 0;
  FakeTracer.moving = false;
  const names = Object.fromEntries(Object.entries(Kind).map(([name, value]) => [value, name]));
  const kinds: string[] = [];
  const times: number[] = [];
  const addon = {
    Tracer: FakeTracer,
    clocks: () => ({ monotonic: 1n, realtime: 1n, boottime: 1n }),
    features: () => ({ btf: true, taskStorage: true, currentTaskBtf: true, hasFunction: () => true }),
  } as unknown as NativeAddon;
  const options = {
    ringBytes: 65_536,
    payloadBudget: 8192,
    messageStarts: [],
    turns: true,
    connections: 16,
    version: '0',
    drainIntervalMs: 10,
    cpuLimit: 1,
    ...more,
  };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const counters = new CountersRecord();
  let books = {};
  const capture = new KernelCapture(addon, options, log, (batch) => {
    for (let at = 0; at < batch.length;) {
      kinds.push(names[batch[at + 4]!]!);
      if (batch[at + 4] === Kind.clock) times.push(new ClockRecord(batch).at(at).timeNs);
      if (batch[at + 4] === Kind.counters) {
        const { payload, inRing, delivered } = counters.over(batch).at(at);
        const view = new DataView(payload.buffer, payload.byteOffset);
        const value = (counter: number): bigint => view.getBigUint64(8 * counter, true);
        const [produced, lost] = [value(Counter.produced), value(Counter.lost_ring_full)];
        books = { produced, lost, inRing, delivered };
      }
      at += (new DataView(batch.buffer, batch.byteOffset + at).getUint32(0, true) + 7) & ~7;
    }
  });
  return { capture, kinds, times, books: () => books };
}

function data(timeNs = 1): Uint8Array {
  const writer = new RecordWriter();
  new TestEnd(writer, { sock: SOCK, inode: INODE }).send('x', { timeNs });
  return writer.take();
}

function exec(): Uint8Array {
  return new RecordWriter().add('exec', { tgid: 4_000_000_000, exe_length: 3 }, '/x\0').take();
}

/** Milliseconds for which a capture rests in turn, on a clock of its own: it sleeps no longer than it says. Ends after `turns` of them. */
function rests({ capture }: SetUp, turns: number, before: (turn: number) => void): number[] {
  const { hrtime } = process;
  const { setTimeout } = globalThis;
  const waits: number[] = [];
  let wakes: (() => void) | undefined;
  let nowMs = 1_000_000;
  try {
    process.hrtime = Object.assign((): [number, number] => [0, nowMs * 1e6], hrtime);
    globalThis.setTimeout = ((act: () => void, ms: number) => {
      waits.push(ms);
      wakes = act;
    }) as typeof setTimeout;
    before(0);
    capture.start();
    for (let turn = 1; turn < turns; turn++) {
      nowMs += waits.at(-1)!;
      before(turn);
      wakes!();
    }
  } finally {
    Object.assign(process, { hrtime });
    Object.assign(globalThis, { setTimeout });
  }
  capture.stop();
  return waits;
}

/** What went out but for clocks and counters. */
function traffic(kinds: string[]): string[] {
  return kinds.filter((kind) => kind !== 'clock' && kind !== 'counters');
}

describe('capture/kernel-capture', () => {
  const elided = [{ sock: SOCK, inode: INODE }];

  it('tells how far an elided run has come after everything that was in the ring when it looked', () => {
    const { capture, kinds } = setUp();
    FakeTracer.batches = [data(), data(), data()];
    capture.pollElided(elided);
    for (let i = 0; i < 4; i++) capture.drain();
    assert.deepEqual(traffic(kinds), ['data', 'data', 'data', 'elision']);
  });

  it('tells of it after records that follow the start of a process in the same drain', () => {
    const { capture, kinds } = setUp();
    FakeTracer.batches = [Buffer.concat([data(), exec(), data()])];
    capture.pollElided(elided);
    capture.drain();
    assert.deepEqual(traffic(kinds), ['data', 'process', 'data', 'elision']);
  });

  it('tells of a pause after everything that was seen before, and only then goes on', () => {
    const { capture, kinds } = setUp();
    FakeTracer.batches = [data(), data()];
    capture.pause();
    FakeTracer.batches.push(exec());
    capture.drain();
    assert.equal(capture.resume(), false);
    capture.drain();
    capture.drain();
    assert.equal(capture.resume(), true);
    capture.drain();
    assert.deepEqual(traffic(kinds), ['data', 'data', 'pause', 'process']);
    assert.equal(capture.shedding.paused, false);
  });

  it('tells who a process is that it is asked about, with the next drain, and nothing of one that is gone', () => {
    const { capture, kinds } = setUp();
    capture.describe(process.pid);
    capture.describe(2 ** 22 + 1);
    assert.deepEqual(traffic(kinds), []);
    capture.drain();
    assert.deepEqual(traffic(kinds), ['process']);
  });

  it('knows the most that was in the ring', () => {
    const { capture } = setUp();
    FakeTracer.batches = [data(), data(), data()];
    const { used } = capture.tracer.ring();
    for (let i = 0; i < 4; i++) capture.drain();
    assert.ok(used > 0);
    assert.equal(capture.figures.highWater, used);
  });

  it('hands a large drain over in slices, each record once', () => {
    const { capture, kinds } = setUp();
    const record = new RecordWriter();
    const end = new TestEnd(record, { sock: SOCK, inode: INODE });
    for (let i = 0; i < 300; i++) end.send('x'.repeat(4000));
    FakeTracer.batches = [record.take()];
    capture.pollElided(elided);
    capture.drain();
    const first = traffic(kinds).length;
    assert.ok(first > 100 && first < 200, String(first));
    assert.equal(capture.figures.records, first);
    for (let i = 0; i < 3; i++) capture.drain();
    assert.deepEqual(traffic(kinds), [...Array<string>(300).fill('data'), 'elision']);
    assert.equal(capture.figures.records, 300);
  });

  it('tells no later time than that of what it has handed over, until nothing is left', () => {
    const { capture, times } = setUp();
    const start = Number(process.hrtime.bigint());
    FakeTracer.batches = [data(5000), data(7000), data(6000), data(9000)];
    for (let i = 0; i < 3; i++) capture.drain();
    assert.deepEqual(times, [5000, 7000, 7000]);
    capture.drain();
    assert.ok(times[3]! >= start);
  });

  it('tells the time of each slice of what it has drained', () => {
    const { capture, times } = setUp();
    const writer = new RecordWriter();
    const end = new TestEnd(writer, { sock: SOCK, inode: INODE });
    for (let i = 0; i < 300; i++) end.send('x'.repeat(4000), { timeNs: 1000 + i });
    FakeTracer.batches = [writer.take()];
    capture.drain();
    assert.ok(times[0]! > 1100 && times[0]! < 1200, String(times));
  });

  it('tells nothing of a run that is moving while it looks', () => {
    const { capture, kinds } = setUp();
    FakeTracer.moving = true;
    capture.pollElided(elided);
    capture.drain();
    assert.deepEqual(traffic(kinds), []);
    FakeTracer.moving = false;
    capture.pollElided(elided);
    capture.drain();
    assert.deepEqual(traffic(kinds), ['elision']);
  });

  it('does not look again while an answer waits', () => {
    const { capture, kinds } = setUp();
    FakeTracer.batches = [data(), data()];
    for (let i = 0; i < 3; i++) {
      capture.pollElided(elided);
      capture.drain();
    }
    assert.deepEqual(traffic(kinds), ['data', 'data', 'elision', 'elision']);
  });

  it('reads what was produced, lost and is in the ring of one instant', () => {
    const { capture, books } = setUp();
    FakeTracer.batches = [data(), new Uint8Array(24)];
    capture.drain();
    assert.deepEqual(books(), { produced: 42n, lost: 42n, inRing: 3, delivered: 1 });
  });

  it('does not say what is in the ring where the kernel never stands still', () => {
    const { capture, books } = setUp();
    FakeTracer.producing = true;
    capture.drain();
    const read = books();
    const produced = BigInt(FakeTracer.asked - 1); // as it was told last
    assert.deepEqual(read, { produced, lost: 42n, inRing: InRing.unknown, delivered: 0 });
    assert.ok(FakeTracer.asked > 20);
  });

  it('wakes up the less often the less there is to wait for, and does the rest of the work then', () => {
    let turns = 0;
    let awaited = false;
    const made = setUp({ scan: false, onTurn: () => turns++, isClockAwaited: () => awaited });
    const waits = rests(made, 14, (turn) => {
      if (turn === 1) FakeTracer.batches = [data()];
      awaited = turn < 10;
    });
    // Nothing has come; something; nothing for a while; the pipeline still waits; nobody waits.
    const quiet = Array<number>(6).fill(50);
    assert.deepEqual(waits, [50, 10, ...quiet, 200, 200, 1000, 1000, 1000, 1000]);
    assert.equal(turns, waits.length);
    assert.equal(made.capture.lag.count, waits.length - 1);
  });
});
