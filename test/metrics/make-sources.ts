import { Histogram } from '../../src/base/histogram.ts';
import { Ledger } from '../../src/base/ledger.ts';
import type { SelfSources } from '../../src/metrics/self-sources.ts';

/** An agent that has seen a little of everything. */
export function makeSources(overrides: Partial<SelfSources> = {}): SelfSources {
  const ledger = new Ledger();
  Object.assign(ledger.records, { in: 10, out: 7 });
  ledger.records.lost.ring_full = 3;
  Object.assign(ledger.spans, { in: 5, out: 4 });
  ledger.spans.lost.no_exporter = 1;
  ledger.exchanges.lost.evicted = 2;
  ledger.exporter('otlp_http', () => 1).in = 4;
  const lag = new Histogram([0.25, 1]);
  for (const value of [0.25, 0.5, 2]) lag.observe(value);
  return {
    version: '1.2.3',
    resource: { 'service.name': 'undertrace', team: 'a "b"\n\\c' },
    ledger,
    startedAt: new Date(Date.now() - 60_000),
    backend: () => 'syscalls',
    kernel: () => '6.12.0',
    ready: () => true,
    pushes: () => [{ id: 'otlp_http', sentPoints: 7, failedPoints: 2 }],
    exporters: () => [
      {
        id: 'otlp_http',
        sent: 3,
        bytes: 900,
        sendFailed: 1,
        enqueueFailed: 2,
        queueSize: 100,
        queueCapacity: 1000,
        requestsInFlight: 1,
        unreachable: true,
      },
    ],
    reloads: () => ({ lastSucceeded: false, succeeded: 2, failed: 1, lastAt: new Date(1000) }),
    kernelCounters: () => ({ produced: 10, lost_ring_full: 3, calls_send: 6 }),
    ring: () => ({ size: 16_777_216, used: 4096, highWater: 8192 }),
    maps: () => [{ name: 'conns', entries: 5, maxEntries: 65_536 }],
    measuredSeconds: () => 12.5,
    programs: () => [
      { name: 'syscall_exit', attached: true, runTimeNs: 2_500_000_000, runCount: 1000, recursionMisses: 3 },
      { name: 'socket_state', attached: false, runTimeNs: 0, runCount: 0, recursionMisses: 0 },
      // Run, not attached.
      { name: 'scan_sockets', attached: false, runTimeNs: 0, runCount: 1, recursionMisses: 0 },
    ],
    programCost: () => ({ share: 0.04, perSyscall: 7e-8, perRecord: 2e-6 }),
    governor: () => ({
      ...{ level: 2, step: 'traces', changes: { up: 5, down: 3 } },
      secondsAt: { nothing: 60, payload: 10, traces: 5, connections: 0, pause: 0 },
      cpu: { process: 0.3, programs: 0.04, limit: 0.5 },
      memory: { used: 1e8, limit: 268_435_456 },
    }),
    gcSeconds: () => ({ minor: 0.5, major: 0.25 }),
    drainBatch: new Histogram([1024]),
    eventLoopLag: lag,
    connections: () => 5,
    counts: () => ({
      ...{
        connectionsOpened: 11,
        connectionsEvicted: 12,
        connectionsExpired: 13,
        connectFailures: { 111: 14 },
      },
      ...{ hopsEvicted: 15, hopDuplicates: 16, tracesCutShort: 17, tracesOverdue: 24 },
      ...{ inboundEvicted: 21, matchesAmbiguous: 22, linkConflicts: 23, residualOverflows: 27 },
      ...{ directoryLate: 24, directoryInvalid: 25, remoteOverflows: 26 },
      ...{ processesEvicted: 18, servicesGuessed: 19, routeOverflows: 20 },
    }),
    links: () => [
      {
        service: 'shop',
        byMethod: new Map([
          ['hop', 3],
          ['turn', 4],
        ]),
        meanConfidence: 0.99,
        candidates: 5,
        orphans: 6,
      },
      { service: 'idle', byMethod: new Map(), meanConfidence: undefined, candidates: 0, orphans: 0 },
    ],
    directory: () => ({
      ...{ published: 31, lookedUp: 32, found: 33, missed: 34 },
      failed: { publish: 35, lookUp: 36 },
      dropped: { publish: 37, lookUp: 38 },
    }),
    rulesOff: () => [{ service: 'shop', rule: 'thread', processes: 2 }],
    ...overrides,
  };
}

/** Sample line → value, of a text or OpenMetrics page. */
export function samplesOf(page: string): Map<string, number> {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}
