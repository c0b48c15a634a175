import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { checkProbes } from '../../src/host/checks.ts';
import { PROBES } from '../../src/host/probe/index.ts';
import { PROBE_NAMES } from '../../src/base/settings.ts';
import { treeSource } from '../support/host-tree.ts';

const TREES = fileURLToPath(new URL('../fixtures/host/', import.meta.url));

describe('host/checks', () => {
  const checksOf = (tree: string): Map<string, { status: string; detail: string }> =>
    new Map(checkProbes(PROBES, treeSource(`${TREES}${tree}`)).map((check) => [check.name, check]));

  it('tell of every probe', () => {
    assert.deepEqual(
      [...checksOf('cgroup2').keys()],
      PROBE_NAMES.map((name) => `probe ${name}`),
    );
  });

  it('name what is not there for a part of a probe, and count the rest', () => {
    const { status, detail } = checksOf('cgroup2').get('probe pressure')!;
    assert.equal(status, 'pass');
    assert.match(detail, /\(16 figures\); not available here: \/proc\/pressure\/io: ENOENT$/);
  });

  it('name what is not there for a whole probe', () => {
    const checks = checksOf('small');
    assert.equal(checks.get('probe cpu')!.status, 'pass');
    const { status, detail } = checks.get('probe memory')!;
    assert.equal(status, 'unavailable');
    assert.match(detail, /: \/proc\/meminfo: ENOENT$/);
    assert.equal(checks.get('probe pressure')!.status, 'unavailable');
  });
});
