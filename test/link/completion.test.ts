import assert from 'node:assert/strict';
import type { Exchange } from '../../src/decode/exchange.ts';
import { noteOf } from '../../src/link/pending.ts';
import { hopKey, makeConnection, makeExchange, MS } from './make-exchange.ts';
import { idOf, linkOf, Service } from './make-service.ts';

const WORKER = { tid: 90, turn: 0 };
const threadOf = (tid: number) => ({ tid, turn: 0 });

/** A request whose one call a worker makes, and the wake-ups that its response leads to. */
function serveByPool(service: Service, tid: number, ...woken: number[]): [request: Exchange, call: Exchange] {
  const request = service.serve(threadOf(tid));
  const call = service.call(WORKER, undefined);
  service.answered(call);
  service.wake(call, ...woken.map(threadOf));
  return [request, call];
}

/** The process is taken for one with a pool, and it is told whom its threads wake. */
function watch(service: Service): void {
  const first = service.serve(threadOf(8));
  for (let i = 0; i < 8; i++) service.answered(service.call(WORKER, undefined));
  service.answer(first, threadOf(8), first);
  service.watch();
}

/** Requests one after another beside one that is open all the time, as long as it takes to believe the rule. */
function provePool(service: Service): void {
  watch(service);
  service.serve(threadOf(1));
  for (let i = 0; i < 70; i++) {
    const [request] = serveByPool(service, 2, 2);
    service.answer(request, threadOf(2), request);
  }
}

/** A request of a pool that is proven, and its call, with the other ends of both. */
function servedTrace() {
  const service = new Service();
  provePool(service);
  const [client, request] = service.hop('server', threadOf(3));
  const [call, server] = service.hop('client', WORKER);
  return { service, client, request, call, server };
}

