import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import type { Packet } from '../../../src/capture/packet/packet.ts';
import { type PacketFormat } from '../../../src/capture/packet/packet.ts';
import { PcapFormat } from '../../../src/capture/packet/pcap.ts';
import { PcapngFormat } from '../../../src/capture/packet/pcapng.ts';
import { at, LINK, numbers, pcap, replayBytes, summary, Talk, type Timed } from '../../support/packets.ts';

interface Read {
  link: number;
  interface: number;
  time: string;
  bytes: string;
  length: number;
}

/** Everything in a file that is handed over in pieces of `step` bytes. */
function read(format: PacketFormat, file: Buffer, step = file.length): { packets: Read[]; rest: number } {
  const packets: Read[] = [];
  let pending = Buffer.alloc(0);
  for (let from = 0; from < file.length; from += step) {
    pending = Buffer.concat([pending, file.subarray(from, from + step)]);
    const used = format.read(pending, (packet: Packet) =>
      packets.push({
        link: packet.linkType,
        interface: packet.interface,
        time:
          packet.seconds < 0 ? 'none' : `${packet.seconds}.${String(packet.nanoseconds).padStart(9, '0')}`,
        bytes: packet.bytes.toString(),
        length: packet.length,
      }),
    );
    pending = pending.subarray(used);
  }
  return { packets, rest: pending.length };
}

const PACKETS: Timed[] = [
  { seconds: 1_700_000_000, nanoseconds: 123_456_000, bytes: Buffer.from('first') },
  { seconds: 1_700_000_001, nanoseconds: 1_000, bytes: Buffer.from('second'), length: 60 },
];

/** A block of pcapng. */
function block(bigEndian: boolean, type: number, ...body: Buffer[]): Buffer {
  const { u32 } = numbers(bigEndian);
  const inner = Buffer.concat(body);
  const padded = Buffer.concat([inner, Buffer.alloc(-inner.length & 3)]);
  const length = u32(padded.length + 12);
  return Buffer.concat([u32(type), length, padded, length]);
}

function section(bigEndian: boolean): Buffer {
  const { u16, u32 } = numbers(bigEndian);
  return block(bigEndian, 0x0a0d0d0a, u32(0x1a2b3c4d), u16(1, 0), u32(0xffffffff, 0xffffffff));
}

function interfaceBlock(bigEndian: boolean, link: number, snap = 0, ...options: Buffer[]): Buffer {
  const { u16, u32 } = numbers(bigEndian);
  return block(bigEndian, 1, u16(link, 0), u32(snap), ...options);
}

/** An option with its value, padded. */
function option(bigEndian: boolean, code: number, value: Buffer): Buffer {
  const { u16 } = numbers(bigEndian);
  return Buffer.concat([u16(code, value.length), value, Buffer.alloc(-value.length & 3)]);
}

function enhanced(
  bigEndian: boolean,
  from: number,
  stamp: bigint,
  text: string,
  length = text.length,
): Buffer {
  const { u32 } = numbers(bigEndian);
  const [high, low] = [Number(stamp >> 32n), Number(stamp & 0xffffffffn)];
  return block(bigEndian, 6, u32(from, high, low, text.length, length), Buffer.from(text));
}

describe('capture/packet/pcap', () => {
  for (const bigEndian of [false, true]) {
    for (const nanoseconds of [false, true]) {
      const name = `${bigEndian ? 'big' : 'little'} endian, ${nanoseconds ? 'nano' : 'micro'}seconds`;
      it(`reads files that are ${name}, in any pieces`, () => {
        const file = pcap(PACKETS, { bigEndian, nanoseconds, linkType: 276 });
        const expected: Read[] = [
          { link: 276, interface: 0, time: '1700000000.123456000', bytes: 'first', length: 5 },
          { link: 276, interface: 0, time: '1700000001.000001000', bytes: 'second', length: 60 },
        ];
        for (const step of [1, 7, file.length])
          assert.deepEqual(read(new PcapFormat(), file, step), { packets: expected, rest: 0 });
      });
    }
  }

  it('takes no account of what stands above the link type', () => {
    const file = pcap(PACKETS.slice(0, 1), { linkType: 0x14000001 });
    assert.equal(read(new PcapFormat(), file).packets[0]!.link, 1);
  });

  it('keeps what is not whole, and stops at a length that cannot be', () => {
    const file = pcap(PACKETS);
    assert.equal(read(new PcapFormat(), file.subarray(0, -2)).rest, 16 + 4);
    const format = new PcapFormat();
    file.writeUInt32LE(0x7fffffff, 24 + 8);
    assert.deepEqual(read(format, file).packets, []);
    assert.match(format.damage!, /2147483647 bytes/);
  });
});

