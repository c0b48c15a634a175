/**
 * Kafka messages by their layouts: which fields a version of a message has, and where a walk along them finds what is looked for.
 *
 * A layout is a text of fields in the order in which they are sent, each `type[@versions][=mark]`:
 *
 *   i8 i16 i32 i64 uuid        numbers, big endian; booleans are i8
 *   str bytes records          with their length in front, or null
 *   [ i32 ]  [ str ]@4+        an array of values
 *   [{ ... }]  [{ ... }]@4+    an array of structures
 *   ( ... )  ?( ... )          a structure; one that may be null
 *   here                       nothing: a place to be marked
 *   ~                          the rest of the message is not looked at
 *
 * Versions: `@3+`, `@0-12`, `@2`; without it the field is there in all. From its first flexible version on, a message's lengths are unsigned
 * varints of one more than the length, and every structure ends with tagged fields (KIP-482).
 */

/** What a walk is to tell of. */
export const Mark = {
  none: 0,
  acks: 1,
  topic: 2,
  topicId: 3,
  partition: 4,
  group: 5,
  error: 6,
  records: 7,
  /** Milliseconds that the broker may wait. */
  wait: 8,
  session: 9,
  epoch: 10,
  /** Number of a broker that asks, -1 for others. */
  replica: 11,
  /** Beginning of what an incremental fetch does not ask for any more. */
  forgotten: 12,
  offset: 13,
  /** Kind of what is looked for: 0 a group. */
  keyType: 14,
  key: 15,
} as const;
export type Mark = (typeof Mark)[keyof typeof Mark];

const Kind = { number: 0, text: 1, values: 2, structures: 3, structure: 4, nullable: 5 } as const;
type Kind = (typeof Kind)[keyof typeof Kind];
const OPENING: Readonly<Record<string, Kind>> = {
  '[': Kind.values,
  '[{': Kind.structures,
  '(': Kind.structure,
  '?(': Kind.nullable,
};
/** Bytes of a number, or of the length of a text where it is no varint. */
const WIDTH: Readonly<Record<string, number>> = {
  ...{ i8: 1, i16: 2, i32: 4, i64: 8, uuid: 16 },
  ...{ str: 2, bytes: 4, records: 4, here: 0 },
};

interface Field {
  readonly kind: Kind;
  readonly width: number;
  readonly mark: Mark;
  readonly inner: Structure | undefined;
}
export interface Structure {
  readonly fields: readonly Field[];
  /** What follows the fields is not looked at. */
  readonly open: boolean;
}

/** How a walk ended. */
export const Walked = {
  /** All of the layout was there. */
  whole: 0,
  /** At the end of the bytes, as far as they can be read. */
  cut: 1,
  /** The bytes are not laid out so. */
  wrong: 2,
} as const;
export type Walked = (typeof Walked)[keyof typeof Walked];

export const NONE_UNSEEN = Infinity;

/** Is told where the values of marked fields stand: `[at, to)` without a length in front; of records, `to` may lie behind `limit`. */
export interface Finder {
  take(mark: Mark, bytes: Uint8Array, at: number, to: number, limit: number): void;
}

/** The fields that a version of a message has. */
export function structureOf(layout: string, version: number): Structure {
  const words = layout.split(/\s+/).filter((word) => word !== '');
  let next = 0;
  const parse = (): Structure => {
    const fields: Field[] = [];
    let open = false;
    while (next < words.length && !/^[\]})]/.test(words[next]!)) {
      const word = words[next++]!;
      const kind = OPENING[word];
      if (word === '~') {
        open = true;
      } else if (kind !== undefined) {
        const inner = parse();
        const closing = words[next++]!;
        if (isIn(closing, version)) fields.push({ kind, width: 0, mark: Mark.none, inner });
      } else if (isIn(word, version)) {
        fields.push(valueOf(word));
      }
    }
    return { fields, open };
  };
  return parse();
}

function isIn(word: string, version: number): boolean {
  const range = /@(\d+)(\+|-(\d+))?/.exec(word);
  if (range === null) return true;
  const first = Number(range[1]);
  const last = range[2] === '+' ? Infinity : Number(range[3] ?? first);
  return version >= first && version <= last;
}

function valueOf(word: string): Field {
  const [, type, name] = /^([a-z]+\d*)(?:@[\d+-]+)?(?:=(\w+))?$/.exec(word)!;
  const mark = name === undefined ? Mark.none : Mark[name as keyof typeof Mark];
  const isText = type === 'str' || type === 'bytes' || type === 'records';
  return { kind: isText ? Kind.text : Kind.number, width: WIDTH[type!]!, mark, inner: undefined };
}

