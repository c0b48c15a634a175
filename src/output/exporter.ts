import type { Span } from '../link/span.ts';

/**
 * What became of a batch. `accepted + rejected` is the batch's size for 'done'; 'retry' leaves all of it with the queue, which waits at least
 * `retryAfterMs` where the destination asked for it. Exporters never throw and never log per batch; `error` says what happened, for /status.
 */
export type Outcome =
  | { result: 'done'; accepted: number; rejected: number; bytes: number; error?: string }
  | { result: 'retry'; retryAfterMs?: number; error: string };

/** One destination. Queue, batching, retry, time-out and shutdown belong to the queue (queue.ts). */
export interface Exporter {
  /** Component id as in the configuration: `otlp_http` or `otlp_http/name`. */
  readonly id: string;
  /** Where the data goes, for the first screen and /status; no credentials. */
  readonly destination: string;
  send(batch: readonly Span[], signal: AbortSignal): Promise<Outcome>;
  close(): Promise<void>;
}
