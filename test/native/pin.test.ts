import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TracerError } from '../../native/index.d.ts';
import { buildFixture, kernelSuite } from './fixture.ts';
import type { Fixture } from './fixture.ts';

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

kernelSuite('native/pin', () => {
  let fixture: Fixture;
  let directory: string;
  let pin: string;

  before(() => {
    fixture = buildFixture();
    directory = mkdtempSync(join(tmpdir(), 'undertrace-bpffs-'));
    execFileSync('mount', ['-t', 'bpf', 'bpffs', directory]);
    pin = join(directory, 'numbers');
  });
  after(() => {
    execFileSync('umount', [directory]);
    rmdirSync(directory);
    fixture.remove();
  });
  afterEach(() => {
    if (existsSync(pin)) unlinkSync(pin);
  });

  it('shares a pinned map between two tracers', () => {
    const [first, second] = [0, 1].map(() => new fixture.addon.Tracer({ object: fixture.object }));
    first!.pinMap('numbers', pin);
    first!.load();
    second!.pinMap('numbers', pin);
    second!.load();
    first!.update('numbers', u32(3), u32(33));
    assert.deepEqual(second!.lookup('numbers', u32(3)), Buffer.from(u32(33)));
    first!.close();
    assert.deepEqual(second!.lookup('numbers', u32(3)), Buffer.from(u32(33)));
    second!.close();
    assert.ok(existsSync(pin));
  });

  it('refuses a pinned map of another shape', () => {
    const first = new fixture.addon.Tracer({ object: fixture.object });
    first.pinMap('numbers', pin);
    first.load();
    const second = new fixture.addon.Tracer({ object: fixture.object });
    second.setMaxEntries('numbers', 8);
    second.pinMap('numbers', pin);
    assert.throws(
      () => second.load(),
      (error: TracerError) => error.code === 'EINVAL' && /numbers/.test(error.message),
    );
    first.close();
  });
});
