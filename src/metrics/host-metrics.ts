import type { HostProbes, ProbeState } from '../host/host-probes.ts';
import type { KernelProbes } from '../host/kernel-probes.ts';
import type { Definer, Samples } from './pull.ts';

/** What the kernel's side of the probes had no room for. */
export type KernelBounds = Pick<KernelProbes, 'overflows' | 'unserved'>;

/** The figures of the host's probes, and what the agent has to say of the probes themselves. */
export function defineHostMetrics(
  { counter, bareCounter, gauge, metric }: Definer,
  host: HostProbes,
  kernel: () => KernelBounds | undefined,
): void {
  for (const each of host.metrics) metric(each);
  const byProbe = (key: string, read: (state: ProbeState) => number) => (): Samples =>
    host.states.map((state) => [{ [key]: state.name }, read(state)]);
  gauge(
    'undertrace_host_probe_success',
    '1 if a probe of the host could be read for this answer; 0 if not, or if the host has not got what it reads.',
    ['probe'],
    byProbe('probe', ({ status }) => (status === 'ok' ? 1 : 0)),
  );
  gauge(
    'undertrace_host_probe_duration_seconds',
    'How long it took to read a probe of the host.',
    ['probe'],
    byProbe('probe', ({ seconds }) => seconds),
  );
  counter(
    'undertrace_host_probe_errors_total',
    'Readings of a probe of the host that ended with an error.',
    ['probe'],
    byProbe('probe', ({ errors }) => errors),
  );
  gauge(
    'undertrace_host_probe_omitted',
    'Devices, interfaces, processes and the like that a probe of the host left out because there were more than it has series for.',
    ['probe'],
    byProbe('probe', ({ omitted }) => omitted),
  );
  bareCounter(
    'otelcol_scraper_scraped_metric_points',
    'Number of metric points successfully scraped.',
    ['scraper'],
    byProbe('scraper', ({ points }) => points),
  );
  counter(
    'undertrace_host_overflows_total',
    'How often something found no room in a table of the host’s eBPF programs: threads that are moved while they wait count from then on, disks share one without a name, connections are counted without their bytes, peers count for everybody else, reasons of failures are left out.',
    ['table'],
    () => (kernel()?.overflows() ?? []).map(([table, count]) => [{ table }, count]),
  );
  gauge(
    'undertrace_host_unserved_processes',
    'Processes of services that the host’s eBPF programs count among everybody else, for want of room.',
    [],
    () => kernel()?.unserved,
  );
}
