import { Step, type IdDecoder } from '../decoder.ts';
import type { Frames } from '../frames.ts';
import { Match } from '../pairing.ts';
import type { Reader } from '../reader.ts';
import { ANSI } from '../sql-scanner.ts';
import { SqlTexts, type SqlText } from '../sql.ts';
import { describe } from './cassandra-describe.ts';
import {
  COMPRESSED_HEADER,
  Flag,
  hasSegments,
  HEADER,
  Opcode,
  PLAIN_HEADER,
  readHeader,
  readSegment,
  TRAILER,
  type Envelope,
  type Segment,
} from './cassandra-frame.ts';
import {
  createRequest,
  readRequest,
  readResponse,
  type CqlRequest,
  type CqlResponse,
  type StatementSource,
} from './cassandra-message.ts';
import { probeCassandra } from './cassandra-probe.ts';
import { isIdOf, Statements } from './cassandra-statements.ts';
import { decompressBody, decompressLz4 } from './decompress.ts';
import type { DecoderOptions } from './index.ts';

/** As much of an envelope is waited for: what is shown stands in its beginning. */
const WANTED = 8192;
/** A thousand requests may be in a run; beyond this it is bulk. */
const BUDGET = 1_048_576;
/** Prepared statements that are known on all connections, and what a connection knows for itself. */
const SHARED = { statements: 4096, characters: 2e6 };
const OWN = { statements: 8, characters: 768 };

const Framing = {
  /** Not known: joined in the middle, or at its beginning. */
  unknown: 0,
  /** v3 and v4, and all versions until the connection is set up. */
  envelopes: 1,
  segments: 2,
  compressed: 3,
} as const;

/** Where a direction stands in segments. */
interface SideState {
  /** Bytes left of the payload under way, on the wire. */
  left: number;
  selfContained: boolean;
  /** What a compressed payload holds, its length, of which not all may be there, and how much of it is read. */
  plain: Uint8Array | undefined;
  plainLength: number;
  plainAt: number;
  /** Bytes, uncompressed, that further compressed segments bring of an envelope, and its stream. */
  rest: number;
  stream: number;
}

interface CassandraState {
  framing: number;
  /** What STARTUP asked for. */
  compression: string | undefined;
  /** What the session uses; undefined: not known. */
  keyspace: string | undefined;
  /** Statements whose ids say nothing of their texts. */
  own: Statements | undefined;
  client: SideState;
  server: SideState;
}

const envelope: Envelope = { version: 0, flags: 0, stream: 0, opcode: 0, length: 0 };
const segment: Segment = { length: 0, plainLength: 0, selfContained: false };
const USE = /^\s*use\s/i;

/**
 * CQL's native protocol v3, v4 and v5 (native_protocol_v5.spec; v5's segments by its section 2).
 *
 *   envelope = version flags i16 stream opcode i32 length body        big-endian
 *   segment  = header with CRC-24, payload: envelopes or a part of one, CRC-32        in v5, once STARTUP is answered
 *
 * Bodies that are compressed with LZ4 or Snappy are read, and so are segments. Events, which the server sends unasked on stream -1, are skipped.
 * The id of a prepared statement is an MD5 sum of its text: where that is right the text is known on every connection, as it is in the server.
 */
export function createCassandra(options: DecoderOptions): IdDecoder<CassandraState> {
  const texts = new SqlTexts(options.queryText);
  const shared = new Statements(SHARED.statements, SHARED.characters);
  const cassandra = new Cassandra(texts, shared);
  return {
    name: 'cassandra',
    pairing: 'id',
    starts: [],
    capture: { elide: false, budget: BUDGET },
    idsReturn: true,
    probe: probeCassandra,
    createState: () => ({
      framing: Framing.unknown,
      compression: undefined,
      keyspace: undefined,
      own: undefined,
      client: createSide(),
      server: createSide(),
    }),
    lasting: ({ framing, compression, keyspace, own }) =>
      framing > Framing.envelopes || compression !== undefined || keyspace !== undefined || own !== undefined,
    read: (reader, fromClient, state, frames) => cassandra.read(reader, fromClient, state, frames),
    lost(state, fromClient) {
      resetSide(fromClient ? state.client : state.server);
      // Another one may have been asked for.
      if (fromClient) state.keyspace = undefined;
    },
    describe: (exchange) => describe(exchange, texts, options.queryText.limit),
  };
}

function createSide(): SideState {
  return { left: 0, selfContained: false, plain: undefined, plainLength: 0, plainAt: 0, rest: 0, stream: 0 };
}

function resetSide(side: SideState): void {
  side.left = side.plainAt = side.rest = 0;
  side.plain = undefined;
}

