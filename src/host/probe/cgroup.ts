import type { Instrument } from '../../base/metric.ts';
import { parseContainer } from '../../enrich/container.ts';
import type { HostFiles } from '../host-files.ts';
import { counter, gauge, OURS } from './make-instrument.ts';
import type { ObservedProcess } from './probe.ts';

const KEYS = ['service.name', 'service.namespace', 'container.id', 'process.linux.cgroup'];

/** What is read of a cgroup, whatever its version. */
export const CGROUP = {
  cpuTime: counter('container.cpu.time', 's', 'CPU time of a cgroup by mode.', ...KEYS, 'cpu.mode'),
  cpuLimit: gauge(
    'container.cpu.limit',
    '{cpu}',
    `CPUs that a cgroup may use; none of one without a limit. ${OURS}`,
    ...KEYS,
  ),
  periods: counter(
    'container.cpu.periods',
    '{period}',
    `Periods of the CPU limit in which a cgroup wanted to run. ${OURS}`,
    ...KEYS,
  ),
  throttledPeriods: counter(
    'container.cpu.throttled.periods',
    '{period}',
    `Those of the periods in which the limit stopped it. ${OURS}`,
    ...KEYS,
  ),
  throttledTime: counter(
    'container.cpu.throttled.time',
    's',
    `Time for which the limit stopped a cgroup on each CPU, added up. ${OURS}`,
    ...KEYS,
  ),
  usage: gauge('container.memory.usage', 'By', 'Memory of a cgroup, the page cache among it.', ...KEYS),
  workingSet: gauge(
    'container.memory.working_set',
    'By',
    'The same without the files that were not used lately.',
    ...KEYS,
  ),
  limit: gauge(
    'container.memory.limit',
    'By',
    `Memory that a cgroup may have; none of one without a limit. ${OURS}`,
    ...KEYS,
  ),
  events: counter(
    'container.memory.events',
    '{event}',
    `How often a cgroup was under its protection (low), came to its soft limit (high) or its limit (max), could not have what it needed (oom), and had a process killed for that (oom_kill). ${OURS}`,
    ...KEYS,
    'container.memory.event',
  ),
} satisfies Record<string, Instrument>;

/** A cgroup with processes of observed services. */
export interface Cgroup {
  /** By place in the keys: of the service '' where there is more than one. */
  attributes: readonly [service: string, namespace: string, containerId: string, path: string];
  /** Below its mount, by controller; of version 2 all are in the one that is named ''. */
  readonly paths: ReadonlyMap<string, string>;
}

/** Cgroups of processes, but for the root of all, which is the host. */
export function cgroupsOf(files: HostFiles, processes: Iterable<ObservedProcess>): Iterable<Cgroup> {
  const found = new Map<string, Cgroup>();
  for (const { pid, service, namespace } of processes) {
    const paths = parsePaths(files.text(`/proc/${pid}/cgroup`) ?? '');
    const path = [paths.get('memory'), paths.get('cpu'), paths.get('')].find((each) => each && each !== '/');
    if (path === undefined) continue;
    const known = found.get(path);
    if (known === undefined)
      found.set(path, { attributes: [service, namespace, parseContainer(path).id ?? '', path], paths });
    else if (known.attributes[0] !== service || known.attributes[1] !== namespace)
      known.attributes = ['', '', known.attributes[2], path];
  }
  return found.values();
}

/** `4:cpu,cpuacct:/docker/…` of version 1, `0::/…` of version 2, which counts only where version 1 has neither CPU nor memory. */
function parsePaths(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, controllers, path] of text.matchAll(/^\d+:([^:\n]*):(.*)$/gm))
    for (const controller of controllers!.split(',')) found.set(controller, containerPath(path!));
  if (found.has('memory') || found.has('cpu')) found.delete('');
  return found;
}

/** A container's limits are at its own cgroup, whatever there is inside of it. */
function containerPath(path: string): string {
  const { id } = parseContainer(path);
  const at = id === undefined ? -1 : path.lastIndexOf(id);
  const end = at < 0 ? -1 : path.indexOf('/', at);
  return end < 0 ? path : path.slice(0, end);
}
