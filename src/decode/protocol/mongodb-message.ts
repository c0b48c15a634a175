import { i32le, indexOf, startsWith, text, u32le } from '../bytes.ts';
import { BsonFields, BsonType } from './bson.ts';

/** Header of every message, little-endian: length with the header, id, id of the request that is answered, opcode. */
export const HEADER = 16;

export const Opcode = {
  reply: 1,
  update: 2001,
  insert: 2002,
  query: 2004,
  getMore: 2005,
  delete: 2006,
  killCursors: 2007,
  compressed: 2012,
  message: 2013,
} as const;

/** OP_MSG flags. Of the lower half all must be known. */
export const Flag = { checksum: 1, moreToCome: 2, exhaustAllowed: 0x10000 } as const;
const REQUIRED_FLAGS = 0xffff;

export interface MongoRequest {
  /** Empty where it could not be read. */
  command: string;
  collection: string | undefined;
  database: string | undefined;
  /** Documents that are written, updates or deletes. */
  batchSize: number | undefined;
  /** The server answers when something happens. */
  patient: boolean;
  /** Nobody answers. */
  oneWay: boolean;
  /** Of OP_COMPRESSED. */
  compressor: string | undefined;
  uncompressedSize: number;
}

export interface MongoReply {
  /** The server's error code. */
  code: number | undefined;
  failed: boolean;
  moreToCome: boolean;
}

/** Commands whose first value is the name of a collection of `$db`. */
const ON_COLLECTION: ReadonlySet<string> = new Set([
  ...[
    'aggregate',
    'analyze',
    'cloneCollectionAsCapped',
    'collMod',
    'collStats',
    'compact',
    'convertToCapped',
  ],
  ...[
    'count',
    'create',
    'createIndexes',
    'createSearchIndexes',
    'delete',
    'deleteIndexes',
    'distinct',
    'drop',
  ],
  ...['dropIndexes', 'dropSearchIndex', 'find', 'findAndModify', 'findandmodify', 'insert', 'killCursors'],
  ...['listIndexes', 'mapReduce', 'mapreduce', 'planCacheClear', 'reIndex', 'update', 'updateSearchIndex'],
  ...['validate'],
]);

/** Names of the lists of what is written, in the body or as document sequences. */
const WRITTEN = ['documents', 'updates', 'deletes', 'ops'];
const WRITTEN_SEQUENCES = WRITTEN.map((name) => `${name}\0`);

const COMMAND = /^[A-Za-z_$][A-Za-z0-9_]{1,47}$/;
const MAX_NAMESPACE = 256;
const SHORTEST_DOCUMENT = 5;
const DOLLAR = 36;

const fields = new BsonFields();
const inner = new BsonFields();

/** One of an unknown command. */
export function createRequest(): MongoRequest {
  return {
    command: '',
    collection: undefined,
    database: undefined,
    batchSize: undefined,
    patient: false,
    oneWay: false,
    compressor: undefined,
    uncompressedSize: 0,
  };
}

/**
 * Reads what a client sends: the bytes behind the header, which end at `end` and are there up to `limit`. False where they break the rules.
 */
export function readRequest(
  request: MongoRequest,
  opcode: number,
  bytes: Uint8Array,
  at: number,
  end: number,
  limit: number,
): boolean {
  switch (opcode) {
    case Opcode.message:
      if (limit < at + 4) return true;
      request.oneWay = (u32le(bytes, at) & Flag.moreToCome) !== 0;
      return readSections(bytes, at, end, limit, request, undefined);
    case Opcode.query:
      return readQuery(request, bytes, at, end, limit);
    case Opcode.killCursors:
      request.command = 'killCursors';
      request.oneWay = true;
      return true;
    default:
      return readLegacy(request, opcode, bytes, at, limit);
  }
}

/** The same of what a server sends. */
export function readReply(
  reply: MongoReply,
  opcode: number,
  bytes: Uint8Array,
  at: number,
  end: number,
  limit: number,
): boolean {
  if (opcode === Opcode.reply) {
    // i32 flags, i64 cursor, i32 starting from, i32 number, documents
    if (limit < at + 4) return true;
    reply.failed = (bytes[at]! & 2) !== 0;
    const document = at + 20;
    if (end === document || limit < document + 4) return true;
    return document + i32le(bytes, document) <= end && readReplyBody(reply, bytes, document, limit);
  }
  if (limit < at + 4) return true;
  reply.moreToCome = (u32le(bytes, at) & Flag.moreToCome) !== 0;
  return readSections(bytes, at, end, limit, undefined, reply);
}

/**
 * OP_MSG: u32 flags *( kind section ) [u32 CRC-32C]
 *
 *   kind 0  the body, one document            kind 1  i32 length, name NUL, documents: a list that belongs to the body
 */
function readSections(
  bytes: Uint8Array,
  from: number,
  messageEnd: number,
  limit: number,
  request: MongoRequest | undefined,
  reply: MongoReply | undefined,
): boolean {
  const flags = u32le(bytes, from);
  if ((flags & REQUIRED_FLAGS & ~(Flag.checksum | Flag.moreToCome)) !== 0) return false;
  const end = messageEnd - ((flags & Flag.checksum) !== 0 ? 4 : 0);
  for (let at = from + 4; at < end;) {
    if (at + 5 > limit) return true;
    const kind = bytes[at]!;
    const length = i32le(bytes, at + 1);
    const next = at + 1 + length;
    if (kind > 1 || length < SHORTEST_DOCUMENT || next > end) return false;
    if (kind === 0) {
      const isRight = request
        ? readBody(request, bytes, at + 1, limit)
        : readReplyBody(reply!, bytes, at + 1, limit);
      if (!isRight) return false;
    } else if (request) readSequence(request, bytes, at + 5, next, limit);
    at = next;
  }
  return true;
}

