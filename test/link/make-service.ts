import assert from 'node:assert/strict';
import { Reading } from '../../src/connection/thread-table.ts';
import type { Exchange } from '../../src/decode/exchange.ts';
import { answerOf } from '../../src/decode/live-exchange.ts';
import { noteOf } from '../../src/link/pending.ts';
import type { LinkerOptions } from '../../src/link/linker.ts';
import type { Span } from '../../src/link/span.ts';
import { SpanKind } from '../../src/link/span.ts';
import { hopKey, makeConnection, makeExchange, makeLinker, MS } from './make-exchange.ts';

const SHOP = 200;
export const LOOP = { tid: 1, turn: 9 };

/** A process that serves and calls, as the pipeline would tell of it. */
export class Service {
  readonly made;
  #serial = 0;
  #nowNs = 10 * MS;

  constructor(change: Partial<LinkerOptions> = {}) {
    this.made = makeLinker(change);
  }

  /** A request is read. */
  serve(by: { tid: number; turn: number }, path = '/'): Exchange {
    const exchange = makeExchange({ role: 'server', tgid: SHOP, ...this.#next(path), ...by });
    this.made.open(exchange);
    return exchange;
  }

  /** A call is sent because of what was read. */
  call(
    by: { tid: number; turn: number },
    read: Exchange | Reading | undefined,
    connection = makeConnection(),
  ): Exchange {
    const reason = read instanceof Reading ? read : read && readingOf(read);
    const exchange = makeExchange({
      role: 'client',
      tgid: SHOP,
      connection,
      reason,
      ...this.#next('/'),
      ...by,
    });
    this.made.open(exchange);
    return exchange;
  }

  /** Both ends of a request, of which this process is one; the client first. */
  hop(role: 'client' | 'server', by: { tid: number; turn: number }): [client: Exchange, server: Exchange] {
    const { hop, startNs, endNs } = this.#next('/');
    const ends = (['client', 'server'] as const).map((end) => {
      const who = end === role ? { tgid: SHOP, ...by } : { tgid: 300 };
      return makeExchange({ role: end, startNs, endNs, hop: { ...hop }, ...who });
    });
    this.made.open(...ends);
    return [ends[0]!, ends[1]!];
  }

  /** Its response is read. */
  answered(...calls: Exchange[]): void {
    for (const call of calls) call.endNs = this.#nowNs += 1000;
    this.made.close(...calls);
  }

  /** It is told whom the threads wake. */
  watch(): void {
    this.made.linker.origins.onWatched(SHOP, (this.#nowNs += 1000));
  }

  /** The thread that has read its response wakes others. */
  wake(call: Exchange, ...woken: Array<{ tid: number; turn: number }>): void {
    for (const each of woken) this.made.linker.woke(noteOf(call)!, each);
  }

  /** A response is sent because of what was read. */
  answer(request: Exchange, by: { tid: number; turn: number }, read: Exchange | Reading | undefined): void {
    request.answer = answerOf({ ...by, reason: read instanceof Reading ? read : read && readingOf(read) });
    request.endNs = this.#nowNs += 1000;
    this.made.close(request);
  }

  /** Time passes. */
  wait(ns: number): void {
    this.made.tick((this.#nowNs += ns));
  }

  /** All spans, by exchange. */
  spans(): Map<string, Span> {
    this.wait(4000 * MS);
    return new Map(
      this.made.traces.flat().map((span) => [span.attributes['undertrace.hop.id'] as string, span]),
    );
  }

  #next(path: string) {
    const startNs = (this.#nowNs += 1000);
    return { startNs, endNs: startNs, hop: hopKey(++this.#serial), description: { path } };
  }
}

function readingOf(exchange: Exchange): Reading {
  const reading = new Reading(exchange.connection, undefined);
  reading.exchange = exchange;
  return reading;
}

export function idOf({ hop }: Exchange): string {
  return hop!.high.toString(16).padStart(8, '0') + hop!.low.toString(16).padStart(8, '0');
}

/** What the span of a call has to do with that of a request. */
export function linkOf(spans: Map<string, Span>, call: Exchange, request: Exchange): string {
  const [child, parent] = [spans.get(idOf(call))!, spans.get(idOf(request))!];
  assert.equal(child.kind, SpanKind.CLIENT);
  const method = String(child.attributes['undertrace.link.method']);
  if (child.parentSpanId === parent.spanId) {
    assert.equal(child.traceId, parent.traceId);
    assert.equal(child.links, undefined);
    return method;
  }
  if (child.links?.[0]?.spanId === parent.spanId) {
    assert.equal(child.parentSpanId, undefined);
    return `${method}, a candidate`;
  }
  return child.parentSpanId === undefined ? 'none' : 'another';
}

/** Requests of a process with one call each, until its rules are proven. */
export function prove(service: Service, by: (i: number) => { tid: number; turn: number }): void {
  for (let i = 0; i < 70; i++) {
    const request = service.serve(by(i));
    const call = service.call(by(i), request);
    service.answered(call);
    service.answer(request, by(i), call);
  }
}
