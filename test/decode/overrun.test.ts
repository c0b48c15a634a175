import assert from 'node:assert/strict';
import { Decoding } from '../support/decoding.ts';
import { random } from '../support/random.ts';
import { RecordWriter, TestEnd } from '../support/records.ts';

/** What the kernel copies of a run before it sums the rest up. */
const BUDGET = 300;
const ROUNDS = 1000;
const EXCHANGES = 60;
const STATUSES = [200, 201, 204, 304, 404, 500, 503];

type Random = ReturnType<typeof random>;
type Way = 'send' | 'receive';

/** One end whose records a full ring loses in phases, and whose runs are summed up in the kernel behind their budget. */
class LossyEnd {
  losing = false;
  readonly #end: TestEnd;
  readonly #next: Random;
  #full = false;
  #way: Way | undefined;
  #run = 0;
  #gap: ReturnType<TestEnd['elide']> | undefined;

  constructor(writer: RecordWriter, accepted: boolean, next: Random) {
    this.#end = new TestEnd(writer, { accepted }).event(accepted ? 'accept' : 'connect');
    this.#next = next;
  }

  /** Moves `bytes` in calls of any length. */
  move(way: Way, bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const left = bytes.length - at;
      const length = this.#next() < 0.5 ? left : 1 + Math.floor(this.#next() * left);
      this.#call(way, bytes.subarray(at, at + length));
      at += length;
    }
  }

  /** The connection is over, in order: the sequence numbers count a FIN in each direction. */
  close(): void {
    this.#end.lose('send', 1).lose('receive', 1).event('destroyed', this.#gap);
  }

  #call(way: Way, bytes: Buffer): void {
    const end = this.#end;
    if (this.losing && this.#next() < 0.1) this.#full = !this.#full;
    if (this.#full) {
      end.writer.nowNs += 1000;
      end.lose(way, bytes.length);
      this.#way = undefined; // what follows begins a run
      return;
    }
    if (way !== this.#way) this.#run = 0;
    this.#way = way;
    const captured = this.losing ? Math.min(bytes.length, Math.max(0, BUDGET - this.#run)) : bytes.length;
    this.#run += bytes.length;
    if (captured === 0) {
      this.#elide(way, bytes.length);
    } else {
      end[way](bytes, { captured, ...(this.#gap && { fields: this.#gap }) });
      this.#gap = undefined;
    }
    if (this.#next() < 0.05) end.writer.clock();
  }

  #elide(way: Way, length: number): void {
    const last = this.#gap;
    const gap = this.#end.elide(way, length);
    const continued = last?.gap_direction === gap.gap_direction && last.gap_end === gap.gap_start;
    this.#gap = continued ? { ...gap, gap_start: last.gap_start } : gap;
  }
}

function request(n: number, next: Random): Buffer {
  const body = next() < 0.2 ? 'b'.repeat(next() * 900) : '';
  const length = body && `Content-Length: ${body.length}\r\n`;
  return Buffer.from(`${body ? 'POST' : 'GET'} /${n}? HTTP/1.1\r\nHost: h\r\n${length}\r\n${body}`);
}

function response(status: number, next: Random): Buffer {
  const head = `HTTP/1.1 ${status} x\r\n`;
  if (status === 204 || status === 304) return Buffer.from(`${head}\r\n`);
  const body = 'b'.repeat(1 + next() * 900);
  if (next() < 0.7) return Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
  const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  return Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`);
}

/** How many requests a client makes before it reads responses, and how many of these before it asks again. */
interface Client {
  asks: (next: Random) => number;
  reads: (next: Random, outstanding: number) => number;
  /** Exchanges without any loss in which it shows how it asks. */
  shows: number;
  /** Share of the exchanges whose response is told in spite of the losses: at least. */
  told: number;
}

const CLIENTS: Record<string, Client> = {
  'asks for one at a time': { asks: () => 1, reads: () => 1, shows: 0, told: 0.2 },
  'asks for some at a time': {
    asks: (next) => 1 + next() * 4,
    reads: (_, all) => all,
    shows: 12,
    told: 0.05,
  },
  'always asks for more': {
    asks: (next) => next() * 3,
    reads: (next, all) => Math.min(all - 1, next() * 4),
    shows: 12,
    told: 0.05,
  },
};

interface Talk {
  /** By request number. */
  statuses: number[];
  /** Requests that were answered before the connection ended. */
  answered: number;
  /** The records of the connection. */
  writer: RecordWriter;
}

function talk(client: Client, accepted: boolean, next: Random): Talk {
  const writer = new RecordWriter();
  const end = new LossyEnd(writer, accepted, next);
  const [there, back]: Way[] = accepted ? ['receive', 'send'] : ['send', 'receive'];
  const statuses: number[] = [];
  let answered = 0;
  end.losing = client.shows === 0;
  while (answered < EXCHANGES) {
    for (let i = Math.floor(client.asks(next)); i > 0; i--) {
      const n = statuses.push(STATUSES[Math.floor(next() * STATUSES.length)]!) - 1;
      end.move(there!, request(n, next));
    }
    for (let i = Math.floor(client.reads(next, statuses.length - answered)); i > 0; i--) {
      end.move(back!, response(statuses[answered++]!, next));
    }
    end.losing = answered >= client.shows;
  }
  end.close();
  writer.clock().clock().clock();
  return { statuses, answered, writer };
}

describe('decode, while the ring is full now and then', function () {
  this.timeout(60_000);
  for (const [how, client] of Object.entries(CLIENTS)) {
    for (const role of ['client', 'server']) {
      it(`gives no request another one's response, and no blame for a response that was lost (a client that ${how}, at the ${role})`, () => {
        let told = 0;
        for (let seed = 1; seed <= ROUNDS; seed++) {
          const { statuses, answered, writer } = talk(client, role === 'server', random(seed));
          const decoding = new Decoding().feed(writer);
          for (const exchange of decoding.closed) {
            const { attributes } = decoding.describe(exchange);
            const status = attributes['http.response.status_code'];
            const path = (attributes['url.full'] ?? attributes['url.path']) as string;
            const n = Number(/(\d+)\??$/.exec(path)?.[1]);
            if (n < answered) assert.equal(exchange.failure, undefined, `round ${seed}, ${path}`);
            if (status === undefined) continue;
            assert.equal(status, statuses[n], `round ${seed}, ${path}`);
            told++;
          }
        }
        assert.ok(told >= ROUNDS * EXCHANGES * client.told, `only ${told} have a status`);
      });
    }
  }
});