describe('capture/packet/pcapng', () => {
  for (const bigEndian of [false, true]) {
    const { u16, u32 } = numbers(bigEndian);
    const order = bigEndian ? 'big endian' : 'little endian';

    it(`reads interfaces with their resolution and offset (${order})`, () => {
      const seconds = Buffer.alloc(8);
      if (bigEndian) seconds.writeBigInt64BE(1000n);
      else seconds.writeBigInt64LE(1000n);
      const file = Buffer.concat([
        section(bigEndian),
        interfaceBlock(bigEndian, 1),
        interfaceBlock(
          bigEndian,
          113,
          0,
          option(bigEndian, 9, Buffer.of(9)),
          option(bigEndian, 0, Buffer.alloc(0)),
        ),
        interfaceBlock(
          bigEndian,
          276,
          0,
          option(bigEndian, 9, Buffer.of(0x81)),
          option(bigEndian, 14, seconds),
        ),
        enhanced(bigEndian, 0, 1_700_000_000_000_001n, 'micro'),
        enhanced(bigEndian, 1, 1_700_000_000_000_000_001n, 'nano', 99),
        enhanced(bigEndian, 2, 5n, 'half'),
        enhanced(bigEndian, 3, 5n, 'stray'),
      ]);
      const expected: Read[] = [
        { link: 1, interface: 0, time: '1700000000.000001000', bytes: 'micro', length: 5 },
        { link: 113, interface: 1, time: '1700000000.000000001', bytes: 'nano', length: 99 },
        { link: 276, interface: 2, time: '1002.500000000', bytes: 'half', length: 4 },
        { link: -1, interface: 3, time: 'none', bytes: 'stray', length: 5 },
      ];
      for (const step of [1, 13, file.length])
        assert.deepEqual(read(new PcapngFormat(), file, step), { packets: expected, rest: 0 });
    });

    it(`reads simple and old packet blocks, and passes over others (${order})`, () => {
      const file = Buffer.concat([
        section(bigEndian),
        interfaceBlock(bigEndian, 1, 4),
        block(bigEndian, 4, Buffer.from('names')),
        block(bigEndian, 3, u32(9), Buffer.from('simp')),
        block(bigEndian, 2, u16(0, 0), u32(0, 2_000_000, 3, 3), Buffer.from('old')),
      ]);
      assert.deepEqual(read(new PcapngFormat(), file).packets, [
        { link: 1, interface: 0, time: 'none', bytes: 'simp', length: 9 },
        { link: 1, interface: 0, time: '2.000000000', bytes: 'old', length: 3 },
      ]);
    });
  }

  it('begins anew with each section, in the byte order of that', () => {
    const file = Buffer.concat(
      [false, true].flatMap((bigEndian) => [
        section(bigEndian),
        interfaceBlock(bigEndian, bigEndian ? 101 : 1),
        enhanced(bigEndian, 0, 1_000_000n, `${bigEndian}`),
      ]),
    );
    assert.deepEqual(
      read(new PcapngFormat(), file, 5).packets.map((packet) => [
        packet.link,
        packet.interface,
        packet.bytes,
      ]),
      [
        [1, 0, 'false'],
        [101, 1, 'true'],
      ],
    );
  });

  it('stops at what cannot be', () => {
    const good = Buffer.concat([section(false), interfaceBlock(false, 1), enhanced(false, 0, 1n, 'good')]);
    for (const bad of [
      Buffer.concat([good, numbers(false).u32(6, 7, 0)]),
      Buffer.concat([good, numbers(false).u32(6, 0xfffffff0, 0)]),
      Buffer.concat([good, numbers(false).u32(0x0a0d0d0a, 28, 0x11111111)]),
    ]) {
      const format = new PcapngFormat();
      assert.equal(read(format, bad).packets.length, 1);
      assert.ok(format.damage);
    }
  });

  it('takes the time of the packet before for one that has none', async () => {
    const { packets } = new Talk().handshake().get('/late').ok('yes').close();
    const body = packets.map(({ bytes }, i) => {
      const { u32 } = numbers(false);
      if (i === 3) return block(false, 3, u32(bytes.length), bytes);
      return block(false, 6, u32(0, 0, 1000 * i, bytes.length, bytes.length), bytes);
    });
    const file = Buffer.concat([section(false), interfaceBlock(false, LINK.raw), ...body]);
    const { spans } = await replayBytes(file);
    assert.deepEqual(summary(spans), ['GET /late 200']);
    assert.deepEqual(spans[0]!.startTime, [0, 2_000_000]);
  });
});