/** Reads frames of all connections, one at a time. */
class Cassandra implements StatementSource {
  readonly #texts: SqlTexts;
  readonly #shared: Statements;
  /** Of the frame that is being read. */
  #state!: CassandraState;
  #side!: SideState;
  #fromClient = false;
  #frames!: Frames;

  constructor(texts: SqlTexts, shared: Statements) {
    this.#texts = texts;
    this.#shared = shared;
  }

  prepared(id: string): SqlText | undefined {
    return this.#shared.get(id) ?? this.#state.own?.get(id);
  }

  of(text: string): SqlText {
    return this.#texts.of(text, ANSI, false);
  }

  read(reader: Reader, fromClient: boolean, state: CassandraState, frames: Frames): Step {
    const side = fromClient ? state.client : state.server;
    this.#state = state;
    this.#side = side;
    this.#fromClient = fromClient;
    this.#frames = frames;
    if (side.plain !== undefined) return this.#readPlain(reader, side.plain);
    if (side.left > 0) return this.#readEnvelope(reader);
    if (state.framing === Framing.unknown) {
      const { bytes, at, limit } = reader;
      if (limit - at < HEADER) return Step.more;
      if (readSegment(segment, bytes, at, false)) state.framing = Framing.segments;
      else if (readSegment(segment, bytes, at, true)) state.framing = Framing.compressed;
    }
    if (state.framing === Framing.segments) return this.#readSegment(reader);
    if (state.framing === Framing.compressed) return this.#readCompressedSegment(reader);
    return this.#readEnvelope(reader);
  }

  /** An envelope as it is, in a segment or without one. */
  #readEnvelope(reader: Reader): Step {
    const { bytes, at, limit, blocked } = reader;
    const side = this.#side;
    const inSegment = side.left > 0;
    if (limit - at < HEADER) return Step.more;
    if (!readHeader(envelope, bytes, at, this.#fromClient)) return Step.malformed;
    const size = HEADER + envelope.length;
    const here = inSegment ? Math.min(size, side.left) : size;
    if (here < HEADER || (here < size && side.selfContained)) return Step.malformed;
    if (limit - at < Math.min(here, WANTED) && !blocked) return Step.more;
    if (this.#state.framing === Framing.unknown && !hasSegments(envelope.version))
      this.#state.framing = Framing.envelopes;
    const step = this.#take(bytes, at + HEADER, Math.min(limit, at + here), true);
    if (step === Step.end) reader.skip(inSegment ? withSegments(side, size) : size);
    return step;
  }

  /** The header of a segment; its envelopes follow. */
  #readSegment(reader: Reader): Step {
    const { bytes, at, limit } = reader;
    if (limit - at < PLAIN_HEADER) return Step.more;
    if (!readSegment(segment, bytes, at, false)) return Step.malformed;
    this.#side.left = segment.length;
    this.#side.selfContained = segment.selfContained;
    reader.skip(PLAIN_HEADER);
    return Step.interim;
  }

  /** The header of a compressed segment, whose payload is decompressed; or a segment with more of an envelope. */
  #readCompressedSegment(reader: Reader): Step {
    const { bytes, at, limit, blocked } = reader;
    const side = this.#side;
    if (limit - at < COMPRESSED_HEADER) return Step.more;
    if (!readSegment(segment, bytes, at, true)) return Step.malformed;
    const { length, plainLength } = segment;
    if (side.rest > 0) return this.#readRest(reader);
    const payload = at + COMPRESSED_HEADER;
    if (limit - payload < length && !blocked && !this.#isOne(bytes, payload, limit)) return Step.more;
    const end = Math.min(limit, payload + length);
    side.plain =
      plainLength === 0
        ? Uint8Array.from(bytes.subarray(payload, end))
        : decompressLz4(bytes, payload, end, plainLength);
    side.plainLength = plainLength || length;
    side.plainAt = 0;
    side.left = length;
    side.selfContained = segment.selfContained;
    reader.skip(COMPRESSED_HEADER);
    return Step.interim;
  }

  /** The segment, of which not all has come, holds one envelope or a part of one: as much as is shown of that is enough. */
  #isOne(bytes: Uint8Array, payload: number, limit: number): boolean {
    const { length, plainLength, selfContained } = segment;
    if (limit - payload < WANTED) return false;
    if (!selfContained) return true;
    const plain = plainLength === 0 ? bytes : decompressLz4(bytes, payload, limit, HEADER);
    const at = plainLength === 0 ? payload : 0;
    if (plain.length - at < HEADER || !readHeader(envelope, plain, at, this.#fromClient)) return false;
    return HEADER + envelope.length >= (plainLength || length);
  }

  /** One of the segments with the rest of an envelope: a response is over with the last. */
  #readRest(reader: Reader): Step {
    const side = this.#side;
    const { length, plainLength } = segment;
    side.rest = Math.max(0, side.rest - (plainLength || length));
    if (side.rest === 0 && !this.#fromClient) {
      const exchange = this.#frames.answered(side.stream, false);
      if (typeof exchange === 'object') this.#frames.end(exchange);
    }
    reader.skip(COMPRESSED_HEADER + length + TRAILER);
    return Step.end;
  }

  /** The next envelope of a compressed segment. Each takes one byte of that, so that no two begin at the same place, the last what is left. */
  #readPlain(reader: Reader, plain: Uint8Array): Step {
    const side = this.#side;
    const at = side.plainAt;
    // What was not captured cannot be decompressed.
    if (plain.length - at < HEADER) return reader.blocked ? Step.more : Step.malformed;
    if (!readHeader(envelope, plain, at, this.#fromClient)) return Step.malformed;
    const end = at + HEADER + envelope.length;
    const rest = Math.max(0, end - side.plainLength);
    if (rest > 0 && side.selfContained) return Step.malformed;
    const { stream } = envelope;
    const step = this.#take(plain, at + HEADER, Math.min(plain.length, end), rest === 0);
    if (step !== Step.end) return step;
    if (end < side.plainLength && side.left > 1) {
      side.plainAt = end;
      side.left--;
      reader.skip(1);
      return step;
    }
    reader.skip(side.left + TRAILER);
    resetSide(side);
    side.rest = rest;
    side.stream = stream;
    return step;
  }

  /** What the envelope says whose body is there from `at` to `limit`. `whole`: it ends here. */
  #take(bytes: Uint8Array, at: number, limit: number, whole: boolean): Step {
    if ((envelope.flags & Flag.compressed) === 0) return this.#takePlain(bytes, at, limit, whole);
    const body = decompressBody(this.#state.compression, bytes, at, limit, WANTED);
    return this.#takePlain(body, 0, body.length, whole);
  }

  #takePlain(body: Uint8Array, from: number, to: number, whole: boolean): Step {
    return this.#fromClient ? this.#takeRequest(body, from, to) : this.#takeResponse(body, from, to, whole);
  }

  #takeRequest(body: Uint8Array, from: number, to: number): Step {
    const state = this.#state;
    const { opcode, version, flags, stream } = envelope;
    const request = createRequest(opcode, state.keyspace);
    readRequest(request, body, from, to, version, flags, this);
    if (opcode === Opcode.startup) state.compression = request.compression;
    // Which one is used now the answer tells.
    if (opcode === Opcode.query && USE.test(request.text!)) state.keyspace = undefined;
    this.#frames.request(stream, request);
    return Step.end;
  }

