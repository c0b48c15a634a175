/**
 * The Collector's `sending_queue`, `retry_on_failure` and `timeout`, durations in milliseconds. The keys mean what they mean in the
 * Collector; the defaults differ where noted, because here one process watches a whole machine and must stay small.
 */
export interface SendingQueueSettings {
  /** False: nothing waits. A batch is tried once it is complete, and what cannot be sent at once is lost (`queue_full`). */
  enabled: boolean;
  /** Requests in flight at most. Exporters that keep an order (file, debug) use 1 whatever stands here. */
  num_consumers: number;
  /** Waiting and in flight together, in units of `sizer`. When it is full, the oldest make room. */
  queue_size: number;
  /**
   * `bytes` (default; the Collector's is `requests`): memory, estimated for spans (span-size.ts), true for finished requests. `items`: spans. `requests`: traces, since a trace is
   * what comes in at once.
   */
  sizer: 'bytes' | 'items' | 'requests';
  batch: {
    /** A span waits no longer than this for others to share its request. */
    flush_timeout: number;
    /** A request leaves at once when this many spans wait. */
    min_size: number;
    /** A request never holds more spans (except a single larger trace where traces are kept together). */
    max_size: number;
  };
}

export interface RetrySettings {
  enabled: boolean;
  initial_interval: number;
  /** 0.5: each wait is between half and one and a half of the interval. */
  randomization_factor: number;
  multiplier: number;
  /** The upper bound of a wait, jitter included. */
  max_interval: number;
  /** From a batch's first attempt until it is given up; 0 is never. */
  max_elapsed_time: number;
}

export interface QueueSettings {
  /** One attempt's time-out; 0 is none. */
  timeout: number;
  sending_queue: SendingQueueSettings;
  retry_on_failure: RetrySettings;
}

/**
 * Deviations from the Collector's defaults, on purpose:
 * - `queue_size` 32 MiB by `bytes` instead of 1000 by `requests`: a bound that a memory budget can be made of. Waiting requests are compressed: it
 *   holds about 1.5 million spans of a repetitive load, over a minute of 20,000 spans a second.
 * - `max_interval` 3 s instead of 30 s, `initial_interval` 0.5 s instead of 5 s: while a destination is away only one request at a time asks
 *   whether it is back, so asking often costs nothing, and the data flows again within 5 s. A `Retry-After` is obeyed whatever stands here.
 * - `timeout` 10 s as the OTLP exporter specification has it.
 */
export const DEFAULT_QUEUE_SETTINGS: QueueSettings = {
  timeout: 10_000,
  sending_queue: {
    enabled: true,
    num_consumers: 10,
    queue_size: 32 * 1024 * 1024,
    sizer: 'bytes',
    batch: { flush_timeout: 200, min_size: 1024, max_size: 2048 },
  },
  retry_on_failure: {
    enabled: true,
    initial_interval: 500,
    randomization_factor: 0.5,
    multiplier: 1.5,
    max_interval: 3_000,
    max_elapsed_time: 300_000,
  },
};

/** The same with every key optional, as it stands in a configuration. */
export interface PartialQueueSettings {
  timeout?: number;
  sending_queue?: Partial<Omit<SendingQueueSettings, 'batch'>> & {
    batch?: Partial<SendingQueueSettings['batch']>;
  };
  retry_on_failure?: Partial<RetrySettings>;
}

/** Fills what is missing from `defaults`. */
export function completeQueueSettings(
  given: PartialQueueSettings,
  defaults: QueueSettings = DEFAULT_QUEUE_SETTINGS,
): QueueSettings {
  return {
    timeout: given.timeout ?? defaults.timeout,
    sending_queue: {
      ...defaults.sending_queue,
      ...given.sending_queue,
      batch: { ...defaults.sending_queue.batch, ...given.sending_queue?.batch },
    },
    retry_on_failure: { ...defaults.retry_on_failure, ...given.retry_on_failure },
  };
}
