import assert from 'node:assert/strict';
import type { StatsFs } from 'node:fs';
import { HostFiles, SourceMissing } from '../../../src/host/host-files.ts';
import { filesystem } from '../../../src/host/probe/filesystem.ts';
import { Omitted } from '../../../src/host/probe/probe.ts';

const ROOT = '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n';
const DATA = '30 22 254:16 / /data rw,relatime shared:2 - ext4 /dev/vdb rw\n';
const OF_CONTAINER = '90 80 0:50 / / rw,relatime - overlay overlay rw\n';
const SIZE = { bsize: 4096, blocks: 10, bfree: 5, bavail: 4, files: 0, ffree: 0 } as StatsFs;

/** A host as an agent sees it that may look at the first process or not. */
class Host extends HostFiles {
  readonly #files: Readonly<Record<string, string>>;
  readonly #link: string | undefined;
  readonly #reached: readonly string[];

  constructor(root: string, self: string, { link, reached }: { link?: string; reached: readonly string[] }) {
    super(root);
    this.#files = {
      '/proc/1/mountinfo': `${ROOT}${DATA}`,
      '/proc/self/mountinfo': self,
      '/proc/filesystems': 'nodev\tproc\n\text4\n',
    };
    this.#link = link;
    this.#reached = reached;
  }

  override need(path: string): string {
    return this.#files[path]!;
  }
  override text(path: string): string | undefined {
    return this.#files[path];
  }
  override link(): string | undefined {
    return this.#link;
  }
  override statfs(path: string): StatsFs | undefined {
    return this.#reached.includes(path) ? SIZE : undefined;
  }
}

/** Mounts whose size is told, and what is missing. */
function read(host: Host): string[] {
  const found = new Set<string>();
  for (const told of filesystem.read({ files: host, processes: () => [] })) {
    if (told instanceof Omitted) continue;
    found.add(told instanceof SourceMissing ? told.message : told.attributes[1]!);
  }
  return [...found];
}

describe('host/probe/filesystem', () => {
  it('asks for file systems as the first process sees them', () => {
    const reached = ['/proc/1/root/', '/proc/1/root/data'];
    assert.deepEqual(read(new Host('/', OF_CONTAINER, { link: '/', reached })), ['/', '/data']);
  });

  it('asks for them by its own paths where these are the same, or the root of the host is mounted', () => {
    const reached = ['/', '/data'];
    assert.deepEqual(read(new Host('/', `${ROOT}${DATA}`, { reached })), ['/', '/data']);
    assert.deepEqual(read(new Host('/hostfs', OF_CONTAINER, { reached })), ['/', '/data']);
  });

  it('does not take a container’s own file systems for those of the host', () => {
    const host = new Host('/', OF_CONTAINER, { reached: ['/', '/data'] });
    assert.throws(() => read(host), /^Error: \/proc\/1\/root: not permitted, and the agent has mounts/);
  });

  it('says which ones it did not reach', () => {
    const host = new Host('/', OF_CONTAINER, { link: '/', reached: ['/proc/1/root/'] });
    assert.deepEqual(read(host), ['/', '/data: not permitted, or gone']);
  });
});
