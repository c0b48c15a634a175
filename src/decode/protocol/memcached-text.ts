import { text } from '../bytes.ts';
import { Step } from '../decoder.ts';
import type { Reader } from '../reader.ts';
import {
  commandOf,
  contentEnd,
  findCommand,
  findLineFeed,
  hasMark,
  isNoreply,
  isQuiet,
  keysAsked,
  line,
  responseMark,
  splitLine,
  valueSize,
  type Command,
} from './memcached-line.ts';
import {
  addCommand,
  createMemcachedRequest,
  Kind,
  type MemcachedRequest,
  type MemcachedResponse,
} from './memcached-message.ts';
import { goesOn, mayAnswer, readReply, Reply, reply } from './memcached-reply.ts';
import { finalStep, Phase, sayHead, type Side } from './memcached-side.ts';

/** The server itself stops at 64 KiB of keys. */
const MAX_LINE = 65_536;
const LF = 10;
const CR = 13;
/** What a line of a response says of the rest of it. */
const Place = { last: 0, on: 1, wait: 2, lost: 3, wrong: 4 } as const;
type Place = (typeof Place)[keyof typeof Place];

/** Reads on in a command line, its value, or a run of quiet commands. `limit`: characters of a query text. */
export function readTextRequest(reader: Reader, side: Side<MemcachedRequest>, limit: number): Step {
  for (;;) {
    const step = readRest(reader, side, true);
    if (step !== undefined) return step;
    const { bytes, at, limit: to, blocked } = reader;
    const lf = findLine(reader, side);
    if (lf < 0) {
      if (to - at > MAX_LINE) return Step.malformed;
      return blocked && side.message === undefined ? readCutLine(reader, side, limit) : Step.more;
    }
    const request = side.message ?? createMemcachedRequest(false);
    const end = contentEnd(bytes, at, lf);
    const command = splitLine(bytes, at, end) ? commandOf(bytes) : undefined;
    if (!command) return Step.malformed;
    takeCommand(request, side, bytes, command);
    addLine(request, bytes, at, end, limit);
    const size = valueSize(bytes, command);
    reader.skip(lf + 1 - at + Math.max(0, size));
    if (size >= 0) {
      side.after = side.phase;
      side.phase = Phase.valueEnd;
    }
    if (sayHead(reader, side, request)) return Step.head;
  }
}

/** Sets the phase behind the command, whose line was split. */
function takeCommand(
  request: MemcachedRequest,
  side: Side<MemcachedRequest>,
  bytes: Uint8Array,
  command: Command,
): void {
  const quiet = isQuiet(bytes, command);
  const noreply = isNoreply(bytes, command);
  addCommand(request, command.name, command.kind, keysAsked(bytes, command));
  request.quiet ||= quiet;
  // Within a run it is one more that nobody answers.
  const goesOnWith = quiet || (noreply && request.quiet && command.kind !== Kind.quit);
  request.ended = !goesOnWith;
  side.phase = goesOnWith ? Phase.next : noreply ? Phase.unanswered : Phase.end;
  request.mark = request.quiet && !quiet && command.kind === Kind.meta ? responseMark(bytes) : '';
}

/** The captured part of a line that is longer: of one that asks for many keys. */
function readCutLine(reader: Reader, side: Side<MemcachedRequest>, limit: number): Step {
  const { bytes, at, limit: to } = reader;
  const command = splitLine(bytes, at, to) ? findCommand(bytes, at, line.ends[0]!) : undefined;
  if (command?.kind !== Kind.retrieve) return Step.more;
  const request = createMemcachedRequest(false);
  addCommand(request, command.name, command.kind, -1);
  addLine(request, bytes, at, to, limit);
  request.ended = true;
  reader.skip(to - at);
  side.phase = Phase.lost;
  sayHead(reader, side, request);
  return Step.head;
}

function addLine(
  request: MemcachedRequest,
  bytes: Uint8Array,
  from: number,
  to: number,
  limit: number,
): void {
  if (request.lines.length >= limit || (request.kind === Kind.noop && request.quiet)) return;
  const added = text(bytes, from, Math.min(to, from + limit));
  request.lines = request.lines === '' ? added : `${request.lines}\n${added}`;
}

