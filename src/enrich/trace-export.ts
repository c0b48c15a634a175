import type { Exchange } from '../decode/exchange.ts';
import type { HttpRequest, HttpResponse } from '../decode/protocol/http-message.ts';

/** Where OTLP/HTTP hands over traces, below whatever path the endpoint has (OTLP specification 1.9, OTLP/HTTP Request). */
const PATH = '/v1/traces';
/** The method that OTLP/gRPC hands them over with. */
const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const HTTP: ReadonlySet<string> = new Set(['http', 'http2']);
const RPC_OK = 0;

/** Whether a request hands over traces by OTLP, over any version of HTTP or gRPC. */
export function handsOverTraces({ protocol, request }: Exchange): boolean {
  if (!HTTP.has(protocol)) return false;
  const { method, target } = request as HttpRequest;
  if (method !== 'POST') return false;
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  return path.endsWith(PATH) || path === METHOD;
}

/** Whether a request was answered with success. Traces that nobody takes do not stand for what is left out because of them. */
export function isTaken({ response }: Exchange): boolean {
  if (response === undefined) return false;
  const { status, rpcStatus } = response as HttpResponse & { rpcStatus?: number };
  return status >= 200 && status < 300 && (rpcStatus === undefined || rpcStatus <= RPC_OK);
}
