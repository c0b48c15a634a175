import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** The first that knows __builtin_preserve_enum_value. Debian 11 calls version 11 `clang`, and has newer ones beside it. */
export const CLANG_FLOOR = 12;

/**
 * The clang to compile kernel programs with, and the llvm-strip that belongs to it: `clang` itself where it is new enough, else the newest
 * `clang-N` in PATH; undefined where there is none. Versions are read off names, as distributions give them (llvm-14/bin/clang), without
 * running anything; a clang whose name does not tell its version is believed to be new.
 */
export function findClang(path = process.env.PATH ?? '') {
  const directories = path.split(delimiter).filter((directory) => existsSync(directory));
  const plain = directories.map((directory) => join(directory, 'clang')).find((file) => existsSync(file));
  const numbered = directories.flatMap((directory) =>
    readdirSync(directory)
      .filter((name) => /^clang-\d+$/.test(name))
      .map((name) => join(directory, name)),
  );
  numbered.sort((a, b) => versionOf(b) - versionOf(a));
  const clang = [plain, ...numbered].find((file) => file && versionOf(file) >= CLANG_FLOOR);
  if (!clang) return undefined;
  const strips = [dirname(realpathSync(clang)), ...directories].map((directory) =>
    join(directory, 'llvm-strip'),
  );
  return { clang, llvmStrip: strips.find((file) => existsSync(file)) ?? 'llvm-strip' };
}

function versionOf(file) {
  if (!existsSync(file)) return 0; // a link to nothing
  const match = /\/(?:clang|llvm)-?(\d+)[\d.]*(?=\/|$)/.exec(realpathSync(file));
  return match ? Number(match[1]) : Infinity;
}
