import { USER_HZ } from '../../base/user-hz.ts';
import { type HostFiles, SourceMissing } from '../host-files.ts';
import { type Cgroup, CGROUP } from './cgroup.ts';
import type { Told } from './probe.ts';
import { parsePairs } from './tables.ts';

/** What the kernel shows for no limit is the largest number of whole pages, and so depends on their size. */
const NO_LIMIT = 2 ** 62;

/** A cgroup of version 1 (Documentation/admin-guide/cgroup-v1/), whose controllers may be at different paths; nothing of another one. */
export function* readVersion1(files: HostFiles, { attributes, paths }: Cgroup): Iterable<Told> {
  const times = folderOf(paths, 'cpuacct');
  if (times !== undefined) yield* readTimes(files, times, attributes);
  const cpu = folderOf(paths, 'cpu');
  if (cpu !== undefined) yield* readThrottling(files, cpu, attributes);
  const memory = folderOf(paths, 'memory');
  if (memory !== undefined) yield* readMemory(files, memory, attributes);
}

/** Each controller is mounted under its name, or linked to it. Its root is the host's. */
function folderOf(paths: Cgroup['paths'], controller: string): string | undefined {
  const path = paths.get(controller);
  return path === undefined || path === '/' ? undefined : `/sys/fs/cgroup/${controller}${path}`;
}

function* readTimes(files: HostFiles, folder: string, attributes: readonly string[]): Iterable<Told> {
  const text = files.text(`${folder}/cpuacct.stat`);
  if (text === undefined) {
    yield new SourceMissing('cpuacct.stat of a cgroup', 'ENOENT');
    return;
  }
  const stat = parsePairs(text);
  for (const mode of ['user', 'system']) {
    const value = stat.get(mode)! / USER_HZ;
    yield { instrument: CGROUP.cpuTime, attributes: [...attributes, mode], value };
  }
}

function* readThrottling(files: HostFiles, folder: string, attributes: readonly string[]): Iterable<Told> {
  const text = files.text(`${folder}/cpu.stat`);
  if (text === undefined) {
    yield new SourceMissing('cpu.stat of a cgroup', 'ENOENT');
    return;
  }
  const stat = parsePairs(text);
  yield { instrument: CGROUP.periods, attributes, value: stat.get('nr_periods')! };
  yield { instrument: CGROUP.throttledPeriods, attributes, value: stat.get('nr_throttled')! };
  yield { instrument: CGROUP.throttledTime, attributes, value: stat.get('throttled_time')! / 1e9 };
  const quota = Number(files.text(`${folder}/cpu.cfs_quota_us`) ?? -1);
  const period = Number(files.text(`${folder}/cpu.cfs_period_us`));
  if (quota > 0) yield { instrument: CGROUP.cpuLimit, attributes, value: quota / period };
}

function* readMemory(files: HostFiles, folder: string, attributes: readonly string[]): Iterable<Told> {
  const text = files.text(`${folder}/memory.usage_in_bytes`);
  if (text === undefined) {
    yield new SourceMissing('memory.usage_in_bytes of a cgroup', 'ENOENT');
    return;
  }
  const usage = Number(text);
  yield { instrument: CGROUP.usage, attributes, value: usage };
  const inactive = parsePairs(files.text(`${folder}/memory.stat`) ?? '').get('total_inactive_file') ?? 0;
  yield { instrument: CGROUP.workingSet, attributes, value: Math.max(0, usage - inactive) };
  const limit = Number(files.text(`${folder}/memory.limit_in_bytes`) ?? Infinity);
  if (limit < NO_LIMIT) yield { instrument: CGROUP.limit, attributes, value: limit };
  const max = files.text(`${folder}/memory.failcnt`);
  if (max !== undefined)
    yield { instrument: CGROUP.events, attributes: [...attributes, 'max'], value: Number(max) };
  // Since 4.13.
  const killed = parsePairs(files.text(`${folder}/memory.oom_control`) ?? '').get('oom_kill');
  if (killed !== undefined)
    yield { instrument: CGROUP.events, attributes: [...attributes, 'oom_kill'], value: killed };
}
