import type { ProbeName } from '../../base/settings.ts';
import { connections } from './connections.ts';
import { container } from './container.ts';
import { cpu } from './cpu.ts';
import { diskRequests } from './disk-requests.ts';
import { disk } from './disk.ts';
import { filesystem } from './filesystem.ts';
import { load } from './load.ts';
import { memory } from './memory.ts';
import { network } from './network.ts';
import { oom } from './oom.ts';
import { paging } from './paging.ts';
import { pressure } from './pressure.ts';
import type { Probe } from './probe.ts';
import { process } from './process.ts';
import { reclaim } from './reclaim.ts';
import { runQueue } from './run-queue.ts';
import { tcp } from './tcp.ts';
import { transport } from './transport.ts';

/** In the order of the documentation. */
export const PROBES: readonly Probe[] = [
  cpu,
  load,
  pressure,
  memory,
  paging,
  disk,
  filesystem,
  network,
  connections,
  transport,
  process,
  container,
  runQueue,
  diskRequests,
  tcp,
  reclaim,
  oom,
];

/** All but those that are switched off. */
export function probesBut(off: readonly ProbeName[]): Probe[] {
  return PROBES.filter(({ name }) => !off.includes(name));
}
