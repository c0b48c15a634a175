/** Trees of /proc and /sys as they were once, and what a scrape of them says: `UPDATE=1` writes it anew, to be read before it is kept. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HostProbes } from '../../src/host/host-probes.ts';
import { PROBES } from '../../src/host/probe/index.ts';
import { exposed } from '../../src/metrics/exposition.ts';
import { treeSource } from '../support/host-tree.ts';

const TREES = fileURLToPath(new URL('../fixtures/host/', import.meta.url));

describe('host/golden', () => {
  for (const name of readdirSync(TREES)) {
    it(`${name}: every figure of it, and no other`, async () => {
      const root = `${TREES}${name}`;
      const host = new HostProbes({ probes: PROBES, source: treeSource(root), bootMs: 0 });
      await host.refresh();
      const page = await exposed(host.metrics, false);
      const expected = `${root}/scrape.txt`;
      if (process.env.UPDATE || !existsSync(expected)) writeFileSync(expected, page);
      assert.equal(page, readFileSync(expected, 'utf8'));
      assert.deepEqual(
        host.states.filter(({ status }) => status === 'failed'),
        [],
      );
    });
  }
});
