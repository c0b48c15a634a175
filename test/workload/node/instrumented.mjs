// HTTP server that traces itself with the OpenTelemetry SDK, by hand: a span for each request, another for what it asks the back end for the sake
// of it, each exported as it ends. Usage: instrumented.mjs BACKEND COLLECTOR ADDRESS...; the last as in ../README.md.
import http from 'node:http';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

const [backend, collector, ...addresses] = process.argv.slice(2);
const exporter = new OTLPTraceExporter({ url: `${collector}/v1/traces` });
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register(); // with the context manager of async hooks and the W3C propagator
const tracer = trace.getTracer('instrumented');
const agent = new http.Agent({ keepAlive: true });

/** The same of the back end; resolves to its status. */
function askBackend(target) {
  const attributes = { 'http.request.method': 'GET', 'url.full': backend + target };
  return tracer.startActiveSpan('GET', { kind: SpanKind.CLIENT, attributes }, (span) => {
    const headers = {};
    propagation.inject(context.active(), headers);
    return new Promise((resolve, reject) => {
      const request = http.get(backend + target, { agent, headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      request.on('error', reject);
    }).finally(() => span.end());
  });
}

function serve(request, response) {
  const incoming = propagation.extract(context.active(), request.headers);
  const attributes = {
    'http.request.method': request.method,
    'url.path': new URL(request.url, 'http://w').pathname,
  };
  tracer.startActiveSpan('GET', { kind: SpanKind.SERVER, attributes }, incoming, async (span) => {
    try {
      response.writeHead(await askBackend(request.url), { 'content-length': 0 });
    } catch (error) {
      console.error(error);
      response.writeHead(502, { 'content-length': 0 });
    }
    response.end();
    span.end();
  });
}

function listen(address) {
  const [, host, port] = address.match(/^\[?(.*?)\]?:(\d+)$/);
  const server = http.createServer(serve);
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen({ host, port: Number(port) }, () =>
      resolve(address.replace(/:\d+$/, `:${server.address().port}`)),
    );
  });
}

console.log(JSON.stringify({ listening: await Promise.all(addresses.map(listen)) }));
process.on('SIGTERM', () => process.exit(0));
