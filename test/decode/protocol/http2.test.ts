import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ConnectionRecord, DataRecord, Kind, Verdict } from '../../../src/capture/records.gen.ts';
import { Claim } from '../../../src/decode/decoder.ts';
import { createHttp2 } from '../../../src/decode/protocol/http2.ts';
import { PREFACE } from '../../../src/decode/protocol/http2-frame.ts';
import { Decoding } from '../../support/decoding.ts';
import { random } from '../../support/random.ts';
import { ipv4, RecordWriter, TestEnd } from '../../support/records.ts';
import { play, type Step } from '../../support/wire.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const END_STREAM = 1;
const END_HEADERS = 4;

function frame(type: number, flags: number, stream: number, ...payload: Array<Uint8Array | string>): Buffer {
  const content = Buffer.concat(payload.map((part) => Buffer.from(part as string, 'latin1')));
  const head = Buffer.alloc(9);
  head.writeUIntBE(content.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, content]);
}

/** Literals with new names, of which nothing is inserted. */
function fields(...pairs: string[]): Buffer {
  const parts = pairs.flatMap((pair) => {
    const colon = pair.indexOf(':', 1);
    const texts = [pair.slice(0, colon), pair.slice(colon + 1)].map((each) => Buffer.from(each));
    return [Buffer.of(0), ...texts.flatMap((each) => [Buffer.of(each.length), each])];
  });
  return Buffer.concat(parts);
}

/** The same with the names of the static table's entry, inserted. */
function inserted(index: number, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40 | index, value.length), Buffer.from(value)]);
}

const GET = fields(':method:GET', ':scheme:http', ':authority:a.test', ':path:/x');
const OK = Buffer.of(0x88);
const SETTINGS = frame(4, 0, 0);
const START = Buffer.concat([Buffer.from(PREFACE), SETTINGS]);
const from = (role: 'client' | 'server', ...parts: Uint8Array[]): Step => ({
  from: role,
  bytes: Buffer.concat(parts),
});
const paths = (decoding: Decoding): unknown[] =>
  decoding.closed.map((exchange) => decoding.describe(exchange).path);

