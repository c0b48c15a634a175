import type { Id } from '../frames.ts';

/** Kept of a connection: so many channels, and so many consumers of each. */
const MAX_CHANNELS = 64;
const MAX_CONSUMERS = 16;
/** Longer consumer tags are not kept. */
const MAX_TAG = 64;

/** A content whose end is the end of an exchange. */
export interface Content {
  readonly id: Id;
  /** The exchange is the other end's. */
  readonly answers: boolean;
  /** Of the body; -1: its header has not been seen. */
  remaining: number;
}

export interface Consumer {
  readonly queue: string;
  /** Nothing that is delivered is acknowledged. */
  readonly noAck: boolean;
}

export class Channel {
  /** Seen from its opening, without a loss of the client's frames. */
  whole = false;
  /** Publishes so far, which are confirmed by their number; NaN: they are not, or it is not known. */
  published = NaN;
  /** Number of the last message from the server; NaN: not known. */
  delivered = NaN;
  /** The client acknowledges deliveries. */
  acknowledges = false;
  fromClient: Content | undefined = undefined;
  fromServer: Content | undefined = undefined;
  consumers: Map<string, Consumer> | undefined = undefined;

  /** What is published from now on is confirmed. Where something was lost it may be so already. */
  confirm(): void {
    if (this.whole && Number.isNaN(this.published)) this.published = 0;
  }

  addConsumer(tag: string, consumer: Consumer): void {
    this.consumers ??= new Map();
    if (tag === '' || tag.length > MAX_TAG) return;
    if (this.consumers.size < MAX_CONSUMERS || this.consumers.has(tag)) this.consumers.set(tag, consumer);
  }
}

/** What is kept of a connection. */
export class AmqpState {
  /** Of the client; '' where it is not known. */
  name = '';
  /** Seen from its beginning, without a loss. */
  whole = false;
  readonly channels = new Map<number, Channel>();
  /** Calls so far: their names. */
  calls = 0;
  /** How often frames of the server were lost: what was asked before is not matched with what comes after. */
  losses = 0;

  /** Undefined where there are too many. */
  channel(number: number): Channel | undefined {
    let channel = this.channels.get(number);
    if (channel === undefined && this.channels.size < MAX_CHANNELS) {
      channel = new Channel();
      this.channels.set(number, channel);
    }
    return channel;
  }

  openChannel(number: number): void {
    this.channels.delete(number);
    const channel = this.channel(number);
    if (channel) channel.whole = true;
  }

  /** 0: all of them. */
  closeChannel(number: number): void {
    if (number === 0) this.channels.clear();
    else this.channels.delete(number);
  }

  lost(fromClient: boolean): void {
    this.whole = false;
    if (!fromClient) this.losses++;
    for (const channel of this.channels.values()) {
      if (fromClient) {
        channel.published = NaN;
        channel.whole = false;
        channel.fromClient = undefined;
      } else {
        channel.delivered = NaN;
        channel.fromServer = undefined;
      }
    }
  }
}