export function readTextResponse(
  reader: Reader,
  side: Side<MemcachedResponse>,
  request: MemcachedRequest | undefined,
): Step {
  for (;;) {
    const step = readRest(reader, side, false);
    if (step !== undefined) return step;
    const { bytes, at, limit } = reader;
    const lf = findLine(reader, side);
    if (lf < 0) return limit - at > MAX_LINE ? Step.malformed : Step.more;
    const end = contentEnd(bytes, at, lf);
    if (!splitLine(bytes, at, end) || !readReply(bytes)) return Step.malformed;
    const place = placeOf(request, bytes, at, end);
    if (place === Place.wrong) return Step.malformed;
    if (place === Place.wait) return Step.wait;
    const response = side.message ?? { hits: 0, status: undefined };
    takeReply(response, side, place, request);
    reader.skip(lf + 1 - at + Math.max(0, reply.size));
    if (reply.size >= 0) {
      side.after = side.phase;
      side.phase = Phase.valueEnd;
    }
    if (sayHead(reader, side, response)) return Step.head;
  }
}

function takeReply(
  response: MemcachedResponse,
  side: Side<MemcachedResponse>,
  place: Place,
  request: MemcachedRequest | undefined,
): void {
  const { what, word, size } = reply;
  if (what === Reply.value || (what === Reply.meta && size >= 0)) response.hits++;
  if (what === Reply.error) response.status ??= word;
  if (place === Place.on) side.phase = Phase.next;
  else if (place === Place.lost) side.phase = Phase.lost;
  else side.phase = request?.kind === Kind.watch && what !== Reply.error ? Phase.toClose : Phase.end;
}

/** Whether the response goes on after the line in `reply`, which stands at `[from, to)`. */
function placeOf(request: MemcachedRequest | undefined, bytes: Uint8Array, from: number, to: number): Place {
  const { what } = reply;
  const rest = goesOn(what) ? Place.on : Place.last;
  if (!request) return rest;
  if (request.binary) return Place.wrong;
  const { kind } = request;
  if (request.quiet) return placeInRun(request, bytes, from, to);
  return mayAnswer(kind, what) ? rest : Place.wrong;
}

/** Of the response to a run of quiet commands. */
function placeInRun(
  { kind, ended, mark }: MemcachedRequest,
  bytes: Uint8Array,
  from: number,
  to: number,
): Place {
  const { what } = reply;
  if (!ended) return Place.wait;
  const ofMeta = mayAnswer(Kind.meta, what);
  if (kind === Kind.noop) {
    if (what === Reply.noop) return Place.last;
    return ofMeta ? Place.on : Place.wrong;
  }
  if (kind === Kind.meta && mark !== '' && what === Reply.meta)
    return hasMark(bytes, from, to, mark) ? Place.last : Place.on;
  // An error has no mark, and may be that of any of them.
  if (what === Reply.error || kind === Kind.meta) return ofMeta ? Place.lost : Place.wrong;
  if (what === Reply.meta) return Place.on;
  if (!mayAnswer(kind, what)) return Place.wrong;
  return goesOn(what) ? Place.on : Place.last;
}

/**
 * The end of a value, and of a message. Undefined where a line follows. The server takes two bytes behind a value of a request for the end of the
 * line, whatever they are, refuses the value where they are not, and goes on behind them.
 */
function readRest(reader: Reader, side: Side<unknown>, isRequest: boolean): Step | undefined {
  if (!reader.arrived) return Step.more;
  if (side.phase === Phase.valueEnd) {
    const { bytes, at, limit, blocked } = reader;
    const short = limit - at < 2;
    if (short && !blocked) return Step.more;
    if (!short && !isRequest && (bytes[at] !== CR || bytes[at + 1] !== LF)) return Step.malformed;
    reader.skip(2);
    side.phase = side.after;
    if (!reader.arrived) return Step.more;
  }
  return finalStep(side);
}

/** Position of the next line feed, -1 if it has not come. */
function findLine(reader: Reader, side: Side<unknown>): number {
  const { bytes, at, limit } = reader;
  const lf = findLineFeed(bytes, at + side.scanned, limit);
  side.scanned = lf < 0 ? limit - at : 0;
  return lf;
}
