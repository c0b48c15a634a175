import assert from 'node:assert/strict';
import type { DirectoryEntry } from '../../src/directory/directory.ts';
import { Reading } from '../../src/connection/thread-table.ts';
import type { Exchange, HopKey } from '../../src/decode/exchange.ts';
import { answerOf } from '../../src/decode/live-exchange.ts';
import { clientSpanId, rootTraceId, serverSpanId } from '../../src/link/ids.ts';
import type { LinkerOptions } from '../../src/link/linker.ts';
import { noteOf } from '../../src/link/pending.ts';
import type { Span } from '../../src/link/span.ts';
import { Sampler } from '../../src/link/sampler.ts';
import { makeHeaders } from './context/make-headers.ts';
import { hopKey, makeConnection, makeExchange, makeLinker, MS } from './make-exchange.ts';

/** Several hosts with a directory that answers at once; time is the same everywhere. */
class Fleet {
  readonly entries = new Map<string, string>();
  readonly hosts: Host[] = [];
  /** Every key that was asked for. */
  readonly asked: string[] = [];
  #nowNs = MS;

  host(change: Partial<LinkerOptions> = {}, directory = true): Host {
    const host = new Host(this, change, directory);
    this.hosts.push(host);
    return host;
  }

  /** Lets time go by, in the steps of a quiet agent. */
  pass(ms: number): void {
    for (const end = this.#nowNs + ms * MS; this.#nowNs < end;) {
      this.#nowNs += 10 * MS;
      for (const host of this.hosts) host.tick(this.#nowNs);
    }
  }

  get nowNs(): number {
    return this.#nowNs;
  }
}

class Host {
  readonly made;
  readonly #fleet: Fleet;
  /** Asked for half a second, as the mail does. */
  #questions: Array<{ key: string; untilNs: number }> = [];

  constructor(fleet: Fleet, change: Partial<LinkerOptions>, directory: boolean) {
    this.#fleet = fleet;
    this.made = makeLinker({
      remoteMail: {
        publish: ({ key, value }) => void fleet.entries.set(key, value),
        lookUp: (key) => {
          fleet.asked.push(key);
          this.#questions.push({ key, untilNs: fleet.nowNs + 450 * MS });
        },
      },
      ...change,
    });
    if (directory) this.made.linker.answered([]);
  }

  open(role: 'client' | 'server', hop: HopKey, change: Partial<Parameters<typeof makeExchange>[0]> = {}) {
    const connection = makeConnection({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2' });
    const startNs = this.#fleet.nowNs;
    const exchange = makeExchange({ role, hop, startNs, endNs: startNs, connection, ...change });
    this.made.open(exchange);
    return exchange;
  }

  close(...exchanges: Exchange[]): void {
    for (const exchange of exchanges) exchange.endNs = this.#fleet.nowNs;
    this.made.close(...exchanges);
  }

  tick(nowNs: number): void {
    this.made.tick(nowNs);
    const found: DirectoryEntry[] = [];
    this.#questions = this.#questions.filter(({ key, untilNs }) => {
      const value = this.#fleet.entries.get(key);
      if (value !== undefined) found.push({ key, value });
      return value === undefined && untilNs > nowNs;
    });
    if (found.length > 0) this.made.linker.answered(found);
  }

  get spans(): Span[] {
    return this.made.traces.flat();
  }
}

describe('link/remote-ends', () => {
  it('makes the spans of two hosts one trace', () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.host(), fleet.host()];
    const hop = hopKey(1);
    const client = a.open('client', hop);
    const server = b.open('server', { ...hop });
    fleet.pass(10);
    b.close(server);
    a.close(client);
    fleet.pass(400);
    const [sent, served] = [a.spans[0]!, b.spans[0]!];
    assert.equal(sent.traceId, rootTraceId(hop));
    assert.equal(sent.spanId, clientSpanId(hop));
    assert.equal(served.traceId, sent.traceId);
    assert.equal(served.spanId, serverSpanId(hop));
    assert.equal(served.parentSpanId, sent.spanId);
    assert.equal(served.parentIsRemote, true);
    assert.equal(served.attributes['undertrace.link.method'], 'directory');
    assert.equal(served.attributes['undertrace.link.confidence'], 1);
    assert.deepEqual([...a.made.ledger.imbalances(), ...b.made.ledger.imbalances()], []);
    assert.equal(b.made.linker.hops.size > 0, true);
    fleet.pass(3000);
    assert.equal(b.made.linker.hops.size, 0);
  });

