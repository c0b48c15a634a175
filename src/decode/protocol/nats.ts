import { startsWith } from '../bytes.ts';
import { Step, UNLIMITED, type IdDecoder } from '../decoder.ts';
import type { Frames } from '../frames.ts';
import type { LiveExchange } from '../live-exchange.ts';
import type { Reader } from '../reader.ts';
import { ContextFields } from './context-fields.ts';
import type { DecoderOptions } from './index.ts';
import { boundedText, DestinationNames, MAX_TEXT } from './messaging.ts';
import { describeNats, INBOX, type NatsRequest, type NatsResponse } from './nats-describe.ts';
import { errorOf, isVerbose, jetStreamError, nameOf, subjectOf } from './nats-text.ts';
import { found, readHeaders } from './nats-headers.ts';
import { INCOMPLETE, line, maySend, readLine, Verb } from './nats-line.ts';
import { probeNats } from './nats-probe.ts';

/** Headers are looked at up to here, and so much of what answers a request. */
const MAX_HEADERS = 8192;
const MAX_ANSWER = 256;
/** Name of the exchange of CONNECT. Others have reply subjects, or in verbose mode their number. */
const CONNECT = 0;
const ACK = '$JS.ACK.';
/** What is asked so is answered with messages of other subjects. */
const NEXT = '$JS.API.CONSUMER.MSG.NEXT.';

/** What is kept of a connection. */
interface NatsState {
  connected: boolean;
  name: string;
  /** Every message of the client is answered with +OK or -ERR, in order. */
  verbose: boolean;
  /** How many were sent and answered; NaN where that is not known any more. */
  asked: number;
  answered: number;
}

/**
 * NATS client protocol. docs.nats.io; headers by ADR-4.
 *
 *   > CONNECT json | PUB subject [reply] size | HPUB subject [reply] headers size | SUB subject [group] sid | UNSUB sid [most] | PING | PONG
 *   < INFO json | MSG subject sid [reply] size | HMSG subject sid [reply] headers size | +OK | -ERR text | PING | PONG
 *
 * What has a reply subject ends with what the other end sends there, on the same connection; everything else is told, and in verbose mode ends
 * with +OK. CONNECT ends with the first +OK, PONG or -ERR. INFO, UNSUB, pings and later +OK are no spans. Not decoded: what servers say to
 * each other (routes, gateways, leaf nodes), payloads but for JetStream's errors. Of CONNECT only `name` and `verbose` are looked at.
 */
export function createNats(options: DecoderOptions): IdDecoder<NatsState> {
  const names = new DestinationNames();
  const fields = new ContextFields(options.requestIdHeaders);
  return {
    name: 'nats',
    pairing: 'id',
    idsReturn: false,
    starts: [],
    capture: { elide: false, budget: UNLIMITED },
    probe: probeNats,
    createState: () => ({ connected: false, name: '', verbose: false, asked: NaN, answered: NaN }),
    lasting: ({ connected }) => connected,
    read: (reader, fromClient, state, frames) => read(reader, fromClient, state, frames, fields),
    lost(state, fromClient) {
      state.asked = NaN;
      if (!fromClient) state.answered = NaN;
    },
    describe: (exchange) => describeNats(exchange, names),
  };
}

function read(
  reader: Reader,
  fromClient: boolean,
  state: NatsState,
  frames: Frames,
  fields: ContextFields,
): Step {
  const { bytes, at, limit } = reader;
  const end = readLine(bytes, at, limit);
  if (end < 0) return end === INCOMPLETE ? Step.more : Step.malformed;
  if (!maySend(fromClient)) return Step.malformed;
  const step =
    line.size >= 0
      ? readMessage(reader, fromClient, state, frames, fields)
      : readCommand(bytes, state, frames);
  if (step === Step.end) reader.skip(end - at);
  return step;
}