describe('decode/http2', () => {
  it('puts a head together that goes on in CONTINUATION frames, wherever they are cut', () => {
    const steps = [
      from('client', START),
      from(
        'client',
        frame(1, END_STREAM, 1, GET.subarray(0, 9)),
        frame(9, 0, 1, GET.subarray(9, 30)),
        frame(9, END_HEADERS, 1, GET.subarray(30)),
      ),
      from('server', SETTINGS, frame(1, END_HEADERS | END_STREAM, 1, OK)),
    ];
    const { length } = steps[1]!.bytes!;
    for (let cut = 1; cut < length; cut++) {
      const pieces = [steps[1]!.bytes!.subarray(0, cut), steps[1]!.bytes!.subarray(cut)];
      const cutSteps = [steps[0]!, ...pieces.map((bytes) => from('client', bytes)), steps[2]!];
      assert.deepEqual(paths(play('server', cutSteps)), ['/x'], `cut at ${cut}`);
    }
  });

  it('says what there was of a head that was not captured in full, and goes on with what follows', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const end = new TestEnd(writer, { accepted: true });
    end.event('accept');
    const head = frame(1, END_HEADERS | END_STREAM, 1, GET, fields(`x-long:${'y'.repeat(100)}`));
    end.receive(START).receive(head, { captured: head.length - 50 });
    end.send(Buffer.concat([SETTINGS, frame(1, END_HEADERS | END_STREAM, 1, OK)]));
    end.receive(frame(1, END_HEADERS | END_STREAM, 3, GET));
    end.send(frame(1, END_HEADERS | END_STREAM, 3, OK));
    decoding.feed(writer);
    const spans = decoding.spans();
    assert.deepEqual(
      spans.map((span) => [span['url.path'], span['undertrace.http.head_truncated']]),
      [
        ['/x', true],
        ['/x', undefined],
      ],
    );
  });

  describe('an answer that nobody waits for', () => {
    const ask = (stream: number): Buffer => frame(1, END_HEADERS | END_STREAM, stream, GET);
    const answer = (stream: number): Buffer => frame(1, END_HEADERS | END_STREAM, stream, OK);
    const reset = frame(3, 0, 1, Buffer.of(0, 0, 0, 8));

    it('is nothing that was lost where the client has reset the stream', () => {
      const writer = new RecordWriter();
      const decoding = new Decoding();
      const end = new TestEnd(writer).event('connect');
      end.send(Buffer.concat([START, ask(1)])).send(reset);
      end.receive(Buffer.concat([SETTINGS, answer(1)]));
      end.send(ask(3)).receive(answer(3));
      decoding.feed(writer);
      assert.deepEqual(
        decoding.spans().map((span) => [span['http.response.status_code'], span['error.type']]),
        [
          [undefined, 'cancel'],
          [200, undefined],
        ],
      );
      assert.equal(decoding.ledger.exchanges.lost.orphan_response, 0);
    });

    it('is counted where its request was not seen', () => {
      const writer = new RecordWriter();
      const decoding = new Decoding();
      new TestEnd(writer, { txPosition: 1000, rxPosition: 1000 })
        .send(ask(3))
        .receive(answer(3))
        .receive(answer(1));
      decoding.feed(writer.clock(writer.nowNs + 30e6));
      assert.equal(decoding.closed.length, 1);
      assert.equal(decoding.ledger.exchanges.lost.orphan_response, 1);
    });

    it('holds others up for no longer than a record may be late, though much is drained at once', () => {
      const writer = new RecordWriter();
      const decoding = new Decoding();
      const end = new TestEnd(writer).event('connect');
      end.send(Buffer.concat([START, ask(1)])).receive(Buffer.concat([SETTINGS, answer(3), answer(1)]));
      decoding.feed(writer);
      assert.equal(decoding.closed.length, 0);
      writer.nowNs += 30e6;
      end.receive(frame(6, 0, 0, Buffer.alloc(8)));
      decoding.feed(writer);
      assert.equal(decoding.closed.length, 1);
      assert.equal(decoding.ledger.exchanges.lost.orphan_response, 1);
    });
  });

  it('is joined in the middle: counts every stream, and says of it what does not refer to what was missed', () => {
    const earlier = from('client', START, frame(1, 5, 1, inserted(1, 'a.test'), Buffer.of(0x82, 0x86, 0x84)));
    const known = from('client', frame(1, 5, 3, Buffer.of(0x82, 0x86, 0xbe), inserted(4, '/known')));
    const again = from('client', frame(1, 5, 5, Buffer.of(0x82, 0x86, 0xbe, 0xbf)));
    const answer = (stream: number): Step => from('server', frame(1, 5, stream, OK));
    const steps = [earlier, answer(1), known, answer(3), again, answer(5)];
    const decoding = play('server', steps, { lost: new Set([0, 1]) });
    const spans = decoding.spans();
    assert.deepEqual(paths(decoding), ['/known', '/known']);
    assert.deepEqual(
      spans.map((span) => [span['server.address'], span['http.response.status_code']]),
      [
        [undefined, 200],
        [undefined, 200],
      ],
    );
  });

  it('claims a frame in the middle of a connection only where all of it is one', () => {
    const decoder = createHttp2({
      redactedQueryKeys: [],
      requestIdHeaders: [],
      queryText: { mode: 'off', limit: 0 },
    });
    const claim = (bytes: Uint8Array): Claim => decoder.probe(bytes, 0, bytes.length, true, true);
    const request = frame(1, 5, 7, Buffer.of(0x82, 0x86, 0x84));
    assert.equal(claim(request), Claim.request);
    assert.equal(claim(Buffer.concat([request, frame(0, 1, 7, 'text')])), Claim.request);
    assert.equal(claim(frame(1, 4, 7, OK)), Claim.response);
    assert.equal(claim(frame(8, 0, 0, Buffer.of(0, 0, 1, 0))), Claim.like);
    assert.equal(claim(Buffer.concat([request, Buffer.from('0123456789')])), Claim.no);
    assert.equal(claim(frame(1, 5, 7, Buffer.of(0x82, 0x41, 0x20))), Claim.no);
    const next = random(7);
    for (let round = 0; round < 20_000; round++) {
      const bytes = Uint8Array.from({ length: 9 + Math.floor(next() * 40) }, () => Math.floor(next() * 256));
      bytes[0] = bytes[1] = 0;
      assert.ok(claim(bytes) === Claim.no || claim(bytes) === Claim.like);
    }
  });

  it('asks for more of a run of many requests, and of no other that is long', () => {
    const budgets = (...frames: Buffer[]): unknown => {
      const writer = new RecordWriter();
      const decoding = new Decoding();
      const end = new TestEnd(writer);
      end.send(START).receive(SETTINGS);
      for (const bytes of frames) end.send(bytes);
      decoding.feed(writer);
      return decoding.verdicts.map(({ verdict, budget }) => [verdict, budget]);
    };
    const asked = Array.from({ length: 1000 }, (_, i) => frame(1, END_HEADERS | END_STREAM, 2 * i + 1, GET));
    const body = Array.from({ length: 8 }, () => frame(0, 0, 1, 'x'.repeat(8000)));
    assert.deepEqual(budgets(...asked), [
      [Verdict.full, 65_536],
      [Verdict.full, 1_048_576],
    ]);
    assert.deepEqual(budgets(frame(1, END_HEADERS, 1, GET), ...body), [[Verdict.full, 65_536]]);
  });

  it('keeps an idle connection in less than 2 KiB, its tables included', function () {
    this.timeout(60_000);
    const decoding = new Decoding();
    const writer = new RecordWriter();
    const data = new DataRecord();
    const connection = new ConnectionRecord();
    const count = 3000;
    const open = (first: number, last: number): void => {
      for (let i = first; i < last; i++) {
        const remote = ipv4(`10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}`);
        const end = new TestEnd(writer, { accepted: true, remote, remotePort: 1024 + (i % 60_000) });
        end.event('accept').receive(START).send(SETTINGS);
        for (let n = 0; n < 20; n++) {
          const path = inserted(4, `/connection/${i}/request/${n}`);
          const agent = n === 0 ? inserted(58, `agent/${i}`) : Buffer.of(0x80 | (62 + n));
          const date = inserted(33, `Sun, 29 Nov 2026 21:00:${10 + n} GMT`);
          end.receive(frame(1, 5, 2 * n + 1, Buffer.of(0x82, 0x86), agent, path));
          end.send(frame(1, 5, 2 * n + 1, OK, date));
        }
        const bytes = writer.take();
        data.over(bytes);
        connection.over(bytes);
        for (let at = 0; at < bytes.length; at += Math.ceil(data.size / 8) * 8) {
          if (data.at(at).kind === Kind.data) decoding.stage.onData(data);
          else decoding.stage.onConnection(connection.at(at));
        }
        decoding.opened.length = decoding.closed.length = decoding.verdicts.length = 0;
      }
      // Two seconds in which nothing happens.
      decoding.stage.onClock((writer.nowNs += 2e9));
    };
    open(0, 500);
    gc();
    const before = process.memoryUsage();
    open(500, 500 + count);
    gc();
    const after = process.memoryUsage();
    assert.equal(decoding.ledger.exchanges.out, (count + 500) * 20);
    const bytes = (after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers) / count;
    if (process.env['VERBOSE']) process.stdout.write(`      ${Math.round(bytes)} bytes\n`);
    assert.ok(bytes < 2048, `${Math.round(bytes)} bytes a connection`);
  });
});
