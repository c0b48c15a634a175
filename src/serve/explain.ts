import type { WhyReport } from './status.ts';

/** Reasons that have a sentence of their own. */
const SAID_APART = new Set(['filtered', 'instrumented', 'sampled_out', 'unrecognised']);

/** What keeps spans from being there, in sentences, the nearest cause first. At least one. */
export function explain(report: WhyReport): string[] {
  const { totals, processes, connections } = report;
  const who = 'pid' in report.asked ? `process ${report.asked.pid}` : `port ${report.asked.port}`;
  if (!report.ready) return ['The agent is not attached (yet); see `undertrace doctor`.'];
  if (processes.length === 0 && connections.length === 0) {
    return [`Nothing is known of ${who}: it does not exist, or has used no socket since the agent started.`];
  }
  const said = [...notSeen(report), ...unrecognised(report), ...losses(report)];
  if (totals.records === 0 && totals.exchanges === 0)
    said.unshift(`No data call of ${who} has been seen since the agent started.`);
  if (totals.spans > 0) {
    said.push(`${totals.spans} spans were made of ${totals.exchanges} exchanges.`);
    if (report.exporterLosses > 0) {
      said.push(
        `Exporters lost ${report.exporterLosses} spans, of these or of others; see \`undertrace status\`.`,
      );
    }
  }
  if (said.length === 0)
    said.push(`Nothing keeps spans of ${who} back; no request has been complete so far.`);
  return said;
}

function notSeen({ processes }: WhyReport): string[] {
  return processes.flatMap(({ pid, command, filter, ioUring, suppressed }) => [
    ...(filter.traced ? [] : [`The filters leave out ${command} (${pid}): ${filter.why}.`]),
    ...(suppressed
      ? [
          `${command} (${pid}) exports spans of its own: those seen here are left out (receivers.undertrace.link.instrumented).`,
        ]
      : []),
    ...(ioUring ? [`${command} (${pid}) uses io_uring; what goes through it is not seen.`] : []),
  ]);
}

function losses({ totals: { lost }, connections }: WhyReport): string[] {
  const said: string[] = [];
  const open = connections.reduce((sum, connection) => sum + connection.open, 0);
  if (open > 0) said.push(`${open} requests wait for the end of their response.`);
  if (lost.filtered) said.push(`${lost.filtered} were left out by receivers.undertrace.filters.`);
  if (lost.instrumented) said.push(`${lost.instrumented} are told by spans that the process exports itself.`);
  if (lost.sampled_out) said.push(`${lost.sampled_out} spans were sampled out; see sampler.`);
  for (const [reason, count] of Object.entries(lost)) {
    if (!SAID_APART.has(reason))
      said.push(`${count} were lost as ${reason}; docs/losses.md says what to do.`);
  }
  return said;
}

/** One sentence for each class of first bytes that no decoder claimed. */
function unrecognised({ connections, totals }: WhyReport): string[] {
  const classes = new Map<string, number>();
  for (const { protocol, firstBytes } of connections) {
    if (protocol === 'unrecognised') classes.set(firstBytes, (classes.get(firstBytes) ?? 0) + 1);
  }
  const said = [...classes].map(([name, count]) =>
    name === 'tls'
      ? `${count} connections are encrypted (TLS): their content is not seen.`
      : `${count} connections speak no protocol that is decoded (first bytes: ${name}).`,
  );
  if (said.length === 0 && totals.lost.unrecognised) {
    said.push(`${totals.lost.unrecognised} records are of no protocol that is decoded.`);
  }
  return said;
}
