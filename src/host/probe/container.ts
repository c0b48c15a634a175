import { CGROUP, cgroupsOf } from './cgroup.ts';
import { readVersion1 } from './cgroup-v1.ts';
import { readVersion2 } from './cgroup-v2.ts';
import { eachOnce, firstOf } from './parts.ts';
import type { HostSource, Probe, Told } from './probe.ts';
import { MAX_PROCESSES } from './process.ts';

/** Cgroups of the processes of observed services: containers, units of systemd. */
export const container: Probe = {
  name: 'container',
  purpose: 'CPU, throttling and memory of the cgroups of observed services',
  instruments: Object.values(CGROUP),
  read: (source) => eachOnce(readCgroups(source)),
};

function* readCgroups({ files, processes }: HostSource): Iterable<Told> {
  const { read, omitted } = firstOf([...processes()], MAX_PROCESSES);
  yield* omitted;
  for (const cgroup of cgroupsOf(files, read)) {
    yield* readVersion1(files, cgroup);
    yield* readVersion2(files, cgroup);
  }
}
