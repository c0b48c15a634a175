import { Step } from '../decoder.ts';
import { Match } from '../pairing.ts';
import { findCall } from './amqp-calls.ts';
import { destinationOf, type AmqpRequest } from './amqp-describe.ts';
import { FieldReader, NO_PROPERTIES, readProperties, type Properties } from './amqp-fields.ts';
import { frame, FrameType, INCOMPLETE, readFrame } from './amqp-frame.ts';
import { Method } from './amqp-method.ts';
import type { Channel, Content } from './amqp-state.ts';
import { MAX_NUMBER, numbered, numberOf, requestOf, turn } from './amqp-turn.ts';

/** The header that stands directly behind a method, which is read together with it. */
const header = { properties: NO_PROPERTIES, seen: false };
const headerFields = new FieldReader();
const MAX_HEADER = 8192;

/**
 * Reads the content header behind the method, so that an exchange says from its beginning which trace it belongs to. A client may send
 * frames of other channels in between: then it is left to come. False if more must come first.
 */
function takeHeader(): boolean {
  const { bytes, limit, blocked, channelNumber } = turn;
  header.properties = NO_PROPERTIES;
  header.seen = false;
  const end = readFrame(bytes, turn.end, limit);
  if (end === INCOMPLETE) return blocked;
  if (end < 0 || frame.type !== FrameType.header || frame.channel !== channelNumber) return true;
  const wanted = frame.at + Math.min(frame.size, MAX_HEADER);
  if (limit < wanted && !blocked) return false;
  header.properties = readProperties(
    headerFields.over(bytes, frame.at, Math.min(limit, wanted)),
    turn.context,
  );
  header.seen = true;
  turn.end = end;
  return true;
}

/** reserved:2 exchange:shortstr routing key:shortstr bits:1 */
export function takePublish(): Step {
  const { fields, frames, channel } = turn;
  const exchange = fields.skip(2).text();
  const routingKey = fields.text();
  if (turn.isBroken) return Step.malformed;
  if (!takeHeader()) return Step.more;
  const destination = destinationOf(exchange, routingKey, '');
  const request = turn.request('send', { destination, routingKey, ...header.properties });
  if (channel && channel.published < MAX_NUMBER) frames.request(numbered(++channel.published), request);
  else tell(request, channel);
  return Step.end;
}

/** consumer tag:shortstr delivery tag:8 redelivered:1 exchange:shortstr routing key:shortstr */
export function takeDelivery(): Step {
  const { fields, frames, channel } = turn;
  const consumerTag = fields.text();
  const consumer = channel?.consumers?.get(consumerTag);
  const deliveryTag = fields.u64();
  const exchange = fields.skip(1).text();
  const routingKey = fields.text();
  if (turn.isBroken) return Step.malformed;
  if (!takeHeader()) return Step.more;
  const destination = destinationOf(exchange, routingKey, consumer?.queue ?? '');
  const request = turn.request('deliver', { destination, routingKey, deliveryTag, ...header.properties });
  if (channel) channel.delivered = deliveryTag;
  const acknowledged = consumer ? !consumer.noAck : channel?.acknowledges === true;
  if (!acknowledged || deliveryTag === 0 || deliveryTag >= MAX_NUMBER) {
    tell(request, channel);
    return Step.end;
  }
  const delivery = frames.request(numbered(deliveryTag), request);
  delivery.optional = true;
  delivery.patient = consumer !== undefined;
  return Step.end;
}

/** code:2 text:shortstr exchange:shortstr routing key:shortstr */
export function takeReturn(): Step {
  const { fields, channel } = turn;
  const errorType = String(fields.u16());
  const exchange = fields.skipText().text();
  const routingKey = fields.text();
  if (turn.isBroken) return Step.malformed;
  if (!takeHeader()) return Step.more;
  const destination = destinationOf(exchange, routingKey, '');
  tell(turn.request('return', { destination, routingKey, errorType, ...header.properties }), channel);
  return Step.end;
}

