import { readFileSync } from 'node:fs';

import type { Agent } from '../agent.ts';
import { VERSION } from '../base/version.ts';

const OTLP_HTTP_PORT = 4318;
const TCP_LISTEN = '0A';

/** What is on, what is off and why, and where the data goes, in a few lines. `pushes`: where metrics are pushed to. */
export function firstScreen(
  agent: Agent,
  pushes: ReadonlyArray<{ id: string; destination: string }>,
): string {
  const { capture, settings } = agent;
  const { host } = capture;
  const lines = [
    `Undertrace ${VERSION} on Linux ${host.kernel}, backend ${host.backend}, process ${process.pid}`,
    `  traces    ${scopeOf(agent)}`,
    ...agent.output.stats().map(({ id, destination }) => `  spans to  ${destination} (${id})`),
  ];
  if (settings.exporters.length === 0)
    lines.push('  spans to  nowhere: no exporter in service.pipelines.traces');
  for (const { program, attached, error, fallback } of [
    ...capture.outcomes,
    ...(agent.kernelProbes?.outcomes ?? []),
  ])
    if (!attached) lines.push(`  off       ${program}: ${error}; ${fallback}`);
  if (capture.ownTgid !== process.pid)
    lines.push(
      '  note      not in the host’s PID namespace: services older than the agent keep their numbers as names',
    );
  if (settings.listener !== undefined)
    lines.push(
      `  metrics   http://${settings.listener.host}:${settings.listener.port}/metrics, /status, /healthz, /readyz`,
    );
  const every = settings.receiver.metrics.pushIntervalMs / 1000;
  for (const { id, destination } of pushes)
    lines.push(`  metrics   to ${destination} (${id}) every ${every} s`);
  if (!settings.exporters.some(({ type }) => type.startsWith('otlp')) && isListening(OTLP_HTTP_PORT))
    lines.push(
      `  note      something listens on localhost:${OTLP_HTTP_PORT}; to send spans there: OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:${OTLP_HTTP_PORT} npm start`,
    );
  return `${lines.join('\n')}\n`;
}

function scopeOf({ settings }: Agent): string {
  const { include, exclude } = settings.receiver.filters;
  const scope = include.length === 0 ? 'every process' : `what ${include.length} include rules say`;
  return `${scope}, except itself and ${exclude.length} kinds of programs (receivers.undertrace.filters.exclude)`;
}

/** Looks without connecting: nothing is sent anywhere unasked. proc_net(5): local address in hex, state in the fourth column. */
function isListening(port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6'].some((path) => {
    try {
      return readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .some((fields) => fields[1]?.endsWith(suffix) && fields[3] === TCP_LISTEN);
    } catch {
      return false; // no IPv6
    }
  });
}
