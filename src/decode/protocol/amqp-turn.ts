import { Step } from '../decoder.ts';
import type { Frames } from '../frames.ts';
import type { LiveExchange } from '../live-exchange.ts';
import type { AmqpRequest, AmqpResponse } from './amqp-describe.ts';
import { FieldReader } from './amqp-fields.ts';
import { frame } from './amqp-frame.ts';
import { AmqpState, type Channel } from './amqp-state.ts';
import { ContextFields } from './context-fields.ts';

/** What of a method or header frame stands in front is looked at up to here. */
const MAX_HEAD = 8192;
const NO_REPLIES: readonly number[] = [];

/**
 * The frame that is being read, of whom, and what belongs to it. One for all connections: the pipeline is one thread, and a frame is read before
 * the next is begun.
 */
class Turn {
  fromClient = false;
  state = new AmqpState();
  frames = undefined as unknown as Frames;
  context = new ContextFields([]);
  bytes: Uint8Array = new Uint8Array(0);
  limit = 0;
  blocked = false;
  channelNumber = 0;
  /** Where what is being read ends: the frame, and perhaps the one behind it. */
  end = 0;
  readonly fields = new FieldReader();
  #at = 0;
  #size = 0;

  begin(fromClient: boolean, state: AmqpState, frames: Frames, context: ContextFields): void {
    this.fromClient = fromClient;
    this.state = state;
    this.frames = frames;
    this.context = context;
  }

  /** Goes on with the frame in `frame`, which ends at `end`. */
  over(bytes: Uint8Array, limit: number, blocked: boolean, end: number): void {
    this.bytes = bytes;
    this.limit = limit;
    this.blocked = blocked;
    this.channelNumber = frame.channel;
    this.end = end;
    this.#at = frame.at;
    this.#size = frame.size;
  }

  /** Undefined where there are too many. */
  get channel(): Channel | undefined {
    return this.state.channel(this.channelNumber);
  }

  /** Puts the reader of fields on the frame's payload, `skip` bytes behind its start. False if more of it is to come. */
  open(skip: number): boolean {
    const seen = Math.min(this.limit, this.#at + Math.min(this.#size, MAX_HEAD));
    if (!this.blocked && seen < this.#at + Math.min(this.#size, MAX_HEAD)) return false;
    this.fields.over(this.bytes, this.#at, seen).skip(skip);
    return true;
  }

  /** The fields that were read go beyond the frame, not only beyond what is there of it. */
  get isBroken(): boolean {
    return this.fields.short && this.fields.to === this.#at + this.#size;
  }

  request(operation: string, more: Partial<AmqpRequest>): AmqpRequest {
    const { fromClient, channelNumber, state } = this;
    const request: AmqpRequest = {
      operation,
      fromClient,
      channel: channelNumber,
      destination: '',
      routingKey: '',
      deliveryTag: 0,
      clientId: state.name,
      bodySize: -1,
      messageId: '',
      correlationId: '',
      contextHeaders: undefined,
      errorType: undefined,
      replies: NO_REPLIES,
      losses: state.losses,
      consumer: undefined,
    };
    return Object.assign(request, more);
  }

  /** The exchange, of whichever end, is over with this frame. */
  close(exchange: LiveExchange, errorType: string | undefined): Step {
    exchange.response = { errorType } satisfies AmqpResponse;
    this.frames.end(exchange);
    return Step.end;
  }
}

export const turn = new Turn();

export function requestOf({ request }: LiveExchange): AmqpRequest {
  return request as AmqpRequest;
}

/** Names of exchanges: of the handshake, of calls below, of what ends with its content the channel, of numbered messages beyond these. */
export const CONNECT = 0;
const CHANNELS = 0x10000;
/** Numbers beyond this are no names any more. */
export const MAX_NUMBER = 2 ** 36;

export function numbered(number: number): number {
  return number * CHANNELS + turn.channelNumber;
}

/** Number of a message with such a name; 0 where it has none. */
export function numberOf({ id }: LiveExchange): number {
  return typeof id === 'number' && id >= CHANNELS ? Math.floor(id / CHANNELS) : 0;
}
