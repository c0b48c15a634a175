import { connectionAttributes } from '../connection-attributes.ts';
import { latin1, text } from '../bytes.ts';
import { Step, type FifoDecoder } from '../decoder.ts';
import type { Description, Exchange } from '../exchange.ts';
import type { Reader } from '../reader.ts';
import type { DecoderOptions, QueryTextOptions } from './index.ts';
import { ALL, BLOCKING, COMMANDS, SECRETS, STORED, SUBSCRIPTIONS } from './redis-commands.ts';
import {
  BROKEN,
  commandName,
  DOLLAR,
  element,
  INCOMPLETE,
  MINUS,
  PLUS,
  probeRedis,
  PUSH,
  readElement,
  STAR,
} from './redis-resp.ts';

interface RedisRequest {
  /** In upper case. */
  readonly command: string;
  /** `HSET users ? ?`; '' where it is not wanted. */
  query: string;
  /** Arguments, without the command. */
  readonly count: number;
  /** Database that was selected, if that was seen. */
  readonly database: number | undefined;
  /** Of EXEC: the commands that were queued, if that was seen. */
  batch: number | undefined;
  /** Its second word, in upper case: of CLIENT and the like. */
  subcommand: string;
  /** Its first argument: of EVALSHA and the like, and of SELECT. */
  first: string;
  blocks: boolean;
}

interface RedisResponse {
  /** `ERR`, `WRONGTYPE`, `MOVED`. */
  error: string | undefined;
}

/** Where a direction stands: at a message start, within one, or at its end. */
const Phase = { start: 0, rest: 1, end: 2 } as const;

interface Direction {
  phase: number;
  /** Elements that are still to come. */
  left: number;
}

interface RedisState {
  readonly request: Direction;
  readonly response: Direction;
  database: number | undefined;
  /** Commands since MULTI; -1 outside. */
  queued: number;
  /** Confirmations of subscriptions that are due. */
  confirming: number;
  /** Texts may come unasked (pub/sub before RESP3). */
  subscribed: boolean;
  /** Every command of the server comes unasked. */
  monitors: boolean;
  /** CLIENT REPLY OFF, and SKIP. */
  silent: boolean;
  skips: number;
}

const LF = 10;
/** Arguments of one command, and bytes of one, that are waited for; what is longer is passed over. */
const MAX_SHOWN = 32;
const MAX_AWAITED = 1024;
const MAX_INLINE = 65_536;
/** Of a pipeline that is copied: commands beyond it are found again where a call begins with one. */
const PIPELINE_BYTES = 65_536;
const STARTS = Array.from({ length: 9 }, (_, i) => `*${i + 1}\r\n`);
const MAX_ERROR = 64;
/** What one end of a replication link sends on has no answers. */
const REPLICATION = new Set(['SYNC', 'PSYNC']);

/**
 * Redis (and Valkey, KeyDB, Dragonfly): RESP2 and RESP3, inline commands, pipelines, transactions, what is pushed.
 *
 *   request  = *N CRLF N( $length CRLF bytes CRLF ) | line
 *   response = element    with its children, depth first: only their number is needed to find the end
 *
 * A transaction is its commands, an exchange each; EXEC says how many there were. Messages of pub/sub and of client-side caching, and what MONITOR
 * shows, come unasked and are passed over. A replication link is given up after its handshake.
 */
export function createRedis({ queryText }: DecoderOptions): FifoDecoder<RedisState> {
  return {
    name: 'redis',
    pairing: 'fifo',
    starts: STARTS,
    capture: { elide: true, budget: PIPELINE_BYTES },
    probe: probeRedis,
    createState: () => ({
      request: { phase: Phase.start, left: 0 },
      response: { phase: Phase.start, left: 0 },
      database: undefined,
      queued: -1,
      confirming: 0,
      subscribed: false,
      monitors: false,
      silent: false,
      skips: 0,
    }),
    lasting: (state) =>
      state.database !== undefined || state.queued >= 0 || state.subscribed || state.monitors || state.silent,
    read: (reader, isRequest, state, request) =>
      isRequest
        ? readRequest(reader, state, queryText)
        : readResponse(reader, state, request as RedisRequest | undefined),
    readAside,
    reset(state, isRequest) {
      const direction = isRequest ? state.request : state.response;
      direction.phase = Phase.start;
      if (isRequest) state.queued = -1;
      else state.confirming = 0;
    },
    ended(_, state, isRequest) {
      (isRequest ? state.request : state.response).phase = Phase.start;
    },
    abandoned: () => false,
    isPatient: (request) => (request as RedisRequest).blocks,
    describe,
  };
}

function readRequest(reader: Reader, state: RedisState, options: QueryTextOptions): Step {
  const { request } = state;
  if (request.phase === Phase.rest) return readRest(reader, request);
  if (request.phase === Phase.end) {
    request.phase = Phase.start;
    return isAnswered(state) ? Step.end : Step.endUnanswered;
  }
  if (reader.available === 0) return Step.more;
  return reader.bytes[reader.at] === STAR
    ? readArray(reader, state, options)
    : readInline(reader, state, options);
}