  #takeResponse(body: Uint8Array, from: number, to: number, whole: boolean): Step {
    const { opcode, flags, stream } = envelope;
    if (stream < 0) return Step.end;
    const exchange = this.#frames.answered(stream, true);
    if (exchange === Match.wait) return Step.wait;
    const response: CqlResponse = { code: undefined, keyspace: undefined, preparedId: undefined };
    readResponse(response, opcode, body, from, to, flags);
    if (response.keyspace !== undefined) this.#state.keyspace = response.keyspace;
    if (exchange === Match.orphan) return Step.end;
    exchange.response = response;
    this.#learn(exchange.request as CqlRequest, response);
    if (whole) this.#frames.end(exchange);
    return Step.end;
  }

  /** What an answer means for what follows. */
  #learn(request: CqlRequest, { preparedId, code }: CqlResponse): void {
    const state = this.#state;
    const { opcode, text, truncated } = request;
    if (opcode === Opcode.startup && code === undefined) {
      const { version } = envelope;
      if (!hasSegments(version)) state.framing = Framing.envelopes;
      else state.framing = state.compression === undefined ? Framing.segments : Framing.compressed;
    }
    if (opcode !== Opcode.prepare || preparedId === undefined || text === undefined || truncated) return;
    const known = isIdOf(preparedId, text, [undefined, request.keyspace, state.keyspace])
      ? this.#shared
      : (state.own ??= new Statements(OWN.statements, OWN.characters));
    known.set(preparedId, this.of(text));
  }
}

/** Bytes of an envelope in segments, with what of them lies within and behind it. Those of one that is longer are all filled but the last. */
function withSegments(side: SideState, size: number): number {
  const { left } = side;
  side.left = Math.max(0, left - size);
  if (size < left) return size;
  const further = Math.ceil((size - left) / left);
  return size + TRAILER + further * (PLAIN_HEADER + TRAILER);
}
