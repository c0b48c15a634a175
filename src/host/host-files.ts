import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync, type StatsFs } from 'node:fs';
import { join } from 'node:path';

/** A file of /proc or /sys that this host does not have, or that the agent may not read. */
export class SourceMissing extends Error {
  /** `path` as the host has it. */
  constructor(path: string, code: string) {
    super(`${path}: ${code}`);
  }
}

/** Not there, no part of this kernel, not permitted, or gone between two looks (a process that has ended: ESRCH). */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENODEV', 'EOPNOTSUPP', 'ESRCH', 'EINVAL']);

/** Reads the host's /proc and /sys below one root: `/`, or where a container has mounted the host's root. */
export class HostFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** The host's root is mounted somewhere for the agent: the host's paths lead to the host's files whatever mounts the agent sees. */
  get isMounted(): boolean {
    return this.#root !== '/';
  }

  /** The text of a file, or undefined where the host has none; for what a kernel may lack without the probe being off. */
  text(path: string): string | undefined {
    return orMissing(() => readFileSync(join(this.#root, path), 'latin1'));
  }

  /** The text of a file without which a probe has nothing to say. Throws SourceMissing. */
  need(path: string): string {
    try {
      return readFileSync(join(this.#root, path), 'latin1');
    } catch (error) {
      throw missing(error) ? new SourceMissing(path, error.code) : error;
    }
  }

  /** Names in a folder; none where it is not there. */
  list(path: string): string[] {
    return orMissing(() => readdirSync(join(this.#root, path))) ?? [];
  }

  /**
   * How many files a process has open; undefined where that may not be asked. The kernel tells it as the size of the folder (since 6.2, f1f1f2569901),
   * so that nobody has to list them.
   */
  openFiles(pid: number): number | undefined {
    const path = join(this.#root, `/proc/${pid}/fd`);
    return orMissing(() => statSync(path).size || readdirSync(path).length);
  }

  /** Where a symbolic link points. */
  link(path: string): string | undefined {
    return orMissing(() => readlinkSync(join(this.#root, path)));
  }

  /** Sizes of the file system that is mounted at a path of the host (statfs(2)). It waits for a network file system that hangs. */
  statfs(path: string): StatsFs | undefined {
    return orMissing(() => statfsSync(join(this.#root, path)));
  }
}

function missing(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return MISSING.has((error as NodeJS.ErrnoException).code ?? '');
}

function orMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (missing(error)) return undefined;
    throw error;
  }
}
