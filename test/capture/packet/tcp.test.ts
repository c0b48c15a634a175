/** TCP connections in captures, as spans and as records. Hand-made packets. */
import assert from 'node:assert/strict';
import { PacketRecords } from '../../../src/capture/packet/packet-records.ts';
import { Packet } from '../../../src/capture/packet/packet.ts';
import {
  ConnectionRecord,
  DataRecord,
  Direction,
  Event,
  Flag,
  Kind,
} from '../../../src/capture/records.gen.ts';
import {
  at,
  FLAGS,
  LINK,
  pcap,
  replayBytes,
  snapped,
  summary,
  Talk,
  type TalkOptions,
  tcp,
  type Timed,
  v4,
} from '../../support/packets.ts';

/** What packets become, a word a record: `accept`, `>5 at 0`, `<3 at 0`, `eof`, `shutdown`, `destroyed -104 5 3`. */
function records(packets: readonly Timed[]): string[] {
  const reader = new PacketRecords();
  for (const timed of packets) {
    const packet = Object.assign(new Packet(), { linkType: LINK.raw, length: timed.bytes.length }, timed);
    reader.add(packet);
  }
  reader.finish();
  const bytes = reader.take();
  const [data, event] = [new DataRecord(bytes), new ConnectionRecord(bytes)];
  const found: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += (data.size + 7) & ~7) {
    data.at(offset);
    event.at(offset);
    if (data.kind === Kind.data) found.push(inWords(data));
    if (data.kind === Kind.connection) {
      const name = Object.entries(Event).find(([, value]) => value === event.event)![0];
      const ends =
        event.captured === 8
          ? ` ${event.result} ${new Uint32Array(event.payload.slice().buffer).join(' ')}`
          : '';
      found.push(name + ends);
    }
  }
  return found;
}

function inWords({ direction, flags, length, position, captured }: DataRecord): string {
  if ((flags & Flag.eof) !== 0) return 'eof';
  const cut = (flags & Flag.truncated) !== 0 ? ` of which ${captured}` : '';
  return `${direction === Direction.receive ? '>' : '<'}${length}${cut} at ${position}`;
}

async function spansOf(...packets: Array<readonly Timed[]>): Promise<string[]> {
  const all = packets.flat().sort((a, b) => a.seconds - b.seconds || a.nanoseconds - b.nanoseconds);
  return summary((await replayBytes(pcap(all))).spans);
}

/** Moves a packet to another place in the file, with the time of that place. */
function moved(packets: readonly Timed[], from: number, to: number): Timed[] {
  const order = [...packets];
  order.splice(to, 0, ...order.splice(from, 1));
  return order.map(({ bytes }, i) => ({ ...at(i), bytes }));
}

