/**
 * Header blocks of HTTP/2. HPACK, RFC 7541.
 *
 *   indexed field           1 index(7+)
 *   literal, to be indexed  01 name-index(6+) [name] value
 *   size update             001 limit(5+)
 *   literal                 000x name-index(4+) [name] value         0 for an index: the name is written out
 *   string                  H length(7+) bytes                       H: in the Huffman code
 *
 * Only values of names that are used become text. What refers to an entry that was not seen is told as `unknown`: it may be any field.
 */
import { latin1, text } from '../bytes.ts';
import { NOT_USED, type FieldTable } from './http1-fields.ts';
import { decodeHuffman } from './hpack-huffman.ts';
import { FIRST_DYNAMIC, STATIC_FIELDS, UNKNOWN, type HpackTable } from './hpack-table.ts';

/** What becomes of the fields of a block. */
export interface FieldSink {
  /** A field whose name has the code. */
  field(code: number, value: string): void;
  /** A field that is not known, or whose value is not. */
  unknown(): void;
}

/** How a block was read. */
export const Block = {
  whole: 0,
  /** It goes on beyond the bytes that are there. */
  cut: 1,
  malformed: 2,
} as const;
export type Block = (typeof Block)[keyof typeof Block];

/** Names that are used, and which of the static table's those are. */
export class HpackNames {
  readonly #fields: FieldTable;
  readonly #static: Int8Array;

  constructor(fields: FieldTable) {
    this.#fields = fields;
    this.#static = Int8Array.from(STATIC_FIELDS, ([name]) =>
      name === '' ? NOT_USED : fields.find(Buffer.from(name), 0, name.length),
    );
  }

  find(bytes: Uint8Array, from: number, to: number): number {
    return to > from ? this.#fields.find(bytes, from, to) : NOT_USED;
  }

  ofStatic(index: number): number {
    return this.#static[index]!;
  }
}

/** Longest value kept; what is longer is cut. */
const MAX_VALUE = 2048;
/** Beyond this no number of a header block goes. */
const MAX_INTEGER = 1 << 24;

let scratch = Buffer.alloc(4096);

/** Reads one block at a time. One object for all connections. */
class BlockReader {
  #bytes: Uint8Array = scratch;
  #at = 0;
  #to = 0;
  #table!: HpackTable;
  #names!: HpackNames;
  /** Of the field being read. */
  #code = NOT_USED;
  #nameLength = 0;
  #outcome: Block = Block.whole;

  read(
    bytes: Uint8Array,
    from: number,
    to: number,
    table: HpackTable,
    names: HpackNames,
    sink: FieldSink,
  ): Block {
    this.#bytes = bytes;
    this.#at = from;
    this.#to = to;
    this.#table = table;
    this.#names = names;
    this.#outcome = Block.whole;
    let fields = 0;
    while (this.#outcome === Block.whole && this.#at < to) {
      const first = bytes[this.#at]!;
      if (first >= 0x80) this.#indexed(sink);
      else if (first >= 0x40) this.#literal(0x3f, true, sink);
      else if (first < 0x20) this.#literal(0x0f, false, sink);
      else if (fields > 0) return Block.malformed;
      else {
        this.#resize();
        continue;
      }
      fields++;
    }
    return this.#outcome;
  }

  #resize(): void {
    const limit = this.#integer(0x1f);
    if (limit >= 0) this.#table.resize(limit);
  }

  #indexed(sink: FieldSink): void {
    const index = this.#integer(0x7f);
    if (index < 0) return;
    if (index === 0) {
      this.#outcome = Block.malformed;
    } else if (index < FIRST_DYNAMIC) {
      const code = this.#names.ofStatic(index);
      if (code !== NOT_USED) sink.field(code, STATIC_FIELDS[index]![1]);
    } else {
      const slot = this.#slot(index);
      if (this.#outcome !== Block.whole) return;
      if (slot < 0) sink.unknown();
      else this.#tell(sink, this.#table.code(slot), this.#table.value(slot));
    }
  }

