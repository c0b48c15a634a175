import { Step, UNLIMITED, type IdDecoder } from '../decoder.ts';
import type { Frames } from '../frames.ts';
import type { Reader } from '../reader.ts';
import { takeMethod, takeProtocol, takeReply } from './amqp-calls.ts';
import { describeAmqp } from './amqp-describe.ts';
import {
  frame,
  FrameType,
  INCOMPLETE,
  methodAt,
  protocolAt,
  PROTOCOL_LENGTH,
  readFrame,
} from './amqp-frame.ts';
import { isReply, Method, sendersOf } from './amqp-method.ts';
import {
  takeBody,
  takeDelivery,
  takeGetOk,
  takeLateHeader,
  takePublish,
  takeReturn,
  takeSettlement,
} from './amqp-messages.ts';
import { probeAmqp } from './amqp-probe.ts';
import { AmqpState } from './amqp-state.ts';
import { turn } from './amqp-turn.ts';
import type { DecoderOptions } from './index.ts';
import { DestinationNames } from './messaging.ts';
import { ContextFields } from './context-fields.ts';

/**
 * AMQP 0-9-1 with RabbitMQ's extensions.
 *
 *   connection = "AMQP" 0 0 9 1 *frame     frame = type:1 channel:2 size:4 payload 0xce     message = method frame, header frame, *body frame
 *
 * An exchange is a call with what answers it on its channel; a publish alone, or with its confirm; a delivery alone, or with its
 * acknowledgement; basic.get with the message; a returned message; the handshake from the protocol header to connection.open-ok. Acknowledgements
 * name messages by number and channel. Heartbeats, flow and connection.blocked are no spans. Not decoded: bodies (only measured). Of the
 * handshake only the connection's name is looked at.
 */
export function createAmqp(options: DecoderOptions): IdDecoder<AmqpState> {
  const names = new DestinationNames();
  const context = new ContextFields(options.requestIdHeaders);
  return {
    name: 'amqp',
    pairing: 'id',
    idsReturn: false,
    starts: [],
    capture: { elide: false, budget: UNLIMITED },
    probe: probeAmqp,
    createState: () => new AmqpState(),
    lasting: ({ name, channels }) => name !== '' || channels.size > 0,
    read: (reader, fromClient, state, frames) => read(reader, fromClient, state, frames, context),
    lost: (state, fromClient) => state.lost(fromClient),
    describe: (exchange) => describeAmqp(exchange, names),
  };
}

function read(
  reader: Reader,
  fromClient: boolean,
  state: AmqpState,
  frames: Frames,
  context: ContextFields,
): Step {
  const { bytes, at, limit, blocked } = reader;
  turn.begin(fromClient, state, frames, context);
  if (bytes[at] === 0x41 /* A */) return readProtocol(reader);
  const end = readFrame(bytes, at, limit);
  if (end < 0) return end === INCOMPLETE ? Step.more : Step.malformed;
  turn.over(bytes, limit, blocked, end);
  const step = readContent(frame.type, frame.size);
  if (step === Step.end) reader.skip(turn.end - at);
  return step;
}

/** The server's own header says that it speaks no such version. */
function readProtocol(reader: Reader): Step {
  const found = protocolAt(reader.bytes, reader.at, reader.limit);
  if (found < PROTOCOL_LENGTH) return found < 0 ? Step.malformed : Step.more;
  takeProtocol();
  reader.skip(PROTOCOL_LENGTH);
  return Step.end;
}

function readContent(type: number, size: number): Step {
  switch (type) {
    case FrameType.method:
      return readMethod();
    case FrameType.header:
      return takeLateHeader();
    case FrameType.body:
      return takeBody(size);
    default:
      return Step.end;
  }
}

function readMethod(): Step {
  const { bytes, fields, fromClient } = turn;
  const { at } = frame;
  if (!turn.open(4)) return Step.more;
  if (fields.short) return Step.end;
  const method = methodAt(bytes, at);
  if ((sendersOf(method) & (fromClient ? 1 : 2)) === 0) return Step.malformed;
  switch (method) {
    case Method.basicPublish:
      return takePublish();
    case Method.basicDeliver:
      return takeDelivery();
    case Method.basicReturn:
      return takeReturn();
    case Method.basicGetOk:
      return takeGetOk();
    case Method.basicAck:
      return takeSettlement(undefined, true);
    case Method.basicNack:
      return takeSettlement('nack', true);
    case Method.basicReject:
      return takeSettlement('reject', false);
    default:
      return isReply(method) ? takeReply(method) : takeMethod(method);
  }
}