function readCommand(bytes: Uint8Array, state: NatsState, frames: Frames): Step {
  switch (line.verb) {
    case Verb.connect:
      return takeConnect(bytes, state, frames);
    case Verb.sub:
      return takeSubscription(bytes, state, frames);
    case Verb.unsub:
      state.asked++;
      return Step.end;
    case Verb.ok:
      return takeOk(state, frames, undefined);
    case Verb.err:
      return takeError(bytes, state, frames);
    case Verb.pong:
      return endConnect(frames, undefined);
    default:
      return Step.end;
  }
}

function createRequest(
  operation: NatsRequest['operation'],
  fromClient: boolean,
  clientId: string,
  more: Partial<NatsRequest>,
): NatsRequest {
  const request: NatsRequest = {
    operation,
    fromClient,
    clientId,
    destination: '',
    group: '',
    contextHeaders: undefined,
    bodySize: -1,
    errorType: undefined,
  };
  return Object.assign(request, more);
}

function takeConnect(bytes: Uint8Array, state: NatsState, frames: Frames): Step {
  const name = nameOf(bytes, line.at, line.end);
  frames.request(CONNECT, createRequest('connect', true, name, {}));
  state.connected = true;
  state.name = name;
  state.verbose = isVerbose(bytes, line.at, line.end);
  state.asked = state.answered = 0;
  return Step.end;
}

/** The first thing that the server says after CONNECT. */
function endConnect(frames: Frames, errorType: string | undefined): Step {
  const exchange = frames.answered(CONNECT, false);
  if (typeof exchange !== 'string') end(frames, exchange, errorType);
  return Step.end;
}

function end(frames: Frames, exchange: LiveExchange, errorType: string | undefined): void {
  exchange.response = { errorType } satisfies NatsResponse;
  frames.end(exchange);
}

function takeSubscription(bytes: Uint8Array, state: NatsState, frames: Frames): Step {
  const group = line.count === 3 ? boundedText(bytes, line.starts[1]!, line.ends[1]!) : '';
  const destination = boundedText(bytes, line.starts[0]!, line.ends[0]!);
  tell(createRequest('subscribe', true, state.name, { destination, group }), true, state, frames);
  return Step.end;
}

/** Nobody answers, or in verbose mode the server with +OK. */
function tell(request: NatsRequest, fromClient: boolean, state: NatsState, frames: Frames): void {
  if (!fromClient) frames.oneWay(request);
  else if (!state.verbose || Number.isNaN(++state.asked)) frames.oneWay(request);
  else frames.request(state.asked, request);
}

/** +OK, or the -ERR in its place: of CONNECT, or of the next message of the client that has not been answered. */
function takeOk(state: NatsState, frames: Frames, errorType: string | undefined): Step {
  if (typeof frames.answered(CONNECT, false) !== 'string') return endConnect(frames, errorType);
  if (Number.isNaN(state.answered)) return Step.end;
  const number = state.answered + 1;
  const exchange = frames.answered(number, number > state.asked);
  if (exchange === 'wait') return Step.wait;
  state.answered = number;
  if (exchange !== 'orphan') end(frames, exchange, errorType);
  return Step.end;
}

/** -ERR says of permissions which subject it is about; what belongs to nothing that is open is told by itself. */
function takeError(bytes: Uint8Array, state: NatsState, frames: Frames): Step {
  const errorType = errorOf(bytes, line.at, line.end);
  const subject = subjectOf(bytes, line.at, line.end);
  if (typeof frames.answered(CONNECT, false) !== 'string') return endConnect(frames, errorType);
  const [exchange] = frames.select(
    false,
    ({ request }) => subject !== '' && (request as NatsRequest).destination === subject,
  );
  // In verbose mode it takes the place of an +OK, perhaps of what was not seen.
  if (state.verbose && subject !== '' && (exchange === undefined || state.answered >= state.asked))
    return takeOk(state, frames, errorType);
  if (state.verbose && subject !== '') state.answered++;
  const answered = exchange && frames.answered(exchange.id, false);
  if (answered !== undefined && typeof answered !== 'string') end(frames, answered, errorType);
  // After a loss it may belong to what was lost.
  else if (!Number.isNaN(state.asked))
    frames.oneWay(createRequest('error', false, state.name, { destination: subject, errorType }));
  return Step.end;
}

