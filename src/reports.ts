import type { Agent } from './agent.ts';
import { VERSION } from './base/version.ts';
import { IP_PROTOCOL } from './capture/unrecognised-ports.ts';
import type { TrackedConnection } from './connection/tracked-connection.ts';
import type { KernelProbes } from './host/kernel-probes.ts';
import type { ConnectionReport } from './decode/decode-stage.ts';
import {
  type AgentStatus,
  type PortStatus,
  type ProcessStatus,
  type WhyConnection,
  type WhyProcess,
  type WhyReport,
  booksOf,
  exporterStatus,
} from './serve/status.ts';
import type { Tally } from './observations.ts';
import { protocolOf, Traffic, trafficOf, UNRECOGNISED } from './traffic.ts';

const MAX_PROCESSES = 500;
const MAX_PORTS = 500;
const MAX_CONNECTIONS = 50;
const NAME_SOURCE = 'undertrace.service.name.source';

/** The parts of an agent that reports look at. */
export type Reported = Pick<Agent, 'pipeline' | 'ledger' | 'ready' | 'startedAt' | 'reloads'> & {
  governor: Pick<Agent['governor'], 'figures'>;
  capture: Pick<Agent['capture'], 'host' | 'outcomes'>;
  host: Pick<Agent['host'], 'states'>;
  kernelProbes: Pick<KernelProbes, 'outcomes'> | undefined;
  output: Pick<Agent['output'], 'stats'>;
};

/** What the running agent sees and loses, for /status. */
export function statusOf(agent: Reported): AgentStatus {
  const { pipeline, capture, ledger, reloads } = agent;
  const books = booksOf(ledger);
  const { level, step, cpu, memory } = agent.governor.figures;
  return {
    version: VERSION,
    pid: process.pid,
    startedAt: agent.startedAt.toISOString(),
    uptimeSeconds: (Date.now() - agent.startedAt.getTime()) / 1000,
    kernel: capture.host.kernel,
    backend: capture.host.backend,
    ready: agent.ready,
    off: [...capture.outcomes, ...(agent.kernelProbes?.outcomes ?? [])]
      .filter(({ attached }) => !attached)
      .map(({ program, error, fallback }) => ({ what: program, why: `${error}; ${fallback}` })),
    exporters: agent.output.stats().map(exporterStatus),
    books,
    balanced: books.every(({ balanced }) => balanced),
    kernelCounters: { ...pipeline.books.counters },
    probes: agent.host.states.map(({ name, status, lastError, missing }) => {
      return { name, status, lastError, missing };
    }),
    governor: { level, step, cpu: { used: cpu.process + cpu.programs, limit: cpu.limit }, memory },
    config: {
      lastReloadSuccessful: reloads.lastSucceeded,
      reloads: reloads.succeeded,
      failures: reloads.failed,
      lastError: reloads.lastError,
    },
    connections: pipeline.decode.table.size,
    processes: processesOf(agent),
    ports: portsOf(agent),
  };
}

/** Why there is no span of a process or a port, for /why. */
export function whyOf(agent: Reported, asked: { pid: number } | { port: number }): WhyReport {
  const { pipeline } = agent;
  const connections = [...pipeline.decode.reports()]
    .filter(({ connection }) =>
      'pid' in asked
        ? connection.tgid === asked.pid
        : connection.localPort === asked.port || connection.remotePort === asked.port,
    )
    .sort((a, b) => b.connection.lastNs - a.connection.lastNs);
  const pids = 'pid' in asked ? [asked.pid] : listenersAt(agent, asked.port);
  const { endedByProcess, endedByPort } = pipeline.observations;
  const traffic = new Traffic();
  for (const report of connections) traffic.add(report);
  traffic.merge(('pid' in asked ? endedByProcess.get(asked.pid) : endedByPort.get(asked.port)) ?? NO_TRAFFIC);
  const totals = {
    records: traffic.records,
    bytes: traffic.bytes,
    exchanges: 0,
    spans: 0,
    lost: traffic.lost,
  };
  for (const tally of talliesOf(agent, asked)) {
    totals.exchanges += tally.exchanges;
    totals.spans += tally.spans;
    traffic.lose('filtered', tally.filtered);
    traffic.lose('instrumented', tally.instrumented);
  }
  if ('port' in asked) {
    const { records } = unrecognisedAt(agent, 'tcp', asked.port);
    if (records > 0) totals.lost.unrecognised = records;
  }
  return {
    asked,
    backend: agent.capture.host.backend,
    ready: agent.ready,
    processes: pids.map((pid) => whyProcess(agent, pid)).filter((found) => found !== undefined),
    connections: connections.slice(0, MAX_CONNECTIONS).map(whyConnection),
    connectionsKnown: connections.length,
    totals,
    exporterLosses: agent.output.stats().reduce((sum, s) => sum + s.sendFailed + s.enqueueFailed, 0),
  };
}

function trafficByProcess({ pipeline }: Reported): Map<number, Traffic> {
  const found = new Map<number, Traffic>();
  for (const [pid, ended] of pipeline.observations.endedByProcess) found.set(pid, new Traffic().merge(ended));
  for (const report of pipeline.decode.reports()) trafficOf(found, report.connection.tgid)!.add(report);
  return found;
}

