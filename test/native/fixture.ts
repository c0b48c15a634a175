import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type * as Addon from '../../native/index.d.ts';
import { lacking, needMachine, needRoot } from '../support/programs.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ADDON = join(ROOT, 'build/undertrace.node');
const INCLUDE = join(ROOT, 'build/libbpf/include');

export interface Fixture {
  readonly addon: typeof Addon;
  /** Path of the object that loads, and of the one that the verifier refuses. */
  readonly object: string;
  readonly rejected: string;
  /** Path of the program that makes system calls on demand. */
  readonly producer: string;
  remove(): void;
}

/** Number of getppid(2), which nothing but the producer calls in these tests. */
export const GETPPID = process.arch === 'arm64' ? 173 : 110;

/**
 * A suite that needs root and the addon. Where the machine cannot run it, it is skipped and its title says why; what `npm run setup` could
 * have provided is a failure under CI=true.
 */
export function kernelSuite(title: string, body: () => void): void {
  const built = existsSync(ADDON);
  const root = process.getuid?.() === 0;
  const allowed = built && root && loadAddon().features().ringbuf;
  describe(title, allowed ? body : lacks);

  function lacks(): void {
    it('has what it needs', function () {
      if (!built) lacking(this, 'build/undertrace.node is missing', 'npm run setup');
      needRoot(this);
      needMachine(this, allowed, 'bpf(2) is refused here, or the kernel is older than 5.8');
    });
  }
}

export function loadAddon(): typeof Addon {
  return createRequire(import.meta.url)(ADDON) as typeof Addon;
}

export const addonPath = ADDON;

export function buildFixture(): Fixture {
  const directory = mkdtempSync(join(tmpdir(), 'undertrace-native-'));
  const compile = (output: string, ...flags: string[]): string => {
    const path = join(directory, output);
    execFileSync('clang', ['-O2', '-Wall', '-Werror', ...flags, '-o', path], { stdio: 'pipe' });
    return path;
  };
  const bpf = ['-g', '-target', 'bpf', '-mcpu=v3', '-isystem', INCLUDE, ...multiarch()];
  const source = join(import.meta.dirname, 'fixture.bpf.c');
  return {
    addon: loadAddon(),
    object: compile('fixture.bpf.o', ...bpf, '-c', source),
    rejected: compile('rejected.bpf.o', ...bpf, '-DREJECTED', '-c', source),
    producer: compile('producer', join(import.meta.dirname, 'producer.c')),
    remove: () => rmSync(directory, { recursive: true }),
  };
}

/** Where Debian keeps <asm/types.h>. */
function multiarch(): string[] {
  const directory = `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  const target = process.arch === 'arm64' ? 'arm64' : 'x86';
  return [`-D__TARGET_ARCH_${target}`, ...(existsSync(directory) ? ['-isystem', directory] : [])];
}
