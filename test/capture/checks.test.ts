import assert from 'node:assert/strict';
import { type Check, runChecks } from '../../src/capture/checks.ts';
import type { NativeAddon } from '../../src/capture/native.ts';

/** What is said of the eBPF programs where load() throws this. */
function refused(failure: { code: string; log?: string }): Check | undefined {
  class Refusing {
    load(): void {
      throw Object.assign(new Error('loading into the kernel: no'), failure);
    }
    setConstant(): void {}
    setMaxEntries(): void {}
    disableMap(): void {}
    close(): void {}
  }
  const addon = {
    Tracer: Refusing,
    features: () => ({ btf: true, taskStorage: true, currentTaskBtf: true, hasFunction: () => true }),
    libbpfVersion: '1',
  } as unknown as NativeAddon;
  return runChecks(() => addon).find(({ name }) => name === 'eBPF programs');
}

describe('capture/checks', () => {
  it('hands on what the verifier said, since that is asked for in a report', () => {
    const log = '-- BEGIN PROG LOAD LOG --\ncombined stack size of 4 calls is 544. Too large\n';
    const check = refused({ code: 'EACCES', log });
    assert.equal(check?.status, 'fail');
    assert.match(check.detail, /report this with the output of `undertrace doctor --json`/);
    assert.equal(check.log, log);
  });

  it('tells a missing privilege from that', () => {
    const check = refused({ code: 'EPERM' });
    assert.equal(check?.status, 'fail');
    assert.match(check.detail, /not permitted \(EPERM\)/);
  });

  it('says how to get an addon that is not there', () => {
    const checks = runChecks(() => {
      throw new Error('no such file');
    });
    assert.deepEqual(checks.at(-1), {
      name: 'addon',
      status: 'fail',
      detail: 'no such file',
      remedy: 'npm run setup',
    });
  });
});