const NO_TRAFFIC = new Traffic();
const NO_TALLY: Tally = { exchanges: 0, spans: 0, filtered: 0, instrumented: 0 };

function processesOf(agent: Reported): ProcessStatus[] {
  const { observations, uring } = agent.pipeline;
  const traffic = trafficByProcess(agent);
  const pids = new Set([
    ...observations.processes.keys(),
    ...observations.listening.keys(),
    ...traffic.keys(),
  ]);
  return [...pids]
    .map((pid) => whyProcess(agent, pid))
    .filter((known) => known !== undefined)
    .map(({ pid, command, service, serviceSource, filter }) => {
      const { exchanges, spans, filtered, instrumented } = observations.processes.get(pid) ?? NO_TALLY;
      const { protocols, unrecognised, lost } = (traffic.get(pid) ?? new Traffic())
        .lose('filtered', filtered)
        .lose('instrumented', instrumented);
      return {
        ...{ pid, command, service, serviceSource, filter, exchanges, spans },
        listening: [...(observations.listening.get(pid) ?? [])],
        protocols: [...protocols],
        unrecognised,
        lost,
        ioUring: uring.has(pid),
      };
    })
    .sort((a, b) => b.exchanges - a.exchanges || a.pid - b.pid)
    .slice(0, MAX_PROCESSES);
}

/** Ports that served exchanges, then those whose protocol nobody knows. */
function portsOf(agent: Reported): PortStatus[] {
  const { observations, decode, books } = agent.pipeline;
  const none = { records: 0, bytes: 0 };
  const ports: PortStatus[] = [...observations.ports.values()].map((tally) => ({
    transport: tally.transport,
    port: tally.port,
    path: tally.path || undefined,
    protocol: tally.protocol,
    exchanges: tally.exchanges,
    spans: tally.spans,
    unrecognised: none,
  }));
  for (const entry of decode.unrecognised.list()) {
    const kernel = books.ports.find(
      ({ protocol, port }) => port === entry.port && protocol === IP_PROTOCOL[entry.transport],
    );
    ports.push({
      transport: entry.transport,
      port: entry.port,
      path: entry.path || undefined,
      protocol: UNRECOGNISED,
      exchanges: 0,
      spans: 0,
      unrecognised: {
        records: entry.records + (kernel?.records ?? 0),
        bytes: entry.bytes + (kernel?.bytes ?? 0),
        firstBytes: entry.class,
      },
    });
  }
  return ports
    .sort((a, b) => b.exchanges - a.exchanges || b.unrecognised.bytes - a.unrecognised.bytes)
    .slice(0, MAX_PORTS);
}

function whyProcess({ pipeline }: Reported, pid: number): WhyProcess | undefined {
  const view = pipeline.processes.view(pid, 0);
  if (view === undefined) return undefined;
  const { serviceName, attributes } = pipeline.processes.identifyNow(pid, 0);
  return {
    pid,
    command: view.command ?? '',
    executable: view.executable ?? '',
    service: serviceName,
    serviceSource: String(attributes[NAME_SOURCE] ?? ''),
    filter: pipeline.filters.process(view),
    ioUring: pipeline.uring.has(pid),
    suppressed: pipeline.suppresses(pid, 0),
  };
}

function whyConnection(report: ConnectionReport): WhyConnection {
  const { connection } = report;
  return {
    pid: connection.tgid,
    transport: connection.transport,
    local: endpointText(connection, connection.localAddress, connection.localPort),
    remote: endpointText(connection, connection.remoteAddress, connection.remotePort),
    role: connection.accepted === undefined ? 'unknown' : connection.accepted ? 'server' : 'client',
    protocol: protocolOf(report),
    firstBytes: report.byteClass ?? '',
    open: report.open,
    records: connection.records,
    bytes: connection.bytes,
    exchanges: report.exchanges,
    spans: Math.max(0, report.exchanges - report.open),
    lost: connection.lost ?? {},
  };
}

function endpointText<S>({ transport }: TrackedConnection<S>, address: string, port: number): string {
  if (transport === 'unix') return address || '(unnamed)';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function talliesOf(agent: Reported, asked: { pid: number } | { port: number }): Tally[] {
  const { observations } = agent.pipeline;
  if ('port' in asked) return [...observations.ports.values()].filter(({ port }) => port === asked.port);
  const tally = observations.processes.get(asked.pid);
  return tally === undefined ? [] : [tally];
}

function listenersAt(agent: Reported, port: number): number[] {
  const { listening } = agent.pipeline.observations;
  return [...listening].filter(([, ports]) => ports.has(port)).map(([pid]) => pid);
}

function unrecognisedAt(agent: Reported, transport: string, port: number): { records: number } {
  const records = portsOf(agent)
    .filter((entry) => entry.transport === transport && entry.port === port)
    .reduce((sum, { unrecognised }) => sum + unrecognised.records, 0);
  return { records };
}
