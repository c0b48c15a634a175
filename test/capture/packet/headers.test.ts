/** From the link layer to TCP and UDP: every header that may stand before the data. Hand-made packets. */
import assert from 'node:assert/strict';
import { findIp, isReadableLink, linkName, placeOf } from '../../../src/capture/packet/link-layer.ts';
import { PacketRecords } from '../../../src/capture/packet/packet-records.ts';
import { Packet } from '../../../src/capture/packet/packet.ts';
import { DataRecord, Kind } from '../../../src/capture/records.gen.ts';
import { ethernet, FLAGS, LINK, tcp, u16, u32, udp, v4, v6 } from '../../support/packets.ts';

const IP = Buffer.from('ip');
const CLIENT = Buffer.from('20010db8000000000000000000000001', 'hex');
const SERVER = Buffer.from('20010db8000000000000000000000002', 'hex');
const PORTS: [number, number] = [40_000, 80];
const DATA = Buffer.from('some bytes of data');

/** What a link layer makes of a frame: what stands behind it, or why there is nothing. */
function behind(link: number, ...frame: Buffer[]): string {
  const bytes = Buffer.concat(frame);
  const found = findIp(link, bytes);
  return typeof found === 'number' ? bytes.subarray(found).toString() : found;
}

/** The payloads of all data records that packets become, and why packets were ignored. */
function carried(
  packets: Array<Buffer | { bytes: Buffer; length: number; link?: number }>,
  link = LINK.raw,
): { data: Array<{ payload: string; length: number; position: number }>; ignored: Record<string, number> } {
  const records = new PacketRecords();
  const packet = new Packet();
  packets.forEach((given, i) => {
    const {
      bytes,
      length,
      link: own,
    } = Buffer.isBuffer(given) ? { bytes: given, length: given.length, link } : given;
    Object.assign(packet, { linkType: own ?? link, seconds: 1000, nanoseconds: i * 1000, bytes, length });
    records.add(packet);
  });
  records.finish();
  const ignored = Object.fromEntries(Object.entries(records.ignored).filter(([, count]) => count > 0));
  const lost = Object.values(ignored).reduce((sum, count) => sum + count, 0);
  assert.equal(records.packets, records.used + lost + records.held, 'the books of the packets');
  const record = new DataRecord(records.take());
  const data = [];
  for (let offset = 0; offset < record.u8.length; offset += (record.size + 7) & ~7) {
    if (record.at(offset).kind !== Kind.data) continue;
    const { length, position } = record;
    data.push({ payload: Buffer.from(record.payload).toString(), length, position });
  }
  return { data, ignored };
}

const segment = tcp(PORTS, 100, 0, FLAGS.ack, DATA);

