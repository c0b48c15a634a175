import { Kind, LAYOUT, RECORD_VERSION } from './records.gen.ts';

export type RecordName = keyof typeof LAYOUT;
/** Fields by their names in bpf/records.toml; what is left out is zero. */
export type RecordFields<K extends RecordName> = Partial<
  Record<keyof (typeof LAYOUT)[K]['fields'], number | Uint8Array>
>;

const WIDTHS: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, i64: 8 };

/** One record of the agent's own making, in a buffer of its own, padded to 8 bytes. `size`, `kind`, `version`, `captured` are filled in. */
export function writeRecord<K extends RecordName>(
  kind: K,
  fields: RecordFields<K>,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const layout: { size: number; fields: Record<string, { offset: number; type: string; count: number }> } =
    LAYOUT[kind];
  const size = layout.size + payload.length;
  const bytes = new Uint8Array(Math.ceil(size / 8) * 8);
  const view = new DataView(bytes.buffer);
  const values: Record<string, number | Uint8Array | undefined> = {
    ...fields,
    size,
    kind: Kind[kind],
    version: RECORD_VERSION,
    captured: payload.length,
  };
  for (const [name, field] of Object.entries(layout.fields)) {
    const value = values[name];
    if (value === undefined) continue;
    if (typeof value === 'number') putNumber(view, field.offset, WIDTHS[field.type]!, value);
    else bytes.set(value.subarray(0, field.count), field.offset);
  }
  bytes.set(payload, layout.size);
  return bytes;
}

/** A record whose payload is JSON. */
export function writeJson<K extends 'process' | 'host' | 'filter' | 'directory'>(
  kind: K,
  fields: RecordFields<K>,
  facts: unknown,
): Uint8Array {
  return writeRecord(kind, fields, Buffer.from(JSON.stringify(facts)));
}

function putNumber(view: DataView, offset: number, width: number, value: number): void {
  if (width === 1) view.setUint8(offset, value);
  else if (width === 2) view.setUint16(offset, value, true);
  else if (width === 4) view.setUint32(offset, value, true);
  else view.setBigInt64(offset, BigInt(Math.trunc(value)), true);
}
