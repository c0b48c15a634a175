import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Tracer } from '../../native/index.d.ts';
import { buildFixture, GETPPID, kernelSuite } from './fixture.ts';
import type { Fixture } from './fixture.ts';

const HEADER = 16;
const RING = 64 * 1024;

/** One record of fixture.bpf.c, checked byte for byte. Returns where the next one starts. */
function checkRecord(batch: Buffer, at: number): { producer: number; sequence: number; next: number } {
  const size = batch.readUInt32LE(at);
  const sequence = Number(batch.readBigUInt64LE(at + 8));
  assert.equal(size, HEADER + ((sequence * 7919) & 1023));
  const expected = Buffer.alloc((size + 7) & ~7);
  batch.copy(expected, 0, at, at + HEADER);
  for (let i = 0; HEADER + 8 * i < expected.length; i++)
    expected.writeBigUInt64LE((BigInt(sequence) << 8n) | BigInt(i), HEADER + 8 * i);
  expected.fill(0, size);
  const next = at + expected.length;
  assert.ok(
    batch.subarray(at, next).equals(expected),
    `record ${sequence} has its own bytes and zeros after them`,
  );
  return { producer: batch.readUInt32LE(at + 4), sequence, next };
}

kernelSuite('native/ring', () => {
  let fixture: Fixture;
  let tracer: Tracer;
  let producers: ChildProcess[];

  before(() => (fixture = buildFixture()));
  after(() => fixture.remove());
  beforeEach(() => {
    producers = [];
    tracer = new fixture.addon.Tracer({ object: fixture.object });
    tracer.setConstant('watched_nr', GETPPID);
    tracer.load();
  });
  afterEach(() => {
    for (const { stdin } of producers) stdin!.end();
    tracer.close();
  });

  function startProducer(number: number): ChildProcess {
    const child = spawn(fixture.producer, { stdio: ['pipe', 'pipe', 'inherit'] });
    producers.push(child);
    tracer.update(
      'producers',
      Buffer.from(Uint32Array.of(child.pid!).buffer),
      Buffer.from(Uint32Array.of(number).buffer),
    );
    return child;
  }

  /** `count` system calls, at most 255. */
  async function produce(child: ChildProcess, count: number): Promise<void> {
    const answered = once(child.stdout!, 'data');
    child.stdin!.write(Buffer.of(count));
    await answered;
  }

  const counted = (): number => Number(tracer.sumPerCpuArray('counts')[1]);

  it('hands out every byte of two producers once, over more than ten turns of the ring', async () => {
    tracer.attach('on_call');
    const children = [startProducer(1), startProducer(2)];
    const seen = new Set<number>();
    const perProducer = new Map<number, number>();
    let bytes = 0;
    const drain = (): void => {
      const batch = tracer.drain();
      bytes += batch.length;
      assert.equal(batch.byteOffset % 8, 0);
      for (let at = 0; at < batch.length;) {
        const { producer, sequence, next } = checkRecord(batch, at);
        assert.ok(!seen.has(sequence), `record ${sequence} came once`);
        seen.add(sequence);
        perProducer.set(producer, (perProducer.get(producer) ?? 0) + 1);
        at = next;
      }
    };
    // Bursts that cannot overrun the ring even undrained: 2 * 25 records of at most 1 KiB.
    while (bytes < 12 * RING) {
      let running = true;
      const burst = Promise.all(children.map((child) => produce(child, 25))).then(() => (running = false));
      while (running) {
        drain();
        await sleep(0);
      }
      await burst;
      drain();
    }
    const produced = Number(tracer.getGlobal('sequence'));
    assert.equal(tracer.getGlobal('lost'), 0n);
    assert.equal(seen.size, produced);
    assert.equal(counted(), produced);
    assert.equal(Math.max(...seen), produced - 1);
    assert.equal(perProducer.get(1), perProducer.get(2));
    assert.deepEqual(tracer.ring(), { size: RING, consumed: tracer.ring().consumed, used: 0, invalid: 0 });
  });

  it('balances when the ring overruns: produced is delivered plus lost', async () => {
    tracer.attach('on_call');
    const children = [startProducer(1), startProducer(2)];
    let delivered = 0;
    let sum = 0n;
    const count = (batch: Buffer): void => {
      for (let at = 0; at < batch.length; delivered++) {
        const { sequence, next } = checkRecord(batch, at);
        sum += BigInt(sequence);
        at = next;
      }
    };
    for (let round = 0; round < 20; round++) {
      await Promise.all(children.map((child) => produce(child, 250)));
      count(tracer.drain(round % 2 === 0 ? undefined : 4000));
    }
    count(tracer.drain());
    const produced = tracer.getGlobal('sequence');
    const lost = tracer.getGlobal('lost');
    assert.equal(produced, 20n * 500n);
    assert.ok(lost > 0n);
    assert.equal(BigInt(delivered) + lost, produced);
    assert.equal(
      sum + tracer.getGlobal('lost_sum'),
      (produced * (produced - 1n)) / 2n,
      'and each is one or the other',
    );
  });

  it('hands out at most what was asked for, but never less than a record', () => {
    for (let i = 0; i < 20; i++) tracer.runOnce('ping');
    const sizes = Array.from({ length: 20 }, (_, i) => (HEADER + ((i * 7919) & 1023) + 7) & ~7);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    assert.deepEqual(tracer.pending(), { records: 20, bytes: total });
    assert.equal(tracer.drain(1).length, sizes[0]);
    assert.equal(tracer.drain(sizes[1]! + sizes[2]! + 8).length, sizes[1]! + sizes[2]!);
    assert.deepEqual(tracer.pending(), { records: 17, bytes: total - sizes[0]! - sizes[1]! - sizes[2]! });
    assert.equal(tracer.drain().length, total - sizes[0]! - sizes[1]! - sizes[2]!);
    assert.equal(tracer.drain().length, 0);
    assert.deepEqual(tracer.pending(), { records: 0, bytes: 0 });
    assert.throws(() => tracer.drain(0), TypeError);
    assert.throws(() => tracer.drain(NaN), TypeError);
  });

  it('walks the ring without consuming it', async () => {
    tracer.attach('on_call');
    await produce(startProducer(1), 50);
    const waiting = tracer.pending();
    assert.deepEqual(tracer.pending(), waiting);
    const { used } = tracer.ring();
    assert.equal(waiting.records, 50);
    assert.ok(used > waiting.bytes, 'headers and size classes stay in the ring');
    const part = tracer.pending(used / 2);
    assert.ok(part.records > 0 && part.records < 50 && part.bytes < used);
    assert.deepEqual(tracer.pending(2 * used), waiting);
    assert.deepEqual(tracer.pending(0), { records: 0, bytes: 0 });
    assert.throws(() => tracer.pending(-1), TypeError);
    assert.equal(tracer.drain().length, waiting.bytes);
    assert.equal(tracer.ring().used, 0);
  });

  it('passes over what is no record, and counts it', () => {
    tracer.runOnce('ping');
    tracer.runOnce('spoil');
    tracer.runOnce('ping');
    assert.equal(tracer.pending().records, 2);
    const batch = tracer.drain();
    const { next } = checkRecord(batch, 0);
    assert.equal(checkRecord(batch, next).next, batch.length);
    assert.deepEqual(tracer.ring(), { size: RING, consumed: tracer.ring().consumed, used: 0, invalid: 1 });
  });

  it('reuses its memory, and leaves it whole after close', () => {
    tracer.runOnce('ping');
    const first = tracer.drain();
    tracer.runOnce('ping');
    const second = tracer.drain();
    assert.equal(first.buffer, second.buffer);
    tracer.close();
    assert.equal(checkRecord(second, 0).sequence, 1);
  });

  it('survives a batch that was transferred away', () => {
    tracer.runOnce('ping');
    const kept = structuredClone(tracer.drain().buffer, { transfer: [tracer.drain().buffer as ArrayBuffer] });
    assert.equal(checkRecord(Buffer.from(kept as ArrayBuffer), 0).sequence, 0);
    tracer.runOnce('ping');
    assert.equal(checkRecord(tracer.drain(), 0).sequence, 1);
  });

  it('calls back for a wake-up that the kernel was asked for, and for nothing else', async () => {
    let calls = 0;
    tracer.onWakeup(() => calls++);
    tracer.attach('on_call');
    await produce(startProducer(1), 20);
    await sleep(20);
    assert.equal(calls, 0, 'those records ask for none');
    for (let expected = 1; expected <= 3; expected++) {
      tracer.runOnce('ping');
      while (calls < expected) await sleep(1);
      await sleep(5);
      assert.equal(calls, expected, 'once each, drained or not');
    }
    tracer.onWakeup(() => (calls += 100));
    // Records wait, so the new one may be told so at once.
    await sleep(20);
    const before = calls;
    tracer.runOnce('ping');
    while (calls === before) await sleep(1);
    assert.equal(calls % 100, 3, 'the first callback is gone');
  });

  it('calls back no more once closed', async () => {
    let calls = 0;
    tracer.onWakeup(() => calls++);
    tracer.runOnce('ping');
    tracer.close();
    await sleep(20);
    assert.equal(calls, 0);
  });
});
