import type { ServiceResource } from '../../src/enrich/resource.ts';
import { type Span, SpanKind, StatusCode } from '../../src/link/span.ts';

/** A resource like the ones enrich/ makes. */
export function makeResource(serviceName: string): ServiceResource {
  return {
    serviceName,
    attributes: {
      'service.name': serviceName,
      'service.instance.id': `${serviceName}-627cc493-f310-47de-96bd-71410b7dec09`,
      'process.pid': 4711,
      'process.executable.name': serviceName,
      'process.executable.path': `/usr/sbin/${serviceName}`,
      'host.name': 'node-17.example.com',
      'container.id': '5f9c4ab08cac7457e9111a30e4664920607ea2c115a1433d7be98e97e64244ca',
      'telemetry.distro.name': 'undertrace',
    },
  };
}

const CLIENT_RESOURCE = makeResource('curl');
const SERVER_RESOURCE = makeResource('nginx');

/** A span as an HTTP request of today makes it: 12 attributes; even numbers are clients, odd ones their servers. */
export function makeSpan(n: number, change: Partial<Span> = {}): Span {
  const client = n % 2 === 0;
  const trace = (n >>> 1).toString(16).padStart(8, '0');
  const path = `/items/${n >>> 1}`;
  const clientId = `c1c1c1c1${trace}`;
  const durationNs = 1_234_567 + n;
  return {
    traceId: `4bf92f3577b34da6a3ce929d${trace}`,
    spanId: client ? clientId : `5e5e5e5e${trace}`,
    parentSpanId: client ? undefined : clientId,
    parentIsRemote: false,
    traceState: undefined,
    traceFlags: 1,
    name: client ? 'GET' : 'GET /items/{id}',
    kind: client ? SpanKind.CLIENT : SpanKind.SERVER,
    startTime: [1_795_250_000, 123_456_789],
    endTime: [1_795_250_000, 123_456_789 + durationNs],
    durationNs,
    status: StatusCode.UNSET,
    attributes: {
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'server.address': 'shop.example.com',
      'server.port': 8080,
      'network.peer.address': '10.42.0.17',
      'network.peer.port': 40_000 + (n % 20_000),
      'network.protocol.version': '1.1',
      'network.transport': 'tcp',
      ...(client
        ? { 'url.full': `http://shop.example.com:8080${path}`, 'undertrace.link.method': 'root' }
        : { 'url.path': path, 'http.route': '/items/{id}' }),
      'http.request.body.size': 0,
      'http.response.body.size': 512 + (n % 97),
    },
    links: undefined,
    resource: client ? CLIENT_RESOURCE : SERVER_RESOURCE,
    ...change,
  };
}

/** `count` spans, in pairs of client and server. */
export function makeSpans(count: number, from = 0): Span[] {
  return Array.from({ length: count }, (_, i) => makeSpan(from + i));
}
