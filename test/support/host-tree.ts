/** A tree of /proc and /sys as a host. What a file cannot hold is beside them: sizes of file systems in `statfs.json`, observed processes in `processes.json`. */
import { existsSync, readFileSync, type StatsFs } from 'node:fs';
import path from 'node:path';
import { HostFiles } from '../../src/host/host-files.ts';
import type { HostSource, ObservedProcess } from '../../src/host/probe/probe.ts';

class TreeFiles extends HostFiles {
  readonly #sizes: Readonly<Record<string, StatsFs>>;

  constructor(root: string) {
    super(root);
    this.#sizes = readJson(path.join(root, 'statfs.json'), {});
  }

  override statfs(mountpoint: string): StatsFs | undefined {
    return this.#sizes[mountpoint];
  }

  /** The size of a folder is what it is on the disk here. */
  override openFiles(pid: number): number | undefined {
    return this.list(`/proc/${pid}/fd`).length || undefined;
  }
}

export function treeSource(root: string): HostSource {
  const processes = readJson<ObservedProcess[]>(path.join(root, 'processes.json'), []);
  return { files: new TreeFiles(root), processes: () => processes };
}

function readJson<T>(file: string, otherwise: T): T {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : otherwise;
}
