import { u16be, u32be } from '../bytes.ts';
import { connectionAttributes } from '../connection-attributes.ts';
import { Claim, Step, type IdDecoder } from '../decoder.ts';
import type { Attributes, Description, Exchange } from '../exchange.ts';
import type { Frames } from '../frames.ts';
import type { LiveExchange } from '../live-exchange.ts';
import { Match } from '../pairing.ts';
import type { Next, Reader } from '../reader.ts';
import {
  CLIENT_HELLO,
  HELLO_HEAD,
  isHello,
  isHelloRetry,
  readClientHello,
  readServerHello,
  SERVER_HELLO,
  type ClientHello,
  type ServerHello,
} from './tls-hello.ts';
import { alertName, cipherName, versionName } from './tls-names.ts';

/** Of records. */
const CHANGE_CIPHER_SPEC = 20;
const ALERT = 21;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;

const HEADER = 5;
/** TLS 1.2 allows 2^14 + 2048 bytes. */
const MAX_RECORD = 18_432;
const TLS_13 = 0x0304;
/** An alert behind the keys of TLS 1.3: its two bytes, their type and what authenticates them. No Finished is as short. */
const ENCRYPTED_ALERT = 19;
/** The one handshake of a connection. */
const ID = 0;
const WARNING = 1;
const CLOSE_NOTIFY = 0;

const ENCRYPTED: Next = { to: undefined, carries: false, opaque: 'tls' };

interface TlsState {
  hello: ClientHello | undefined;
  /** Agreed; 0 before the ServerHello. */
  version: number;
  /** Before TLS 1.3: what each end has said of its half of the handshake. */
  client: Half;
  server: Half;
}
interface Half {
  changed: boolean;
  finished: boolean;
}

interface TlsResponse {
  hello: ServerHello | undefined;
  /** Who broke it off by an alert. */
  alertFrom: 'client' | 'server' | undefined;
}

/**
 * The handshake of TLS 1.0 to 1.3 (and SSL 3.0), and nothing behind it. RFC 8446, RFC 5246.
 *
 *   record = type(1) version(2) length(2) ...        types 20 change_cipher_spec, 21 alert, 22 handshake, 23 application_data
 *
 * One exchange, from the ClientHello until both ends are done. Before TLS 1.3 that is the second Finished, the first handshake record behind
 * its sender's change_cipher_spec. In TLS 1.3 everything behind the ServerHello is of type 23; what tells is the client's first such record,
 * its Finished (or its certificate before that), which it sends when the server's half was right. Early data comes before the ServerHello, and
 * further early data behind it is taken for the Finished. Then, or after an alert or a loss, the connection is given up as `tls`. Not decoded:
 * certificates, renegotiation, SSL 2.0's hello, DTLS, QUIC. A connection that is joined behind its ClientHello is not claimed.
 */
export function createTls(): IdDecoder<TlsState> {
  return {
    name: 'tls',
    pairing: 'id',
    idsReturn: false,
    starts: [],
    // The certificates of a server may be many.
    capture: { budget: 32_768, elide: false },
    probe: probeTls,
    createState: () => ({
      hello: undefined,
      version: 0,
      client: { changed: false, finished: false },
      server: { changed: false, finished: false },
    }),
    read,
    lost: () => undefined,
    afterLoss: 'tls',
    describe,
  };
}

/** A hello, as far as the session id's length. */
function probeTls(bytes: Uint8Array, from: number, to: number, final: boolean, joined: boolean): Claim {
  const available = to - from;
  if (available > 0 && bytes[from] !== HANDSHAKE) return Claim.no;
  if (available > 1 && bytes[from + 1] !== 3) return Claim.no;
  if (available > 2 && bytes[from + 2]! > 3) return Claim.no;
  if (available > HEADER && bytes[from + HEADER]! > SERVER_HELLO) return Claim.no;
  if (available < HEADER + HELLO_HEAD) return final ? Claim.no : Claim.more;
  const length = u16be(bytes, from + 3);
  if (length > MAX_RECORD) return Claim.no;
  if (isHello(bytes, from + HEADER, CLIENT_HELLO, length)) return Claim.request;
  return !joined && isHello(bytes, from + HEADER, SERVER_HELLO, length) ? Claim.response : Claim.no;
}

