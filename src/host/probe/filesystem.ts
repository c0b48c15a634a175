import { SourceMissing } from '../host-files.ts';
import { COLLECTOR, gauge } from './make-instrument.ts';
import { firstOf } from './parts.ts';
import type { HostSource, Probe, Told } from './probe.ts';
import { unescaped } from './tables.ts';

const KEYS = [
  'system.device',
  'system.filesystem.mountpoint',
  'system.filesystem.type',
  'system.filesystem.mode',
];
const STATE = 'system.filesystem.state';
const USAGE = gauge(
  'system.filesystem.usage',
  'By',
  'Space of a file system by state; reserved is free for root alone.',
  ...KEYS,
  STATE,
);
const UTILIZATION = gauge(
  'system.filesystem.utilization',
  '1',
  'The same as a share of the file system.',
  ...KEYS,
  STATE,
);
const LIMIT = gauge('system.filesystem.limit', 'By', 'Size of a file system.', ...KEYS);
const INODES = gauge(
  'system.filesystem.inodes.usage',
  '{inode}',
  `Inodes of a file system by state; none of one that makes them as it needs them. ${COLLECTOR}`,
  ...KEYS,
  STATE,
);

const MAX_FILE_SYSTEMS = 256;
/** On a block device and yet at the mercy of a process, or of other hosts. */
const MAY_HANG = /^(?:fuse|gfs2$|ocfs2$|lustre$)/;
/** Images, which are always full. */
const IMAGES = /^(?:squashfs|erofs|cramfs|romfs|iso9660|udf)$/;
/** Without a block device of their own, and real. */
const POOLED = new Set(['zfs']);
/** In memory, or of what is local: whose directories a path may pass without waiting for anybody. */
const LOCAL = new Set(['rootfs', 'ramfs', 'tmpfs', 'devtmpfs', 'overlay', 'proc', 'sysfs']);

interface Mount {
  readonly parent: string;
  /** What is mounted on it. */
  readonly children: Mount[];
  readonly device: string;
  readonly path: string;
  readonly type: string;
  readonly mode: string;
}

/**
 * File systems that are on block devices (/proc/filesystems), each where it is mounted first. Those of the network and of FUSE are left out, and what is
 * mounted below one: to ask them is to wait for whoever serves them.
 */
export const filesystem: Probe = {
  name: 'filesystem',
  purpose: 'space and inodes of file systems on block devices',
  instruments: [USAGE, UTILIZATION, LIMIT, INODES],
  *read(source): Iterable<Told> {
    const table = source.files.need('/proc/1/mountinfo');
    const mounts = parseMounts(table);
    const onDevices = new Set(POOLED);
    for (const [, type] of source.files.need('/proc/filesystems').matchAll(/^\t(\S+)$/gm))
      if (!MAY_HANG.test(type!) && !IMAGES.test(type!)) onDevices.add(type!);
    const isLocal = ({ type }: Mount): boolean => onDevices.has(type) || LOCAL.has(type);
    const byDevice = new Map<string, Mount>();
    for (const mount of mounts.values()) {
      if (!onDevices.has(mount.type) || byDevice.has(mount.device)) continue;
      const above = pathTo(mount, mounts);
      if (above?.every(isLocal)) byDevice.set(mount.device, mount);
    }
    const { read, omitted } = firstOf([...byDevice.values()], MAX_FILE_SYSTEMS);
    yield* omitted;
    const root = rootOf(source, table);
    for (const mount of read) yield* readMount(source, root, mount);
  },
};

/**
 * Where the paths of the host's mounts begin: as its first process sees them, since what was mounted after the agent's container has started is not in the
 * container's own tree. Where the agent may not look at that process, its own paths are as good if they lead to the same mounts. Throws SourceMissing.
 */
function rootOf({ files }: HostSource, table: string): string {
  if (files.link('/proc/1/root') !== undefined) return '/proc/1/root';
  if (files.isMounted || files.text('/proc/self/mountinfo') === table) return '';
  throw new SourceMissing('/proc/1/root', 'not permitted, and the agent has mounts of its own');
}

/**
 * Mounts by their numbers (proc_pid_mountinfo(5)):
 *
 *   36 35 98:0 /subtree /mnt rw,noatime shared:1 - ext3 /dev/root rw,errors=continue
 */
function parseMounts(text: string): Map<string, Mount> {
  const found = new Map<string, Mount>();
  for (const line of text.split('\n')) {
    const [before, after] = line.split(' - ');
    if (after === undefined) continue;
    const [id, parent, , , path, options] = before!.split(' ') as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const [type, device] = after.split(' ') as [string, string];
    const mode = options.startsWith('ro') ? 'ro' : 'rw';
    // The number of the topmost one is that of its parent where the host's root is a container's.
    if (id === parent) continue;
    const [at, of] = [unescaped(path), unescaped(device)];
    found.set(id, { parent, children: [], device: of, path: at, type, mode });
  }
  for (const mount of found.values()) found.get(mount.parent)?.children.push(mount);
  return found;
}

/** The mounts that lead to one, itself first; undefined where another one hides it, and its path leads there. */
function pathTo(mount: Mount, mounts: ReadonlyMap<string, Mount>): readonly Mount[] | undefined {
  const hides = ({ path }: Mount): boolean => `${mount.path}/`.startsWith(path === '/' ? '/' : `${path}/`);
  const way: Mount[] = [];
  for (let at: Mount | undefined = mount; at !== undefined; at = mounts.get(at.parent)) {
    if (at.children.some((child) => !way.includes(child) && hides(child))) return undefined;
    way.push(at);
  }
  return way;
}

function* readMount({ files }: HostSource, root: string, mount: Mount): Iterable<Told> {
  const found = files.statfs(`${root}${mount.path}`);
  if (found === undefined) yield new SourceMissing(mount.path, 'not permitted, or gone');
  if (found === undefined || found.blocks === 0) return;
  const { bsize, blocks, bfree, bavail, files: inodes, ffree } = found;
  const keys = [mount.device, mount.path, mount.type, mount.mode];
  yield { instrument: LIMIT, attributes: keys, value: blocks * bsize };
  const states = { used: blocks - bfree, free: bavail, reserved: bfree - bavail };
  for (const [state, value] of Object.entries(states)) {
    yield { instrument: USAGE, attributes: [...keys, state], value: value * bsize };
    yield { instrument: UTILIZATION, attributes: [...keys, state], value: value / blocks };
  }
  if (inodes === 0) return;
  for (const [state, value] of Object.entries({ used: inodes - ffree, free: ffree }))
    yield { instrument: INODES, attributes: [...keys, state], value };
}