/** The first field is the command, and its value often what it is about. */
function readBody(request: MongoRequest, bytes: Uint8Array, at: number, limit: number): boolean {
  if (!fields.over(bytes, at, limit).next()) return !fields.malformed;
  // Beside $readPreference; of OP_QUERY only.
  if (fields.isNamed('$query') && fields.type === BsonType.document && !fields.inside(fields).next())
    return !fields.malformed;
  const command = fields.name;
  if (!COMMAND.test(command)) return false;
  request.command = command;
  if (ON_COLLECTION.has(command)) request.collection = fields.text;
  while (fields.next()) readField(request);
  return !fields.malformed;
}

function readField(request: MongoRequest): void {
  const { nameStart } = fields;
  if (nameStart === DOLLAR) {
    if (fields.isNamed('$db')) request.database = fields.text;
  } else if (fields.type === BsonType.array) {
    if (WRITTEN.some((name) => fields.isNamed(name))) request.batchSize = fields.size;
  } else if (fields.isNamed('collection')) {
    if (request.command === 'getMore') request.collection = fields.text;
  } else if (fields.isNamed('maxAwaitTimeMS')) request.patient = true;
}

/** Counts the documents of a sequence, if all are there. */
function readSequence(
  request: MongoRequest,
  bytes: Uint8Array,
  at: number,
  end: number,
  limit: number,
): void {
  if (!WRITTEN_SEQUENCES.some((name) => startsWith(bytes, at, limit, name))) return;
  let document = indexOf(bytes, 0, at, limit) + 1;
  let count = 0;
  for (; document + 4 <= Math.min(end, limit); count++) {
    const length = i32le(bytes, document);
    if (length < SHORTEST_DOCUMENT) return;
    document += length;
  }
  if (document === end) request.batchSize = count;
}

/** OP_QUERY: i32 flags, `database.collection` NUL, i32 skip, i32 number, document. What drivers greet old servers with. */
function readQuery(
  request: MongoRequest,
  bytes: Uint8Array,
  at: number,
  end: number,
  limit: number,
): boolean {
  const nameEnd = readNamespace(request, bytes, at + 4, limit);
  if (nameEnd < 0) return nameEnd === CUT;
  const document = nameEnd + 9;
  if (document + 4 > limit) return true;
  if (document + i32le(bytes, document) > end) return false;
  if (request.collection === '$cmd') {
    request.collection = undefined;
    return readBody(request, bytes, document, limit);
  }
  request.command = 'find';
  return true;
}

/** OP_UPDATE, OP_INSERT, OP_DELETE, OP_GET_MORE: i32, `database.collection` NUL, ... Gone since MongoDB 5.1. */
function readLegacy(
  request: MongoRequest,
  opcode: number,
  bytes: Uint8Array,
  at: number,
  limit: number,
): boolean {
  request.oneWay = opcode !== Opcode.getMore;
  request.command = LEGACY.get(opcode)!;
  const nameEnd = readNamespace(request, bytes, at + 4, limit);
  return nameEnd >= 0 || nameEnd === CUT;
}
const LEGACY: ReadonlyMap<number, string> = new Map([
  [Opcode.update, 'update'],
  [Opcode.insert, 'insert'],
  [Opcode.delete, 'delete'],
  [Opcode.getMore, 'getMore'],
]);

const CUT = -1;
const BROKEN = -2;

/** Where the name ends. */
function readNamespace(request: MongoRequest, bytes: Uint8Array, at: number, limit: number): number {
  const end = indexOf(bytes, 0, at, Math.min(limit, at + MAX_NAMESPACE));
  if (end < 0) return limit < at + MAX_NAMESPACE ? CUT : BROKEN;
  const name = text(bytes, at, end);
  const dot = name.indexOf('.');
  if (dot <= 0) return BROKEN;
  request.database = name.slice(0, dot);
  request.collection = name.slice(dot + 1);
  return end;
}

function readReplyBody(reply: MongoReply, bytes: Uint8Array, at: number, limit: number): boolean {
  fields.over(bytes, at, limit);
  while (fields.next()) {
    if (fields.isNamed('ok')) reply.failed ||= fields.number === 0;
    else if (fields.isNamed('code')) reply.code ??= fields.number;
    else if (fields.isNamed('writeErrors') || fields.isNamed('writeConcernError')) {
      reply.failed = true;
      reply.code ??= readCode();
    }
  }
  return !fields.malformed;
}

/** `code` of the document at the field, or of the first one in its list. */
function readCode(): number | undefined {
  let from = fields;
  if (fields.type === BsonType.array && inner.inside(fields).next()) from = inner;
  if (from.type !== BsonType.document) return undefined;
  inner.inside(from);
  while (inner.next()) if (inner.isNamed('code')) return inner.number;
  return undefined;
}
