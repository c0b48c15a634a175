import { addressText } from '../base/ip-address.ts';
import { LAYOUT } from '../capture/records.gen.ts';
import type { RecordView } from '../capture/record-view.ts';

/** Addresses of records (16 bytes) as text. */

/** The same in all records that have addresses. */
const { local: LOCAL, remote: REMOTE } = LAYOUT.data.fields;

/** Own address of a data or connection record's end. */
export function localText(record: RecordView): string {
  return addressText(record.u8, record.offset + LOCAL.offset);
}

/** The peer's. */
export function remoteText(record: RecordView): string {
  return addressText(record.u8, record.offset + REMOTE.offset);
}

const utf8 = new TextDecoder();

/** Name of a unix socket: a path, `@name` for an abstract one, empty for an unnamed one. */
export function unixName(payload: Uint8Array): string {
  let end = payload.length;
  while (end > 0 && payload[end - 1] === 0) end--;
  if (end === 0) return '';
  const abstract = payload[0] === 0;
  const name = utf8.decode(payload.subarray(abstract ? 1 : 0, end));
  return abstract ? `@${name.replaceAll('\0', '@')}` : name.split('\0', 1)[0]!;
}
