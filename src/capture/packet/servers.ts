import type { ProcessFacts } from '../facts.ts';
import type { RecordBatch } from '../record-batch.ts';
import { type Endpoint, endpointText } from './endpoint.ts';

/** Of all processes that stand for servers: never 0, which means that a start is not known. */
export const START_NS = 10_000_000;
/** Fewer than the process table keeps. */
const MAX_SERVERS = 16_384;

interface Server {
  readonly tgid: number;
  /** A connection to it was seen from its beginning. */
  certain: boolean;
}

/** A process for each address that serves: in a capture there are none, and everything behind asks for them. The least recently used makes room. */
export class Servers {
  readonly #batch: RecordBatch;
  readonly #servers = new Map<string, Server>();
  #nextTgid = 1;

  constructor(batch: RecordBatch) {
    this.#batch = batch;
  }

  /** The number of the process that stands for a server; the first time its record is written. */
  tgidOf(endpoint: Endpoint, certain: boolean, timeNs: number): number {
    const { key } = endpoint;
    const server = this.#servers.get(key) ?? this.#meet(endpoint, timeNs);
    server.certain ||= certain;
    this.#servers.delete(key);
    this.#servers.set(key, server);
    return server.tgid;
  }

  /** Whether an address is known to serve TCP. */
  readonly serves = (key: string): boolean => this.#servers.get(key)?.certain === true;

  #meet(endpoint: Endpoint, timeNs: number): Server {
    if (this.#servers.size >= MAX_SERVERS) this.#servers.delete(this.#servers.keys().next().value!);
    const server = { tgid: this.#nextTgid++, certain: false };
    const facts: ProcessFacts = { source: 'scan', address: endpointText(endpoint) };
    const { tgid } = server;
    this.#batch.json('process', { time_ns: timeNs, tgid, tid: tgid, start_ns: START_NS }, facts);
    return server;
  }
}
