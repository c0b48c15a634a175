/**
 * Finds the end of a struct, which nothing says in front: its fields, and all that is in them, are gone through as they come. What one value is made of is
 * skipped, whether it was captured or not.
 */
import { i32be } from '../bytes.ts';
import { MAX_MESSAGE, Read, varint, varintEnd } from './thrift-message.ts';

/** As deep as the libraries go. */
const MAX_DEPTH = 64;
const STOP = 0;
/** Kinds of types, which the two protocols number differently. Fixed ones have their size in bytes. */
const Kind = { fixed: 0, varint: 1, text: 2, list: 3, map: 4, struct: 5, none: 6 } as const;

interface Type {
  readonly kind: number;
  readonly size: number;
}

const fixed = (size: number): Type => ({ kind: Kind.fixed, size });
const VARINT: Type = { kind: Kind.varint, size: 0 };
const TEXT: Type = { kind: Kind.text, size: 0 };
const LIST: Type = { kind: Kind.list, size: 0 };
const MAP: Type = { kind: Kind.map, size: 0 };
const STRUCT: Type = { kind: Kind.struct, size: 0 };
/** A bool that is a field of a compact struct is in the field's head. */
const NONE: Type = { kind: Kind.none, size: 0 };

/** bool 2, byte 3, double 4, i16 6, i32 8, i64 10, string 11, struct 12, map 13, set 14, list 15, uuid 16. */
const BINARY: ReadonlyArray<Type | undefined> = [
  ...[undefined, undefined, fixed(1), fixed(1), fixed(8), undefined, fixed(2), undefined, fixed(4)],
  ...[undefined, fixed(8), TEXT, STRUCT, MAP, LIST, LIST, fixed(16)],
];
/** true 1, false 2, byte 3, i16 4, i32 5, i64 6, double 7, binary 8, list 9, set 10, map 11, struct 12, uuid 13. */
const FIELDS: ReadonlyArray<Type | undefined> = [
  ...[undefined, NONE, NONE, fixed(1), VARINT, VARINT, VARINT, fixed(8), TEXT, LIST, LIST, MAP, STRUCT],
  fixed(16),
];
/** The same in a container, where a bool is a byte. */
const ELEMENTS = FIELDS.map((type) => (type === NONE ? fixed(1) : type));

/** Whether a field of a struct can have the type. */
export function isFieldType(compact: boolean, type: number): boolean {
  return (compact ? FIELDS : BINARY)[type] !== undefined;
}

/** What is open at a depth: a struct, or the values of a container that are still to come, whose types take turns in a map. */
interface Level {
  left: number;
  type: Type;
  other: Type;
}
const OF_STRUCT = -1;

/** Where the walk through one struct is. */
export class Walk {
  readonly #compact: boolean;
  readonly #levels: Level[] = [{ left: OF_STRUCT, type: STRUCT, other: STRUCT }];
  /** Bytes gone through. */
  #length = 0;
  #at = 0;

  constructor(compact: boolean) {
    this.#compact = compact;
  }

  /** Goes on at `from`; `moved` then says how far it came, which may be beyond `to`. */
  go(bytes: Uint8Array, from: number, to: number): Read {
    this.#at = from;
    let read: Read = Read.more;
    while (this.#levels.length > 0 && this.#at < to) {
      const before = this.#at;
      read = this.#step(bytes, to);
      if (read !== Read.whole) {
        if (read === Read.more) this.#at = before;
        break;
      }
    }
    this.#length += this.#at - from;
    if (this.#length > MAX_MESSAGE || read === Read.wrong) return Read.wrong;
    return this.#levels.length === 0 ? Read.whole : Read.more;
  }

  /** Position that the last `go` came to. */
  get at(): number {
    return this.#at;
  }

  #step(bytes: Uint8Array, to: number): Read {
    const level = this.#levels[this.#levels.length - 1]!;
    if (level.left === OF_STRUCT) return this.#field(bytes, to);
    if (level.left === 0) {
      this.#levels.pop();
      return Read.whole;
    }
    if (level.type.kind === Kind.fixed && level.other.kind === Kind.fixed) {
      // Of a map the number of values is even.
      this.#at += (level.left / 2) * (level.type.size + level.other.size);
      this.#levels.pop();
      return Read.whole;
    }
    const { type } = level;
    const read = this.#value(type, bytes, to);
    if (read !== Read.whole) return read;
    level.left--;
    level.type = level.other;
    level.other = type;
    return Read.whole;
  }

