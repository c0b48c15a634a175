import { Kind, LAYOUT, RECORD_VERSION } from './records.gen.ts';

export type RecordName = keyof typeof LAYOUT;
/** Fields by their names in bpf/records.toml; what is left out is zero. */
export type RecordFields<K extends RecordName> = Partial<
  Record<keyof (typeof LAYOUT)[K]['fields'], number | Uint8Array>
>;

/** Where a field stands: bytes from the start of the record, bytes of a number, bytes of the whole. */
interface Place {
  readonly offset: number;
  readonly width: number;
  readonly count: number;
}

const WORD = 2 ** 32;
const WIDTHS: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, i64: 8 };
const NO_BYTES = new Uint8Array(0);

type FieldLayouts = Readonly<Record<string, { offset: number; type: string; count: number }>>;

function placesOf(fields: FieldLayouts): Record<string, Place | undefined> {
  const places = Object.entries(fields).map(([name, { offset, type, count }]) => {
    return [name, { offset, width: WIDTHS[type]!, count }] as const;
  });
  return Object.fromEntries(places);
}

const PLACES = Object.fromEntries(
  Object.entries(LAYOUT).map(([kind, { fields }]) => [kind, placesOf(fields)]),
) as Record<RecordName, Record<string, Place | undefined>>;

/** Collects records of our own making and hands them out as the border does: one buffer that starts 8-byte aligned, each record padded to 8 bytes. */
export class RecordBatch {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** Room for so many bytes; it grows. */
  constructor(room = 4096) {
    this.#bytes = new Uint8Array((room + 7) & ~7);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes collected since the last `take`. */
  get length(): number {
    return this.#length;
  }

  /**
   * Appends one record. `size`, `kind`, `version` and `captured` are filled in; fields that are not given are those of `template`, a record that
   * begins with the same groups of fields.
   */
  add<K extends RecordName>(
    kind: K,
    fields: RecordFields<K>,
    payload: Uint8Array = NO_BYTES,
    template?: Uint8Array,
  ): this {
    const places = PLACES[kind];
    const header = LAYOUT[kind].size;
    const size = header + payload.length;
    const padded = (size + 7) & ~7;
    this.#reserve(padded);
    const start = this.#length;
    this.#bytes.fill(0, start, start + padded);
    if (template) this.#bytes.set(template.subarray(0, header), start);
    this.#put(start, places['size']!, size);
    this.#put(start, places['kind']!, Kind[kind]);
    this.#put(start, places['version']!, RECORD_VERSION);
    if (places['captured']) this.#put(start, places['captured'], payload.length);
    const given = fields as Record<string, number | Uint8Array | undefined>;
    for (const name in given) {
      const value = given[name];
      const place = places[name];
      if (place === undefined) throw new Error(`no such field: ${name}`);
      if (value !== undefined) this.#put(start, place, value);
    }
    this.#bytes.set(payload, start + header);
    this.#length += padded;
    return this;
  }

  /** A record whose payload is JSON. */
  json<K extends 'process' | 'host' | 'filter' | 'directory'>(
    kind: K,
    fields: RecordFields<K>,
    facts: unknown,
  ): this {
    return this.add(kind, fields, Buffer.from(JSON.stringify(facts)));
  }

  /** A copy of what was collected since the last call. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more + 7) & ~7);
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  #put(start: number, { offset, width, count }: Place, value: number | Uint8Array): void {
    const at = start + offset;
    if (typeof value !== 'number') {
      this.#bytes.set(value.subarray(0, count), at);
    } else if (width === 1) this.#view.setUint8(at, value);
    else if (width === 2) this.#view.setUint16(at, value, true);
    else if (width === 4) this.#view.setUint32(at, value, true);
    else {
      const whole = Math.trunc(value);
      this.#view.setUint32(at, whole % WORD, true);
      this.#view.setUint32(at + 4, Math.floor(whole / WORD), true);
    }
  }
}
