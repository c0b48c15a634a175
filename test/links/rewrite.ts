/** A recording that is as another one, but for what a control run changes. */
import type { HostFacts } from '../../src/capture/facts.ts';
import { writeJson } from '../../src/capture/record-writer.ts';
import {
  Counter,
  CountersRecord,
  Direction,
  HostRecord,
  Kind,
  LAYOUT,
} from '../../src/capture/records.gen.ts';
import { readRecording, RecordingWriter } from '../../src/capture/recording.ts';
import { random } from '../support/random.ts';

type Change = (batch: Uint8Array) => Uint8Array;

export function rewriteRecording(from: string, to: string, change: Change): void {
  const writer = new RecordingWriter(to, { payload: true });
  for (const batch of readRecording(from)) writer.write(change(batch));
  writer.close();
}

/** The last part of a path of the laboratory. */
const ID = /(\/w\/[^/ ]+\/[a-z]+\/)([0-9a-f-]+)/g;

/** Writes zeros over every id, so that nothing in the bytes tells requests apart: what is linked must stay the same. */
export const blankIds: Change = (batch) => {
  const text = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength).toString('latin1');
  const blank = text.replace(ID, (_, head: string, id: string) => head + '0'.repeat(id.length));
  return Uint8Array.from(Buffer.from(blank, 'latin1'));
};

/** Below this kind stands what the kernel writes. */
const FIRST_OF_AGENT = Kind.process;
const SIZE = LAYOUT.counters.fields.size.offset;
const DELIVERED = LAYOUT.counters.fields.delivered.offset;

/** Takes out what tells of the machine and of its programs, so that a recording can be kept with the sources. */
export const withoutMachine: Change = (batch) => {
  const kept: Uint8Array[] = [];
  for (const record of recordsOf(batch)) {
    if (record[4] === Kind.host) kept.push(withoutNames(record));
    else if (record[4] !== Kind.process) kept.push(record);
  }
  return Uint8Array.from(Buffer.concat(kept));
};

function withoutNames(record: Uint8Array): Uint8Array {
  const { timeNs, payload } = new HostRecord(record).at(0);
  const { arch, osType, kernel, backend, agentVersion, agentPid, boottimeOffsetNs } = JSON.parse(
    Buffer.from(payload).toString(),
  ) as HostFacts;
  const bootId = '00000000-0000-4000-8000-000000000000';
  const facts: HostFacts = {
    ...{ hostName: 'laboratory', bootId, arch, osType, kernel, backend },
    ...{ agentVersion, agentPid, boottimeOffsetNs },
  };
  return writeJson('host', { time_ns: timeNs }, facts);
}

/** Leaves out so large a share of the kernel's records, as if the ring had been full for them: the counters say so. */
export function dropRecords(rate: number, seed: number): Change {
  const next = random(seed);
  let dropped = 0n;
  return (batch) => {
    const kept: Uint8Array[] = [];
    for (const record of recordsOf(batch)) {
      if (record[4]! < FIRST_OF_AGENT && next() < rate) dropped++;
      else kept.push(record[4] === Kind.counters ? withLoss(record, dropped) : record);
    }
    return Uint8Array.from(Buffer.concat(kept));
  };
}

function withLoss(counters: Uint8Array, dropped: bigint): Uint8Array {
  const view = new DataView(counters.buffer, counters.byteOffset, counters.byteLength);
  const lost = CountersRecord.SIZE + 8 * Counter.lost_ring_full;
  view.setBigUint64(lost, view.getBigUint64(lost, true) + dropped, true);
  view.setBigUint64(DELIVERED, view.getBigUint64(DELIVERED, true) - dropped, true);
  return counters;
}

function* recordsOf(batch: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  for (let at = 0; at < batch.length;) {
    const padded = (view.getUint32(at + SIZE, true) + 7) & ~7;
    yield batch.slice(at, at + padded);
    at += padded;
  }
}

const TID = LAYOUT.data.fields.tid.offset;
const DIRECTION = LAYOUT.data.fields.direction.offset;
/** No thread has such a number. */
const FIRST_STRANGER = 2 ** 30;

/** Lets so large a share of the sends be those of threads that nothing is known of: what rules there are for them have no answer. */
export function hideSenders(rate: number, seed: number): Change {
  const next = random(seed);
  let strangers = 0;
  return (batch) => {
    const changed = [...recordsOf(batch)];
    for (const record of changed) {
      if (record[4] !== Kind.data || record[DIRECTION] !== Direction.send || next() >= rate) continue;
      new DataView(record.buffer, record.byteOffset).setUint32(TID, FIRST_STRANGER + strangers++, true);
    }
    return Uint8Array.from(Buffer.concat(changed));
  };
}
