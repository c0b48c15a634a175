import { messageOf } from '../base/errors.ts';
import type { Check } from '../capture/checks.ts';
import { SourceMissing } from './host-files.ts';
import type { HostSource, Probe } from './probe/probe.ts';

/** What this host has for each probe, found out by reading it once. */
export function checkProbes(probes: readonly Probe[], source: HostSource): Check[] {
  return probes.map((probe): Check => {
    const name = `probe ${probe.name}`;
    try {
      const figures = [...probe.read(source)].length;
      return { name, status: 'pass', detail: `${probe.purpose} (${figures} figures)` };
    } catch (error) {
      const detail = `${probe.purpose}: ${messageOf(error)}`;
      if (error instanceof SourceMissing) {
        const remedy = `none if this host lacks it; in a container mount the host's root and set receivers.undertrace.host.root_path`;
        return { name, status: 'unavailable', detail, remedy };
      }
      const remedy = `leave it out with receivers.undertrace.host.off: [${probe.name}], and report this`;
      return { name, status: 'unavailable', detail, remedy };
    }
  });
}
