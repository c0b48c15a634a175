import { u16be, u32be } from '../bytes.ts';
import { connectionAttributes } from '../connection-attributes.ts';
import { Claim, Step, type IdDecoder } from '../decoder.ts';
import type { Description, Exchange } from '../exchange.ts';
import type { Frames } from '../frames.ts';
import { Match } from '../pairing.ts';
import type { Reader } from '../reader.ts';
import {
  FASTJSON2,
  HESSIAN2,
  readException,
  readRequestBody,
  type DubboRequest,
  type DubboResponse,
} from './dubbo-body.ts';
import type { DecoderOptions } from './index.ts';

const MAGIC = 0xdabb;
const HEADER = 16;
const REQUEST = 0x80;
const TWO_WAY = 0x40;
const EVENT = 0x20;
const SERIALIZATION = 0x1f;
const OK = 20;
/** Dubbo refuses longer bodies unless told otherwise: of one it is not believed that it is Dubbo's. */
const USUAL_BODY = 8 << 20;
/** A longer one is taken for damage. */
const MAX_BODY = 64 << 20;
/** Of a frame that is read: names, and attachments where these stand so far in front. */
const MAX_REQUEST_HEAD = 16_384;
const MAX_RESPONSE_HEAD = 512;

/** org.apache.dubbo.common.serialize.Constants. */
const SERIALIZATIONS = new Set([
  HESSIAN2,
  3,
  4,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  16,
  18,
  21,
  22,
  FASTJSON2,
  25,
  27,
  28,
  31,
]);
/** org.apache.dubbo.remoting.exchange.Response. */
const STATUSES = new Map<number, string>([
  [OK, 'OK'],
  [25, 'SERIALIZATION_ERROR'],
  [30, 'CLIENT_TIMEOUT'],
  [31, 'SERVER_TIMEOUT'],
  [35, 'CHANNEL_INACTIVE'],
  [40, 'BAD_REQUEST'],
  [50, 'BAD_RESPONSE'],
  [60, 'SERVICE_NOT_FOUND'],
  [70, 'SERVICE_ERROR'],
  [80, 'SERVER_ERROR'],
  [90, 'CLIENT_ERROR'],
  [100, 'SERVER_THREADPOOL_EXHAUSTED_ERROR'],
]);
/** Those that are the server's fault (semantic conventions, Dubbo). */
const OF_SERVER = new Set([
  'SERVER_ERROR',
  'SERVER_THREADPOOL_EXHAUSTED_ERROR',
  'SERVER_TIMEOUT',
  'SERVICE_ERROR',
]);

/**
 * Dubbo 2 (`dubbo://`). dubbo.apache.org, protocol "dubbo".
 *
 *   frame = magic da bb | flags: request 80, two-way 40, event 20, serialization 1f | status | id, 8 bytes | length, 4 bytes | body
 *
 * Either end may ask on the same connection; a response has the id of its request. Of ids the low 53 bits are used: they are counted up from a
 * number drawn at start. Heartbeats and other events are skipped, they are no exchanges. Bodies are read as far as their names and attachments
 * in Hessian 2 and fastjson2 (`dubbo-body.ts`); calls in another serialization give spans without a method. Not decoded: Triple, which is
 * gRPC's wire format, and what is typed into the port (telnet, HTTP).
 */
export function createDubbo({ requestIdHeaders }: DecoderOptions): IdDecoder<undefined> {
  const requestIds = new Set(requestIdHeaders);
  return {
    name: 'dubbo',
    pairing: 'id',
    idsReturn: false,
    starts: [HESSIAN2, FASTJSON2].flatMap((serialization) => [
      start(REQUEST | TWO_WAY | serialization, 0),
      start(REQUEST | serialization, 0),
      start(serialization, OK),
    ]),
    // A run has many frames where many calls are open.
    capture: { budget: 262_144, elide: true },
    probe: probeDubbo,
    createState: () => undefined,
    read: (reader, _fromClient, _state, frames) => read(reader, frames, requestIds),
    lost: () => undefined,
    describe,
  };
}

function start(flags: number, status: number): string {
  return String.fromCharCode(MAGIC >> 8, MAGIC & 0xff, flags, status);
}

/** A whole header, and the first byte of a body that begins as such bodies do. */
function probeDubbo(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  const claim = probeHeader(bytes, from, to);
  return claim === Claim.more && final ? Claim.no : claim;
}

function probeHeader(bytes: Uint8Array, from: number, to: number): Claim {
  const available = to - from;
  if (available > 0 && bytes[from] !== MAGIC >> 8) return Claim.no;
  if (available > 1 && bytes[from + 1] !== (MAGIC & 0xff)) return Claim.no;
  if (available > 2 && !isFlags(bytes[from + 2]!)) return Claim.no;
  if (available > 3 && !isStatus(bytes[from + 2]!, bytes[from + 3]!)) return Claim.no;
  if (available <= HEADER) return Claim.more;
  const length = u32be(bytes, from + 12);
  if (length === 0 || length > USUAL_BODY) return Claim.no;
  const flags = bytes[from + 2]!;
  if (!beginsBody(flags, bytes[from + 3]!, bytes[from + HEADER]!)) return Claim.no;
  return Claim.either;
}

