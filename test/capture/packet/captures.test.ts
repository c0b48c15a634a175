/** Captures of real traffic (test/fixtures/packets/), as they are and damaged in every way a capture can be. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { Packet, PacketFormat } from '../../../src/capture/packet/packet.ts';
import { PcapFormat } from '../../../src/capture/packet/pcap.ts';
import { PcapngFormat } from '../../../src/capture/packet/pcapng.ts';
import type { Span } from '../../../src/link/span.ts';
import { pcap, replayBytes, replayFile, summary, type Timed } from '../../support/packets.ts';
import { random } from '../../support/random.ts';

const FOLDER = new URL('../../fixtures/packets/', import.meta.url);
const NODE = '127.0.0.1:18090';
const BRIDGED = '10.9.0.2:8080';

/** What each file holds: the server, the exchanges, and the packets that say nothing new. */
const CAPTURES: ReadonlyArray<[file: string, services: string[], exchanges: string[], repeated: number]> = [
  [
    'lo.pcap',
    [NODE],
    ['GET /a 200', 'POST /one 200', 'POST /two 200', 'POST /three 200', 'GET /long 200'],
    0,
  ],
  ['snap.pcap', [NODE], ['GET /one 200', 'GET /long 200', 'GET /two 200'], 0],
  ['nano.pcap', [NODE], ['GET /one 200', 'GET /two 200'], 0],
  ['joined.pcap', [NODE], ['GET /one 200', 'GET /two 200'], 0],
  ['ipv6.pcap', ['[fd09::2]:8080'], ['GET /one 200', 'GET /two 200'], 0],
  ['any-sll2.pcap.gz', [BRIDGED], ['GET /one 200', 'GET /long 200', 'GET /two 200'], 8],
  ['any-sll.pcap', [BRIDGED], ['GET /one 200', 'GET /two 200'], 6],
  [
    'two-interfaces.pcapng.gz',
    [BRIDGED, '[fd09::2]:8080'],
    ['GET /one 200', 'GET /two 200', 'GET /three 200'],
    10,
  ],
];

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, FOLDER));
}

/** The packets of one interface. */
function packetsIn(format: PacketFormat, bytes: Buffer, wanted = 0): { packets: Timed[]; linkType: number } {
  const packets: Timed[] = [];
  let link = 0;
  format.read(bytes, (packet: Packet) => {
    if (packet.interface !== wanted) return;
    const { seconds, nanoseconds, length, linkType } = packet;
    link = linkType;
    packets.push({ seconds, nanoseconds, length, bytes: Buffer.from(packet.bytes) });
  });
  return { packets, linkType: link };
}

async function replay(packets: readonly Timed[], linkType: number): Promise<Span[]> {
  return (await replayBytes(pcap(packets, { linkType }))).spans;
}

/** What of a damaged capture is told must be true: exchanges that are there, or that say that they are not whole. */
function assertTrue(spans: readonly Span[], exchanges: readonly string[], what: string): void {
  const truth = new Set(exchanges);
  for (const told of summary(spans)) {
    const known = truth.has(told) || /(?:capture_ended|response_lost|end_unseen|connection_\w+)$/.test(told);
    assert.ok(known, `${what}: ${told}`);
  }
  assert.ok(spans.length <= exchanges.length, `${what}: ${spans.length} spans`);
}

describe('capture/packet: real captures', () => {
  for (const [file, services, exchanges, repeated] of CAPTURES) {
    it(`has the exchanges of ${file}`, async () => {
      const { spans, remarks } = await replayFile(pathOf(file));
      assert.deepEqual(summary(spans), exchanges);
      assert.deepEqual(
        [...new Set(spans.map(({ resource }) => resource.serviceName))].sort(),
        services.sort(),
      );
      assert.ok(spans.every(({ kind, durationNs }) => kind === 1 && durationNs > 0 && durationNs < 1e9));
      const [, ignored = '0'] = /ignored: (\d+) of bytes that had been seen/.exec(remarks[0]!) ?? [];
      assert.equal(Number(ignored), repeated);
    });
  }

  it('names the spans of one connection alike wherever it is captured', async () => {
    const bytes = gunzipSync(readFileSync(pathOf('two-interfaces.pcapng.gz')));
    const [here, there] = await Promise.all(
      [0, 1].map(async (wanted) => {
        const { packets, linkType } = packetsIn(new PcapngFormat(), bytes, wanted);
        return (await replay(packets, linkType)).map(({ traceId, spanId }) => `${traceId} ${spanId}`);
      }),
    );
    assert.equal(here!.length, 3);
    assert.deepEqual(here, there);
  });

  for (const [file, , exchanges] of CAPTURES.filter(([name]) =>
    ['lo.pcap', 'any-sll2.pcap.gz'].includes(name),
  )) {
    const bytes = readFileSync(pathOf(file));
    const { packets, linkType } = packetsIn(
      new PcapFormat(),
      file.endsWith('.gz') ? gunzipSync(bytes) : bytes,
    );

    it(`tells nothing wrong of ${file} that begins or ends at any packet`, async () => {
      for (let i = 0; i <= packets.length; i++) {
        assertTrue(await replay(packets.slice(0, i), linkType), exchanges, `ended at ${i}`);
        assertTrue(await replay(packets.slice(i), linkType), exchanges, `begun at ${i}`);
      }
    });

    it(`tells nothing wrong of ${file} without any one packet`, async () => {
      for (let i = 0; i < packets.length; i++) {
        const without = packets.filter((_, n) => n !== i);
        const spans = await replay(without, linkType);
        assertTrue(spans, exchanges, `without ${i}`);
        const whole = summary(spans).filter((told) => exchanges.includes(told));
        assert.ok(whole.length >= exchanges.length - 1, `without ${i}: ${summary(spans).join()}`);
      }
    });

    it(`takes any packet of ${file} twice for one`, async () => {
      for (let i = 0; i < packets.length; i++) {
        const doubled = packets.flatMap((packet, n) => (n === i ? [packet, packet] : [packet]));
        assert.deepEqual(summary(await replay(doubled, linkType)), exchanges, `packet ${i}`);
      }
    });

    it(`has the exchanges of ${file} in any order of neighbours`, async () => {
      for (let i = 1; i < packets.length; i++) {
        const swapped = [...packets];
        [swapped[i - 1], swapped[i]] = [packets[i]!, packets[i - 1]!];
        assert.deepEqual(summary(await replay(swapped, linkType)), exchanges, `packet ${i}`);
      }
      const next = random(1);
      for (let round = 0; round < 20; round++) {
        const placed = packets.map((packet, i) => ({ packet, place: i + 4 * next() }));
        const mixed = placed.sort((a, b) => a.place - b.place).map(({ packet }) => packet);
        const handshake = mixed.findIndex(({ bytes }) => bytes === packets[0]!.bytes);
        if (handshake > 0) mixed.unshift(...mixed.splice(handshake, 1));
        assertTrue(await replay(mixed, linkType), exchanges, `round ${round}`);
      }
    });

    it(`reads ${file} with any byte damaged`, async () => {
      const whole = pcap(packets, { linkType });
      const next = random(2);
      for (let round = 0; round < 100; round++) {
        const damaged = Buffer.from(whole);
        for (let n = 0; n < 5; n++)
          damaged[24 + Math.floor(next() * (whole.length - 24))]! ^= 1 + Math.floor(next() * 255);
        await replayBytes(damaged); // the books balance
      }
    });
  }
});
