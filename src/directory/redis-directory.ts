import { createClient } from '@redis/client';
import type { DirectorySettings } from '../base/settings.ts';
import type { Directory, DirectoryEntry } from './directory.ts';

const CONNECT_TIMEOUT_MS = 2000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5000;
/** A server that takes the connection and says nothing is found out within these two; attaching to a busy kernel stops this process for seconds, too. */
const PING_MS = 1000;
const SILENCE_MS = 10_000;
/** A trace context with the longest tracestate that is read from headers is shorter; whatever is longer was not written by an agent. */
const LONGEST_VALUE = 1024;

/** Commands of one call are pipelined; connections are made again by themselves, for ever. */
export class RedisDirectory implements Directory {
  /** Resolves when the first attempt to connect has succeeded or failed. */
  readonly tried: Promise<void>;
  readonly #ttlMs: number;
  readonly #client;

  /** `onError`: the connection failed or was lost. */
  constructor(settings: DirectorySettings, onError: (error: Error) => void) {
    const { host, port, tls, username, password, database, ttlMs } = settings;
    this.#ttlMs = ttlMs;
    const socket = {
      ...{ host, port, connectTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SILENCE_MS },
      reconnectStrategy: retryDelay,
    };
    this.#client = createClient({
      ...{ username, password, database },
      socket: tls ? { ...socket, tls: true } : socket,
      RESP: 2,
      pingInterval: PING_MS,
      // What cannot be asked now is answered too late: the caller counts it, and nothing piles up here.
      disableOfflineQueue: true,
      disableClientInfo: true,
      maintNotifications: 'disabled',
    });
    this.#client.on('error', onError);
    this.tried = new Promise((resolve) => {
      this.#client.once('ready', resolve).once('error', () => resolve());
    });
    // With this strategy it gives up only when it is closed; errors on the way were told to onError.
    this.#client.connect().catch((error: Error) => {
      if (this.#client.isOpen) onError(error);
    });
  }

  async publish(batch: readonly DirectoryEntry[]): Promise<void> {
    // A pipeline would wait for the connection in the client's own queue, whatever disableOfflineQueue says.
    if (!this.#client.isReady) throw new Error('not connected');
    // Costs the client a seventh of what as many single calls do.
    const pipeline = this.#client.multi();
    const expiration = { type: 'PX', value: this.#ttlMs } as const;
    for (const { key, value } of batch) pipeline.set(key, value, { expiration });
    await pipeline.execAsPipeline();
  }

  async lookUp(keys: readonly string[]): Promise<DirectoryEntry[]> {
    const values = await this.#client.mGet([...keys]);
    return keys.flatMap((key, i) => {
      const value = values[i];
      return typeof value === 'string' && value.length <= LONGEST_VALUE ? [{ key, value }] : [];
    });
  }

  close(): void {
    this.#client.destroy();
  }
}

/** Doubled with each failure; up to half of it more, so that the agents of a fleet do not come back all at once. */
function retryDelay(retries: number): number {
  const delay = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(retries, 16));
  return delay * (1 + Math.random() / 2);
}
