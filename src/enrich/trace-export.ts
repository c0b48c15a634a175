import type { Exchange } from '../decode/exchange.ts';
import type { HttpRequest, HttpResponse } from '../decode/protocol/http-message.ts';

/** Where OTLP/HTTP hands over traces, below whatever path the endpoint has (OTLP specification 1.9, OTLP/HTTP Request). */
const PATH = '/v1/traces';

/** Whether a request hands over traces by OTLP/HTTP. */
export function handsOverTraces({ protocol, request }: Exchange): boolean {
  if (protocol !== 'http') return false;
  const { method, target } = request as HttpRequest;
  if (method !== 'POST') return false;
  const query = target.indexOf('?');
  return (query < 0 ? target : target.slice(0, query)).endsWith(PATH);
}

/** Whether a request was answered with success. Traces that nobody takes do not stand for what is left out because of them. */
export function isTaken({ response }: Exchange): boolean {
  const status = (response as HttpResponse | undefined)?.status ?? 0;
  return status >= 200 && status < 300;
}