describe('capture/packet/link-layer', () => {
  it('finds IP in Ethernet frames, behind any tags', () => {
    const rest = Buffer.alloc(12);
    assert.equal(behind(1, ethernet(0x0800, IP)), 'ip');
    assert.equal(behind(1, ethernet(0x86dd, IP)), 'ip');
    assert.equal(behind(1, ethernet(0x0800, IP, [0x8100])), 'ip');
    assert.equal(behind(1, ethernet(0x86dd, IP, [0x88a8, 0x8100, 0x9100])), 'ip');
    assert.equal(behind(1, ethernet(0x0806, IP)), 'not_ip');
    assert.equal(behind(1, rest, u16(10), Buffer.from('aaaa03000000', 'hex'), u16(0x0800), IP), 'ip');
    assert.equal(behind(1, rest, u16(10), Buffer.from('424203', 'hex'), Buffer.alloc(20)), 'not_ip');
    assert.equal(behind(1, rest, u16(0x8864), Buffer.alloc(6), u16(0x21), IP), 'ip');
    assert.equal(behind(1, rest, u16(0x8864), Buffer.alloc(6), u16(0xc021), IP), 'not_ip');
    assert.equal(behind(1, rest), 'cut');
    assert.equal(behind(1, rest, u16(0x8100), u16(1)), 'cut');
  });

  it('finds IP behind cooked headers', () => {
    assert.equal(behind(LINK.sll, Buffer.alloc(14), u16(0x0800), IP), 'ip');
    assert.equal(behind(LINK.sll, Buffer.alloc(14), u16(0x8100, 5, 0x86dd), IP), 'ip');
    assert.equal(behind(LINK.sll, Buffer.alloc(14), u16(0x0004), IP), 'not_ip');
    assert.equal(behind(LINK.sll2, u16(0x0800), Buffer.alloc(18), IP), 'ip');
    assert.equal(behind(LINK.sll2, u16(0x8100), Buffer.alloc(18), u16(5, 0x86dd), IP), 'ip');
    assert.equal(behind(LINK.sll2, u16(0x0806), Buffer.alloc(18), IP), 'not_ip');
    assert.equal(behind(LINK.sll2, u16(0x0800), Buffer.alloc(10)), 'cut');
  });

  it('finds IP on loopback, point-to-point links and in logs', () => {
    for (const family of [2, 10, 24, 28, 30]) {
      assert.equal(behind(LINK.null, u32(family).swap32(), IP), 'ip');
      assert.equal(behind(LINK.loop, u32(family), IP), 'ip');
    }
    assert.equal(behind(LINK.null, u32(7).swap32(), IP), 'not_ip');
    for (const raw of [12, 14, 101, 228, 229]) assert.equal(behind(raw, IP), 'ip');
    assert.equal(behind(9, u16(0xff03, 0x21), IP), 'ip');
    assert.equal(behind(9, Buffer.of(0x57), IP), 'ip');
    assert.equal(behind(50, u16(0xff03, 0x57), IP), 'ip');
    assert.equal(behind(104, u16(0x0f00, 0x0800), IP), 'ip');
    assert.equal(behind(51, Buffer.alloc(6), u16(0x21), IP), 'ip');
    const mark = Buffer.concat([u16(6, 10).swap16(), Buffer.of(1, 2, 0, 0)]);
    assert.equal(behind(239, Buffer.of(2, 0, 0, 0), mark, u16(6, 9).swap16(), IP), 'ip');
    assert.equal(behind(239, Buffer.of(2, 0, 0, 0), u16(6, 9), IP), 'ip');
    assert.equal(behind(239, Buffer.of(2, 0, 0, 0), u16(0, 10)), 'malformed');
  });

  it('names what it does not read', () => {
    assert.equal(behind(105, IP), 'link_type');
    assert.ok(isReadableLink(276) && !isReadableLink(105));
    assert.deepEqual([linkName(105), linkName(4711)], ['105 (IEEE 802.11)', '4711']);
  });

  it('tells copies of a packet apart by interface and direction', () => {
    const cooked = (index: number, type: number): Buffer =>
      Buffer.concat([u16(0x0800, 0), u32(index), u16(1), Buffer.of(type, 6), Buffer.alloc(8)]);
    const places = [cooked(1, 0), cooked(1, 4), cooked(2, 0)].map((frame) => placeOf(LINK.sll2, 0, frame));
    assert.equal(new Set(places).size, 3);
    assert.notEqual(placeOf(LINK.sll, 0, u16(0)), placeOf(LINK.sll, 0, u16(4)));
    assert.notEqual(placeOf(1, 0, IP), placeOf(1, 1, IP));
  });
});