function read(reader: Reader, fromClient: boolean, state: TlsState, frames: Frames): Step {
  const { bytes, at, available } = reader;
  if (available > 0 && !isRecord(bytes, at, available)) {
    // What answers a ClientHello may be no TLS at all.
    return fromClient || state.version !== 0 ? Step.malformed : fail(reader, 1, false, frames, 'not_tls');
  }
  if (available < HEADER) return Step.more;
  const size = HEADER + u16be(bytes, at + 3);
  switch (bytes[at]) {
    case CHANGE_CIPHER_SPEC:
      (fromClient ? state.client : state.server).changed = true;
      return next(reader, size);
    case ALERT:
      return readAlert(reader, size, fromClient, frames);
    case HANDSHAKE:
      return fromClient
        ? readOfClient(reader, size, state, frames)
        : readOfServer(reader, size, state, frames);
    default:
      return fromClient ? readClientData(reader, size, state, frames) : next(reader, size);
  }
}

/** As far as its header is there. */
function isRecord(bytes: Uint8Array, at: number, available: number): boolean {
  const type = bytes[at]!;
  return (
    type >= CHANGE_CIPHER_SPEC &&
    type <= APPLICATION_DATA &&
    (available < 2 || bytes[at + 1] === 3) &&
    (available < HEADER || u16be(bytes, at + 3) <= MAX_RECORD)
  );
}

function next(reader: Reader, size: number): Step {
  reader.skip(size);
  return Step.end;
}

/** So many bytes are still to come, and will. */
function lacks({ available, blocked }: Reader, count: number): boolean {
  return available < count && !blocked;
}

function readOfClient(reader: Reader, size: number, state: TlsState, frames: Frames): Step {
  const { client, server, version, hello } = state;
  if (lacks(reader, size)) return Step.more;
  if (isFinished(client, version)) {
    client.finished = true;
    const exchange = frames.own(ID);
    return server.finished ? finish(reader, size, exchange, frames) : next(reader, size);
  }
  if (!isHelloAt(reader, size, CLIENT_HELLO)) {
    if (version !== 0) return next(reader, size);
    // Nothing else comes before the server's hello, which is late.
    return hello === undefined ? Step.malformed : Step.wait;
  }
  if (hello === undefined) {
    const { bytes, at, limit } = reader;
    state.hello = readClientHello(bytes, at + HEADER, Math.min(limit, at + size));
    frames.request(ID, state.hello);
  } else {
    hello.retried = true;
    frames.own(ID);
  }
  return next(reader, size);
}

/** Before TLS 1.3: the record is the Finished, encrypted. The change_cipher_spec of TLS 1.3 means nothing (RFC 8446, D.4). */
function isFinished({ changed }: Half, version: number): boolean {
  return changed && version !== 0 && version < TLS_13;
}

function isHelloAt({ bytes, at, available }: Reader, size: number, type: number): boolean {
  return available >= HEADER + HELLO_HEAD && isHello(bytes, at + HEADER, type, size - HEADER);
}

function readOfServer(reader: Reader, size: number, state: TlsState, frames: Frames): Step {
  const { client, server, version } = state;
  const isLast = isFinished(server, version);
  if (version !== 0 && !isLast) return next(reader, size);
  if (lacks(reader, isLast ? size : helloSize(reader, size))) return Step.more;
  const exchange = frames.answered(ID, version === 0);
  if (exchange === Match.wait) return Step.wait;
  if (exchange === Match.orphan) return giveUp(reader, size);
  if (!isLast) return readServersHello(reader, size, state, exchange);
  server.finished = true;
  return client.finished ? finish(reader, size, exchange, frames) : next(reader, size);
}

function readServersHello(reader: Reader, size: number, state: TlsState, exchange: LiveExchange): Step {
  const { bytes, at, limit } = reader;
  if (!isHelloAt(reader, size, SERVER_HELLO)) return Step.malformed;
  if (isHelloRetry(bytes, at + HEADER)) return next(reader, size);
  const to = Math.min(limit, at + helloSize(reader, size));
  const hello = readServerHello(bytes, at + HEADER, to, (exchange.request as ClientHello).sessionId);
  if (hello === undefined) return Step.malformed;
  exchange.response = responseOf(exchange, { hello });
  state.version = hello.version;
  return next(reader, size);
}