/** One walk at a time; one object for all. */
export class Walker {
  #bytes: Uint8Array = new Uint8Array(0);
  /** Where the walk stands; ends: of what can be read, and of the message. */
  at = 0;
  #limit = 0;
  #end = 0;
  #depth = 0;
  /** How deep the outermost array is of which a walk that was cut has left elements out; `NONE_UNSEEN` if none has. */
  unseen = NONE_UNSEEN;
  #flexible = false;
  #finder: Finder | undefined = undefined;
  /** The last length or count that was read; -1 for null. */
  #count = 0;
  /** Bits of the tags that were passed last. */
  #tags = 0;

  start(bytes: Uint8Array, at: number, limit: number, end: number, flexible: boolean, finder?: Finder): this {
    this.#bytes = bytes;
    this.at = at;
    this.#limit = limit;
    this.#end = end;
    this.#flexible = flexible;
    this.#finder = finder;
    this.#depth = 0;
    this.unseen = NONE_UNSEEN;
    return this;
  }

  walk(structure: Structure): Walked {
    for (const field of structure.fields) {
      const walked = field.kind <= Kind.text ? this.#value(field) : this.#container(field, field.inner!);
      if (walked !== Walked.whole) return walked;
    }
    return this.#flexible && !structure.open ? this.skipTags() : Walked.whole;
  }

  /** Whether the last tagged fields, which are those of the message, had this tag. */
  hasTag(tag: number): boolean {
    return (this.#tags & (1 << tag)) !== 0;
  }

  /** Tagged fields: their number, then of each its tag and its length, and its bytes. */
  skipTags(): Walked {
    let walked = this.#varint();
    this.#tags = 0;
    for (let left = this.#count; left > 0 && walked === Walked.whole; left--) {
      walked = this.#varint();
      this.#tags |= this.#count < 31 ? 1 << this.#count : 0;
      if (walked === Walked.whole) walked = this.#varint();
      if (walked === Walked.whole) walked = this.#pass(this.#count);
    }
    return walked;
  }

  #value({ kind, width, mark }: Field): Walked {
    if (kind === Kind.text) return this.#text(width, mark);
    const { at } = this;
    const walked = this.#pass(width);
    if (walked === Walked.whole && mark !== Mark.none) this.#tell(mark, at, at + width);
    return walked;
  }

  #container({ kind }: Field, inner: Structure): Walked {
    if (kind === Kind.structure) return this.walk(inner);
    if (kind === Kind.nullable) return this.#nullable(inner);
    const walked = this.#length(4);
    if (walked !== Walked.whole) return walked;
    // The least of elements takes a byte.
    if (this.#count > this.#end - this.at) return Walked.wrong;
    const value = kind === Kind.values ? inner.fields[0] : undefined;
    const depth = this.#depth++;
    let element: Walked = Walked.whole;
    for (let left = this.#count; left > 0 && element === Walked.whole; left--) {
      element = value === undefined ? this.walk(inner) : this.#value(value);
      if (element !== Walked.whole && left > 1) this.unseen = depth;
    }
    this.#depth = depth;
    return element;
  }

  /** A byte that is negative for null. */
  #nullable(inner: Structure): Walked {
    const { at } = this;
    const walked = this.#pass(1);
    return walked !== Walked.whole || this.#bytes[at]! > 127 ? walked : this.walk(inner);
  }

  #text(width: number, mark: Mark): Walked {
    const walked = this.#length(width);
    if (walked !== Walked.whole || this.#count <= 0) return walked;
    const from = this.at;
    const to = from + this.#count;
    const passed = this.#pass(this.#count);
    const seen = passed === Walked.whole || (passed === Walked.cut && mark === Mark.records);
    if (seen && mark !== Mark.none) this.#tell(mark, from, to);
    return passed;
  }

  #tell(mark: Mark, from: number, to: number): void {
    this.#finder?.take(mark, this.#bytes, from, to, this.#limit);
  }

  /** A length of `width` bytes, or a varint of one more than it. */
  #length(width: number): Walked {
    if (this.#flexible) {
      const walked = this.#varint();
      this.#count--;
      return walked;
    }
    const { at } = this;
    const walked = this.#pass(width);
    if (walked !== Walked.whole) return walked;
    const bytes = this.#bytes;
    const high = (bytes[at]! << 24) | (bytes[at + 1]! << 16);
    this.#count = width === 2 ? high >> 16 : high | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    return this.#count < -1 ? Walked.wrong : Walked.whole;
  }

  #varint(): Walked {
    let number = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const { at } = this;
      const walked = this.#pass(1);
      if (walked !== Walked.whole) return walked;
      const byte = this.#bytes[at]!;
      number += (byte & 127) * 2 ** shift;
      if (byte < 128) {
        this.#count = number;
        return Walked.whole;
      }
    }
    return Walked.wrong;
  }

  #pass(count: number): Walked {
    const to = this.at + count;
    if (to > this.#limit) return to > this.#end ? Walked.wrong : Walked.cut;
    this.at = to;
    return Walked.whole;
  }
}
