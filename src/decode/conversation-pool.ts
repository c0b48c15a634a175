import type { Conversation } from './conversation.ts';
import type { ConversationOwner } from './conversation-owner.ts';
import type { Decoder } from './decoder.ts';
import { FifoConversation } from './fifo-conversation.ts';
import { IdConversation } from './id-conversation.ts';

/** Of one protocol. */
const MAX_FREE = 1024;

/**
 * Conversations that were put away, for whoever is next. Most connections need theirs for one exchange at a time, and with many connections
 * objects that live that long are what costs most: they survive the young generation and die in the old one.
 */
export class ConversationPool<S> {
  readonly #free = new Map<Decoder, Array<Conversation<S>>>();

  /** `state`: what was kept of the conversation that goes on, undefined if nothing was. */
  take(session: ConversationOwner<S>, decoder: Decoder, memory: number, state: unknown): Conversation<S> {
    const free = this.#free.get(decoder)?.pop();
    const own = state ?? free?.state ?? decoder.createState();
    if (free) return free.resume(session, memory, own);
    return decoder.pairing === 'fifo'
      ? new FifoConversation<S>(session, decoder, memory, own)
      : new IdConversation<S>(session, decoder, memory, own);
  }

  /** Takes a conversation that is at rest. Returns its state if that must be kept. */
  give(conversation: Conversation<S>): unknown {
    const { decoder, state } = conversation;
    const kept = decoder.lasting?.(state) === true ? state : undefined;
    if (kept !== undefined || decoder.pairing === 'id') {
      conversation.state = undefined;
    } else {
      // A state in which nothing lasts is as good as a new one.
      decoder.reset(state, true);
      decoder.reset(state, false);
    }
    let free = this.#free.get(decoder);
    if (free === undefined) this.#free.set(decoder, (free = []));
    if (free.length < MAX_FREE) free.push(conversation);
    return kept;
  }
}
