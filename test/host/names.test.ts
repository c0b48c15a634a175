import assert from 'node:assert/strict';
import * as registry from '@opentelemetry/semantic-conventions/incubating';
import { COLLECTOR, OURS } from '../../src/host/probe/make-instrument.ts';
import { PROBES } from '../../src/host/probe/index.ts';

/** Names of metrics and of attributes in the registry of the conventions. */
function registered(prefix: string): Set<unknown> {
  return new Set(
    Object.entries(registry)
      .filter(([key]) => key.startsWith(prefix))
      .map(([, name]) => name),
  );
}

describe('host/names', () => {
  const instruments = PROBES.flatMap((probe) => probe.instruments);

  it('are those of the conventions, or say that there is none', () => {
    const metrics = registered('METRIC_');
    for (const { name, description } of instruments) {
      const own = description.endsWith(OURS) || description.endsWith(COLLECTOR);
      assert.equal(metrics.has(name), !own, name);
    }
  });

  it('of attributes are those of the conventions but for a few', () => {
    const attributes = registered('ATTR_');
    const own = new Set(instruments.flatMap((each) => each.attributes).filter((key) => !attributes.has(key)));
    assert.deepEqual(
      [...own],
      [
        'system.linux.pressure.resource',
        'system.linux.pressure.stall_type',
        'system.linux.pressure.window',
        'container.memory.event',
        'system.memory.reclaim.cause',
      ],
    );
  });

  it('are used once', () => {
    const names = instruments.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
  });
});
