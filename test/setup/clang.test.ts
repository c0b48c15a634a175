import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findClang } from '../../scripts/setup/clang.mjs';

describe('setup/clang', () => {
  let root: string;

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'undertrace-clang-')));
    mkdirSync(join(root, 'bin'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** As Debian lays it out: bin/NAME -> lib/llvm-N/bin/clang. */
  function install(version: number, ...names: string[]): void {
    const bin = join(root, `lib/llvm-${version}/bin`);
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'clang'), '');
    writeFileSync(join(bin, 'llvm-strip'), '');
    for (const name of names) symlinkSync(join(bin, 'clang'), join(root, 'bin', name));
  }
  const find = (): ReturnType<typeof findClang> => findClang(`${join(root, 'none')}:${join(root, 'bin')}`);

  it('takes the plain one where it is new enough, with its own llvm-strip', () => {
    install(14, 'clang', 'clang-14');
    install(19, 'clang-19');
    assert.deepEqual(find(), {
      clang: join(root, 'bin/clang'),
      llvmStrip: join(root, 'lib/llvm-14/bin/llvm-strip'),
    });
  });

  it('takes the newest beside a plain one that is too old', () => {
    install(11, 'clang', 'clang-11');
    assert.equal(find(), undefined);
    install(9, 'clang-9');
    install(13, 'clang-13');
    install(16, 'clang-16');
    assert.deepEqual(find(), {
      clang: join(root, 'bin/clang-16'),
      llvmStrip: join(root, 'lib/llvm-16/bin/llvm-strip'),
    });
  });

  it('believes a plain one that does not tell its version', () => {
    writeFileSync(join(root, 'bin/clang'), '');
    assert.deepEqual(find(), { clang: join(root, 'bin/clang'), llvmStrip: 'llvm-strip' });
  });

  it('finds nothing where there is nothing, or a link to nothing', () => {
    assert.equal(find(), undefined);
    symlinkSync(join(root, 'gone'), join(root, 'bin/clang-15'));
    assert.equal(find(), undefined);
  });
});
