import { Kind, LAYOUT, RECORD_VERSION } from './records.gen.ts';

export type RecordName = keyof typeof LAYOUT;
/** Fields by their names in bpf/records.toml; what is left out is zero. */
export type RecordFields<K extends RecordName> = Partial<
  Record<keyof (typeof LAYOUT)[K]['fields'], number | Uint8Array>
>;

interface FieldLayout {
  readonly offset: number;
  readonly type: string;
  readonly count: number;
}

const WORD = 2 ** 32;
const WIDTHS: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, i64: 8 };
const NO_BYTES = new Uint8Array(0);

/** Collects records of our own making and hands them out as the border does: one buffer that starts 8-byte aligned, each record padded to 8 bytes. */
export class RecordBatch {
  #bytes: Uint8Array;
  #length = 0;

  /** Room for so many bytes; it grows. */
  constructor(room = 4096) {
    this.#bytes = new Uint8Array((room + 7) & ~7);
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
    const layout = LAYOUT[kind] as { size: number; fields: Record<string, FieldLayout> };
    const size = layout.size + payload.length;
    const padded = (size + 7) & ~7;
    this.#reserve(padded);
    const start = this.#length;
    this.#bytes.fill(0, start, start + padded);
    if (template) this.#bytes.set(template.subarray(0, layout.size), start);
    const view = new DataView(this.#bytes.buffer, start, padded);
    put(view, 'size', layout.fields['size'], size);
    put(view, 'kind', layout.fields['kind'], Kind[kind]);
    put(view, 'version', layout.fields['version'], RECORD_VERSION);
    if (layout.fields['captured']) put(view, 'captured', layout.fields['captured'], payload.length);
    const given = fields as Record<string, number | Uint8Array | undefined>;
    for (const name in given) {
      const value = given[name];
      if (value !== undefined) put(view, name, layout.fields[name], value);
    }
    this.#bytes.set(payload, start + layout.size);
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
  }
}

function put(view: DataView, name: string, field: FieldLayout | undefined, value: number | Uint8Array): void {
  if (!field) throw new Error(`no such field: ${name}`);
  if (typeof value !== 'number') {
    new Uint8Array(view.buffer, view.byteOffset + field.offset, field.count).set(
      value.subarray(0, field.count),
    );
    return;
  }
  const width = WIDTHS[field.type];
  if (width === 1) view.setUint8(field.offset, value);
  else if (width === 2) view.setUint16(field.offset, value, true);
  else if (width === 4) view.setUint32(field.offset, value, true);
  else {
    const whole = Math.trunc(value);
    view.setUint32(field.offset, whole % WORD, true);
    view.setUint32(field.offset + 4, Math.floor(whole / WORD), true);
  }
}
