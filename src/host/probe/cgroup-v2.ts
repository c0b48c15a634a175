import { type HostFiles, SourceMissing } from '../host-files.ts';
import { type Cgroup, CGROUP } from './cgroup.ts';
import type { Told } from './probe.ts';
import { parsePairs } from './tables.ts';

const EVENTS = ['low', 'high', 'max', 'oom', 'oom_kill'];

/** A cgroup of version 2 (Documentation/admin-guide/cgroup-v2.rst); nothing of another one. */
export function* readVersion2(files: HostFiles, { attributes, paths }: Cgroup): Iterable<Told> {
  const path = paths.get('');
  if (path === undefined) return;
  const folder = `/sys/fs/cgroup${path}`;
  yield* readCpu(files, folder, attributes);
  yield* readMemory(files, folder, attributes);
}

function* readCpu(files: HostFiles, folder: string, attributes: readonly string[]): Iterable<Told> {
  const text = files.text(`${folder}/cpu.stat`);
  if (text === undefined) {
    yield new SourceMissing('cpu.stat of a cgroup', 'ENOENT');
    return;
  }
  const stat = parsePairs(text);
  for (const mode of ['user', 'system'])
    yield {
      instrument: CGROUP.cpuTime,
      attributes: [...attributes, mode],
      value: stat.get(`${mode}_usec`)! / 1e6,
    };
  const periods = stat.get('nr_periods');
  // Without the controller there is no more than the times.
  if (periods === undefined) return;
  yield { instrument: CGROUP.periods, attributes, value: periods };
  yield { instrument: CGROUP.throttledPeriods, attributes, value: stat.get('nr_throttled')! };
  yield { instrument: CGROUP.throttledTime, attributes, value: stat.get('throttled_usec')! / 1e6 };
  const [quota = 'max', period] = files.text(`${folder}/cpu.max`)?.trim().split(' ') ?? [];
  if (quota !== 'max')
    yield { instrument: CGROUP.cpuLimit, attributes, value: Number(quota) / Number(period) };
}

function* readMemory(files: HostFiles, folder: string, attributes: readonly string[]): Iterable<Told> {
  const text = files.text(`${folder}/memory.current`);
  if (text === undefined) {
    yield new SourceMissing('memory.current of a cgroup', 'ENOENT');
    return;
  }
  const usage = Number(text);
  yield { instrument: CGROUP.usage, attributes, value: usage };
  const inactive = parsePairs(files.text(`${folder}/memory.stat`) ?? '').get('inactive_file') ?? 0;
  yield { instrument: CGROUP.workingSet, attributes, value: Math.max(0, usage - inactive) };
  const limit = files.text(`${folder}/memory.max`)?.trim() ?? 'max';
  if (limit !== 'max') yield { instrument: CGROUP.limit, attributes, value: Number(limit) };
  const events = parsePairs(files.text(`${folder}/memory.events`) ?? '');
  for (const event of EVENTS) {
    const value = events.get(event);
    if (value !== undefined) yield { instrument: CGROUP.events, attributes: [...attributes, event], value };
  }
}
