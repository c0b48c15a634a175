import { duration, type Family, type Measure } from './family.ts';

const BYTES: readonly number[] = [
  0, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
];

function size(name: string, key: string, description: string): Measure {
  const read: Measure['read'] = ({ description: { attributes } }) => attributes[key] as number | undefined;
  return { name, unit: 'By', description, bounds: BYTES, read };
}

/** Semantic conventions 1.44, HTTP metrics. Of a client the peer's service name stands in place of its address. */
export const http: readonly Family[] = [
  {
    key: 'http.request.method',
    role: 'server',
    attributes: [
      ...['http.request.method', 'http.route', 'http.response.status_code', 'error.type'],
      ...['url.scheme', 'network.protocol.version'],
    ],
    measures: [
      duration('http.server.request.duration', 'Duration of HTTP server requests.'),
      size('http.server.request.body.size', 'http.request.body.size', 'Size of HTTP server request bodies.'),
      size(
        'http.server.response.body.size',
        'http.response.body.size',
        'Size of HTTP server response bodies.',
      ),
    ],
  },
  {
    key: 'http.request.method',
    role: 'client',
    attributes: [
      ...['http.request.method', 'url.template', 'http.response.status_code', 'error.type'],
      ...['url.scheme', 'network.protocol.version', 'service.peer.name', 'server.address', 'server.port'],
    ],
    measures: [
      duration('http.client.request.duration', 'Duration of HTTP client requests.'),
      size('http.client.request.body.size', 'http.request.body.size', 'Size of HTTP client request bodies.'),
      size(
        'http.client.response.body.size',
        'http.response.body.size',
        'Size of HTTP client response bodies.',
      ),
    ],
  },
];
