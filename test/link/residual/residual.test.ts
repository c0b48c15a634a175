import assert from 'node:assert/strict';
import { hopId } from '../../../src/link/ids.ts';
import type { Pending } from '../../../src/link/pending.ts';
import type { Span } from '../../../src/link/span.ts';
import { makeLinker, MS } from '../make-exchange.ts';
import { type Made, simulate, type Simulation } from './simulated-service.ts';

const TICK_NS = 25 * MS;
/** As the thread rule knows it where the call that is not waited for last is made by another thread. */
const asInPool = ({ letter, last }: Made): boolean => letter !== 'c' || last;

/** What the linker makes of a service: its spans, with what was made by whom. */
function link(simulation: Simulation) {
  const { events, made } = simulate(simulation);
  const { linker, ledger, traces, tick, open, close } = makeLinker();
  let tickNs = events[0]!.atNs;
  for (const { atNs, what, pending } of events) {
    for (; tickNs <= atNs; tickNs += TICK_NS) tick(tickNs);
    if (what === 'opened' || what === 'calls') open(pending.exchange);
    else close(pending.exchange);
  }
  const settle = (forNs = 5000 * MS): void => {
    for (const untilNs = tickNs + forNs; tickNs < untilNs;) tick((tickNs += TICK_NS));
  };
  const spanOf = (pending: Pending): Span => spans().get(hopId(pending.exchange.hop!))!;
  const spans = (): Map<unknown, Span> =>
    new Map(traces.flat().map((span) => [span.attributes['undertrace.hop.id'], span]));
  return { linker, ledger, made, settle, spanOf, spans };
}

/** What a guess is to become, by what its span says of it. */
function kindOf({ attributes }: Span): 'parent' | 'candidate' | 'heldBack' {
  const confidence = attributes['undertrace.link.confidence'] as number;
  const heldBack = attributes['undertrace.link.held_back'];
  if (heldBack === undefined) return confidence >= 0.9 ? 'parent' : 'candidate';
  assert.ok(confidence === undefined && (heldBack as number) >= 0.9);
  return 'heldBack';
}

describe('link/residual', () => {
  it('gives calls that no rule knows a parent or a span link, never both, and the others keep theirs', () => {
    const { ledger, made, settle, spans } = link({ clients: 8, requests: 1500, isKnown: asInPool });
    settle();
    assert.deepEqual(ledger.imbalances(), []);
    const byId = spans();
    const found = { parent: 0, candidate: 0, heldBack: 0, none: 0, wrong: 0 };
    for (const one of made) {
      const span = byId.get(hopId(one.pending.exchange.hop!))!;
      const request = byId.get(hopId(one.request.exchange.hop!))!;
      const method = span.attributes['undertrace.link.method'];
      if (asInPool(one)) {
        assert.equal(method, 'thread');
        continue;
      }
      if (method === undefined) {
        found.none++;
        continue;
      }
      assert.equal(method, 'residual');
      const what = kindOf(span);
      const isParent = what === 'parent';
      assert.equal(span.parentSpanId !== undefined, isParent);
      assert.equal(span.links?.length, isParent ? undefined : 1);
      const named = span.parentSpanId ?? span.links![0]!.spanId;
      if (span.parentSpanId !== undefined && named === request.spanId)
        assert.equal(span.traceId, request.traceId);
      found[what]++;
      if (isParent && named !== request.spanId) found.wrong++;
    }
    assert.ok(found.parent > 100 && found.candidate > 0 && found.heldBack > 0, JSON.stringify(found));
    assert.ok(found.wrong <= 0.001 * made.length, JSON.stringify(found));
  });

  it('lets a call wait until what was open with it is over, and not for ever', () => {
    const { linker, made, settle } = link({ clients: 8, requests: 1500, isKnown: asInPool });
    assert.ok(linker.held > 0);
    settle();
    assert.equal(linker.held, 0);
    assert.ok(made.length > 0);
  });

  it('decides at the end by what there is', () => {
    const { linker, ledger, settle, spans } = link({ clients: 8, requests: 1500, isKnown: asInPool });
    linker.flush();
    const methods = [...spans().values()].map(({ attributes }) => attributes['undertrace.link.method']);
    assert.ok(methods.filter((method) => method === 'residual').length > 200);
    assert.deepEqual(ledger.imbalances(), []);
    settle();
  });

  it('holds nothing up where every link is known, or none is', () => {
    for (const isKnown of [() => true, () => false]) {
      const { linker, ledger, settle, spans } = link({ clients: 4, requests: 400, isKnown });
      // As long as other spans wait whose other end is not seen.
      settle(500 * MS);
      assert.equal(linker.held, 0);
      assert.deepEqual(ledger.imbalances(), []);
      for (const { attributes } of spans().values())
        assert.notEqual(attributes['undertrace.link.method'], 'residual');
    }
  });

  it('lets go of what waits when the process has ended', () => {
    const { linker, settle } = link({ clients: 8, requests: 50, isKnown: asInPool });
    settle(600 * MS);
    assert.ok(linker.held > 0);
    linker.origins.onProcessExit(200);
    settle(50 * MS);
    assert.equal(linker.held, 0);
  });
});
