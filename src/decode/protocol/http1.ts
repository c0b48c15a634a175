import { Claim, Step, type FifoDecoder } from '../decoder.ts';
import type { Next, Reader } from '../reader.ts';
import type { DecoderOptions } from './index.ts';
import { createDatabaseDescriber } from './http-database.ts';
import { createDescriber } from './http-describe.ts';
import { requestFields, type FieldTable } from './http1-fields.ts';
import { emptyLine, INCOMPLETE, MALFORMED, parseHead, type Framing } from './http1-head.ts';
import { createRequest, type HttpMessage, type HttpRequest, type HttpResponse } from './http-message.ts';
import { HTTP1_STARTS, probeHttp1 } from './http1-probe.ts';

/** Where a direction stands. */
const Phase = {
  head: 0,
  /** The message ends here. */
  end: 1,
  length: 2,
  chunkSize: 3,
  /** The line end after a chunk's bytes. */
  chunkEnd: 4,
  trailer: 5,
  toClose: 6,
  /** The head was cut: nobody knows how it goes on. */
  lost: 7,
  /** The client asked whether it may send the body (Expect: 100-continue) and has sent none of it. */
  expect: 8,
  /** It was answered with a final status meanwhile: a body may come all the same, or the next request. */
  refused: 9,
  handOver: 10,
} as const;

interface SideState {
  phase: number;
  message: HttpMessage | undefined;
  /** Of `length` the body's, else what was seen of a chunked one, or where a body until close began. */
  size: number;
  chunked: boolean;
  /** Bytes of the head looked at in vain. */
  scanned: number;
  /** What a 101 goes over to. */
  next: Next | undefined;
}

interface HttpState {
  request: SideState;
  response: SideState;
  /** A request asked for another protocol: what follows it depends on the response. */
  switching: boolean;
}

/** Decoders of protocols that a 101 goes over to, by their names in Upgrade (RFC 9113, 3.1; RFC 6455, 1.3); the exchange goes on there. */
const UPGRADES: ReadonlyMap<string, Next> = new Map([
  ['h2c', { to: 'http2', carries: true }],
  ['websocket', { to: 'websocket', carries: true }],
]);

const MAX_CHUNK_LINE = 4096;
const MAX_TRAILER_LINE = 16_384;
/** Hex digits of a chunk size: 2^52 bytes. */
const MAX_SIZE_DIGITS = 13;
const HT = 9;
const LF = 10;
const CR = 13;
const SP = 32;
const SEMICOLON = 59;
/** Value of a hex digit, -1 for other bytes. */
const HEX = Int8Array.from({ length: 256 }, (_, i) => {
  const c = String.fromCharCode(i);
  return /[0-9a-fA-F]/.test(c) ? parseInt(c, 16) : -1;
});

const framing: Framing = {
  contentLength: -1,
  transferEncoding: false,
  chunked: false,
  expectContinue: false,
  upgrade: false,
  upgradeTo: '',
  database: undefined,
};

/**
 * HTTP/1.0 and HTTP/1.1. RFC 9112, RFC 9110.
 *
 *   message = head [body]    body by RFC 9112, 6.3: none | Content-Length | chunked | until close
 *
 * Responses come in request order, hence `fifo`; 1xx responses are skipped, 101 and 2xx to CONNECT hand the connection on. Conflicting
 * lengths, Transfer-Encoding beside Content-Length or in HTTP/1.0, and a request whose last coding is not chunked are malformed.
 * Not decoded: HTTP/0.9, bodies (only measured), fields of a head beyond what was captured.
 */
export function createHttp1(options: DecoderOptions): FifoDecoder<HttpState> {
  const fields = requestFields(options.requestIdHeaders);
  const describeHttp = createDescriber(options.redactedQueryKeys);
  const describeDatabase = createDatabaseDescriber(options.queryText);
  return {
    name: 'http',
    pairing: 'fifo',
    starts: HTTP1_STARTS,
    capture: { elide: true },
    probe: probeHttp1,
    createState: () => ({ request: createSide(), response: createSide(), switching: false }),
    read: (reader, isRequest, state, request) =>
      isRequest
        ? readRequest(reader, state, fields)
        : readResponse(reader, state, request as HttpRequest | undefined, fields),
    reset(state, isRequest) {
      resetSide(isRequest ? state.request : state.response);
      if (isRequest) state.switching = false;
    },
    ended(message, state, isRequest, position) {
      const side = isRequest ? state.request : state.response;
      if (message && side.phase === Phase.toClose) {
        (message as HttpMessage).bodySize = position - side.size;
      }
      resetSide(side);
    },
    abandoned(request, state) {
      if (state.request.phase !== Phase.refused) return false;
      (request as HttpRequest).bodySize = 0;
      return true;
    },
    describe: (exchange) => describeDatabase(describeHttp(exchange), exchange),
  };
}

