import type { Connection } from '../connection/connection.ts';
import type { Reading } from '../connection/thread-table.ts';
import type { ContextHeaders } from './context-headers.ts';

export type Role = 'client' | 'server';
export type AttributeValue = string | number | boolean | string[];
export type Attributes = Record<string, AttributeValue>;

/** Explained in docs/attributes.md. */
export const INCOMPLETE = [
  'response_lost',
  'end_unseen',
  'malformed_response',
  'position_unsure',
  'capture_ended',
  'capture_paused',
] as const;
export type Incomplete = (typeof INCOMPLETE)[number];

/** Who sent a message's first byte, and why. */
export interface Sending {
  readonly tid: number;
  /** As in the record. */
  readonly turn: number;
  /** What the thread had received before, if that may be why. */
  readonly reason: Reading | undefined;
  /** How many requests and responses were sent before, because of the same. */
  readonly place: number;
}

/**
 * One request and its response as seen at one end of a connection: what becomes one span. A client and a server on the same host give two
 * exchanges with the same hop key.
 *
 * Times are kernel CLOCK_MONOTONIC nanoseconds. `startNs` is the enter of the send of the request's first byte (client) or the
 * completion of the read of it (server); `endNs` is when the response's last byte crossed, or the exchange was given up.
 */
export interface Exchange {
  readonly protocol: string;
  readonly role: Role;
  readonly connection: Connection;
  /** Who sent (client) or answered (server) it: identity of the process and thread of the request's first byte. */
  readonly tgid: number;
  readonly processStartNs: number;
  readonly tid: number;
  /** The turn of that thread, as in the record. */
  readonly turn: number;
  /** At a client: why the request was sent, as far as it is known. Whoever has made use of it lets go of it: it holds what came before. */
  reason: Reading | undefined;
  /** As in Sending. */
  readonly place: number;
  /** At a server: the sending of the response; undefined until then. */
  answer: Sending | undefined;
  startNs: number;
  endNs: number;
  /** Position of the request's first byte in its stream; with the connection's first sequence numbers the hop key. */
  readonly requestPosition: number;
  /** Decoded by the protocol; what they hold is the protocol's own business, `describe` turns them into attributes. */
  request: unknown;
  response: unknown;
  /** Why it did not end well below the protocol: `timeout`, `connection_closed`, `connection_reset`, ... or undefined. */
  failure: string | undefined;
  /** What of it was not seen, which says nothing about how it went. `endNs` is then when it was last heard of. */
  incomplete: Incomplete | undefined;
  /** Filled when the exchange is opened, so that a link can be made before it ends. */
  hop: HopKey | undefined;
  /** Whoever the exchange was told to keeps its own note of it here while it is open: a map of what is open costs more than a field. */
  note?: unknown;
  /** The same of whoever counts what is under way. */
  counted?: unknown;
}

/**
 * What both ends of an exchange compute without talking to each other. TCP: (absolute sequence number of the request's first byte, the
 * server's first data sequence number). Unix: socket addresses and position. UDP: addresses, payload hash and ordinal.
 */
export interface HopKey {
  readonly kind: 'tcp' | 'unix' | 'udp';
  /** 64 bits as two unsigned 32-bit halves. */
  readonly high: number;
  readonly low: number;
}

/** What a protocol says about an exchange, in the semantic conventions' terms. */
export interface Description {
  /** Span name without a learned route: `GET`. */
  name: string;
  /** Kind of the span where it is not that of the exchange's role. */
  kind?: 'producer' | 'consumer' | 'client' | 'server';
  attributes: Attributes;
  /** `error.type`, present if and only if the span's status is Error. */
  errorType: string | undefined;
  /** Path that was asked for, without the query; a route is learned from it unless it is one by itself. */
  path?: string | undefined;
  isRoute?: boolean;
  /** What the request said of its trace. */
  contextHeaders?: ContextHeaders | undefined;
}