describe('link/completion', () => {
  it('gives the call of a worker to the request of the thread that it wakes', () => {
    const service = new Service();
    provePool(service);
    const [one, first] = serveByPool(service, 3, 3);
    const [other, second] = serveByPool(service, 4, 4, 4);
    service.answer(one, threadOf(3), one);
    service.answer(other, threadOf(4), other);
    const spans = service.spans();
    assert.deepEqual([linkOf(spans, first, one), linkOf(spans, second, other)], ['completion', 'completion']);
    assert.deepEqual(service.made.ledger.imbalances(), []);
  });

  it('believes it only once it has been borne out', () => {
    const service = new Service();
    watch(service);
    service.serve(threadOf(1));
    const [request, call] = serveByPool(service, 2, 2);
    service.answer(request, threadOf(2), request);
    service.wait(2000 * MS);
    assert.equal(linkOf(service.spans(), call, request), 'completion, a candidate');
  });

  it('believes none of two threads that a response has woken, and counts it', () => {
    const service = new Service();
    provePool(service);
    const other = service.serve(threadOf(4));
    const [request, call] = serveByPool(service, 3, 4, 3);
    service.answer(request, threadOf(3), request);
    service.answer(other, threadOf(4), other);
    const spans = service.spans();
    assert.deepEqual(
      [linkOf(spans, call, request), linkOf(spans, call, other)],
      ['none', 'completion, a candidate'],
    );
    assert.equal(service.made.linker.origins.counts.conflicts, 1);
  });

  it('says nothing of threads that serve no request, several, or one that came after the call', () => {
    const service = new Service();
    provePool(service);
    const several = [service.serve(threadOf(3)), service.serve(threadOf(3))];
    const call = service.call(WORKER, undefined);
    const later = service.serve(threadOf(4));
    const turned = service.serve({ tid: 6, turn: 8 });
    service.answered(call);
    service.wake(call, threadOf(3), threadOf(4), threadOf(5), threadOf(6));
    const spans = service.spans();
    for (const request of [...several, later, turned]) assert.equal(spans.get(idOf(request)), undefined);
    assert.equal(spans.get(idOf(call))!.parentSpanId, undefined);
    assert.equal(spans.get(idOf(call))!.links, undefined);
  });

  it('gives a call whose response is still under way', () => {
    const service = new Service();
    provePool(service);
    const request = service.serve(threadOf(3));
    const call = service.call(WORKER, undefined);
    service.wake(call, threadOf(3));
    service.answered(call);
    service.answer(request, threadOf(3), request);
    assert.equal(linkOf(service.spans(), call, request), 'completion');
    assert.deepEqual(service.made.ledger.imbalances(), []);
  });

  it('gives what the worker does next to nobody because of that', () => {
    const service = new Service();
    provePool(service);
    const [request, call] = serveByPool(service, 3, 3);
    const next = service.call(WORKER, call);
    const reused = service.call(WORKER, call, call.connection);
    service.answered(next, reused);
    service.answer(request, threadOf(3), request);
    const spans = service.spans();
    assert.deepEqual([linkOf(spans, next, request), linkOf(spans, reused, request)], ['none', 'none']);
  });

  it('believes nothing while a request is open that is older than the watch, for some seconds', () => {
    const service = new Service();
    const before = service.serve(threadOf(9));
    provePool(service);
    const [one, early] = serveByPool(service, 3, 3);
    service.answer(one, threadOf(3), one);
    service.wait(5000 * MS);
    const [two, late] = serveByPool(service, 3, 3);
    service.answer(two, threadOf(3), two);
    service.answer(before, threadOf(9), before);
    service.wait(2000 * MS);
    const spans = service.spans();
    assert.deepEqual(
      [linkOf(spans, early, one), linkOf(spans, late, two)],
      ['none', 'completion, a candidate'],
    );
  });

  it('is switched off where other threads answer than those that were woken', () => {
    const service = new Service();
    provePool(service);
    for (let i = 0; i < 3; i++) {
      const [request] = serveByPool(service, 3, 3);
      service.answer(request, threadOf(7), undefined);
    }
    assert.equal(service.made.linker.origins.counts.switchedOff.completion, 1);
    const [request, call] = serveByPool(service, 3, 3);
    service.answer(request, threadOf(3), request);
    assert.equal(linkOf(service.spans(), call, request), 'none');
  });

  it('is borne out by the thread that answers, also where that has read another request meanwhile', () => {
    const service = new Service();
    provePool(service);
    for (const tid of [10, 11, 12]) {
      const [request] = serveByPool(service, tid, tid);
      service.serve(threadOf(tid));
      service.answer(request, threadOf(tid), undefined);
    }
    assert.equal(service.made.linker.origins.counts.switchedOff.completion, 0);
  });

  it('is switched off where it contradicts what is known of calls', () => {
    const service = new Service();
    provePool(service);
    const other = service.serve(threadOf(4));
    for (let i = 0; i < 3; i++) {
      const request = service.serve(threadOf(3));
      const call = service.call(threadOf(3), request);
      service.answered(call);
      service.wake(call, threadOf(4));
      service.answer(request, threadOf(3), call);
      assert.equal(linkOf(service.spans(), call, request), 'thread');
    }
    service.answer(other, threadOf(4), other);
    assert.equal(service.made.linker.origins.counts.switchedOff.completion, 1);
  });

  it('lets a call of a pool wait for the wake-up, and no longer than for what may be found without', () => {
    const service = new Service();
    provePool(service);
    const request = service.serve(threadOf(3));
    const [late, never] = [service.call(WORKER, undefined), service.call(threadOf(91), undefined)];
    service.answered(late, never);
    service.wait(400 * MS);
    service.wake(late, threadOf(3));
    service.answer(request, threadOf(3), request);
    service.wait(3000 * MS);
    const spans = new Map(
      service.made.traces.flat().map((span) => [span.attributes['undertrace.hop.id'] as string, span]),
    );
    assert.equal(linkOf(spans, late, request), 'completion');
    assert.equal(spans.get(idOf(never))!.parentSpanId, undefined);
    assert.deepEqual(service.made.ledger.imbalances(), []);
  });

  it('lets a trace go as soon as nothing of it is missing, and no sooner', () => {
    for (const early of [true, false]) {
      const { service, request, call, client, server } = servedTrace();
      const [next, nextServer] = service.hop('client', WORKER);
      const before = service.made.traces.flat().length;
      for (const [each, other] of [
        [call, server],
        [next, nextServer],
      ] as const) {
        if (early) service.wake(each, threadOf(3));
        service.answered(other, each);
        service.wait(MS);
        if (!early) service.wake(each, threadOf(3));
      }
      service.answer(request, threadOf(3), request);
      service.answered(client);
      assert.equal(service.made.traces.flat().length, before);
      service.wait(MS);
      assert.equal(service.made.traces.flat().length, before + 6);
      assert.deepEqual(service.made.ledger.imbalances(), []);
    }
  });

  it('holds nothing up that comes after a call of a pool has left', () => {
    const { service, call, server } = servedTrace();
    service.answered(call);
    service.wait(500 * MS);
    service.wait(4000 * MS);
    const before = service.made.traces.flat().length;
    service.answered(server);
    service.wait(MS);
    assert.equal(service.made.traces.flat().length - before, 1);
  });

  it('takes no wake-up for a call whose span was dropped', () => {
    const service = new Service({ drops: ({ role }) => (role === 'client' ? 'end' : undefined) });
    provePool(service);
    const request = service.serve(threadOf(3));
    const call = service.call(WORKER, undefined);
    service.answered(call);
    service.wait(4000 * MS);
    service.wake(call, threadOf(3));
    assert.equal(noteOf(call)!.origin, undefined);
    service.answer(request, threadOf(3), request);
    service.wait(4000 * MS);
    assert.deepEqual(service.made.ledger.imbalances(), []);
  });

  it('gives no pool up before it is watched', () => {
    const told: boolean[] = [];
    const service = new Service({ onPool: (_, isPool) => told.push(isPool) });
    service.serve(threadOf(1));
    for (let i = 0; i < 1000; i++) service.answered(service.call(WORKER, undefined));
    assert.deepEqual(told, [true]);
  });

  it('tells which processes have a pool, until they end', () => {
    const told: Array<[number, boolean]> = [];
    const service = new Service({ onPool: (tgid, isPool) => told.push([tgid, isPool]) });
    provePool(service);
    service.made.linker.origins.onProcessExit(200);
    service.made.linker.origins.onProcessExit(200);
    assert.deepEqual(told, [
      [200, true],
      [200, false],
    ]);
  });

  it('looks for no pools where it is not to', () => {
    const told: number[] = [];
    const service = new Service({ completions: false, onPool: (tgid) => told.push(tgid) });
    provePool(service);
    assert.deepEqual(told, []);
  });

  it('takes a thread that calls while its process serves nothing for no pool', () => {
    const told: number[] = [];
    const service = new Service({ onPool: (tgid) => told.push(tgid) });
    for (let i = 0; i < 100; i++) {
      const request = service.serve(threadOf(2));
      service.answer(request, threadOf(2), request);
      service.answered(service.call(WORKER, undefined, makeConnection()));
    }
    const stranger = makeExchange({ role: 'client', tgid: 9, startNs: 1, endNs: 2, hop: hopKey(1) });
    service.made.open(stranger);
    service.made.close(stranger);
    assert.deepEqual(told, []);
  });
});
