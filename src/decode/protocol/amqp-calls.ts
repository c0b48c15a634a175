import { Step } from '../decoder.ts';
import type { LiveExchange } from '../live-exchange.ts';
import { Match } from '../pairing.ts';
import { CALLS, Method, type Call } from './amqp-method.ts';
import { readConnectionName } from './amqp-fields.ts';
import type { Consumer } from './amqp-state.ts';
import { CONNECT, requestOf, turn } from './amqp-turn.ts';

/** A reply code of success (1.2). */
const SUCCESS = 200;
/** No exchange has this name: what it is asked for is late or was never seen. */
const NOBODY = 'nobody';
const CLOSED = 'channel_closed';
const UNANSWERED: ReadonlySet<number> = new Set([
  Method.basicPublish,
  Method.basicAck,
  Method.basicNack,
  Method.basicReject,
]);

/** The protocol header: the handshake begins, or the server says that it speaks no such version. */
export function takeProtocol(): void {
  const { frames, fromClient, state } = turn;
  turn.channelNumber = 0;
  if (fromClient) {
    state.whole = true;
    frames.request(CONNECT, turn.request('connect', {}));
    return;
  }
  const exchange = frames.answered(CONNECT, false);
  if (typeof exchange !== 'string') turn.close(exchange, 'unsupported_version');
}

/** A method that is no answer and no message. */
export function takeMethod(method: number): Step {
  switch (method) {
    case Method.connectionStartOk:
      return takeStartOk();
    case Method.connectionOpenOk:
      return takeOpenOk();
    case Method.connectionClose:
    case Method.channelClose:
      return takeClose(method);
    default: {
      const call = turn.fromClient ? CALLS.get(method) : undefined;
      return call ? takeCall(method, call) : Step.end;
    }
  }
}

/** client properties:table mechanism:shortstr response:longstr locale:shortstr. The response is never looked at. */
function takeStartOk(): Step {
  const { state, frames } = turn;
  state.name = readConnectionName(turn.fields);
  const exchange = frames.own(CONNECT);
  if (exchange) requestOf(exchange).clientId = state.name;
  return Step.end;
}

function takeOpenOk(): Step {
  const exchange = turn.frames.answered(CONNECT, true);
  if (exchange === Match.wait) return Step.wait;
  return exchange === Match.orphan ? Step.end : turn.close(exchange, undefined);
}

/** [reserved:2] [destination and other texts] bits */
const found = { destination: '', tag: '', bits: 0 };

function readFields(method: number, { texts, reserved, named, noWait }: Call): void {
  const { fields } = turn;
  const hasTag = method === Method.basicConsume || method === Method.basicCancel;
  if (reserved && texts > 0) fields.skip(2);
  found.destination = named ? fields.text() : '';
  found.tag = hasTag ? fields.text() : '';
  for (let i = (named ? 1 : 0) + (hasTag ? 1 : 0); i < texts; i++) fields.skipText();
  found.bits = texts > 0 || noWait !== 0 ? fields.u8() : 0;
}

function takeCall(method: number, call: Call): Step {
  const { state, frames } = turn;
  readFields(method, call);
  if (turn.isBroken) return Step.malformed;
  const { destination, tag, bits } = found;
  const isConsume = method === Method.basicConsume;
  const consumer = isConsume ? { queue: destination, noAck: (bits & 2) !== 0 } : undefined;
  noteCall(method, tag, consumer);
  const request = turn.request(call.name, { destination, replies: call.replies, consumer });
  if ((bits & call.noWait) !== 0) frames.oneWay(request);
  else frames.request(-++state.calls, request);
  return Step.end;
}

/** What a call changes for what follows it. */
function noteCall(method: number, tag: string, consumer: Consumer | undefined): void {
  if (method === Method.channelOpen) turn.state.openChannel(turn.channelNumber);
  else if (method === Method.confirmSelect) turn.channel?.confirm();
  else if (method === Method.basicCancel) turn.channel?.consumers?.delete(tag);
  else if (consumer) turn.channel?.addConsumer(tag, consumer);
}

/** The call on this channel that the method answers, the first of several. What was lost since it was made may have been its answer. */
export function findCall(method: number): LiveExchange | (typeof Match)[keyof typeof Match] {
  const { frames, channelNumber, state } = turn;
  const [call] = frames.select(false, ({ request }) => {
    const { channel, replies, losses } = request as ReturnType<typeof requestOf>;
    return channel === channelNumber && losses === state.losses && replies.includes(method);
  });
  return frames.answered(call?.id ?? NOBODY, true);
}

/** A method that answers a call. */
export function takeReply(method: number): Step {
  const { fields, fromClient } = turn;
  // What the server asks for is no exchange.
  const exchange = fromClient ? Match.orphan : findCall(method);
  if (exchange === Match.wait) return Step.wait;
  if (method === Method.connectionCloseOk || method === Method.channelCloseOk) closeAll(method);
  if (exchange === Match.orphan) return Step.end;
  const request = requestOf(exchange);
  if (method === Method.queueDeclareOk && request.destination === '') request.destination = fields.text();
  if (method === Method.basicConsumeOk && request.consumer)
    turn.channel?.addConsumer(fields.text(), request.consumer);
  return turn.close(exchange, undefined);
}

/** code:2 text:shortstr class:2 method:2. What the server closes for what went wrong ends all that is open with that. */
function takeClose(method: number): Step {
  const { fields, frames, fromClient, state } = turn;
  const code = fields.u16();
  const failed = (fields.skipText().u16() << 8) | fields.u16();
  if (turn.isBroken) return Step.malformed;
  const errorType = code === SUCCESS ? undefined : String(code);
  const { name, replies } = CALLS.get(method)!;
  if (fromClient) {
    frames.request(-++state.calls, turn.request(name, { errorType, replies }));
    return Step.end;
  }
  // What is not answered is not open any more. After a loss, the same may be true of what is.
  let told = code === SUCCESS || !(state.whole || UNANSWERED.has(failed));
  for (const exchange of inReach(method, false)) {
    told ||= failed === 0 || isOf(exchange, failed);
    turn.close(exchange, errorType);
  }
  if (!told) frames.oneWay(turn.request(name, { errorType }));
  closeAll(method);
  return Step.end;
}

/** The exchange is what the method has asked for. */
function isOf(exchange: LiveExchange, method: number): boolean {
  const { operation } = requestOf(exchange);
  return method === Method.basicPublish ? operation === 'send' : operation === CALLS.get(method)?.name;
}

/** Open exchanges of the channel, or of the whole connection, that the sender of the frame has asked for, or its peer. */
function inReach(method: number, ofSender: boolean): LiveExchange[] {
  const { frames, channelNumber } = turn;
  const all = method === Method.connectionClose || method === Method.connectionCloseOk;
  return frames.select(ofSender, (exchange) => all || requestOf(exchange).channel === channelNumber);
}

/** Nothing more comes: messages that wait for an acknowledgement go back, which is no failure of theirs. */
function closeAll(method: number): void {
  const { frames, state, channelNumber } = turn;
  for (const ofSender of [false, true])
    for (const exchange of inReach(method, ofSender)) {
      const { operation, fromClient } = requestOf(exchange);
      if (operation.endsWith('.close')) continue;
      const lost = fromClient && exchange.response === undefined;
      if (operation !== 'deliver' && lost) frames.end(exchange, CLOSED);
      else frames.end(exchange);
    }
  state.closeChannel(method === Method.channelClose || method === Method.channelCloseOk ? channelNumber : 0);
}
