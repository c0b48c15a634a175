import { readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import { HostFiles } from '../../src/host/host-files.ts';
import { HostProbes } from '../../src/host/host-probes.ts';
import { PROBES } from '../../src/host/probe/index.ts';
import type { ObservedProcess } from '../../src/host/probe/probe.ts';
import { type Row, median } from './statistics.ts';

const READINGS = 100;
const WARM_UP = 20;
/** Between two readings, so that they are no more warm than those of a scrape. */
const PAUSE_MS = 100;
const SCRAPE_INTERVAL_MS = 15_000;
const MOST_SHARE = 0.01;
const MAX_PROCESSES = 100;

/** CPU time of reading all that the probes of the host read of files, with processes of this machine as observed ones. */
export async function benchHost(): Promise<Row[]> {
  const processes: ObservedProcess[] = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .slice(-MAX_PROCESSES)
    .map((name) => ({ pid: Number(name), service: `service-${Number(name) % 10}`, namespace: '' }));
  const host = new HostProbes({
    probes: PROBES,
    source: { files: new HostFiles('/'), processes: () => processes },
    bootMs: 0,
  });
  for (let reading = 0; reading < WARM_UP; reading++) await host.refresh();
  const times: number[] = [];
  for (let reading = 0; reading < READINGS; reading++) {
    await setTimeout(PAUSE_MS);
    const before = process.cpuUsage();
    await host.refresh();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  const figures = host.metrics.reduce((sum, metric) => sum + [...metric.points()].length, 0);
  const ms = median(times);
  const share = ms / SCRAPE_INTERVAL_MS;
  return [
    {
      what: `all probes of files: ${figures} figures, ${processes.length} processes observed, a scrape every 15 s`,
      without: '',
      with: `${ms.toFixed(1)} ms of CPU, ${(share * 100).toFixed(2)} % of a core`,
      change: '',
      bound: `≤ ${MOST_SHARE * 100} %`,
      met: share <= MOST_SHARE,
    },
  ];
}