function createSide(): SideState {
  return { phase: Phase.head, message: undefined, size: 0, chunked: false, scanned: 0, next: undefined };
}

function resetSide(side: SideState): void {
  side.phase = Phase.head;
  side.message = undefined;
  side.size = side.scanned = 0;
}

function readRequest(reader: Reader, state: HttpState, fields: FieldTable): Step {
  const side = state.request;
  if (side.phase === Phase.expect || side.phase === Phase.refused) {
    if (reader.available === 0 && !reader.blocked) return Step.more;
    if (side.phase === Phase.refused) {
      const { bytes, at, limit, blocked } = reader;
      const claim = probeHttp1(bytes, at, limit, blocked, true);
      if (claim === Claim.more) return Step.more;
      if (claim === Claim.request) {
        resetSide(side);
        return Step.end;
      }
    }
    side.phase = side.chunked ? Phase.chunkSize : Phase.length;
  }
  if (side.phase !== Phase.head) return readBody(reader, side);
  if (state.switching) return Step.wait;
  return readRequestHead(reader, state, fields);
}

function readRequestHead(reader: Reader, state: HttpState, fields: FieldTable): Step {
  const side = state.request;
  if (skipEmptyLines(reader)) return Step.interim;
  const request = createRequest(11);
  const length = readHead(reader, side, request, request, fields);
  if (length <= 0) return length === INCOMPLETE ? Step.more : Step.malformed;
  const { contentLength, transferEncoding, chunked } = framing;
  side.message = request;
  side.size = 0;
  side.chunked = chunked;
  if (request.truncated) {
    side.phase = Phase.lost;
  } else if (transferEncoding) {
    if (!chunked || contentLength !== -1 || request.version === 10) return Step.malformed;
    side.phase = framing.expectContinue ? Phase.expect : Phase.chunkSize;
  } else if (contentLength === -2) {
    return Step.malformed;
  } else if (contentLength > 0) {
    side.size = contentLength;
    side.phase = framing.expectContinue ? Phase.expect : Phase.length;
  } else {
    request.bodySize = 0;
    side.phase = Phase.end;
  }
  state.switching = framing.upgrade || request.method === 'CONNECT';
  reader.message = request;
  reader.skip(length);
  return Step.head;
}

function readResponse(
  reader: Reader,
  state: HttpState,
  request: HttpRequest | undefined,
  fields: FieldTable,
): Step {
  const side = state.response;
  if (side.phase !== Phase.head) return readBody(reader, side);
  if (skipEmptyLines(reader)) return Step.interim;
  const response: HttpResponse = {
    status: 0,
    version: 11,
    bodySize: undefined,
    truncated: false,
    database: undefined,
  };
  const length = readHead(reader, side, response, undefined, fields);
  if (length <= 0) return length === INCOMPLETE ? Step.more : Step.malformed;
  if (response.status < 200 && response.status !== 101) return readInterim(reader, state, response, length);
  const phase = bodyPhase(response, request);
  if (phase < 0) return Step.malformed;
  side.phase = phase;
  response.database = framing.database;
  side.message = response;
  side.size = phase === Phase.length ? framing.contentLength : 0;
  if (phase === Phase.end || phase === Phase.handOver) response.bodySize = 0;
  side.next = response.status === 101 ? UPGRADES.get(framing.upgradeTo) : undefined;
  state.switching = false;
  if (state.request.phase === Phase.expect) state.request.phase = Phase.refused;
  reader.message = response;
  reader.skip(length);
  if (phase === Phase.toClose) side.size = reader.position;
  return Step.head;
}

/** 1xx: the real response follows. 100 lets the client send its body. */
function readInterim(reader: Reader, state: HttpState, response: HttpResponse, length: number): Step {
  if (response.truncated) return Step.malformed;
  reader.skip(length);
  const { request } = state;
  if (response.status === 100 && request.phase === Phase.expect) {
    request.phase = request.chunked ? Phase.chunkSize : Phase.length;
  }
  return Step.interim;
}

/** RFC 9112, 6.3; MALFORMED where its rules are broken. */
function bodyPhase(response: HttpResponse, request: HttpRequest | undefined): number {
  const { status } = response;
  const method = request?.method;
  if (status === 101 || (method === 'CONNECT' && status < 300)) return Phase.handOver;
  if (response.truncated) return Phase.lost;
  if (method === 'HEAD' || status === 204 || status === 304) return Phase.end;
  const { contentLength, transferEncoding, chunked } = framing;
  if (transferEncoding) {
    if (contentLength !== -1 || response.version === 10) return MALFORMED;
    return chunked ? Phase.chunkSize : Phase.toClose;
  }
  if (contentLength > 0) return Phase.length;
  if (contentLength === 0) return Phase.end;
  return contentLength === -1 ? Phase.toClose : MALFORMED;
}

