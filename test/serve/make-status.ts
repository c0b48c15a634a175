import type { AgentStatus, WhyConnection, WhyReport } from '../../src/serve/status.ts';

export function makeStatus(overrides: Partial<AgentStatus> = {}): AgentStatus {
  return {
    version: '1.2.3',
    pid: 77,
    startedAt: '2026-11-21T10:00:00.000Z',
    uptimeSeconds: 3725,
    kernel: '6.12.0',
    backend: 'syscalls',
    ready: true,
    off: [{ what: 'iter/tcp', why: 'not on this kernel' }],
    exporters: [
      {
        id: 'otlp_http',
        destination: 'http://c:4318/v1/traces',
        sent: 1_234_567,
        failed: 1,
        dropped: 2,
        queue: { size: 0, capacity: 1000, unit: 'bytes' },
        unreachable: true,
        lastError: { text: 'ECONNREFUSED', at: '2026-11-21T10:30:00.000Z' },
      },
    ],
    books: [
      { stage: 'records', in: 10, out: 7, held: 0, lost: { ring_full: 3 }, balanced: true },
      { stage: 'spans', in: 5, out: 4, held: 0, lost: {}, balanced: false },
    ],
    balanced: false,
    kernelCounters: { produced: 10 },
    governor: {
      ...{ level: 2, step: 'traces' },
      cpu: { used: 0.4567, limit: 0.5 },
      memory: { used: 100_000_000, limit: 268_435_456 },
    },
    config: { lastReloadSuccessful: false, reloads: 0, failures: 1, lastError: 'a.yaml:3: no' },
    probes: [
      { name: 'cpu', status: 'unavailable', lastError: '/proc/stat: ENOENT', missing: [] },
      {
        name: 'pressure',
        status: 'ok',
        missing: ['/proc/pressure/io: ENOENT', '/proc/pressure/irq: ENOENT'],
      },
      { name: 'load', status: 'ok', missing: [] },
    ],
    connections: 12,
    processes: [
      {
        pid: 4242,
        command: 'no\x1b[31mde',
        service: 'shop',
        serviceSource: 'package.json',
        listening: [8080],
        protocols: ['http'],
        exchanges: 9,
        spans: 8,
        unrecognised: { records: 1, bytes: 100 },
        lost: { malformed: 1 },
        ioUring: true,
        filter: { traced: true, why: '' },
      },
    ],
    ports: [
      {
        transport: 'tcp',
        port: 6379,
        protocol: 'unrecognised',
        exchanges: 0,
        spans: 0,
        unrecognised: { records: 5, bytes: 500, firstBytes: 'text' },
      },
    ],
    ...overrides,
  };
}

export function makeWhy(overrides: Partial<WhyReport> = {}): WhyReport {
  return {
    asked: { pid: 4242 },
    backend: 'syscalls',
    ready: true,
    processes: [
      {
        pid: 4242,
        command: 'node',
        executable: '/usr/bin/node',
        service: 'shop',
        serviceSource: 'package.json',
        filter: { traced: true, why: 'no exclude rule fits' },
        ioUring: false,
        suppressed: false,
      },
    ],
    connections: [makeWhyConnection()],
    connectionsKnown: 1,
    totals: { records: 4, bytes: 400, exchanges: 2, spans: 2, lost: {} },
    exporterLosses: 0,
    ...overrides,
  };
}

export function makeWhyConnection(overrides: Partial<WhyConnection> = {}): WhyConnection {
  return {
    pid: 4242,
    transport: 'tcp',
    local: '127.0.0.1:8080',
    remote: '127.0.0.1:50000',
    role: 'server',
    protocol: 'http',
    firstBytes: 'text',
    records: 4,
    bytes: 400,
    exchanges: 2,
    open: 0,
    spans: 2,
    lost: {},
    ...overrides,
  };
}
