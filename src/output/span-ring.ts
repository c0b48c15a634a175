import type { Span } from '../link/span.ts';

/** Spans taken out together. */
export interface Taken {
  spans: Span[];
  bytes: number;
  /** How many traces (or single spans, where they are not kept together) these are. */
  groups: number;
}

const INITIAL_SLOTS = 1024;
/** Wanted so often that it must not be made anew each time. */
const NOTHING: Taken = { spans: [], bytes: 0, groups: 0 };

/**
 * A first-in, first-out ring of spans in groups: a group is what leaves together, by `take` or by `drop`. Three parallel arrays that grow to
 * what the bound of the queue allows and are then reused, so that a full queue allocates nothing.
 */
export class SpanRing {
  #spans: Array<Span | undefined> = new Array<Span | undefined>(INITIAL_SLOTS);
  #bytesOf = new Float64Array(INITIAL_SLOTS);
  /** Size of the group that begins in this slot; 0 inside a group. */
  #groupOf = new Uint32Array(INITIAL_SLOTS);
  #head = 0;
  #count = 0;
  #bytes = 0;
  #groups = 0;

  get spans(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get groups(): number {
    return this.#groups;
  }

  /** Appends `spans`, each of `bytes[i]`, as one group or as a group each. */
  push(spans: readonly Span[], bytes: readonly number[], together: boolean): void {
    if (spans.length === 0) return;
    this.#reserve(this.#count + spans.length);
    const mask = this.#spans.length - 1;
    for (let i = 0; i < spans.length; i++) {
      const slot = (this.#head + this.#count + i) & mask;
      const size = bytes[i]!;
      this.#spans[slot] = spans[i];
      this.#bytesOf[slot] = size;
      this.#groupOf[slot] = together ? (i === 0 ? spans.length : 0) : 1;
      this.#bytes += size;
    }
    this.#count += spans.length;
    this.#groups += together ? 1 : spans.length;
  }

  /** The oldest groups, as many as fit into both limits, but at least one. Nothing if the ring is empty. */
  take(maxSpans: number, maxBytes: number): Taken {
    if (this.#count === 0) return NOTHING;
    const taken: Taken = { spans: [], bytes: 0, groups: 0 };
    while (this.#count > 0) {
      const size = this.#groupOf[this.#head]!;
      const bytes = this.#headBytes(size);
      const fits = taken.spans.length + size <= maxSpans && taken.bytes + bytes <= maxBytes;
      if (!fits && taken.groups > 0) break;
      this.#shift(size, taken.spans);
      taken.bytes += bytes;
      taken.groups++;
    }
    return taken;
  }

  /** Drops the oldest group; gives back how many spans that were, 0 if there is none. */
  drop(): number {
    if (this.#count === 0) return 0;
    const size = this.#groupOf[this.#head]!;
    this.#shift(size, undefined);
    return size;
  }

  #headBytes(size: number): number {
    const mask = this.#spans.length - 1;
    let bytes = 0;
    for (let i = 0; i < size; i++) bytes += this.#bytesOf[(this.#head + i) & mask]!;
    return bytes;
  }

  #shift(size: number, into: Span[] | undefined): void {
    const mask = this.#spans.length - 1;
    for (let i = 0; i < size; i++) {
      const slot = this.#head;
      into?.push(this.#spans[slot]!);
      this.#spans[slot] = undefined;
      this.#bytes -= this.#bytesOf[slot]!;
      this.#head = (slot + 1) & mask;
    }
    this.#count -= size;
    this.#groups--;
  }

  #reserve(count: number): void {
    let slots = this.#spans.length;
    if (count <= slots) return;
    while (slots < count) slots *= 2;
    const spans = new Array<Span | undefined>(slots);
    const bytesOf = new Float64Array(slots);
    const groupOf = new Uint32Array(slots);
    const mask = this.#spans.length - 1;
    for (let i = 0; i < this.#count; i++) {
      const slot = (this.#head + i) & mask;
      spans[i] = this.#spans[slot];
      bytesOf[i] = this.#bytesOf[slot]!;
      groupOf[i] = this.#groupOf[slot]!;
    }
    this.#spans = spans;
    this.#bytesOf = bytesOf;
    this.#groupOf = groupOf;
    this.#head = 0;
  }
}