/** PUB, HPUB, MSG, HMSG: `subject [sid] [reply] [headers] size`, then headers and payload. */
function readMessage(
  { bytes, limit, blocked }: Reader,
  fromClient: boolean,
  state: NatsState,
  frames: Frames,
  fields: ContextFields,
): Step {
  const headersEnd = line.next + line.headers;
  const payload = Math.min(headersEnd + MAX_ANSWER, line.next + line.size);
  const seen = Math.min(limit, line.next + MAX_HEADERS + MAX_ANSWER, payload);
  if (!blocked && limit < Math.min(line.next + MAX_HEADERS + MAX_ANSWER, payload)) return Step.more;
  readHeaders(bytes, line.next, Math.min(seen, headersEnd), fields);
  const hasHeaders = line.verb === Verb.hpub || line.verb === Verb.hmsg;
  const hasReply = line.count > (fromClient ? 2 : 3) + (hasHeaders ? 1 : 0);
  const replyAt = fromClient ? 1 : 2;
  const subject = boundedText(bytes, line.starts[0]!, line.ends[0]!);
  const reply = hasReply ? boundedText(bytes, line.starts[replyAt]!, line.ends[replyAt]!) : '';
  const answers = takeAnswer(bytes, headersEnd, seen, subject, frames);
  if (answers === Step.wait) return answers;
  if (answers === Step.end && reply === '') {
    if (fromClient) state.asked++;
    return Step.end;
  }
  const { contextHeaders } = found;
  const bodySize = line.size - line.headers;
  const operation = subject.startsWith(ACK) ? 'ack' : asks(subject, reply) ? 'request' : 'send';
  const request = createRequest(operation, fromClient, state.name, {
    destination: subject,
    contextHeaders,
    bodySize,
  });
  if (operation === 'send') tell(request, fromClient, state, frames);
  else ask(request, reply, fromClient, state, frames);
  return Step.end;
}

function asks(subject: string, reply: string): boolean {
  return reply !== '' && reply.length < MAX_TEXT && !subject.startsWith(NEXT);
}

/** What reaches a subscriber may be left unanswered, and a reply to what is no inbox may come on another connection. */
function ask(
  request: NatsRequest,
  reply: string,
  fromClient: boolean,
  state: NatsState,
  frames: Frames,
): void {
  if (fromClient) state.asked++;
  // Of two subscriptions that fit, both get it.
  if (frames.own(reply) !== undefined) frames.oneWay(request);
  else frames.request(reply, request).optional = !fromClient || !reply.startsWith(INBOX);
}

/** The message answers a request, if its subject is that of an open one or an inbox: `end`. Else `interim`, or `wait` where it may be late. */
function takeAnswer(bytes: Uint8Array, from: number, to: number, subject: string, frames: Frames): Step {
  const { status, serviceError } = found;
  const isInbox = subject.startsWith(INBOX);
  // 100 keeps a fetch alive, 404, 408 and 409 end it.
  const begins = isInbox && (status === 0 || status === 503);
  const exchange = frames.answered(subject, begins);
  if (exchange === 'wait') return Step.wait;
  if (exchange === 'orphan') return isInbox || subject.startsWith(ACK) ? Step.end : Step.interim;
  if (subject.startsWith(ACK)) return takeJetStreamAck(bytes, from, to, exchange, frames);
  const errorType =
    status >= 400 ? String(status) : serviceError !== '' ? serviceError : jetStreamError(bytes, from, to);
  end(frames, exchange, errorType);
  return Step.end;
}

/** `+ACK` or nothing, `-NAK`, `+TERM`, `+NXT`; `+WPI`: the work goes on      docs.nats.io, "Consumer Details" */
function takeJetStreamAck(
  bytes: Uint8Array,
  from: number,
  to: number,
  exchange: LiveExchange,
  frames: Frames,
): Step {
  if (startsWith(bytes, from, to, '+WPI')) return Step.end;
  const nak = startsWith(bytes, from, to, '-NAK');
  const term = startsWith(bytes, from, to, '+TERM');
  end(frames, exchange, nak ? 'nak' : term ? 'term' : undefined);
  return Step.end;
}