  #field(bytes: Uint8Array, to: number): Read {
    const first = bytes[this.#at]!;
    if (first === STOP) {
      this.#levels.pop();
      this.#at++;
      return Read.whole;
    }
    const type = this.#compact ? FIELDS[first & 15] : BINARY[first];
    if (!type) return Read.wrong;
    let next = this.#at + (this.#compact ? 1 : 3);
    if (this.#compact && first >> 4 === 0) {
      next = varintEnd(bytes, next, to, 3);
      if (next <= 0) return next < 0 ? Read.wrong : Read.more;
    }
    if (next > to) return Read.more;
    this.#at = next;
    return this.#value(type, bytes, to);
  }

  #value(type: Type, bytes: Uint8Array, to: number): Read {
    switch (type.kind) {
      case Kind.fixed:
        this.#at += type.size;
        return Read.whole;
      case Kind.none:
        return Read.whole;
      case Kind.varint:
        return this.#varint(bytes, to);
      case Kind.text:
        return this.#text(bytes, to);
      case Kind.struct:
        return this.#push(OF_STRUCT, STRUCT, STRUCT);
      default:
        return this.#compact
          ? this.#compactContainer(type === MAP, bytes, to)
          : this.#container(type === MAP, bytes, to);
    }
  }

  #varint(bytes: Uint8Array, to: number): Read {
    const end = varintEnd(bytes, this.#at, to, 10);
    if (end <= 0) return end < 0 ? Read.wrong : Read.more;
    this.#at = end;
    return Read.whole;
  }

  #text(bytes: Uint8Array, to: number): Read {
    const length = this.#size(bytes, to);
    if (length < 0) return length === WRONG ? Read.wrong : Read.more;
    this.#at += length;
    return Read.whole;
  }

  /** A length or a number of values; moves behind it. */
  #size(bytes: Uint8Array, to: number): number {
    const at = this.#at;
    if (this.#compact) {
      const end = varintEnd(bytes, at, to, 5);
      if (end <= 0) return end < 0 ? WRONG : MORE;
      this.#at = end;
      return checked(varint(bytes, at, end));
    }
    if (to - at < 4) return MORE;
    this.#at = at + 4;
    return checked(i32be(bytes, at));
  }

  #container(isMap: boolean, bytes: Uint8Array, to: number): Read {
    const types = isMap ? 2 : 1;
    if (to - this.#at < types + 4) return Read.more;
    const type = BINARY[bytes[this.#at]!];
    const other = BINARY[bytes[this.#at + types - 1]!];
    this.#at += types;
    const size = this.#size(bytes, to);
    if (size === 0) return Read.whole;
    if (size < 0 || !type || !other) return Read.wrong;
    return this.#push(size * types, type, other);
  }

  #compactContainer(isMap: boolean, bytes: Uint8Array, to: number): Read {
    const first = bytes[this.#at]!;
    if (this.#at >= to) return Read.more;
    let size = first >> 4;
    if (!isMap) this.#at++;
    if (isMap || size === 15) size = this.#size(bytes, to);
    if (size < 0) return size === WRONG ? Read.wrong : Read.more;
    if (size === 0) return Read.whole;
    if (!isMap) return this.#pushElements(size, first & 15, first & 15);
    if (this.#at >= to) return Read.more;
    const types = bytes[this.#at++]!;
    return this.#pushElements(size * 2, types >> 4, types & 15);
  }

  #pushElements(left: number, first: number, second: number): Read {
    const type = ELEMENTS[first];
    const other = ELEMENTS[second];
    return type && other ? this.#push(left, type, other) : Read.wrong;
  }

  #push(left: number, type: Type, other: Type): Read {
    if (this.#levels.length >= MAX_DEPTH) return Read.wrong;
    this.#levels.push({ left, type, other });
    return Read.whole;
  }
}

const MORE = -1;
const WRONG = -2;

function checked(size: number): number {
  return size >= 0 && size <= MAX_MESSAGE ? size : WRONG;
}