/** What is being put together of the command that is read. */
class Words {
  count = 0;
  command = '';
  second = '';
  third = '';
  query = '';
  #shown = 0;
  readonly #options: QueryTextOptions;

  constructor(options: QueryTextOptions) {
    this.#options = options;
  }

  /** One word; `known`: its bytes are there. */
  add(bytes: Uint8Array, from: number, to: number, known: boolean): void {
    const index = this.count++;
    if (index === 0) {
      this.command = commandName(bytes, from, to);
      this.query = this.command;
      this.#shown = shownOf(this.command, this.#options);
      return;
    }
    if (index <= 2 && known && to - from <= MAX_SHOWN) {
      if (index === 1) this.second = latin1(bytes, from, to);
      else this.third = latin1(bytes, from, to);
    }
    if (index > MAX_SHOWN || this.query.length >= this.#options.limit) return;
    const shown = known && index <= this.#shown;
    const room = this.#options.limit - this.query.length;
    this.query += shown ? ` ${text(bytes, from, Math.min(to, from + room))}` : ' ?';
  }

  finish(state: RedisState): RedisRequest {
    const { command, count, second, third } = this;
    const { limit, mode } = this.#options;
    const subcommand = second.toUpperCase();
    const blocks = BLOCKING.has(command) || (command.startsWith('XREAD') && /\bBLOCK\b/i.test(this.query));
    const request: RedisRequest = {
      command,
      query: mode === 'off' ? '' : this.query.slice(0, limit),
      count: count - 1,
      database: state.database,
      batch: undefined,
      subcommand,
      first: second,
      blocks,
    };
    if (command === 'CLIENT' && subcommand === 'REPLY') setReplies(state, third.toUpperCase());
    else note(request, state);
    return request;
  }
}

/** How many arguments of a command may be shown. */
function shownOf(command: string, { mode }: QueryTextOptions): number {
  if (mode === 'off') return 0;
  const sanitized = COMMANDS.get(command) ?? 0;
  return mode === 'full' ? (SECRETS.get(command) ?? ALL) : sanitized;
}

function setReplies(state: RedisState, how: string): void {
  state.silent = how === 'OFF';
  if (how === 'SKIP') state.skips = 2;
}

/** What a request changes for those behind it. */
function note(request: RedisRequest, state: RedisState): void {
  const { command, count } = request;
  if (SUBSCRIPTIONS.has(command)) {
    state.confirming += Math.max(1, count);
    state.subscribed = true;
  } else if (command === 'MULTI') {
    state.queued = 0;
  } else if (command === 'EXEC' || command === 'DISCARD') {
    if (state.queued >= 0) request.batch = state.queued;
    state.queued = -1;
  } else if (state.queued >= 0) {
    state.queued++;
  }
}

/** Whether the request that was just read gets an answer. */
function isAnswered(state: RedisState): boolean {
  if (state.skips === 0) return !state.silent;
  state.skips--;
  return false;
}

function readArray(reader: Reader, state: RedisState, options: QueryTextOptions): Step {
  const { bytes, at, limit, blocked } = reader;
  let i = readElement(bytes, at, limit);
  if (i < 0) return i === BROKEN ? Step.malformed : Step.more;
  const total = element.children;
  if (total === 0) {
    reader.skip(i - at);
    return Step.interim;
  }
  const words = new Words(options);
  let left = total;
  for (let whole = true; whole && left > 0; left--) {
    const start = readElement(bytes, i, limit);
    if (start === BROKEN || (start >= 0 && !isWord())) return Step.malformed;
    whole = start >= 0 && start + element.content <= limit;
    if (!whole && (words.count === 0 || isAwaited(start, blocked))) return Step.more;
    if (start === INCOMPLETE) break;
    words.add(bytes, start, start + element.content - 2, whole);
    if (words.command === '') return Step.malformed;
    i = start + element.content;
  }
  words.count = total;
  return begin(reader, state, words, i - at, left);
}

/** The element is one that commands are made of. */
function isWord(): boolean {
  return element.type === DOLLAR && element.content > 0;
}

/** Whether the rest of a word that has not come is waited for. */
function isAwaited(start: number, blocked: boolean): boolean {
  return !blocked && (start === INCOMPLETE || element.content <= MAX_AWAITED);
}

function begin(reader: Reader, state: RedisState, words: Words, length: number, left: number): Step {
  reader.message = words.finish(state);
  reader.skip(length);
  state.request.left = left;
  state.request.phase = left > 0 ? Phase.rest : Phase.end;
  return Step.head;
}

/** `NAME argument ...`; quotes are not looked at, so a text with blanks is several words. */
function readInline(reader: Reader, state: RedisState, options: QueryTextOptions): Step {
  const { bytes, at, limit } = reader;
  let end = at;
  while (end < limit && bytes[end] !== LF) end++;
  if (end === limit) return limit - at > MAX_INLINE ? Step.malformed : Step.more;
  const words = new Words(options);
  for (let i = at; i < end;) {
    while (i < end && bytes[i]! <= 32) i++;
    const from = i;
    while (i < end && bytes[i]! > 32) i++;
    if (i > from) words.add(bytes, from, i, true);
  }
  if (words.count === 0) {
    reader.skip(end + 1 - at);
    return Step.interim;
  }
  if (words.command === '') return Step.malformed;
  return begin(reader, state, words, end + 1 - at, 0);
}

/** Passes over the elements that are still to come. */
function readRest(reader: Reader, direction: Direction): Step {
  while (direction.left > 0) {
    if (!reader.arrived) return Step.more;
    const { bytes, at, limit } = reader;
    const start = readElement(bytes, at, limit);
    if (start < 0) return start === BROKEN ? Step.malformed : Step.more;
    direction.left += element.children - 1;
    reader.skip(start + element.content - at);
  }
  direction.phase = Phase.start;
  return Step.end;
}

function readResponse(reader: Reader, state: RedisState, request: RedisRequest | undefined): Step {
  const { response } = state;
  if (response.phase !== Phase.start) {
    if (response.left > 0 || request === undefined || !REPLICATION.has(request.command))
      return readRest(reader, response);
    response.phase = Phase.start;
    reader.next = { to: undefined, carries: false, opaque: 'binary' };
    return Step.handOver;
  }
  const { bytes, at, limit } = reader;
  const head = readElement(bytes, at, limit);
  if (head < 0) return head === BROKEN ? Step.malformed : Step.more;
  const error = element.type === MINUS ? errorName(bytes, at + 1, element.lineEnd) : undefined;
  reader.message = { error } satisfies RedisResponse;
  const answers = state.confirming > 0 && request && SUBSCRIPTIONS.has(request.command);
  response.left = (answers && error === undefined ? Math.max(1, request.count) : 1) - 1 + element.children;
  if (answers) state.confirming -= Math.min(state.confirming, Math.max(1, request.count));
  if (request && error === undefined) succeeded(request, state);
  response.phase = Phase.rest;
  reader.skip(head + element.content - at);
  return Step.head;
}

/** What a successful request has changed. */
function succeeded({ command, first }: RedisRequest, state: RedisState): void {
  if (command === 'SELECT' && /^\d{1,5}$/.test(first) && state.queued < 0) state.database = Number(first);
  else if (command === 'RESET') state.database = 0;
  else if (command === 'MONITOR') state.monitors = true;
}

function errorName(bytes: Uint8Array, from: number, to: number): string {
  let end = from;
  while (end < to && end < from + MAX_ERROR && bytes[end]! > 32) end++;
  return latin1(bytes, from, end);
}

/** What comes unasked before a response. */
function readAside(reader: Reader, state: RedisState): Step | undefined {
  const { bytes, at, limit } = reader;
  const type = bytes[at];
  if (type === PLUS && state.monitors) {
    const end = readElement(bytes, at, limit);
    if (end < 0) return end === BROKEN ? Step.malformed : Step.more;
    reader.skip(end - at);
    return Step.interim;
  }
  if (type !== PUSH && !(type === STAR && state.subscribed)) return undefined;
  return readPush(reader, state, type === PUSH);
}

function readPush(reader: Reader, state: RedisState, pushed: boolean): Step | undefined {
  const { bytes, at, limit } = reader;
  let i = readElement(bytes, at, limit);
  if (i < 0) return i === BROKEN ? Step.malformed : Step.more;
  let left = element.children;
  for (let first = true; left > 0; first = false) {
    const start = readElement(bytes, i, limit);
    if (start < 0) return start === BROKEN ? Step.malformed : Step.more;
    left += element.children - 1;
    i = start + element.content;
    if (!first) continue;
    if (i > limit) return Step.more;
    const kind = latin1(bytes, start, Math.max(start, i - 2));
    if (kind.endsWith('subscribe') ? state.confirming > 0 : !pushed && !kind.endsWith('message'))
      return undefined;
  }
  reader.skip(i - at);
  return Step.interim;
}

function describe(exchange: Exchange): Description {
  const request = exchange.request as RedisRequest;
  const response = exchange.response as RedisResponse | undefined;
  const { command, query, database, batch, first } = request;
  const attributes = connectionAttributes(exchange);
  attributes['db.system.name'] = 'redis';
  attributes['db.operation.name'] = command;
  if (database !== undefined) attributes['db.namespace'] = String(database);
  if (query !== '') attributes['db.query.text'] = query;
  if (command === 'EXEC' && batch !== undefined) attributes['db.operation.batch.size'] = batch;
  if (STORED.has(command) && first !== '') attributes['db.stored_procedure.name'] = first;
  const error = response?.error;
  if (error !== undefined) attributes['db.response.status_code'] = error;
  return { name: command, attributes, errorType: exchange.failure ?? error };
}
