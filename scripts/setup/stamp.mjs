/**
 * Remembers from what a step was made, so that it is made again only when that changes.
 *
 * A file is known by its content. Size and modification time are kept beside it, so that unchanged files are not read again: a second run
 * costs one stat(2) a file.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';

export class Stamps {
  #root;
  #path;
  #steps;

  /** `path`: the file that remembers. One that is absent or damaged counts as empty. */
  constructor(root, path) {
    this.#root = root;
    this.#path = path;
    this.#steps = readStamps(path);
  }

  /** True when all outputs exist and all inputs are those that were last prepared and recorded. */
  isFresh({ name, inputs, outputs, key = '' }) {
    const known = this.#steps[name];
    if (!known || known.key !== key || !outputs.every((path) => existsSync(join(this.#root, path))))
      return false;
    const now = this.#describe(inputs, known.files);
    const changed = Object.keys(now).length !== Object.keys(known.files).length;
    return !changed && Object.entries(now).every(([path, { hash }]) => known.files[path]?.hash === hash);
  }

  /**
   * Call before the step runs, and what it returns after it: what changes meanwhile makes the step stale again.
   */
  prepare({ name, inputs, key = '' }) {
    const before = { key, files: this.#describe(inputs, this.#steps[name]?.files ?? {}) };
    return () => {
      this.#steps[name] = before;
      mkdirSync(dirname(this.#path), { recursive: true });
      const aside = `${this.#path}.${process.pid}`;
      writeFileSync(aside, JSON.stringify(this.#steps));
      renameSync(aside, this.#path);
    };
  }

  #describe(inputs, known) {
    const files = {};
    for (const path of inputs.flatMap((input) => filesUnder(join(this.#root, input)))) {
      const { size, mtimeMs } = statSync(path);
      const name = relative(this.#root, path);
      const before = known[name];
      const hash = before && before.size === size && before.mtimeMs === mtimeMs ? before.hash : hashOf(path);
      files[name] = { size, mtimeMs, hash };
    }
    return files;
  }
}

function readStamps(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {}; // then every step is made again, which is always right
  }
}

/** A file, or all files under a directory; nothing where neither exists. */
function filesUnder(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return [];
  if (!stat.isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => filesUnder(join(path, entry.name)));
}

function hashOf(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