/** Empty lines before a message are ignored (RFC 9112, 2.2). */
function skipEmptyLines(reader: Reader): boolean {
  const { bytes, at, limit } = reader;
  let i = at;
  while (i < limit && (bytes[i] === LF || (bytes[i] === CR && i + 1 < limit && bytes[i + 1] === LF))) {
    i += bytes[i] === LF ? 1 : 2;
  }
  if (i === at) return false;
  reader.skip(i - at);
  return true;
}

/** Parses the head at the reader; in a head that comes in many pieces only what is new is searched for its end. */
function readHead(
  reader: Reader,
  side: SideState,
  message: HttpRequest | HttpResponse,
  request: HttpRequest | undefined,
  fields: FieldTable,
): number {
  const { bytes, at, limit, blocked } = reader;
  if (side.scanned > 0 && !blocked && !hasHeadEnd(bytes, at + Math.max(0, side.scanned - 3), limit)) {
    side.scanned = limit - at;
    return INCOMPLETE;
  }
  const length = parseHead(bytes, at, limit, blocked, message, request, framing, fields);
  if (length === INCOMPLETE) {
    const claim = probeHttp1(bytes, at, limit, blocked, false);
    const possible = claim === Claim.more ? !blocked : claim === (request ? Claim.request : Claim.response);
    if (!possible) return MALFORMED;
    side.scanned = limit - at;
  } else {
    side.scanned = 0;
  }
  return length;
}

/** An empty line, whichever line ends are used. */
function hasHeadEnd(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to - 1; i++) {
    if (bytes[i] !== LF) continue;
    if (bytes[i + 1] === LF || (bytes[i + 1] === CR && i + 2 < to && bytes[i + 2] === LF)) return true;
  }
  return false;
}

function readBody(reader: Reader, side: SideState): Step {
  switch (side.phase) {
    case Phase.length:
      reader.skip(side.size);
      return endBody(side, side.size);
    case Phase.end:
      return endBody(side, 0);
    case Phase.toClose:
      return Step.untilClose;
    case Phase.lost:
      resetSide(side);
      return Step.untilTurn;
    case Phase.handOver:
      reader.next = side.next;
      resetSide(side);
      return Step.handOver;
    default:
      return readChunked(reader, side);
  }
}

function endBody(side: SideState, size: number): Step {
  if (side.message) side.message.bodySize = size;
  resetSide(side);
  return Step.end;
}

/**
 *   *( size [ext] CRLF bytes CRLF ) 0 [ext] CRLF *( trailer CRLF ) CRLF        RFC 9112, 7.1; a bare LF ends a line, too
 */
function readChunked(reader: Reader, side: SideState): Step {
  for (;;) {
    if (!reader.arrived) return Step.more;
    const { bytes, at, limit } = reader;
    if (side.phase === Phase.chunkEnd) {
      const lineEnd = bytes[at] === CR ? 2 : 1;
      if (limit - at < lineEnd) return Step.more;
      if (emptyLine(bytes, at, limit) === 0) return Step.malformed;
      reader.skip(lineEnd);
      side.phase = Phase.chunkSize;
      continue;
    }
    const lf = lineFeed(bytes, at, limit);
    if (lf < 0) {
      const most = side.phase === Phase.trailer ? MAX_TRAILER_LINE : MAX_CHUNK_LINE;
      return limit - at > most ? Step.malformed : Step.more;
    }
    if (side.phase === Phase.trailer) {
      const empty = emptyLine(bytes, at, limit) > 0;
      reader.skip(lf + 1 - at);
      if (empty) return endBody(side, side.size);
      continue;
    }
    const size = chunkSize(bytes, at, lf);
    if (size < 0) return Step.malformed;
    reader.skip(lf + 1 - at + size);
    side.size += size;
    side.phase = size === 0 ? Phase.trailer : Phase.chunkEnd;
  }
}

function lineFeed(bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) if (bytes[i] === LF) return i;
  return -1;
}

/** Hex digits, then the line's end, whitespace or an extension; -1 for anything else. */
function chunkSize(bytes: Uint8Array, from: number, lf: number): number {
  let size = 0;
  let i = from;
  for (; i < lf; i++) {
    const digit = HEX[bytes[i]!]!;
    if (digit < 0) break;
    size = size * 16 + digit;
  }
  if (i === from || i - from > MAX_SIZE_DIGITS) return -1;
  const after = bytes[i]!;
  return after === LF || after === CR || after === SEMICOLON || after === SP || after === HT ? size : -1;
}