/** Nobody answers the message: it ends with its content. */
function tell(request: AmqpRequest, channel: Channel | undefined): void {
  const { frames, fromClient, channelNumber } = turn;
  if (request.bodySize === 0 || channel === undefined) {
    frames.oneWay(request);
    return;
  }
  frames.tell(channelNumber, request);
  setContent(channel, fromClient, { id: channelNumber, answers: false, remaining: request.bodySize });
}

/** delivery tag:8 redelivered:1 exchange:shortstr routing key:shortstr messages:4 */
export function takeGetOk(): Step {
  const { fields, channel, fromClient } = turn;
  const deliveryTag = fields.u64();
  const routingKey = fields.skip(1).skipText().text();
  if (turn.isBroken) return Step.malformed;
  if (!takeHeader()) return Step.more;
  const call = findCall(Method.basicGetOk);
  if (call === Match.wait) return Step.wait;
  if (channel) channel.delivered = deliveryTag;
  if (call === Match.orphan) return Step.end;
  // The trace that the message belongs to is not that of who gets it.
  const properties = { ...header.properties, contextHeaders: undefined };
  Object.assign(requestOf(call), { deliveryTag, routingKey, ...properties });
  if (properties.bodySize === 0 || channel === undefined) return turn.close(call, undefined);
  call.response = { errorType: undefined };
  setContent(channel, fromClient, { id: call.id, answers: true, remaining: properties.bodySize });
  return Step.end;
}

function setContent(channel: Channel, fromClient: boolean, content: Content | undefined): void {
  if (fromClient) channel.fromClient = content;
  else channel.fromServer = content;
}

function contentOf(channel: Channel | undefined): Content | undefined {
  return turn.fromClient ? channel?.fromClient : channel?.fromServer;
}

/** A content header that came apart from its method. */
export function takeLateHeader(): Step {
  const { fields, context, channel } = turn;
  if (!turn.open(0)) return Step.more;
  const content = contentOf(channel);
  if (content?.remaining !== -1) return Step.end;
  const properties: Properties = readProperties(fields, context);
  if (turn.isBroken) return Step.malformed;
  const exchange = exchangeOf(content);
  if (exchange) Object.assign(requestOf(exchange), properties);
  content.remaining = properties.bodySize;
  if (content.remaining === 0) endContent(channel!, content);
  return Step.end;
}

export function takeBody(size: number): Step {
  const { channel } = turn;
  const content = contentOf(channel);
  if (content === undefined || content.remaining < 0) return Step.end;
  content.remaining -= size;
  if (content.remaining <= 0) endContent(channel!, content);
  return Step.end;
}

function exchangeOf({ id, answers }: Content) {
  const { frames } = turn;
  if (!answers) return frames.own(id);
  const exchange = frames.answered(id, false);
  return typeof exchange === 'string' ? undefined : exchange;
}

function endContent(channel: Channel, content: Content): void {
  setContent(channel, turn.fromClient, undefined);
  const exchange = exchangeOf(content);
  if (exchange) turn.frames.end(exchange);
}

/** delivery tag:8 bits:1 of basic.ack, basic.nack and, without `multiple`, basic.reject. Of the server it is a confirm. */
export function takeSettlement(errorType: string | undefined, mayBeMultiple: boolean): Step {
  const { fields, frames, channel, fromClient, channelNumber } = turn;
  const tag = fields.u64();
  const multiple = (fields.u8() & 1) !== 0 && mayBeMultiple;
  if (turn.isBroken) return Step.malformed;
  if (channel && fromClient) channel.acknowledges = true;
  const last = fromClient ? channel?.delivered : channel?.published;
  const exchange = frames.answered(numbered(tag), last !== undefined && tag > last);
  if (exchange === Match.wait) return Step.wait;
  if (!multiple) return exchange === Match.orphan ? Step.end : turn.close(exchange, errorType);
  const settled = frames.select(false, (other) => {
    const number = numberOf(other);
    return number > 0 && (number <= tag || tag === 0) && requestOf(other).channel === channelNumber;
  });
  for (const { id } of settled) {
    const other = frames.answered(id, false);
    if (typeof other !== 'string') turn.close(other, errorType);
  }
  return Step.end;
}
