import { Conversation } from './conversation.ts';
import type { ConversationOwner } from './conversation-owner.ts';
import type { Decoder } from './decoder.ts';

/** Of one protocol. */
const MAX_FREE = 1024;

/**
 * Conversations that were put away, for whoever is next. Most connections need theirs for one exchange at a time, and with many connections
 * objects that live that long are what costs most: they survive the young generation and die in the old one.
 */
export class ConversationPool<S> {
  readonly #free = new Map<Decoder, Array<Conversation<S>>>();

  take(session: ConversationOwner<S>, decoder: Decoder, memory: number): Conversation<S> {
    const conversation = this.#free.get(decoder)?.pop();
    return conversation?.resume(session, memory) ?? new Conversation<S>(session, decoder, memory);
  }

  /** Takes a conversation that is at rest. */
  give(conversation: Conversation<S>): void {
    let free = this.#free.get(conversation.decoder);
    if (free === undefined) this.#free.set(conversation.decoder, (free = []));
    if (free.length < MAX_FREE) free.push(conversation);
  }
}
