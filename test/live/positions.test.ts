/** Positions of records against a packet capture of the same traffic: the same bytes at the same sequence numbers. */
import assert from 'node:assert/strict';
import { type PlainData, type Played, play } from '../support/driver.ts';
import { needCommand, needRoot } from '../support/programs.ts';
import { PacketCapture, type Segment, segmentsOf } from '../support/tcpdump.ts';

const IPPROTO_TCP = 6;

/** Bytes of one direction of a connection, by offset from its first data byte. */
function bytesOnWire(segments: readonly Segment[], first: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const seen = new Uint8Array(length);
  for (const { seq, data } of segments) {
    // Retransmissions write the same again. A keep-alive probe carries one byte before the data.
    const at = (seq - first) | 0;
    if (at < 0) continue;
    bytes.set(data.subarray(0, Math.max(0, length - at)), Math.min(at, length));
    seen.fill(1, at, at + data.length);
  }
  assert.equal(seen.indexOf(0), -1, 'the records tell of bytes that the wire has not seen');
  return bytes;
}

function direction(data: readonly PlainData[]): Map<string, PlainData[]> {
  const groups = new Map<string, PlainData[]>();
  for (const record of data.filter(({ protocol }) => protocol === IPPROTO_TCP)) {
    const name = `${record.inode} ${record.direction}`;
    groups.set(name, [...(groups.get(name) ?? []), record]);
  }
  return groups;
}

function compare(played: Played, segments: readonly Segment[]): void {
  let compared = 0;
  for (const [name, records] of direction(played.data)) {
    const [{ localPort, remotePort, direction: way, txFirst, rxFirst }] = records as [PlainData];
    const [source, target] = way === 'send' ? [localPort, remotePort] : [remotePort, localPort];
    const own = segments.filter(
      ({ sourcePort, targetPort }) => sourcePort === source && targetPort === target,
    );
    const end = Math.max(...records.map(({ position, length }) => position + length));
    const wire = bytesOnWire(own, way === 'send' ? txFirst : rxFirst, end);
    for (const { position, payload } of records) {
      const there = wire.subarray(position, position + payload.length);
      assert.ok(there.equals(payload), `${name}: at ${position} the wire has other bytes`);
    }
    compared += records.length;
    if (way === 'send') {
      const sent = own.reduce(
        (most, { seq, data }) => Math.max(most, ((seq - txFirst) | 0) + data.length),
        0,
      );
      assert.equal(end, sent, `${name}: the wire has more than the records`);
    }
  }
  assert.ok(compared > 0, 'nothing was compared');
}

describe('positions', function () {
  this.timeout(60_000);

  before(function () {
    needRoot(this);
    needCommand(this, 'tcpdump', 'positions are compared with a packet capture');
  });

  for (const [scenario, claim] of [
    ['calls', 'whole sends and receives'],
    ['partial', 'partial and non-blocking sends'],
    ['fin', 'a FIN that is read with data'],
    ['half', 'halves that are closed one after the other'],
    ['eintr', 'sends that a signal cuts short'],
    ['files', 'sendfile and splice'],
    ['fork', 'two processes on one socket'],
  ] as const) {
    for (const transport of ['tcp4', 'tcp6']) {
      it(`are those of the wire for ${claim} (${transport})`, async function () {
        const capture = await PacketCapture.start('tcp');
        const played = await play(this, scenario, [transport]);
        compare(played, segmentsOf(await capture.stop()));
      });
    }
  }
});
