import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { HostFacts } from '../../src/capture/facts.ts';
import { writeJson } from '../../src/capture/record-writer.ts';
import {
  Counter,
  CountersRecord,
  DataRecord,
  Direction,
  HostRecord,
  Kind,
} from '../../src/capture/records.gen.ts';
import { readRecording, RecordingWriter } from '../../src/capture/recording.ts';
import { RecordWriter } from '../support/records.ts';
import { blankIds, dropRecords, hideSenders, rewriteRecording, withoutMachine } from './rewrite.ts';

const REQUEST = 'GET /w/links-1-0/front/0123456789abcdef HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
const DELIVERED = 1000;

/** So many requests, then the counters. */
function makeBatch(requests: number): Uint8Array {
  const writer = new RecordWriter();
  for (let n = 0; n < requests; n++) writer.add('data', { length: REQUEST.length }, REQUEST);
  const counters = new Uint8Array(new BigUint64Array([BigInt(DELIVERED), 5n]).buffer);
  return writer.add('counters', { delivered: DELIVERED, counters: 2 }, counters).take();
}

/** Kinds of the records, and the last counters. */
function look(batch: Uint8Array): { kinds: number[]; lost: bigint; delivered: bigint } {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  const kinds: number[] = [];
  let last = 0;
  for (let at = 0; at < batch.length; at += (view.getUint32(at, true) + 7) & ~7) {
    kinds.push(batch[at + 4]!);
    last = at;
  }
  return {
    kinds,
    lost: view.getBigUint64(last + CountersRecord.SIZE + 8 * Counter.lost_ring_full, true),
    delivered: BigInt(new CountersRecord(batch).at(last).delivered),
  };
}

function tidsOf(batch: Uint8Array): number[] {
  const tids: number[] = [];
  const data = new DataRecord(batch);
  for (let at = 0; at < batch.length; at += (data.size + 7) & ~7) tids.push(data.at(at).tid);
  return tids;
}

describe('links/rewrite', () => {
  it('blanks the ids of paths and nothing else', () => {
    const blank = new DataRecord(blankIds(makeBatch(1)));
    const text = Buffer.from(blank.payload).toString('latin1');
    assert.equal(text, REQUEST.replace('0123456789abcdef', '0000000000000000'));
  });

  it('takes out what the machine is called and what runs on it', () => {
    const secret = { hostName: 'secret-host', hostId: 'secret-id', bootId: 'secret-boot', arch: 'x64' };
    const batch = Buffer.concat([
      writeJson('host', { time_ns: 7 }, { ...secret, boottimeOffsetNs: 3 }),
      writeJson('process', {}, { exe: '/secret/program' }),
      makeBatch(1),
    ]);
    const rest = withoutMachine(Uint8Array.from(batch));
    assert.deepEqual(look(rest).kinds, [Kind.host, Kind.data, Kind.counters]);
    assert.ok(!Buffer.from(rest).includes('secret'));
    const host = new HostRecord(rest).at(0);
    assert.equal(host.timeNs, 7);
    const facts = JSON.parse(Buffer.from(host.payload).toString()) as HostFacts;
    assert.deepEqual([facts.arch, facts.boottimeOffsetNs], ['x64', 3]);
  });

  it('drops records of the kernel alone, and the counters say so', () => {
    assert.deepEqual(look(dropRecords(1, 1)(makeBatch(20))), {
      kinds: [Kind.counters],
      lost: 25n,
      delivered: BigInt(DELIVERED - 20),
    });
    const all = makeBatch(20);
    assert.deepEqual(dropRecords(0, 1)(all), all);
  });

  it('drops the share that is asked for, the same at every run', () => {
    const change = dropRecords(0.1, 1);
    const once = look(change(makeBatch(5000)));
    const dropped = 5001 - once.kinds.length;
    assert.ok(dropped > 400 && dropped < 600, String(dropped));
    assert.deepEqual(look(dropRecords(0.1, 1)(makeBatch(5000))), once);
    assert.equal(once.lost, BigInt(5 + dropped));
    // Counters are cumulative: a later batch still knows.
    assert.equal(look(change(makeBatch(0))).lost, BigInt(5 + dropped));
  });

  it('hides the threads of sends, each behind a number of its own', () => {
    const writer = new RecordWriter();
    const directions = [Direction.send, Direction.receive, Direction.send];
    for (const direction of directions)
      writer.add('data', { direction, tid: 7, length: REQUEST.length }, REQUEST);
    const batch = writer.take();
    const change = hideSenders(1, 1);
    const tids = tidsOf(change(batch));
    assert.equal(tids[1], 7);
    assert.equal(new Set([...tids, ...tidsOf(change(batch))]).size, 5);
    assert.deepEqual(hideSenders(0, 1)(batch), batch);
  });

  it('writes a recording batch by batch', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'undertrace-rewrite-'));
    try {
      const [from, to] = [path.join(folder, 'from'), path.join(folder, 'to')];
      const writer = new RecordingWriter(from, { payload: true });
      for (const requests of [1, 2]) writer.write(makeBatch(requests));
      writer.close();
      rewriteRecording(from, to, blankIds);
      assert.deepEqual(
        [...readRecording(to)],
        [1, 2].map((requests) => blankIds(makeBatch(requests))),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
