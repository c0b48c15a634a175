import type { RecordBatch } from '../record-batch.ts';
import type { Endpoint } from './endpoint.ts';
import { TCP } from './ip.ts';
import { Servers } from './servers.ts';
import { SocketRecords } from './socket-records.ts';

/** Gives each conversation a socket of its own, and each server a process. */
export class Sockets {
  readonly #batch: RecordBatch;
  readonly #servers: Servers;
  #count = 0;

  constructor(batch: RecordBatch) {
    this.#batch = batch;
    this.#servers = new Servers(batch);
  }

  /** Whether an address (by its endpoint's key) is known to serve TCP. */
  get serves(): (key: string) => boolean {
    return this.#servers.serves;
  }

  /** `certain`: it is known which end serves. */
  open(
    client: Endpoint,
    server: Endpoint,
    protocol: number,
    certain: boolean,
    timeNs: number,
  ): SocketRecords {
    const tgid = this.#servers.tgidOf(server, certain && protocol === TCP, timeNs);
    return new SocketRecords(this.#batch, { server, client, protocol, ordinal: ++this.#count, tgid });
  }
}

/** Endpoints of both ways of a conversation as one key. */
export function pairKey(source: string, target: string): string {
  return source < target ? source + target : target + source;
}

/** Makes an entry of a map the one that was used last. */
export function touch<T>(map: Map<string, T>, key: string, entry: T): void {
  map.delete(key);
  map.set(key, entry);
}
