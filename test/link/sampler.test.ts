import assert from 'node:assert/strict';

import { UserError } from '../../src/base/errors.ts';
import { rootTraceId } from '../../src/link/ids.ts';
import { SAMPLERS } from '../../src/base/settings.ts';
import { isInShare, NO_CONTEXT, Sampler } from '../../src/link/sampler.ts';

const traceIds = Array.from({ length: 20_000 }, (_, n) => rootTraceId({ kind: 'tcp', high: n, low: 7 }));

describe('link/sampler', () => {
  it('keeps all, none, or the share that was asked for', () => {
    for (const [name, ratio, share] of [
      ['always_on', 0, 1],
      ['always_off', 1, 0],
      ['traceidratio', 0.1, 0.1],
      ['parentbased_always_on', 0, 1],
      ['parentbased_always_off', 1, 0],
      ['parentbased_traceidratio', 0.5, 0.5],
    ] as const) {
      const sampler = new Sampler(name, ratio);
      const kept = traceIds.filter((id) => sampler.keeps(id, NO_CONTEXT)).length / traceIds.length;
      assert.ok(Math.abs(kept - share) < 0.015, `${name} kept ${kept}`);
    }
  });

  it('keeps at a higher ratio whatever it keeps at a lower one', () => {
    const low = new Sampler('traceidratio', 0.03);
    const high = new Sampler('traceidratio', 0.3);
    const kept = traceIds.filter((id) => low.keeps(id, NO_CONTEXT));
    assert.ok(kept.length > 100);
    assert.ok(kept.every((id) => high.keeps(id, NO_CONTEXT)));
  });

  it('decides on the low 56 bits alone, by the threshold', () => {
    const sampler = new Sampler('traceidratio', 0.25);
    const threshold = 'c0000000000000';
    assert.equal(sampler.keeps(`${'f'.repeat(18)}bfffffffffffff`, NO_CONTEXT), false);
    assert.equal(sampler.keeps(`${'0'.repeat(17)}1${threshold}`, NO_CONTEXT), true);
    const fine = new Sampler('traceidratio', 1 - 2 ** -40);
    assert.equal(fine.keeps(`${'f'.repeat(18)}0000000000ffff`, NO_CONTEXT), false);
    assert.equal(fine.keeps(`${'f'.repeat(18)}00000000010000`, NO_CONTEXT), true);
  });

  it('obeys the incoming flag where it is parent based, and only there', () => {
    for (const name of SAMPLERS) {
      const based = name.startsWith('parentbased_');
      const on = new Sampler(name, 1);
      const id = traceIds[0]!;
      if (based) {
        assert.equal(on.keeps(id, 1), true, name);
        assert.equal(on.keeps(id, 0), false, name);
        assert.equal(on.keeps(id, 2), false, name);
      } else {
        assert.equal(on.keeps(id, 0), on.keeps(id, 1), name);
      }
    }
  });

  it('has a share that takes the same part of whatever a sampler keeps', () => {
    const sampler = new Sampler('traceidratio', 0.25);
    for (const ids of [traceIds, traceIds.filter((id) => sampler.keeps(id, NO_CONTEXT))]) {
      const part = ids.filter((id) => isInShare(id, 1 / 8)).length / ids.length;
      assert.ok(Math.abs(part - 1 / 8) < 0.015, String(part));
      assert.ok(ids.every((id) => isInShare(id, 1) && !isInShare(id, 0)));
    }
  });

  it('says what is wrong with a name or a ratio', () => {
    assert.throws(() => new Sampler('sometimes'), UserError);
    assert.throws(() => new Sampler('traceidratio', 1.5), UserError);
    assert.throws(() => new Sampler('traceidratio', Number.NaN), UserError);
  });
});
