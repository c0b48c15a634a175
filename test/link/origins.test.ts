import assert from 'node:assert/strict';
import { Reading } from '../../src/connection/thread-table.ts';
import type { Exchange } from '../../src/decode/exchange.ts';
import { SpanKind } from '../../src/link/span.ts';
import { makeConnection, MS } from './make-exchange.ts';
import { idOf, linkOf, LOOP, prove, Service } from './make-service.ts';

describe('link/origins', () => {
  it('gives a call to the one request that its thread serves', () => {
    const service = new Service();
    const one = service.serve({ tid: 1, turn: 0 });
    const other = service.serve({ tid: 2, turn: 0 });
    const calls = [
      service.call({ tid: 1, turn: 0 }, undefined),
      service.call({ tid: 2, turn: 0 }, undefined),
    ];
    service.answered(...calls);
    service.answer(one, { tid: 1, turn: 0 }, undefined);
    service.answer(other, { tid: 2, turn: 0 }, undefined);
    prove(service, () => ({ tid: 3, turn: 0 }));
    const spans = service.spans();
    assert.deepEqual([linkOf(spans, calls[0]!, one), linkOf(spans, calls[1]!, other)], ['thread', 'thread']);
  });

  it('names no parent that was lost before it ended', () => {
    const service = new Service();
    const request = service.serve({ tid: 1, turn: 0 });
    const call = service.call({ tid: 1, turn: 0 }, undefined);
    const { linker, ledger } = service.made;
    linker.dropped(request);
    ledger.exchanges.lost.evicted++;
    service.answered(call);
    prove(service, () => ({ tid: 3, turn: 0 }));
    const span = service.spans().get(idOf(call))!;
    assert.deepEqual([span.parentSpanId, span.links], [undefined, undefined]);
    assert.deepEqual(ledger.imbalances(), []);
  });

  it('follows the turns of an event loop through calls one after another and at once', () => {
    const service = new Service();
    const one = service.serve(LOOP);
    const a = service.call(LOOP, one);
    const other = service.serve({ tid: 1, turn: 10 });
    const aside = service.call({ tid: 1, turn: 10 }, other);
    service.answered(a);
    const b = service.call({ tid: 1, turn: 11 }, a);
    const c = service.call({ tid: 1, turn: 11 }, a);
    service.answered(b, c);
    service.answer(one, { tid: 1, turn: 12 }, c);
    service.answered(aside);
    service.answer(other, { tid: 1, turn: 13 }, aside);
    prove(service, (i) => ({ tid: 1, turn: 20 + i }));
    const spans = service.spans();
    for (const call of [a, b, c]) assert.equal(linkOf(spans, call, one), 'turn');
    assert.equal(linkOf(spans, aside, other), 'turn');
  });

  it('says nothing of what a loop does in a turn that began with nothing known', () => {
    const service = new Service();
    const [one, other] = [service.serve(LOOP), service.serve(LOOP)];
    const call = service.call({ tid: 1, turn: 10 }, undefined);
    service.answered(call);
    service.answer(one, LOOP, undefined);
    service.answer(other, LOOP, undefined);
    const spans = service.spans();
    assert.deepEqual([linkOf(spans, call, one), linkOf(spans, call, other)], ['none', 'none']);
  });

  it('says nothing where two rules differ, and counts it', () => {
    const service = new Service();
    const one = service.serve({ tid: 1, turn: 0 });
    const other = service.serve({ tid: 2, turn: 0 });
    const call = service.call({ tid: 1, turn: 0 }, other);
    service.answered(call);
    service.answer(one, { tid: 1, turn: 0 }, one);
    service.answer(other, { tid: 2, turn: 0 }, other);
    const spans = service.spans();
    assert.deepEqual([linkOf(spans, call, one), linkOf(spans, call, other)], ['none', 'none']);
    assert.equal(service.made.linker.origins.counts.conflicts, 1);
  });

  it('takes back every call of a chain that ends in the response of another request', () => {
    const service = new Service();
    prove(service, (i) => ({ tid: 1, turn: 20 + i }));
    const [one, other] = [service.serve(LOOP), service.serve({ tid: 1, turn: 10 })];
    const right = service.call({ tid: 1, turn: 10 }, other);
    const a = service.call({ tid: 1, turn: 9 }, one);
    service.answered(a);
    const b = service.call({ tid: 1, turn: 11 }, a);
    service.answered(b, right);
    service.answer(other, { tid: 1, turn: 12 }, b);
    service.answer(one, { tid: 1, turn: 13 }, one);
    const spans = service.spans();
    assert.deepEqual(
      [linkOf(spans, a, one), linkOf(spans, b, one)],
      ['turn, a candidate', 'turn, a candidate'],
    );
    // Whatever made the response, `other` is not what it seemed.
    assert.equal(linkOf(spans, right, other), 'turn, a candidate');
  });

  it('switches a rule off in a process that it does not explain, and only there', () => {
    const service = new Service();
    const calls: Array<[call: Exchange, request: Exchange]> = [];
    for (let i = 0; i < 10; i++) {
      const [one, other] = [
        service.serve({ tid: 1, turn: 3 * i }),
        service.serve({ tid: 1, turn: 3 * i + 1 }),
      ];
      const call = service.call({ tid: 1, turn: 3 * i + 1 }, other);
      calls.push([call, other]);
      service.answered(call);
      service.answer(one, { tid: 1, turn: 3 * i + 2 }, call);
      service.answer(other, { tid: 1, turn: 3 * i + 2 }, other);
    }
    assert.deepEqual(service.made.linker.origins.counts.switchedOff, {
      ...{ thread: 0, turn: 1, reuse: 0, batch: 0, completion: 0 },
    });
    const request = service.serve(LOOP);
    const aside = service.serve(LOOP);
    const call = service.call(LOOP, request);
    service.answered(call);
    service.answer(request, LOOP, call);
    service.answer(aside, LOOP, aside);
    const spans = service.spans();
    assert.equal(linkOf(spans, call, request), 'none');
    // Calls of before the verdict: the rule was wrong more often than right, so they have not even a candidate.
    for (const [earlier, origin] of calls) assert.equal(linkOf(spans, earlier, origin), 'none');
  });

  it('distrusts calls on the connection whose response was just read apart from the others', () => {
    const service = new Service();
    prove(service, (i) => ({ tid: 1, turn: 20 + i }));
    // A pool with one connection: whoever waited gets it next.
    const pool = makeConnection();
    for (let i = 0; i < 5; i++) {
      const [one, other] = [service.serve(LOOP), service.serve(LOOP)];
      const first = service.call(LOOP, one, pool);
      service.answered(first);
      const waited = service.call({ tid: 1, turn: 10 }, first, pool);
      service.answer(one, { tid: 1, turn: 10 }, first);
      service.answered(waited);
      service.answer(other, { tid: 1, turn: 11 }, waited);
    }
    assert.deepEqual(service.made.linker.origins.counts.switchedOff, {
      ...{ thread: 0, turn: 0, reuse: 1, batch: 0, completion: 0 },
    });
  });

  describe('several responses that were read at once', () => {
    /** Calls of several requests are answered at once; what each leads to is sent in the order of `sends`, places in the batch. */
    function batchOf(service: Service, sends: readonly number[]) {
      const turn = { tid: 1, turn: batchOf.turns++ };
      const requests = [0, 1, 2].map(() => service.serve(turn));
      const calls = requests.map((request) => service.call(turn, request));
      service.answered(...calls);
      const reading = new Reading(calls[0]!.connection, undefined);
      reading.exchange = calls;
      const next = { tid: 1, turn: batchOf.turns++ };
      const others = sends.map(() => service.call(next, reading));
      service.answered(...others);
      for (const [place, request] of requests.entries())
        service.answer(request, next, others[sends.indexOf(place)]);
      return { requests, others };
    }
    batchOf.turns = 100;

    it('lead to one call each, in their order', () => {
      const service = new Service();
      for (let i = 0; i < 10; i++) batchOf(service, [0, 1, 2]);
      const { requests, others } = batchOf(service, [0, 1, 2]);
      const spans = service.spans();
      for (const [i, other] of others.entries()) assert.equal(linkOf(spans, other, requests[i]!), 'batch');
    });

    it('are left alone in a process where the order is another one', () => {
      const service = new Service();
      const made = Array.from({ length: 20 }, () => batchOf(service, [2, 0, 1]));
      assert.equal(service.made.linker.origins.counts.switchedOff.batch, 1);
      assert.equal(service.made.linker.origins.counts.switchedOff.turn, 0);
      const spans = service.spans();
      for (const { requests, others } of made)
        for (const other of others)
          for (const request of requests) assert.notEqual(linkOf(spans, other, request), 'batch');
    });

    it('are left alone where one of them leads to two calls', () => {
      const service = new Service();
      for (let i = 0; i < 10; i++) batchOf(service, [0, 1, 2]);
      const { requests, others } = batchOf(service, [0, 1, 2, 2]);
      const spans = service.spans();
      for (const other of others)
        for (const request of requests) assert.notEqual(linkOf(spans, other, request), 'batch');
    });

    it('say nothing of the rule where one of them leads to no call', () => {
      const service = new Service();
      for (let i = 0; i < 10; i++) batchOf(service, [0, 1, 2]);
      const uneven = [0, 1, 2, 3, 4].map(() => batchOf(service, [1, 2]));
      const { requests, others } = batchOf(service, [0, 1, 2]);
      assert.equal(service.made.linker.origins.counts.switchedOff.batch, 0);
      const spans = service.spans();
      for (const [i, other] of others.entries()) assert.equal(linkOf(spans, other, requests[i]!), 'batch');
      for (const { requests: all, others: left } of uneven)
        for (const other of left)
          for (const request of all) assert.notEqual(linkOf(spans, other, request), 'batch');
    });
  });

  it('gives a call after the response to its request where the loop has not turned', () => {
    const service = new Service();
    prove(service, (i) => ({ tid: 1, turn: 20 + i }));
    const request = service.serve(LOOP);
    const before = service.call(LOOP, request);
    service.answered(before);
    service.answer(request, { tid: 1, turn: 10 }, before);
    const after = service.call({ tid: 1, turn: 10 }, before);
    service.answered(after);
    const blocking = service.call({ tid: 2, turn: 0 }, request);
    service.answered(blocking);
    const spans = service.spans();
    assert.deepEqual([linkOf(spans, after, request), linkOf(spans, blocking, request)], ['turn', 'none']);
  });

  it('gives what a request leads to while it is open its parent, when it has waited long enough', () => {
    const service = new Service();
    prove(service, (i) => ({ tid: 1, turn: 20 + i }));
    const stream = service.serve(LOOP);
    const call = service.call(LOOP, stream);
    service.answered(call);
    const early = service.spans();
    assert.equal(early.get(idOf(stream)), undefined);
    const { parentSpanId, traceId } = early.get(idOf(call))!;
    service.answer(stream, { tid: 1, turn: 30 }, undefined);
    const late = service.spans().get(idOf(stream))!;
    assert.deepEqual([parentSpanId, traceId], [late.spanId, late.traceId]);
  });

  it('lets the calls of a process wait while its rules may still be proven, and not where nothing is under way', () => {
    for (const busy of [true, false]) {
      const service = new Service();
      const { made } = service;
      if (busy) service.serve({ tid: 5, turn: 5 });
      const request = service.serve(LOOP);
      const asked = service.call(LOOP, request);
      service.answered(asked);
      service.answer(request, { tid: 1, turn: 12 }, undefined);
      made.tick(15 * MS + 600 * MS);
      const found = made.traces.flat().filter(({ kind }) => kind === SpanKind.CLIENT);
      assert.equal(found.length, busy ? 0 : 1);
      made.tick(4000 * MS);
      assert.equal(made.traces.flat().filter(({ kind }) => kind === SpanKind.CLIENT).length, 1);
    }
  });
});
