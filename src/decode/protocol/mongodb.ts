import { i32le, u32le } from '../bytes.ts';
import { Step, type IdDecoder } from '../decoder.ts';
import type { Frames, Id } from '../frames.ts';
import { Match } from '../pairing.ts';
import type { Reader } from '../reader.ts';
import { decompressSnappy, decompressZlib } from './decompress.ts';
import { describe } from './mongodb-describe.ts';
import {
  createRequest,
  HEADER,
  Opcode,
  readReply,
  readRequest,
  type MongoReply,
  type MongoRequest,
} from './mongodb-message.ts';
import { isLength, probeMongodb } from './mongodb-probe.ts';

/** As much of a message is waited for: what is shown stands in its beginning. */
const WANTED = 8192;
/** As much of what was compressed is looked at. */
const MOST = 65_536;
/** OP_COMPRESSED: i32 opcode, i32 size of the body uncompressed, u8 compressor, body. */
const COMPRESSED_HEADER = 9;
const COMPRESSORS = ['noop', 'snappy', 'zlib', 'zstd'];

interface MongoState {
  /** The server goes on answering `streamed`: the next reply answers the message `next`, its last one. 0: it does not. */
  streamed: Id;
  next: number;
}

/** The body of a message, `[at, end)` of `bytes`, of which `[at, limit)` is there. */
interface Body {
  opcode: number;
  bytes: Uint8Array;
  at: number;
  end: number;
  limit: number;
  compressor: string | undefined;
  uncompressedSize: number;
  readable: boolean;
}

/** One for all messages. */
const body: Body = {
  opcode: 0,
  bytes: new Uint8Array(0),
  at: 0,
  end: 0,
  limit: 0,
  compressor: undefined,
  uncompressedSize: 0,
  readable: true,
};

/**
 * MongoDB wire protocol: OP_MSG, OP_COMPRESSED (noop, snappy, zlib), and what older servers and handshakes have: OP_QUERY, OP_REPLY, OP_INSERT,
 * OP_UPDATE, OP_DELETE, OP_GET_MORE, OP_KILL_CURSORS. (mongodb.com/docs/manual/reference/mongodb-wire-protocol)
 *
 *   message = i32le length, i32le id, i32le id of what is answered, i32le opcode, body
 *
 * A request with moreToCome is not answered; a reply with moreToCome is followed by others, each of which answers the one before, and the exchange
 * ends with the last. Of a body only the command, its collection and database, how many documents it writes, and error codes are read.
 */
export function createMongodb(): IdDecoder<MongoState> {
  return {
    name: 'mongodb',
    pairing: 'id',
    starts: [],
    capture: { elide: true },
    idsReturn: false,
    probe: probeMongodb,
    createState: () => ({ streamed: 0, next: 0 }),
    read,
    lost(state, fromClient) {
      if (!fromClient) state.streamed = state.next = 0;
    },
    describe,
  };
}

function read(reader: Reader, fromClient: boolean, state: MongoState, frames: Frames): Step {
  const { bytes, at, limit, blocked } = reader;
  if (limit - at < HEADER) return Step.more;
  const length = i32le(bytes, at);
  if (!isLength(length) || !isOpcode(i32le(bytes, at + 12), fromClient)) return Step.malformed;
  if (limit - at < Math.min(length, WANTED) && !blocked) return Step.more;
  if (!findBody(bytes, at, at + length, Math.min(limit, at + length))) return Step.malformed;
  const step = fromClient
    ? takeRequest(frames, u32le(bytes, at + 4))
    : takeReply(frames, state, u32le(bytes, at + 4), u32le(bytes, at + 8));
  if (step === Step.end) reader.skip(length);
  return step;
}

function isOpcode(opcode: number, fromClient: boolean): boolean {
  if (opcode === Opcode.message || opcode === Opcode.compressed) return true;
  if (!fromClient) return opcode === Opcode.reply;
  return opcode >= Opcode.update && opcode <= Opcode.killCursors && opcode !== 2003;
}

/** Fills `body`. */
function findBody(bytes: Uint8Array, at: number, end: number, limit: number): boolean {
  body.opcode = i32le(bytes, at + 12);
  body.bytes = bytes;
  body.at = at + HEADER;
  body.end = end;
  body.limit = limit;
  body.compressor = undefined;
  body.readable = true;
  return body.opcode !== Opcode.compressed || uncompress();
}

/** Replaces a compressed body by what it is, as far as it can be read. */
function uncompress(): boolean {
  const { bytes, at, limit } = body;
  const from = at + COMPRESSED_HEADER;
  if (limit < from) {
    body.readable = false;
    return true;
  }
  const size = i32le(bytes, at + 4);
  body.opcode = i32le(bytes, at);
  body.compressor = COMPRESSORS[bytes[at + 8]!];
  body.uncompressedSize = size;
  if (body.compressor === undefined || body.opcode === Opcode.compressed || !isLength(size + HEADER))
    return false;
  body.at = from;
  if (body.compressor === 'noop') return true;
  const plain = decompress(body.compressor, Math.min(size, MOST));
  body.readable = plain !== undefined && plain.length > 0;
  if (plain === undefined) return true;
  body.bytes = plain;
  body.at = 0;
  body.end = size;
  body.limit = plain.length;
  return true;
}

/** Undefined where the format is not known here. */
function decompress(compressor: string, most: number): Uint8Array | undefined {
  const { bytes, at, limit } = body;
  if (compressor === 'snappy') return decompressSnappy(bytes, at, limit, most);
  return compressor === 'zlib' ? decompressZlib(bytes, at, limit, most) : undefined;
}

function takeRequest(frames: Frames, id: number): Step {
  const { opcode, compressor, readable, bytes, at, end, limit } = body;
  const request: MongoRequest = createRequest();
  if (compressor !== undefined) {
    request.compressor = compressor;
    request.uncompressedSize = body.uncompressedSize;
  }
  if (readable && !readRequest(request, opcode, bytes, at, end, limit)) return Step.malformed;
  // Whether anybody answers what cannot be read is not known.
  if (request.oneWay) frames.oneWay(request);
  else frames.request(id, request).patient = request.patient || !readable;
  return Step.end;
}

function takeReply(frames: Frames, state: MongoState, id: number, answers: number): Step {
  const { opcode, readable, bytes, at, end, limit } = body;
  const reply: MongoReply = { code: undefined, failed: false, moreToCome: false };
  if (readable && !readReply(reply, opcode, bytes, at, end, limit)) return Step.malformed;
  const goesOn = state.streamed !== 0 && state.next === answers;
  const exchange = frames.answered(goesOn ? state.streamed : answers, !goesOn);
  if (exchange === Match.wait) return Step.wait;
  state.streamed = 0;
  if (exchange === Match.orphan) return Step.end;
  exchange.response = reply;
  if (reply.moreToCome) {
    state.streamed = exchange.id;
    state.next = id;
  } else frames.end(exchange);
  return Step.end;
}