/** Bytes of the record up to the end of the hello in it, behind which certificates may follow. */
function helloSize({ bytes, at, available }: Reader, size: number): number {
  if (available < HEADER + 4) return HEADER + 4;
  return Math.min(size, HEADER + 4 + (u32be(bytes, at + HEADER) & 0xffffff));
}

/** Application data, or in TLS 1.3 what ends the client's half. */
function readClientData(reader: Reader, size: number, state: TlsState, frames: Frames): Step {
  if (state.version === 0) {
    // Early data, or the server's hello is late.
    return state.hello?.earlyData === true ? next(reader, size) : Step.wait;
  }
  if (state.version < TLS_13) return next(reader, size);
  if (lacks(reader, size)) return Step.more;
  if (size <= HEADER + ENCRYPTED_ALERT) return fail(reader, size, true, frames, 'encrypted_alert');
  return finish(reader, size, frames.own(ID), frames);
}

function readAlert(reader: Reader, size: number, fromClient: boolean, frames: Frames): Step {
  if (lacks(reader, size)) return Step.more;
  const { bytes, at, available } = reader;
  // An encrypted one comes behind its sender's Finished: the other end's was not seen.
  if (size !== HEADER + 2 || available < size) return giveUp(reader, size);
  const description = bytes[at + HEADER + 1]!;
  if (bytes[at + HEADER] === WARNING && description !== CLOSE_NOTIFY) return next(reader, size);
  return fail(reader, size, fromClient, frames, alertName(description));
}

/** The handshake is over with the record. */
function finish(reader: Reader, size: number, exchange: LiveExchange | undefined, frames: Frames): Step {
  if (exchange) frames.end(exchange);
  return giveUp(reader, size);
}

function fail(reader: Reader, size: number, fromClient: boolean, frames: Frames, why: string): Step {
  const exchange = fromClient ? frames.own(ID) : frames.answered(ID, true);
  if (exchange === Match.wait) return Step.wait;
  if (exchange !== undefined && exchange !== Match.orphan) {
    exchange.response = responseOf(exchange, { alertFrom: fromClient ? 'client' : 'server' });
    frames.end(exchange, why);
  }
  return giveUp(reader, size);
}

function giveUp(reader: Reader, size: number): Step {
  reader.skip(size);
  reader.next = ENCRYPTED;
  return Step.handOver;
}

function responseOf({ response }: LiveExchange, more: Partial<TlsResponse>): TlsResponse {
  return { hello: undefined, alertFrom: undefined, ...(response as TlsResponse | undefined), ...more };
}

function describe(exchange: Exchange): Description {
  const attributes = connectionAttributes(exchange);
  const client = exchange.request as ClientHello;
  const { hello, alertFrom } = (exchange.response ?? {}) as Partial<TlsResponse>;
  if (client.serverName !== undefined) attributes['server.address'] = client.serverName;
  if (client.versions.length > 0) attributes['undertrace.tls.offered.versions'] = client.versions;
  if (client.protocols.length > 0) attributes['undertrace.tls.offered.protocols'] = client.protocols;
  if (client.retried) attributes['undertrace.tls.hello_retried'] = true;
  if (hello) describeAgreed(attributes, hello);
  const errorType = exchange.failure;
  if (exchange.incomplete === undefined) attributes['tls.established'] = errorType === undefined;
  if (alertFrom !== undefined && errorType !== 'not_tls') attributes['undertrace.tls.alert.from'] = alertFrom;
  if (errorType !== undefined) attributes['error.type'] = errorType;
  return { name: 'TLS handshake', attributes, errorType };
}

function describeAgreed(attributes: Attributes, hello: ServerHello): void {
  const version = versionName(hello.version);
  const cipher = cipherName(hello.cipher);
  attributes['tls.protocol.name'] = hello.version === 0x0300 ? 'ssl' : 'tls';
  if (version !== undefined) attributes['tls.protocol.version'] = version;
  if (cipher !== undefined) attributes['tls.cipher'] = cipher;
  if (hello.group !== undefined) attributes['tls.curve'] = hello.group;
  if (hello.protocol !== undefined) attributes['tls.next_protocol'] = hello.protocol;
  attributes['tls.resumed'] = hello.resumed;
}
