import type { Span } from '../link/span.ts';

/**
 * What became of a batch. `accepted + rejected` is the batch's size for 'done'; 'retry' leaves all of it with the queue, which waits at least
 * `retryAfterMs` where the destination asked for it. Exporters never throw and never log per batch; `error` says what happened, for /status.
 * `bytes` is the request's size as it was handed to the transport (gRPC compresses after that).
 */
export type Outcome =
  | { result: 'done'; accepted: number; rejected: number; bytes: number; error?: string }
  | { result: 'retry'; retryAfterMs?: number; error: string };

/** Spans as requests of bytes, in steps, so that no more than bytes is kept of them as soon as a batch is cut. */
export interface Requests {
  /** The request of `batch`, which is not needed any more then. */
  encode(batch: readonly Span[]): Buffer;
  /** The same request, as small as it can be kept while the destination is away; left out where it stays as it is. Takes `request` over. */
  compress?: ((request: Buffer) => Promise<Buffer>) | undefined;
  /** Requests are compressed before they are sent, not only where they have to wait. */
  readonly sentCompressed?: boolean;
  /** As Exporter.send, for a request of `count` spans. */
  send(request: Buffer, compressed: boolean, count: number, signal: AbortSignal): Promise<Outcome>;
}

/** One destination. Queue, batching, retry, time-out and shutdown belong to the queue (queue.ts). */
export interface Exporter {
  /** Component id as in the configuration: `otlp_http` or `otlp_http/name`. */
  readonly id: string;
  /** Where the data goes, for the first screen and /status; no credentials. */
  readonly destination: string;
  /** A batch holds whole traces, one after another, never a part of one. Default false. */
  readonly wantsTraces?: boolean;
  /** How many `send` may be under way at once; 1 keeps the order. Default: what `num_consumers` says. */
  readonly maxInFlight?: number;
  /**
   * Delivers `batch`, which is not empty and not changed afterwards. `signal` is aborted when the time-out has passed or the agent stops; the promise
   * then resolves soon, with what is known ('retry' where it is not known that the batch arrived).
   */
  send(batch: readonly Span[], signal: AbortSignal): Promise<Outcome>;
  /** Where spans travel as requests of bytes. The queue then keeps those instead of the spans. */
  readonly requests?: Requests | undefined;
  /** Releases connections and files. No `send` is under way and none follows. */
  close(): Promise<void>;
}

/** Real time for the queue; tests bring their own. */
export interface Timers {
  /** Milliseconds, never going back. */
  now(): number;
  /** Unix time in milliseconds, for people. */
  wallMs(): number;
  set(callback: () => void, afterMs: number): unknown;
  clear(timer: unknown): void;
  /** 0 <= n < 1, for jitter. */
  random(): number;
}

export const REAL_TIMERS: Timers = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  set: (callback, afterMs) => setTimeout(callback, afterMs),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
  random: () => Math.random(),
};
