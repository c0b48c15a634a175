import { messageOf } from '../base/errors.ts';
import type { Check } from '../capture/checks.ts';
import { SourceMissing } from './host-files.ts';
import { type HostSource, Omitted, type Probe } from './probe/probe.ts';

const REMEDY =
  "none if this host lacks it; in a container: the host's PID namespace and CAP_SYS_PTRACE, or mount the host's root and set receivers.undertrace.host.root_path";

/** What this host has for each probe, found out by reading it once. */
export function checkProbes(probes: readonly Probe[], source: HostSource): Check[] {
  return probes.map((probe): Check => {
    const name = `probe ${probe.name}`;
    try {
      const told = [...probe.read(source)];
      const missing = told.filter((each) => each instanceof SourceMissing);
      const figures = told.filter((each) => !(each instanceof Omitted)).length - missing.length;
      if (figures === 0 && missing.length > 0) throw missing[0]!;
      const detail = `${probe.purpose} (${figures} figures)`;
      if (missing.length === 0) return { name, status: 'pass', detail };
      const lacking = missing.map(messageOf).join(', ');
      return { name, status: 'pass', detail: `${detail}; not available here: ${lacking}`, remedy: REMEDY };
    } catch (error) {
      const detail = `${probe.purpose}: ${messageOf(error)}`;
      if (error instanceof SourceMissing) {
        return { name, status: 'unavailable', detail, remedy: REMEDY };
      }
      const remedy = `leave it out with receivers.undertrace.host.off: [${probe.name}], and report this`;
      return { name, status: 'unavailable', detail, remedy };
    }
  });
}
