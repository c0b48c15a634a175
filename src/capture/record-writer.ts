import { RecordBatch, type RecordFields, type RecordName } from './record-batch.ts';

/** One record of the agent's own making, in a buffer of its own, padded to 8 bytes. `size`, `kind`, `version`, `captured` are filled in. */
export function writeRecord<K extends RecordName>(
  kind: K,
  fields: RecordFields<K>,
  payload?: Uint8Array,
): Uint8Array {
  return new RecordBatch(512).add(kind, fields, payload).take();
}

/** A record whose payload is JSON. */
export function writeJson<K extends 'process' | 'host' | 'filter' | 'directory'>(
  kind: K,
  fields: RecordFields<K>,
  facts: unknown,
): Uint8Array {
  return new RecordBatch(512).json(kind, fields, facts).take();
}