  it('publishes the client of a long request while it is under way, so that what it causes finds its place', () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.host(), fleet.host()];
    const hop = hopKey(1);
    const client = a.open('client', hop);
    const server = b.open('server', { ...hop });
    fleet.pass(100);
    assert.deepEqual([...fleet.entries.keys()], ['undertrace:1:000000010000004d']);
    fleet.pass(900);
    b.close(server);
    a.close(client);
    fleet.pass(20);
    assert.equal(b.spans[0]!.parentSpanId, clientSpanId(hop), 'it does not wait once it has its answer');
  });

  it('asks nothing and tells nothing without a directory', () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.host({}, false), fleet.host({}, false)];
    const hop = hopKey(1);
    const client = a.open('client', hop);
    const server = b.open('server', { ...hop });
    fleet.pass(100);
    b.close(server);
    a.close(client);
    fleet.pass(600);
    assert.deepEqual([fleet.entries.size, fleet.asked.length], [0, 0]);
    assert.equal(b.spans[0]!.parentSpanId, undefined);
  });

  it('is for TCP to other hosts alone, and for requests that name no span', () => {
    const fleet = new Fleet();
    const host = fleet.host({ contextHeadersOf: ({ request }) => (request as { h?: never }).h });
    const loopback = { connection: makeConnection() };
    const same = { connection: makeConnection({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.1' }) };
    const traceparent = `00-${'4'.repeat(32)}-${'5'.repeat(16)}-01`;
    const named = makeExchange({ role: 'server', startNs: MS, endNs: MS, hop: hopKey(7) });
    Object.assign(named, { request: { h: makeHeaders({ traceparent }) } });
    Object.assign(named.connection, { remoteAddress: '10.0.0.2' });
    const all = [
      host.open('client', hopKey(1), loopback),
      host.open('server', hopKey(2), loopback),
      host.open('client', hopKey(3), same),
      host.open('client', hopKey(4, 77, 'unix')),
      host.open('client', hopKey(5)),
      host.open('server', hopKey(5)),
    ];
    host.made.open(named);
    fleet.pass(30);
    host.close(...all, named);
    fleet.pass(600);
    assert.deepEqual([fleet.entries.size, fleet.asked.length], [0, 0]);
    assert.equal(host.spans.length, all.length + 1);
  });

  it('gives the server up when the wait is over, and takes no answer after that', () => {
    const fleet = new Fleet();
    const b = fleet.host();
    const hop = hopKey(1);
    const server = b.open('server', hop);
    b.close(server);
    fleet.pass(600);
    assert.equal(b.spans[0]!.parentSpanId, undefined);
    assert.equal(b.spans[0]!.traceId, rootTraceId(hop));
    const key = fleet.asked[0]!;
    assert.equal(fleet.asked.length, 1);
    b.made.linker.answered([{ key, value: `00-${'4'.repeat(32)}-${'5'.repeat(16)}-01` }]);
    assert.equal(b.made.linker.remoteEnds.counts.late, 1);
  });

  it('waits from when it was asked for, however late its records were read', () => {
    const fleet = new Fleet();
    const b = fleet.host();
    const hop = hopKey(1);
    const server = b.open('server', hop);
    b.close(server);
    fleet.pass(10);
    const late = b.open('server', hopKey(2));
    b.close(late);
    b.made.tick(fleet.nowNs + 900 * MS);
    assert.equal(
      b.spans.length,
      1,
      'the agent was kept from its work, and what it reads only now has not waited',
    );
    b.made.tick(fleet.nowNs + 1399 * MS);
    assert.equal(b.spans.length, 1);
    b.made.tick(fleet.nowNs + 1401 * MS);
    assert.equal(b.spans.length, 2);
  });

  it('takes no answer that no agent wrote', () => {
    const fleet = new Fleet();
    const b = fleet.host();
    const server = b.open('server', hopKey(1));
    for (const value of ['x', `00-${'0'.repeat(32)}-${'5'.repeat(16)}-01`, `00-${'4'.repeat(32)}`]) {
      fleet.entries.set('undertrace:1:000000010000004d', value);
      fleet.pass(250);
    }
    b.close(server);
    fleet.pass(600);
    assert.equal(b.spans[0]!.parentSpanId, undefined);
    assert.ok(b.made.linker.remoteEnds.counts.invalid >= 3);
  });

  it('joins a chain of four hosts whose requests are short', () => {
    const fleet = new Fleet();
    const hosts = [fleet.host(), fleet.host(), fleet.host(), fleet.host()];
    const hops = [hopKey(1), hopKey(2), hopKey(3)];
    const turn = { tid: 1, turn: 3 };
    // Rules have to prove themselves first, with requests whose response comes after the one to the call that they led to.
    for (let round = 0; round < 40; round++)
      chain(
        fleet,
        hosts,
        hops.map(({ high }) => hopKey(high + 10 * round + 10)),
        turn,
      );
    for (const host of hosts) host.made.traces.length = 0;
    chain(fleet, hosts, hops, turn);
    const spans = hosts.flatMap((host) => host.spans);
    assert.equal(spans.length, 6);
    assert.deepEqual(
      [...new Set(spans.map(({ traceId }) => traceId))],
      [rootTraceId(hops[0]!)],
      spans
        .map(
          ({ attributes, parentSpanId }) => `${parentSpanId} ${String(attributes['undertrace.link.method'])}`,
        )
        .join(),
    );
    assert.equal(spans.filter(({ parentSpanId }) => parentSpanId === undefined).length, 1);
  });

  it('publishes no client whose span is dropped', () => {
    const fleet = new Fleet();
    const a = fleet.host({ drops: () => 'request' });
    const client = a.open('client', hopKey(1));
    fleet.pass(100);
    a.close(client);
    fleet.pass(600);
    assert.equal(fleet.entries.size, 0);
    assert.equal(a.made.ledger.exchanges.lost.filtered, 1);
  });

  it('passes the sampling decision on', () => {
    const fleet = new Fleet();
    const [a, b] = [fleet.host({ sampler: new Sampler('always_off') }), fleet.host()];
    const client = a.open('client', hopKey(1));
    const server = b.open('server', hopKey(1));
    b.close(server);
    a.close(client);
    fleet.pass(600);
    assert.match([...fleet.entries.values()][0]!, /-00$/);
    assert.equal(b.made.ledger.spans.lost.sampled_out, 1);
  });

  it('forgets an exchange that was lost, and looks after no more than it may', () => {
    const fleet = new Fleet();
    const host = fleet.host();
    const lost = [host.open('client', hopKey(1)), host.open('server', hopKey(2))];
    for (const exchange of lost) host.made.linker.dropped(exchange);
    host.made.ledger.exchanges.lost.evicted += lost.length;
    fleet.pass(600);
    assert.deepEqual([fleet.entries.size, fleet.asked.length], [0, 0]);
    for (let i = 0; i < 17_000; i++) host.open('server', hopKey(100 + i));
    assert.equal(host.made.linker.remoteEnds.counts.overflows, 17_000 - 16_384);
  });

  it('tells of the call of a pool when its response has woken whom it was for', () => {
    const fleet = new Fleet();
    const a = fleet.host();
    const thread = (tid: number) => ({ tgid: 7, tid, turn: 0 });
    const before = a.open('server', hopKey(1), thread(1));
    for (let i = 0; i < 8; i++) a.close(a.open('client', hopKey(10 + i), thread(9)));
    a.close(before);
    a.made.linker.origins.onWatched(7, fleet.nowNs);
    fleet.pass(500);
    const request = a.open('server', hopKey(2), thread(1));
    fleet.pass(10);
    const call = a.open('client', hopKey(3), thread(9));
    fleet.pass(60);
    a.close(call);
    fleet.pass(20);
    const published = fleet.entries.size;
    a.made.linker.woke(noteOf(call)!, thread(1));
    request.answer = answerOf({ tid: 1, turn: 0, reason: undefined });
    a.close(request);
    fleet.pass(600);
    assert.equal(fleet.entries.size, published + 1);
    const [served, sent] = [2, 3].map((hop) =>
      a.spans.find(({ attributes }) => String(attributes['undertrace.hop.id']).startsWith(`0000000${hop}`))!,
    );
    assert.deepEqual([sent!.traceId, sent!.parentSpanId], [served!.traceId, served!.spanId]);
    assert.ok([...fleet.entries.values()].at(-1)!.includes(served!.traceId));
    assert.deepEqual(a.made.ledger.imbalances(), []);
  });
});

/** One request through all hosts: each serves it, asks the next one, and answers when that has answered. */
function chain(fleet: Fleet, hosts: Host[], hops: HopKey[], by: { tid: number; turn: number }): void {
  const calls: Exchange[] = [];
  const served: Exchange[] = [];
  for (const [i, hop] of hops.entries()) {
    const above = served.at(-1);
    const reason = above && readingOf(above);
    calls.push(hosts[i]!.open('client', hop, { ...by, tgid: 200, reason }));
    fleet.pass(10);
    served.push(hosts[i + 1]!.open('server', { ...hop }, { ...by, tgid: 200 }));
    fleet.pass(10);
  }
  for (let i = hops.length - 1; i >= 0; i--) {
    const last = calls[i + 1];
    served[i]!.answer = answerOf({ ...by, reason: readingOf(last ?? served[i]!) });
    hosts[i + 1]!.close(served[i]!);
    fleet.pass(10);
    hosts[i]!.close(calls[i]!);
  }
  fleet.pass(4000);
}

function readingOf(exchange: Exchange): Reading {
  const reading = new Reading(exchange.connection, undefined);
  reading.exchange = exchange;
  return reading;
}