function isFlags(flags: number): boolean {
  return SERIALIZATIONS.has(flags & SERIALIZATION) && ((flags & REQUEST) !== 0 || (flags & TWO_WAY) === 0);
}

/** Requests have none. */
function isStatus(flags: number, status: number): boolean {
  return (flags & REQUEST) === 0 ? STATUSES.has(status) : status === 0;
}

/** In Hessian 2 a call begins with a short text, its response with a small number, an error with a text, and a heartbeat is null. */
function beginsBody(flags: number, status: number, first: number): boolean {
  if ((flags & SERIALIZATION) === FASTJSON2) return first === 0 || (flags & EVENT) !== 0;
  if ((flags & SERIALIZATION) !== HESSIAN2) return true;
  const isText = first <= 0x1f || (first >= 0x30 && first <= 0x33) || first === 0x52 || first === 0x53;
  if ((flags & EVENT) !== 0) return isText || first === 0x4e;
  if ((flags & REQUEST) !== 0) return first > 0 && first <= 0x1f;
  return status === OK ? first >= 0x90 && first <= 0x95 : isText || first === 0x4e;
}

function read(reader: Reader, frames: Frames, requestIds: ReadonlySet<string>): Step {
  const { bytes, at, available, blocked } = reader;
  if (available < HEADER) return Step.more;
  const flags = bytes[at + 2]!;
  const length = u32be(bytes, at + 12);
  if (u16be(bytes, at) !== MAGIC || !isFlags(flags) || length > MAX_BODY) return Step.malformed;
  const isRequest = (flags & REQUEST) !== 0;
  const isEvent = (flags & EVENT) !== 0;
  const most = isEvent ? HEADER : isRequest ? MAX_REQUEST_HEAD : MAX_RESPONSE_HEAD;
  const needed = Math.min(HEADER + length, most);
  if (available < needed && !blocked) return Step.more;
  const to = at + Math.min(needed, available);
  if (isEvent) {
    // No exchange: it only says that its sender is there, or goes.
  } else if (isRequest) {
    const whole = to - at === HEADER + length;
    const request = readRequestBody(flags & SERIALIZATION, bytes, at + HEADER, to, whole, requestIds);
    if ((flags & TWO_WAY) !== 0) frames.request(idAt(bytes, at), request);
    else frames.oneWay(request);
  } else {
    const exchange = frames.answered(idAt(bytes, at), true);
    if (exchange === Match.wait) return Step.wait;
    if (exchange !== Match.orphan) {
      exchange.response = readResponse(bytes, at, to);
      frames.end(exchange);
    }
  }
  reader.skip(HEADER + length);
  return Step.end;
}

function idAt(bytes: Uint8Array, at: number): number {
  return (u32be(bytes, at + 4) & 0x1fffff) * 4294967296 + u32be(bytes, at + 8);
}

function readResponse(bytes: Uint8Array, at: number, to: number): DubboResponse {
  const status = bytes[at + 3]!;
  const serialization = bytes[at + 2]! & SERIALIZATION;
  const exception = status === OK ? readException(serialization, bytes, at + HEADER, to) : undefined;
  return { status, exception };
}

function describe(exchange: Exchange): Description {
  const attributes = connectionAttributes(exchange);
  const { service, method, version, group, contextHeaders } = exchange.request as DubboRequest;
  const response = exchange.response as DubboResponse | undefined;
  const name = service === undefined || method === undefined ? undefined : `${service}/${method}`;
  attributes['rpc.system.name'] = 'dubbo';
  if (name !== undefined) attributes['rpc.method'] = name;
  if (version !== '') attributes['undertrace.dubbo.service.version'] = version;
  if (group !== '') attributes['undertrace.dubbo.service.group'] = group;
  const status = response && (STATUSES.get(response.status) ?? String(response.status));
  if (status !== undefined) attributes['rpc.response.status_code'] = status;
  const errorType = exchange.failure ?? statusError(exchange, status) ?? exceptionError(response);
  if (errorType !== undefined) attributes['error.type'] = errorType;
  return { name: name ?? 'dubbo', attributes, errorType, contextHeaders };
}

function statusError({ role }: Exchange, status: string | undefined): string | undefined {
  if (status === undefined || status === 'OK') return undefined;
  return role === 'client' || OF_SERVER.has(status) ? status : undefined;
}

/** What the called method has thrown, which its status says nothing of. */
function exceptionError(response: DubboResponse | undefined): string | undefined {
  return response?.exception === '' ? '_OTHER' : response?.exception;
}