describe('capture/packet/ip', () => {
  const all = [{ payload: DATA.toString(), length: DATA.length, position: 2 ** 32 }];
  const plain = v4('10.0.0.1', '10.0.0.2', 6, segment);
  const plain6 = v6(CLIENT, SERVER, 6, segment);

  it('takes padding for nothing, and options for what they are', () => {
    assert.deepEqual(carried([plain]).data, all);
    assert.deepEqual(carried([Buffer.concat([plain, Buffer.alloc(20, 1)])]).data, all);
    assert.deepEqual(
      carried([v4('10.0.0.1', '10.0.0.2', 6, segment, { options: Buffer.alloc(12, 1) })]).data,
      all,
    );
    assert.deepEqual(carried([plain6]).data, all);
    assert.deepEqual(carried([Buffer.concat([plain6, Buffer.alloc(20, 1)])]).data, all);
  });

  it('believes the frame where the packet is larger than its field can tell', () => {
    assert.deepEqual(carried([v4('10.0.0.1', '10.0.0.2', 6, segment, { total: 0 })]).data, all);
    const large = Buffer.from(plain6);
    large.writeUInt16BE(0, 4);
    assert.deepEqual(carried([large]).data, all);
  });

  it('walks through extension headers', () => {
    const extension = (next: number, bytes: number): Buffer =>
      Buffer.concat([Buffer.of(next, bytes / 8 - 1), Buffer.alloc(bytes - 2)]);
    const authentication = Buffer.concat([Buffer.of(6, 4), Buffer.alloc(22)]);
    const chain = Buffer.concat([
      extension(43, 16),
      extension(60, 8),
      extension(51, 24),
      authentication,
      segment,
    ]);
    assert.deepEqual(carried([v6(CLIENT, SERVER, 0, chain)]).data, all);
    const endless = Buffer.concat(Array.from({ length: 40 }, () => extension(60, 8)));
    assert.deepEqual(carried([v6(CLIENT, SERVER, 60, endless)]).ignored, { transport: 1 });
  });

  it('says why it ignores a packet', () => {
    assert.deepEqual(carried([v4('10.0.0.1', '10.0.0.2', 1, DATA)]).ignored, { transport: 1 });
    assert.deepEqual(carried([v6(CLIENT, SERVER, 58, DATA)]).ignored, { transport: 1 });
    assert.deepEqual(carried([Buffer.alloc(0)]).ignored, { cut: 1 });
    assert.deepEqual(carried([Buffer.alloc(40, 0x22)]).ignored, { not_ip: 1 });
    assert.deepEqual(carried([Buffer.alloc(40, 0x41)]).ignored, { malformed: 1 });
    for (const length of [10, 19, 30, 39]) {
      const cut = { bytes: plain.subarray(0, length), length: plain.length };
      assert.deepEqual(carried([cut]).ignored, { cut: 1 }, `${length}`);
    }
    const short = v4('10.0.0.1', '10.0.0.2', 6, segment.subarray(0, 12));
    assert.deepEqual(carried([short]).ignored, { malformed: 1 });
    const offset = Buffer.from(segment);
    offset[12] = 0x10;
    assert.deepEqual(carried([v4('10.0.0.1', '10.0.0.2', 6, offset)]).ignored, { malformed: 1 });
  });

  /** A TCP segment in fragments of 16 bytes. */
  function fragments(version: 4 | 6, id = 7): Buffer[] {
    const parts: Buffer[] = [];
    for (let offset = 0; offset < segment.length; offset += 16) {
      const payload = segment.subarray(offset, offset + 16);
      const more = offset + 16 < segment.length;
      const header = Buffer.concat([Buffer.of(6, 0), u16(offset | (more ? 1 : 0)), u32(id)]);
      parts.push(
        version === 4
          ? v4('10.0.0.1', '10.0.0.2', 6, payload, { id, offset, more })
          : v6(CLIENT, SERVER, 44, Buffer.concat([header, payload])),
      );
    }
    return parts;
  }

  for (const version of [4, 6] as const) {
    it(`puts fragments together in any order (IPv${version})`, () => {
      const parts = fragments(version);
      assert.equal(parts.length, 3);
      for (const order of [
        [0, 1, 2],
        [2, 1, 0],
        [1, 2, 0],
      ]) {
        assert.deepEqual(carried(order.map((i) => parts[i]!)), { data: all, ignored: {} });
      }
      assert.deepEqual(carried([parts[0]!, parts[0]!, parts[1]!, parts[2]!]), {
        data: all,
        ignored: { repeated: 1 },
      });
      assert.deepEqual(carried([parts[0]!, parts[2]!]), { data: [], ignored: { fragment: 2 } });
    });
  }

  it('keeps a bounded number of fragments', () => {
    const first = Array.from({ length: 300 }, (_, id) => fragments(4, id)[0]!);
    assert.deepEqual(carried(first), { data: [], ignored: { fragment: 300 } });
    const rest = Array.from({ length: 256 }, (_, i) => fragments(4, 44 + i).slice(1)).flat();
    // All of them hold the same segment.
    assert.deepEqual(carried([...first, ...rest]).ignored, { fragment: 44, repeated: 255 });
    const beyond = v4('10.0.0.1', '10.0.0.2', 6, Buffer.alloc(64), { id: 1, offset: 65_528 });
    assert.deepEqual(carried([beyond]).ignored, { fragment: 1 });
  });
});

describe('capture/packet/udp-flow', () => {
  const query = v4('10.0.0.1', '10.0.0.53', 17, udp([40_000, 53], DATA), { id: 3 });

  it('gives a record a datagram, with its ordinal', () => {
    const answer = v4('10.0.0.53', '10.0.0.1', 17, udp([53, 40_000], Buffer.from('answer')));
    assert.deepEqual(carried([query, answer, query, v6(CLIENT, SERVER, 17, udp([40_000, 53], DATA))]).data, [
      { payload: DATA.toString(), length: DATA.length, position: 0 },
      { payload: 'answer', length: 6, position: 0 },
      { payload: DATA.toString(), length: DATA.length, position: 1 },
      { payload: DATA.toString(), length: DATA.length, position: 0 },
    ]);
  });

  it('keeps the length of what was cut', () => {
    const cut = { bytes: query.subarray(0, 32), length: query.length };
    assert.deepEqual(carried([cut]).data, [{ payload: 'some', length: DATA.length, position: 0 }]);
    assert.deepEqual(carried([{ bytes: query.subarray(0, 27), length: query.length }]).ignored, { cut: 1 });
    const wrong = v4('10.0.0.1', '10.0.0.53', 17, u16(1, 2, 5, 0));
    assert.deepEqual(carried([wrong, v4('10.0.0.1', '10.0.0.53', 17, u16(1, 2))]).ignored, { malformed: 2 });
  });

  it('takes the copy that another interface saw for a copy, and what one interface saw twice for two', () => {
    const seen = (index: number): Buffer =>
      Buffer.concat([u16(0x0800, 0), u32(index), u16(1), Buffer.of(0, 6), Buffer.alloc(8), query]);
    const copies = carried([seen(1), seen(2), seen(3)], LINK.sll2);
    assert.deepEqual([copies.data.length, copies.ignored], [1, { repeated: 2 }]);
    assert.equal(carried([seen(1), seen(1)], LINK.sll2).data.length, 2);
  });
});
