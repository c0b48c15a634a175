/**
 * Requests of OTLP over HTTP, of spans and of metrics. Spec: opentelemetry.io/docs/specs/otlp, section OTLP/HTTP.
 *
 *   2xx                    accepted, less what `partial_success` rejects
 *   429, 502, 503, 504     sent again later, after `Retry-After` where it is given
 *   no answer, reset, ...  sent again later
 *   everything else        refused for good, redirects too: they are not followed, since headers carry credentials
 */
import http from 'node:http';
import https from 'node:https';
import { messageOf, UserError } from '../../base/errors.ts';
import type { Outcome } from '../exporter.ts';
import {
  accepted,
  type PartialSuccess,
  printable,
  readPartialSuccess,
  readPartialSuccessJson,
  readRetryAfterMs,
  readStatusMessage,
} from '../otlp-response.ts';
import { SCOPE_VERSION } from '../otlp-scope.ts';
import { completeQueueSettings, type PartialQueueSettings } from '../queue-options.ts';
import { readTlsFiles, type TlsSettings } from './tls.ts';

export interface OtlpHttpSettings extends PartialQueueSettings {
  /** Base URL; `/v1/traces` or `/v1/metrics` is appended. */
  endpoint?: string;
  /** The URL itself; wins over `endpoint`. */
  traces_endpoint?: string;
  metrics_endpoint?: string;
  encoding?: 'proto' | 'json';
  compression?: 'gzip' | 'none';
  headers?: Record<string, string>;
  tls?: TlsSettings;
}

export interface OtlpHttpClient {
  readonly destination: string;
  /** A request with `count` spans or points. */
  send: (request: Buffer, compressed: boolean, count: number, signal: AbortSignal) => Promise<Outcome>;
  close: () => Promise<void>;
}

const DEFAULT_ENDPOINT = 'http://localhost:4318';
const RETRYABLE = new Set([429, 502, 503, 504]);
/** Of an answer no more is read; a partial success is far smaller. */
const MAX_RESPONSE_BYTES = 64 * 1024;

interface Answer {
  status: number;
  reason: string;
  retryAfter: string | undefined;
  location: string | undefined;
  contentType: string;
  body: Buffer;
}

/** Throws a UserError where the settings cannot work. */
export function openOtlpHttp(
  id: string,
  settings: OtlpHttpSettings,
  of: 'traces' | 'metrics',
): OtlpHttpClient {
  const url = urlOf(id, settings, of);
  const agent = agentOf(id, url, settings);
  const headers: Record<string, string> = {
    'user-agent': `undertrace/${SCOPE_VERSION}`,
    ...lowerCaseKeys(settings.headers ?? {}),
    'content-type': settings.encoding === 'json' ? 'application/json' : 'application/x-protobuf',
  };
  const gzipHeaders = { ...headers, 'content-encoding': 'gzip' };
  return {
    destination: withoutSecrets(url),
    send: async (request, compressed, count, signal) => {
      let answer: Answer;
      try {
        answer = await post(url, agent, compressed ? gzipHeaders : headers, request, signal);
      } catch (error) {
        return { result: 'retry', error: describeFailure(error) };
      }
      return outcomeOf(answer, count, request.length);
    },
    close: () => {
      agent.destroy();
      return Promise.resolve();
    },
  };
}

function urlOf(id: string, settings: OtlpHttpSettings, of: 'traces' | 'metrics'): URL {
  const own = `${of}_endpoint` as const;
  const key = settings[own] === undefined ? 'endpoint' : own;
  const text = settings[key] ?? DEFAULT_ENDPOINT;
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw new UserError('endpoint', notAUrl(id, key, text), { cause: error });
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new UserError('endpoint', notAUrl(id, key, text));
  }
  if (key === 'endpoint') url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/${of}`;
  return url;
}

function notAUrl(id: string, key: string, text: string): string {
  return `exporters.${id}.${key}: "${text}" is not an http:// or https:// URL, such as http://localhost:4318`;
}

function agentOf(id: string, url: URL, settings: OtlpHttpSettings): http.Agent {
  const { num_consumers } = completeQueueSettings(settings).sending_queue;
  const options = { keepAlive: true, maxSockets: num_consumers, maxFreeSockets: num_consumers };
  const tls = settings.tls ?? {};
  const files = readTlsFiles(id, tls);
  if (url.protocol === 'http:') return new http.Agent(options);
  return new https.Agent({
    ...options,
    ...files,
    rejectUnauthorized: tls.insecure_skip_verify !== true,
    ...(tls.server_name_override ? { servername: tls.server_name_override } : {}),
  });
}

/**
 * One POST. A kept connection may be closed by the server just as it is used; what was written on it was not read then, and it is written once
 * more on a new one.
 */
async function post(...request: Parameters<typeof postOnce>): Promise<Answer> {
  try {
    return await postOnce(...request);
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error;
    return postOnce(...request);
  }
}

class StaleConnection extends Error {}

function postOnce(
  url: URL,
  agent: http.Agent,
  headers: Record<string, string>,
  body: Buffer,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { request } = url.protocol === 'https:' ? https : http;
    const sent = request(url, {
      method: 'POST',
      agent,
      signal,
      headers: { ...headers, 'content-length': body.length },
    });
    sent.on('error', (error) => {
      const stale = sent.reusedSocket && 'code' in error && error.code === 'ECONNRESET';
      reject(stale && !signal.aborted ? new StaleConnection(error.message) : error);
    });
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = (): void =>
        resolve({
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? '',
          retryAfter: response.headers['retry-after'],
          location: response.headers.location,
          contentType: response.headers['content-type'] ?? '',
          body: Buffer.concat(chunks),
        });
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= MAX_RESPONSE_BYTES) chunks.push(chunk);
        else response.destroy();
      });
      // The status line is the answer; a body cut short only loses its details. 'end' comes before 'close' where it comes at all.
      response.on('error', () => undefined);
      response.on('close', finish);
    });
    sent.end(body);
  });
}

function outcomeOf(answer: Answer, count: number, bytes: number): Outcome {
  const { status } = answer;
  if (status >= 200 && status < 300) return accepted(partialSuccessOf(answer), count, bytes);
  const error = describeStatus(answer);
  if (RETRYABLE.has(status)) {
    return { result: 'retry', error, retryAfterMs: readRetryAfterMs(answer.retryAfter, Date.now()) };
  }
  return { result: 'done', accepted: 0, rejected: count, bytes, error };
}

function partialSuccessOf(answer: Answer): PartialSuccess {
  if (answer.body.length === 0) return { rejected: 0, message: '' };
  return answer.contentType.startsWith('application/json')
    ? readPartialSuccessJson(answer.body.toString('utf8'))
    : readPartialSuccess(answer.body);
}

function describeStatus(answer: Answer): string {
  const head = `HTTP ${answer.status} ${printable(answer.reason)}`.trim();
  if (answer.status >= 300 && answer.status < 400) {
    return `${head}: redirects are not followed (to ${printable(answer.location ?? 'nowhere')}); set the final URL`;
  }
  const detail = answer.contentType.startsWith('application/x-protobuf')
    ? readStatusMessage(answer.body)
    : printable(answer.body.toString('utf8'));
  return detail === '' ? head : `${head}: ${detail}`;
}

/** Several addresses that all failed come as one AggregateError without a message of its own. */
function describeFailure(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return printable(error.errors.map(messageOf).join('; '));
  }
  return printable(messageOf(error));
}

function lowerCaseKeys(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]));
}

function withoutSecrets(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}
