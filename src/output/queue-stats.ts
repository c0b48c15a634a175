import type { QueueSettings } from './queue-options.ts';

/** Pino's shape. */
export interface QueueLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface QueueStats {
  id: string;
  destination: string;
  /** Spans accepted by the destination, and bytes on the wire for them. */
  sent: number;
  bytes: number;
  /** Spans lost after an attempt (rejected, retries exhausted), and those that were never tried (queue full, shutdown). */
  sendFailed: number;
  enqueueFailed: number;
  /** Waiting and in flight, in units of `sizer`, and the bound. */
  queueSize: number;
  queueCapacity: number;
  sizer: QueueSettings['sending_queue']['sizer'];
  spansHeld: number;
  requestsInFlight: number;
  attempts: number;
  /** The destination does not answer and is asked by one request at a time. */
  unreachable: boolean;
  lastError: { text: string; atMs: number } | undefined;
}