describe('capture/captured-file', () => {
  const talk = new Talk().handshake().get('/a').ok('one').close();
  const file = pcap(talk.packets);

  it('reads compressed captures', async () => {
    const { spans, remarks } = await replayBytes(gzipSync(file));
    assert.deepEqual(summary(spans), ['GET /a 200']);
    assert.deepEqual(remarks, ['8 packets, 8 used']);
  });

  it('reads as far as a capture goes that was cut off, compressed or not', async () => {
    const many = Array.from({ length: 50 }, (_, i) =>
      new Talk({ client: ['10.0.0.1', 2000 + i], startMs: i * 20 }).handshake().get(`/${i}`).ok('x').close(),
    ).flatMap(({ packets }) => packets);
    const plain = await replayBytes(pcap(many).subarray(0, -10));
    assert.equal(plain.spans.length, 50);
    assert.match(plain.remarks[0]!, /ends in the middle of a packet: it was read up to there$/);
    assert.equal(plain.remarks[1], '399 packets, 399 used');
    const whole = gzipSync(pcap(many));
    const cut = await replayBytes(whole.subarray(0, whole.length >> 1));
    assert.ok(cut.spans.length > 10 && cut.spans.length < 50, `${cut.spans.length}`);
    assert.match(cut.remarks[0]!, /the compressed file ends early/);
    whole.fill(0x55, whole.length - 8); // the checksum
    await assert.rejects(replayBytes(whole), { code: 'unknown_file', message: /compressed is damaged$/ });
  });

  it('stops where a length cannot be, and says so', async () => {
    const damaged = Buffer.from(file);
    damaged.writeUInt32LE(0x40000000, damaged.length - 40 - 8);
    const { spans, remarks } = await replayBytes(damaged);
    assert.deepEqual(summary(spans), ['GET /a 200']);
    assert.match(remarks[0]!, /is damaged \(a packet of 1073741824 bytes\): it was read up to there$/);
  });

  it('says what it takes', async () => {
    const allowed = { code: 'unknown_file', message: /pcap, pcapng/ };
    for (const bytes of ['', 'GET', 'something else entirely', gzipSync('something else')])
      await assert.rejects(replayBytes(Buffer.from(bytes)), allowed);
    await assert.rejects(replayBytes(gzipSync('UTRACE03')), { code: 'compressed_recording' });
    await assert.rejects(replayBytes(Buffer.from('UTRACE99')), { code: 'recording_version' });
    await assert.rejects(replayBytes(pcap(talk.packets, { linkType: 127 })), {
      code: 'link_type',
      message: /127 \(IEEE 802\.11 with a radiotap header\); what is read is Ethernet/,
    });
  });

  it('keeps monotonic time going where time stamps jump back, as at a second capture behind the first', async () => {
    const earlier = new Talk({ startMs: -3_600_000 }).handshake().get('/b').ok('two').close();
    const { spans } = await replayBytes(pcap([...talk.packets, ...earlier.packets]));
    assert.deepEqual(summary(spans), ['GET /b 200', 'GET /a 200']);
    const [second, first] = [...spans].sort((a, b) => a.startTime[0] - b.startTime[0]);
    assert.deepEqual(first!.startTime, Object.values(at(4)));
    assert.deepEqual(second!.startTime, Object.values(at(-3_600_000 + 4)));
    assert.deepEqual([first!.durationNs, second!.durationNs], [1e6, 1e6]);
  });
});
