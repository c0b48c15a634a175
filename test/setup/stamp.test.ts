import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stamps } from '../../scripts/setup/stamp.mjs';

describe('setup/stamp', () => {
  const stamp = { name: 'step', inputs: ['in', 'single.txt'], outputs: ['out.o'] };
  let root: string;

  const path = (name: string): string => join(root, name);
  const load = (): Stamps => new Stamps(root, path('build/setup.json'));

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'undertrace-stamp-'));
    mkdirSync(path('in/deep'), { recursive: true });
    writeFileSync(path('in/deep/a.c'), 'a');
    writeFileSync(path('single.txt'), 's');
    writeFileSync(path('out.o'), 'made');
    load().prepare(stamp)();
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('is stale before it was ever recorded', () => {
    assert.equal(load().isFresh({ ...stamp, name: 'other' }), false);
  });

  it('is fresh while nothing changes', () => {
    assert.equal(load().isFresh(stamp), true);
  });

  it('is stale when a content changes, even under the same size', () => {
    writeFileSync(path('in/deep/a.c'), 'b');
    assert.equal(load().isFresh(stamp), false);
  });

  it('is fresh when only times change', () => {
    utimesSync(path('in/deep/a.c'), 1, 1);
    assert.equal(load().isFresh(stamp), true);
  });

  it('is stale when a file comes or goes', () => {
    writeFileSync(path('in/b.c'), '');
    assert.equal(load().isFresh(stamp), false);
    rmSync(path('in/b.c'));
    assert.equal(load().isFresh(stamp), true);
    rmSync(path('single.txt'));
    assert.equal(load().isFresh(stamp), false);
  });

  it('is stale when a file is renamed', () => {
    rmSync(path('in/deep/a.c'));
    writeFileSync(path('in/deep/b.c'), 'a');
    assert.equal(load().isFresh(stamp), false);
  });

  it('is stale when an output is gone or the key is another', () => {
    assert.equal(load().isFresh({ ...stamp, key: 'arm64' }), false);
    rmSync(path('out.o'));
    assert.equal(load().isFresh(stamp), false);
  });

  it('is stale when an input changed while the step ran', () => {
    const record = load().prepare(stamp);
    writeFileSync(path('single.txt'), 'changed meanwhile');
    record();
    assert.equal(load().isFresh(stamp), false);
  });

  it('is stale when its own file is damaged', () => {
    writeFileSync(path('build/setup.json'), '{"step":');
    assert.equal(load().isFresh(stamp), false);
  });
});
