import assert from 'node:assert/strict';
import type { Stream } from '../../src/connection/stream.ts';
import { Step, type FifoDecoder } from '../../src/decode/decoder.ts';
import { createHttp1 } from '../../src/decode/protocol/http1.ts';
import { Reader } from '../../src/decode/reader.ts';

/** What may stand behind the bytes of a record in the buffer that it came in: the next record, whose first bytes are its size. */
const NEIGHBOURS = ['\0', '\n', '\r\n', '\n\n', ':', ' ', '1', 'H', '0\r\n\r\n'];

const MESSAGES: ReadonlyArray<[isRequest: boolean, text: string]> = [
  [true, 'POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc'],
  [true, 'PUT /a HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n'],
  [false, 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc'],
  [false, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n'],
  [false, 'HTTP/1.0 404 Not Found\r\nServer: s\r\n folded\r\n\r\nuntil the end'],
];

/** All steps that can be made over `text`, and where they end. */
function readAll(decoder: FifoDecoder, isRequest: boolean, text: string, neighbour: string): unknown {
  const bytes = Buffer.from(text + neighbour.repeat(8), 'latin1');
  const stream = {
    window: bytes,
    at: 0,
    limit: text.length,
    blocked: false,
    end: text.length,
    get cursor() {
      return this.at;
    },
    skip(count: number) {
      this.at += count;
      if (this.at > this.limit) this.limit = this.at;
    },
  };
  const reader = new Reader(stream as unknown as Stream);
  const state = decoder.createState();
  const steps: unknown[] = [];
  let step: Step;
  do {
    step = decoder.read(reader, isRequest, state, undefined);
    steps.push([step, reader.position, JSON.stringify(reader.message)]);
  } while (steps.length < 20 && (step === Step.head || step === Step.interim));
  const claim = decoder.probe(bytes, 0, text.length, false, false);
  return { steps, claim };
}

describe('decode: bytes that have not come', () => {
  const decoder = createHttp1({
    redactedQueryKeys: [],
    requestIdHeaders: [],
    queryText: { mode: 'off', limit: 0 },
  });
  it('are not looked at by HTTP/1, wherever a message is cut', () => {
    for (const [isRequest, text] of MESSAGES) {
      for (let cut = 0; cut <= text.length; cut++) {
        const part = text.slice(0, cut);
        const alone = readAll(decoder, isRequest, part, NEIGHBOURS[0]!);
        for (const neighbour of NEIGHBOURS.slice(1))
          assert.deepEqual(
            readAll(decoder, isRequest, part, neighbour),
            alone,
            JSON.stringify([part, neighbour]),
          );
      }
    }
  });
});
