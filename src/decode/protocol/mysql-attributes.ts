import { integerAt, integerLength } from './mysql-packet.ts';

/** Attributes of one query that are passed over. */
const MAX_ATTRIBUTES = 64;
/** Bytes of a value by its type (`enum_field_types`), where they are always as many. */
const SIZES = new Map<number, number>([
  [1, 1],
  [2, 2],
  [3, 4],
  [4, 4],
  [5, 8],
  [6, 0],
  [8, 8],
  [9, 4],
  [13, 2],
]);

/**
 * Where the text of a query begins behind its attributes (CLIENT_QUERY_ATTRIBUTES): -1 where that cannot be told.
 *
 *   count sets=1 [nulls((count + 7) / 8) 1 *( type16 name ) *value]          numbers and texts are length-encoded
 */
export function attributesEnd(bytes: Uint8Array, from: number, end: number): number {
  if (from + 2 > end || bytes[from + 1] !== 1) return -1;
  const count = bytes[from]!;
  if (count === 0) return from + 2;
  const nulls = from + 2;
  let at = nulls + ((count + 7) >> 3);
  if (count > MAX_ATTRIBUTES || at >= end || bytes[at] !== 1) return -1;
  at++;
  const types: number[] = [];
  for (let i = 0; i < count; i++) {
    if (at + 3 > end) return -1;
    types.push(bytes[at]!);
    at = textEnd(bytes, at + 2, end);
    if (at < 0) return -1;
  }
  for (let i = 0; i < count; i++) {
    if (((bytes[nulls + (i >> 3)]! >> (i & 7)) & 1) === 1) continue;
    const size = SIZES.get(types[i]!);
    at = size === undefined ? textEnd(bytes, at, end) : at + size;
    if (at < 0 || at > end) return -1;
  }
  return at;
}

/** Times have a length of one byte, which is a length-encoded one, too. */
function textEnd(bytes: Uint8Array, at: number, end: number): number {
  const size = at < end ? integerLength(bytes[at]!) : 0;
  if (size === 0 || at + size > end) return -1;
  const after = at + size + integerAt(bytes, at);
  return after <= end ? after : -1;
}