  #tell(sink: FieldSink, code: number, value: string | undefined): void {
    if (code === NOT_USED) return;
    if (code === UNKNOWN || value === undefined) sink.unknown();
    else sink.field(code, value);
  }

  /** Slot of a dynamic entry, -1 where it is not known; one that cannot be is malformed. */
  #slot(index: number): number {
    const slot = this.#table.slot(index);
    if (slot < 0 && !this.#table.partial) this.#outcome = Block.malformed;
    return slot;
  }

  #literal(mask: number, indexed: boolean, sink: FieldSink): void {
    const index = this.#integer(mask);
    if (index < 0) return;
    if (index === 0) this.#newName();
    else this.#knownName(index);
    if (this.#outcome !== Block.whole) return;
    const code = this.#code;
    const huffman = this.#at < this.#to && this.#bytes[this.#at]! >= 0x80;
    const length = this.#stringLength();
    if (length < 0) return;
    const start = this.#at;
    this.#at += length;
    if (code < 0 && !indexed) {
      if (code === UNKNOWN) sink.unknown();
      return;
    }
    const decoded = huffman ? this.#decode(start, this.#at) : length;
    if (decoded < 0) return;
    const value = code < 0 ? undefined : this.#text(huffman, start, decoded);
    this.#tell(sink, code, value);
    if (indexed) this.#table.insert(code, this.#nameLength, decoded, value);
  }

  #knownName(index: number): void {
    if (index < FIRST_DYNAMIC) {
      this.#code = this.#names.ofStatic(index);
      this.#nameLength = STATIC_FIELDS[index]![0].length;
      return;
    }
    const slot = this.#slot(index);
    this.#code = slot < 0 ? UNKNOWN : this.#table.code(slot);
    this.#nameLength = slot < 0 ? 0 : this.#table.nameLength(slot);
  }

  #newName(): void {
    const huffman = this.#at < this.#to && this.#bytes[this.#at]! >= 0x80;
    const length = this.#stringLength();
    if (length < 0) return;
    const start = this.#at;
    this.#at += length;
    if (!huffman) {
      this.#nameLength = length;
      this.#code = this.#names.find(this.#bytes, start, this.#at);
      return;
    }
    this.#nameLength = this.#decode(start, this.#at);
    if (this.#nameLength >= 0) this.#code = this.#names.find(scratch, 0, this.#nameLength);
  }

  /** Length of the string at the reader, whose bytes are all there; -1 if not. */
  #stringLength(): number {
    if (this.#at >= this.#to) {
      this.#outcome = Block.cut;
      return -1;
    }
    const length = this.#integer(0x7f);
    if (length >= 0 && this.#at + length > this.#to) {
      this.#outcome = Block.cut;
      return -1;
    }
    return length;
  }

  /** Decodes into `scratch`. */
  #decode(from: number, to: number): number {
    const room = (to - from) * 2;
    if (scratch.length < room) scratch = Buffer.alloc(room * 2);
    const length = decodeHuffman(this.#bytes, from, to, scratch);
    if (length < 0) this.#outcome = Block.malformed;
    return length;
  }

  #text(decoded: boolean, start: number, length: number): string {
    const bytes = decoded ? scratch : this.#bytes;
    const from = decoded ? 0 : start;
    const to = from + Math.min(length, MAX_VALUE);
    let any = 0;
    for (let i = from; i < to; i++) any |= bytes[i]!;
    return any < 128 ? latin1(bytes, from, to) : text(bytes, from, to);
  }

  /** An integer whose prefix is `mask` (RFC 7541, 5.1); -1 if it is not there or too large. */
  #integer(mask: number): number {
    const bytes = this.#bytes;
    let value = bytes[this.#at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#to) {
        this.#outcome = Block.cut;
        return -1;
      }
      const byte = bytes[this.#at++]!;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80 && value <= MAX_INTEGER) return value;
    }
    this.#outcome = Block.malformed;
    return -1;
  }
}

const blocks = new BlockReader();

/** Reads the block `[from, to)` with the table of its direction, which is changed as the block says. */
export function readBlock(
  bytes: Uint8Array,
  from: number,
  to: number,
  table: HpackTable,
  names: HpackNames,
  sink: FieldSink,
): Block {
  return blocks.read(bytes, from, to, table, names, sink);
}
