import { Claim } from '../decoder.ts';
import {
  BODY,
  beginsEnd,
  beginsRequest,
  readRecord,
  record,
  RECORD_HEAD,
  RecordType,
} from './fastcgi-record.ts';

/** Records of the request id that a connection with one request at a time has. */
export const FASTCGI_STARTS: readonly string[] = [
  RecordType.beginRequest,
  RecordType.endRequest,
  RecordType.stdout,
].map((type) => String.fromCharCode(1, type, 0, 1));

const MAX_PADDING = 8;
const COLON = 58;

/**
 * Whose are the bytes at the start of a record? A request begins with sixteen bytes that leave hardly a choice, and so ends a response. The output
 * of an application begins with a field's name; it counts where the other direction has a request.
 */
export function probeFastcgi(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  const whole = to - from >= RECORD_HEAD + BODY;
  if (beginsRequest(bytes, from, to)) return whole ? Claim.request : final ? Claim.no : Claim.more;
  if (beginsEnd(bytes, from, to)) return whole ? Claim.response : final ? Claim.no : Claim.more;
  return isOutput(bytes, from, to) ? Claim.likeResponse : Claim.no;
}

function isOutput(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < RECORD_HEAD + BODY || !readRecord(bytes, from, false)) return false;
  if (record.padding >= MAX_PADDING || bytes[from + 7] !== 0 || record.length === 0) return false;
  if (record.type === RecordType.stderr) return true;
  return record.type === RecordType.stdout && beginsField(bytes, from + RECORD_HEAD, to);
}

/** Letters and hyphens up to a colon. */
function beginsField(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    const small = byte | 0x20;
    if (byte === COLON) return i > from;
    if ((small < 97 || small > 122) && byte !== 45) return false;
  }
  return false;
}
