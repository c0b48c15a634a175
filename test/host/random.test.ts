import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HostProbes } from '../../src/host/host-probes.ts';
import { KERNEL_PROGRAMS } from '../../src/host/kernel-programs.ts';
import { PROBES } from '../../src/host/probe/index.ts';
import { treeSource } from '../support/host-tree.ts';
import { random } from '../support/random.ts';
import { keyOf, rounded, TreeMaker } from './make-tree.ts';
import * as host from './random-host.ts';
import * as services from './random-services.ts';

/** Probes that read files. */
const FILE_PROBES = PROBES.filter(({ name }) => !KERNEL_PROGRAMS.some(({ probe }) => probe === name));
const SEEDS = Number(process.env.UNDERTRACE_HOST_SEEDS ?? 10);

describe('host/random', () => {
  const seen = new Set<string>();

  for (let seed = 1; seed <= SEEDS; seed++)
    it(`tree ${seed} is read to the last field`, async () => {
      const root = mkdtempSync(path.join(tmpdir(), 'undertrace-host-'));
      try {
        const tree = new TreeMaker(root, random(seed));
        for (const make of [...Object.values(host), ...Object.values(services)]) make(tree);
        const probes = new HostProbes({ probes: FILE_PROBES, source: treeSource(root), bootMs: 0 });
        await probes.refresh();
        const found = new Map<string, number>();
        for (const metric of probes.metrics)
          for (const { attributes, value } of metric.points()) {
            seen.add(metric.instrument.name);
            found.set(keyOf(metric.instrument.name, attributes!), rounded(value as number));
          }
        assert.deepEqual(sorted(found), sorted(tree.expected));
        const failed = probes.states.filter(({ status }) => !['ok', 'unavailable'].includes(status));
        assert.deepEqual(failed, []);
      } finally {
        rmSync(root, { recursive: true });
      }
    });

  it('trees have something of every instrument', () => {
    // It takes two readings to tell the utilization.
    const all = FILE_PROBES.flatMap(({ instruments }) => instruments.map(({ name }) => name));
    assert.deepEqual(
      all.filter((name) => !seen.has(name)),
      ['system.cpu.utilization'],
    );
  });
});

function sorted(figures: ReadonlyMap<string, number>): Array<[string, number]> {
  return [...figures].sort(([a], [b]) => (a < b ? -1 : 1));
}