describe('capture/packet/tcp-flow', () => {
  const talk = (options?: TalkOptions): Talk => new Talk(options).handshake();

  it('writes what the kernel side tells of an accepting end', () => {
    const { packets } = talk().client('hello').server('hi').close();
    assert.deepEqual(records(packets), ['accept', '>5 at 0', '<2 at 0', 'eof', 'destroyed 0 2 5']);
    const halves = talk().client('hello').server('hi', FLAGS.fin).client('more').client('', FLAGS.fin);
    const expected = ['accept', '>5 at 0', '<2 at 0', 'shutdown', '>4 at 5', 'eof', 'destroyed 0 2 9'];
    assert.deepEqual(records(halves.packets), expected);
  });

  it('gives a span an exchange, of kind SERVER, from the request to the last byte of the response', async () => {
    const { packets } = talk().get('/a').ok('one').get('/b').ok('two').close();
    const { spans } = await replayBytes(pcap(packets));
    assert.deepEqual(summary(spans), ['GET /a 200', 'GET /b 200']);
    const [span] = spans;
    assert.equal(span!.kind, 1);
    assert.deepEqual([span!.startTime, span!.durationNs], [Object.values(at(4)), 1e6]);
    const { serviceName, attributes } = span!.resource;
    assert.equal(serviceName, '10.0.0.2:8080');
    assert.equal(attributes['undertrace.service.name.source'], 'address');
    const told = Object.keys(attributes).filter((key) => /^(?:process|host|os)\./.test(key));
    assert.deepEqual(told, [], 'nothing is known of a process or a host');
    assert.equal(span!.attributes['client.address'], '10.0.0.1');
  });

  it('says of a connection without data nothing, and of a refused one neither', () => {
    assert.deepEqual(records(talk().close().packets), []);
    const refused = new Talk().packet(true, FLAGS.syn).packet(false, FLAGS.rst | FLAGS.ack);
    assert.deepEqual(records(refused.packets), []);
  });

  it('tells who ended a connection', async () => {
    const byClient = talk().get('/a').packet(true, FLAGS.rst);
    assert.match(records(byClient.packets).at(-1)!, /^destroyed -104 /);
    assert.deepEqual(await spansOf(byClient.packets), ['GET /a connection_reset']);
    const byServer = talk().get('/a').packet(false, FLAGS.rst);
    assert.match(records(byServer.packets).at(-1)!, /^destroyed 0 /);
    assert.deepEqual(await spansOf(byServer.packets), ['GET /a connection_closed']);
    const late = talk().get('/a').ok('x').packet(true, FLAGS.rst).server('late').server('later');
    assert.equal(records(late.packets).filter((record) => record.startsWith('<')).length, 1);
  });

  it('ends a response with the FIN where nothing else ends it', async () => {
    const until = talk().get('/a').server('HTTP/1.0 200 OK\r\n\r\nall of it', FLAGS.fin);
    until.ms += 5000;
    assert.deepEqual(await spansOf(until.packets), ['GET /a 200']);
    const { spans } = await replayBytes(pcap(until.client('', FLAGS.fin).packets));
    assert.equal(spans[0]!.durationNs, 1e6);
  });

  it('takes every byte once: retransmissions, overlaps, keep-alive and zero window probes', () => {
    const whole = talk().client('abcdef').server('xyz');
    const { clientNext, serverNext } = whole;
    const resend = (back: number, text: string): void => {
      whole.clientNext -= back;
      whole.packet(true, FLAGS.ack, Buffer.from(text));
      whole.clientNext += back;
    };
    resend(6, 'abcdef');
    resend(3, 'def');
    resend(1, ''); // keep-alive
    resend(1, '\0'); // keep-alive of old systems
    resend(2, 'efghi'); // overlap
    whole.clientNext = clientNext + 3;
    whole.client('j'); // into a closed window
    whole.clientNext -= 1;
    whole.client('jkl');
    const expected = ['accept', '>6 at 0', '<3 at 0', '>3 at 6', '>1 at 9', '>2 at 10'];
    assert.deepEqual(records(whole.packets), expected);
    assert.equal(whole.serverNext, serverNext);
  });

  it('puts in order what is out of order, wherever a packet comes late', async () => {
    const { packets } = talk()
      .get('/a')
      .ok('one')
      .client('POST /b HTTP/1.1\r\nContent-Length: 6\r\n\r\n')
      .client('abc')
      .client('def')
      .ok('two')
      .close();
    for (let from = 3; from < packets.length; from++) {
      for (let to = Math.max(3, from - 2); to < Math.min(packets.length, from + 3); to++) {
        const found = summary((await replayBytes(pcap(moved(packets, from, to)))).spans);
        assert.deepEqual(found, ['GET /a 200', 'POST /b 200'], `packet ${from} at ${to}`);
      }
    }
  });

  it('takes any order of the handshake', async () => {
    const { packets } = talk().get('/a').ok('one').close();
    for (const [from, to] of [
      [0, 1],
      [1, 2],
      [2, 3],
    ] as const) {
      const { spans } = await replayBytes(pcap(moved(packets, from, to)));
      assert.deepEqual(summary(spans), ['GET /a 200']);
      assert.equal(
        spans[0]!.attributes['undertrace.hop.id'],
        (await replayBytes(pcap(packets))).spans[0]!.attributes['undertrace.hop.id'],
      );
    }
  });

  it('knows the beginning by either half of the handshake', () => {
    const { packets } = talk().client('hello').server('hi').close();
    const all = records(packets);
    assert.deepEqual(records([packets[0]!, ...packets.slice(3)]), all);
    assert.deepEqual(records(packets.slice(1)), all);
    const joined = ['>5 at 4294967296', '<2 at 4294967296', 'eof', 'destroyed 0 2 5'];
    assert.deepEqual(records(packets.slice(2)), joined);
  });

  it('counts on where sequence numbers wrap', async () => {
    const wrapping = talk({ clientFirst: 2 ** 32 - 10, serverFirst: 2 ** 32 - 3 })
      .get('/a')
      .ok('one')
      .get('/b')
      .ok('two')
      .close();
    assert.deepEqual(await spansOf(wrapping.packets), ['GET /a 200', 'GET /b 200']);
    const zero = talk({ clientFirst: 0, serverFirst: 0 }).client('hello').server('hi').close();
    assert.deepEqual(records(zero.packets), ['accept', '>5 at 0', '<2 at 0', 'eof', 'destroyed 0 2 5']);
  });

  it('takes data in the SYN for the first', () => {
    const opened = new Talk();
    opened.clientNext--;
    opened.packet(true, FLAGS.syn, Buffer.from('fast'));
    opened.clientNext += 5;
    opened.serverNext--;
    opened.packet(false, FLAGS.syn | FLAGS.ack);
    opened.serverNext++;
    assert.deepEqual(records(opened.client('open').server('yes').packets), [
      'accept',
      '>4 at 0',
      '>4 at 4',
      '<3 at 0',
    ]);
  });

  it('takes a new SYN on the same ports for a new connection, and one that is sent again for the same', async () => {
    const first = talk().get('/a').ok('one');
    const again = new Talk({ startMs: 100 }).handshake().get('/b').ok('two').close();
    assert.deepEqual(await spansOf(first.packets, again.packets), ['GET /a 200', 'GET /b 200']);
    const { packets } = talk().get('/a').ok('one').close();
    const doubled = [packets[0]!, ...packets, packets[0]!, packets[1]!];
    assert.deepEqual(records(doubled), records(packets));
    const unanswered = talk().get('/a');
    assert.deepEqual(await spansOf(unanswered.packets, new Talk({ startMs: 100 }).handshake().packets), [
      'GET /a connection_closed',
    ]);
  });

  it('knows another connection on the same ports by its numbers where its SYN is missing', async () => {
    const first = talk().get('/a').ok('one').close();
    const again = new Talk({ startMs: 100, clientFirst: 3e9, serverFirst: 2e9 }).get('/b').ok('two');
    assert.deepEqual(await spansOf(first.packets, again.packets), ['GET /a 200', 'GET /b 200']);
  });

  it('takes a packet that several interfaces saw for one', async () => {
    const { packets } = talk().get('/a').ok('one').get('/b').ok('two').close();
    const { spans, remarks } = await replayBytes(pcap(packets.flatMap((packet) => [packet, packet, packet])));
    assert.deepEqual(summary(spans), ['GET /a 200', 'GET /b 200']);
    assert.match(remarks[0]!, /^30 packets, 18 used; ignored: 12 of bytes that had been seen/);
  });

  it('takes a connection that was seen on both sides of a translation of addresses for one', async () => {
    const numbers = { clientFirst: 111, serverFirst: 222 };
    const inside = talk({ ...numbers, server: ['172.17.0.2', 80] })
      .get('/a')
      .ok('one')
      .close().packets;
    const outside = talk({ ...numbers, server: ['192.0.2.1', 8080] })
      .get('/a')
      .ok('one')
      .close().packets;
    // SYN outside, SYN inside, answer inside, answer outside, and so on: the inner side is first where the server sends.
    const both = inside.flatMap((packet, i) => {
      const pair = [outside[i]!, packet];
      return [1, 4, 6].includes(i) ? pair.reverse() : pair;
    });
    const { spans, remarks } = await replayBytes(pcap(both.map(({ bytes }, i) => ({ ...at(i), bytes }))));
    assert.deepEqual(summary(spans), ['GET /a 200']);
    assert.equal(spans[0]!.resource.serviceName, '172.17.0.2:80');
    assert.match(remarks[0]!, / of a connection that was seen under another address already/);
  });

  it('knows how many bytes the capture lacks that were acknowledged', async () => {
    const holed = talk().get('/a').ok('x'.repeat(2000)).get('/b').ok('two').close();
    const packets = holed.packets.filter((_, i) => i !== 4);
    const { spans, remarks } = await replayBytes(pcap(packets));
    assert.deepEqual(summary(spans), ['GET /a response_lost', 'GET /b 200']);
    assert.match(remarks[0]!, /; 2041 bytes of TCP are missing in the capture$/);
  });

  it('waits for a segment that is sent again, and not for one that the receiver has', () => {
    const late = talk().client('abc');
    const at3 = late.clientNext;
    late.clientNext += 3;
    late.client('ghi');
    late.ms += 4000;
    late.clientNext = at3;
    late.client('def');
    assert.deepEqual(records(late.packets), ['accept', '>3 at 0', '>3 at 3', '>3 at 6']);
    const acknowledged = talk().client('abc');
    acknowledged.clientNext += 3;
    acknowledged.client('ghi').server('ok');
    acknowledged.ms += 150;
    acknowledged.server('done');
    assert.deepEqual(records(acknowledged.packets), [
      'accept',
      '>3 at 0',
      '>3 of which 0 at 3',
      '>3 at 6',
      '<2 at 0',
      '<4 at 2',
    ]);
  });

  it('holds a bounded number of segments', () => {
    const many = talk();
    many.clientNext += 1;
    for (let i = 0; i < 300; i++) many.client('x');
    many.server('now');
    const found = records(many.packets);
    assert.deepEqual(found.slice(0, 3), ['accept', '>1 of which 0 at 0', '>1 at 1']);
    assert.equal(found.at(-1), '<3 at 0');
  });

  it('keeps lengths and times where a snapshot length cut the data', async () => {
    const cut = talk().get('/a').ok('y'.repeat(1400)).server('z'.repeat(1400)).close();
    assert.deepEqual(records(snapped(cut.packets, 60)).slice(0, 4), [
      'accept',
      '>31 of which 20 at 0',
      '<1441 of which 20 at 0',
      '<1400 of which 20 at 1441',
    ]);
    const headed = talk().get('/a').ok('y'.repeat(1400)).get('/b').ok('z').close();
    const { spans } = await replayBytes(pcap(snapped(headed.packets, 100)));
    assert.deepEqual(summary(spans), ['GET /a 200', 'GET /b 200']);
  });
});

