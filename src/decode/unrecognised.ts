import type { TrackedConnection } from '../connection/tracked-connection.ts';
import type { ByteClass } from './classifier.ts';

/** What of no known protocol was seen at one server port (or unix socket). */
export interface UnrecognisedEntry {
  readonly transport: 'tcp' | 'udp' | 'unix';
  /** 0 for unix sockets, whose name is in `path`, and for what came after the table was full. */
  readonly port: number;
  readonly path: string;
  readonly class: ByteClass;
  records: number;
  bytes: number;
}

const MAX_ENTRIES = 1024;

/**
 * Counters per server port and first-byte class, for `status` and `why`. They count what user space saw; what the kernel keeps back after a
 * `drop` verdict it counts itself. Bounded: further ports share one entry a class.
 */
export class Unrecognised {
  readonly #entries = new Map<string, UnrecognisedEntry>();

  entry<S>(connection: TrackedConnection<S>, byteClass: ByteClass): UnrecognisedEntry {
    const { transport } = connection;
    let port = connection.serverPort;
    let path = transport === 'unix' ? connection.localAddress || connection.remoteAddress : '';
    let key = `${transport} ${port} ${byteClass} ${path}`;
    if (this.#entries.size >= MAX_ENTRIES && !this.#entries.has(key)) {
      port = 0;
      path = '';
      key = `${transport} other ${byteClass}`;
    }
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { transport, port, path, class: byteClass, records: 0, bytes: 0 };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** Most bytes first. */
  list(): UnrecognisedEntry[] {
    return [...this.#entries.values()].sort((a, b) => b.bytes - a.bytes);
  }
}
