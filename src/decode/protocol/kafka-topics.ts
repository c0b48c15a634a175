import { latin1 } from '../bytes.ts';

/** Topics whose names are known by their ids, of all connections. The one that was learned first makes room. */
const MAX_NAMES = 1024;
/** Partitions of a request, or fetch session, that are kept. */
const MAX_PARTITIONS = 32;
/** Topics that a span names. */
const MAX_LISTED = 8;
/** Marks the key of a topic of which only the id is known; no name begins so. */
const ID = '\0';
const ID_LENGTH = 16;

/**
 * Names of topics by their ids, as responses tell them. Clients ask for them on one connection and use the ids on others, so the table is for
 * all: an id is random, and one topic's alone in any cluster (KIP-516).
 */
export class TopicNames {
  readonly #names = new Map<string, string>();

  learn(key: string, name: string): void {
    if (this.#names.get(key) === name) return;
    this.#names.delete(key);
    if (this.#names.size >= MAX_NAMES) this.#names.delete(this.#names.keys().next().value!);
    this.#names.set(key, name);
  }

  /** Of a name or a key. */
  nameOf(topic: string): string | undefined {
    return topic.startsWith(ID) ? this.#names.get(topic) : topic;
  }
}

/** What stands for a topic with the id at `at`; undefined for the id that is none. */
export function topicKey(bytes: Uint8Array, at: number): string | undefined {
  for (let i = at; i < at + ID_LENGTH; i++) if (bytes[i] !== 0) return ID + latin1(bytes, at, at + ID_LENGTH);
  return undefined;
}

/** Partitions of topics that a message is about. Topics are names, or keys of those that are only known by their ids. */
export class Partitions {
  /** Of one index each; -1 in the place of a partition where only the topic is named. */
  readonly #topics: string[] = [];
  readonly #partitions: number[] = [];
  /** There are more than are kept. */
  overflow = false;
  /** Not all of one topic. */
  #several = false;

  add(topic: string, partition: number): void {
    const { length } = this.#topics;
    if (length > 0 && this.#topics[0] !== topic) this.#several = true;
    const last = length - 1;
    if (last >= 0 && this.#partitions[last] === -1 && this.#topics[last] === topic) {
      this.#partitions[last] = partition;
    } else if (length >= MAX_PARTITIONS) {
      this.overflow = true;
    } else if (!this.has(topic, partition)) {
      this.#topics.push(topic);
      this.#partitions.push(partition);
    }
  }

  /** There are more, of other topics as well or not. */
  miss(ofOthers: boolean): void {
    this.overflow = true;
    this.#several ||= ofOthers;
  }

  has(topic: string, partition: number): boolean {
    for (let i = 0; i < this.#topics.length; i++)
      if (this.#partitions[i] === partition && this.#topics[i] === topic) return true;
    return false;
  }

  get isEmpty(): boolean {
    return this.#topics.length === 0;
  }

  /** The one that all partitions are of. */
  get topic(): string | undefined {
    return this.#several ? undefined : this.#topics[0];
  }

  /** Where there are several, the first ones. */
  get topics(): string[] {
    return this.#several ? [...new Set(this.#topics)].slice(0, MAX_LISTED) : [];
  }

  /** Where there is only one. */
  get partition(): number | undefined {
    const only = this.#topics.length === 1 && !this.overflow ? this.#partitions[0]! : -1;
    return only < 0 ? undefined : only;
  }

  /** What is true of any of these: the topic where there is only one, and the partition where there is only one. */
  get common(): Partitions | undefined {
    const { topic, partition } = this;
    if (topic === undefined || partition !== undefined) return topic === undefined ? undefined : this;
    const result = new Partitions();
    result.add(topic, -1);
    return result;
  }

  /** These with `more` and without `less`. */
  changed(more: Partitions | undefined, less: Partitions | undefined): Partitions {
    const result = new Partitions();
    for (const { topic, partition } of this.all())
      if (less === undefined || !less.has(topic, partition)) result.add(topic, partition);
    for (const { topic, partition } of more?.all() ?? []) result.add(topic, partition);
    const overflow = this.overflow || more?.overflow === true;
    if (overflow && more !== undefined) result.#several ||= more.#several;
    if (overflow) result.#several ||= this.#several;
    result.overflow ||= overflow;
    return result;
  }

  *all(): IterableIterator<{ topic: string; partition: number }> {
    for (let i = 0; i < this.#topics.length; i++)
      yield { topic: this.#topics[i]!, partition: this.#partitions[i]! };
  }
}