describe('capture/packet/endpoint', () => {
  type End = [string, number];
  /** The service of a connection whose beginning was not seen, of which the client's packet comes first. */
  async function service(client: End, server: End, before: Timed[] = [], skip = 0): Promise<string[]> {
    const { packets } = new Talk({ client, server, startMs: 100 }).get('/a').ok('one').get('/b').ok('two');
    const { spans } = await replayBytes(pcap([...before, ...packets.slice(skip)]));
    return spans.filter(({ kind }) => kind === 1).map(({ resource }) => resource.serviceName);
  }

  it('knows a server by its port', async () => {
    for (const skip of [0, 1]) {
      const spans = 2 - skip;
      const web = Array.from({ length: spans }, () => '10.0.0.2:443');
      assert.deepEqual(await service(['10.0.0.1', 8080], ['10.0.0.2', 443], [], skip), web);
      const high = Array.from({ length: spans }, () => '10.0.0.2:9092');
      assert.deepEqual(await service(['10.0.0.1', 40_000], ['10.0.0.2', 9092], [], skip), high);
    }
  });

  it('knows a server by another connection to it', async () => {
    const before = new Talk({ client: ['10.0.0.9', 50_000], server: ['10.0.0.2', 51_000] })
      .handshake()
      .get('/0')
      .ok('x').packets;
    const spans = await service(['10.0.0.1', 45_000], ['10.0.0.2', 51_000], before, 1);
    assert.deepEqual(new Set(spans), new Set(['10.0.0.2:51000']));
    assert.equal(spans.length, 2);
  });

  it('takes who spoke first for the client otherwise', async () => {
    const spans = await service(['10.0.0.1', 45_000], ['10.0.0.2', 51_000]);
    assert.deepEqual(spans, ['10.0.0.2:51000', '10.0.0.2:51000']);
  });

  it('writes IPv6 addresses in brackets', async () => {
    const [client, server] = ['fd00::1', 'fd00::2'].map((text) =>
      Buffer.concat([Buffer.from('fd00', 'hex'), Buffer.alloc(13), Buffer.of(Number(text.at(-1)))]),
    );
    const request = tcp([40_000, 80], 1, 1, FLAGS.ack, Buffer.from('GET / HTTP/1.1\r\nHost: h\r\n\r\n'));
    const header = Buffer.concat([Buffer.from('60000000', 'hex'), Buffer.of(0, request.length, 6, 64)]);
    const bytes = Buffer.concat([header, client!, server!, request]);
    const { spans } = await replayBytes(pcap([{ ...at(0), bytes }]));
    assert.equal(spans[0]!.resource.serviceName, '[fd00::2]:80');
  });

  it('ignores what is neither TCP nor UDP, and says so', async () => {
    const ping = { ...at(0), bytes: v4('10.0.0.1', '10.0.0.2', 1, Buffer.alloc(8)) };
    const { remarks } = await replayBytes(pcap([ping]));
    assert.match(remarks[0]!, /^1 packets, 0 used; ignored: 1 neither TCP nor UDP/);
  });
});
