/**
 * What destinations answer, read from bytes that strangers wrote: bounded, never throws.
 *
 *   ExportTraceServiceResponse  1 partial_success
 *   ExportTracePartialSuccess   1 rejected_spans (int64)   2 error_message     that of metrics: 1 rejected_data_points
 *   google.rpc.Status           1 code   2 message   3 details* (Any)
 *   google.protobuf.Any         1 type_url   2 value
 *   google.rpc.RetryInfo        1 retry_delay (Duration)
 *   google.protobuf.Duration    1 seconds   2 nanos
 */
import { escapeControls } from './escape.ts';
import type { Outcome } from './exporter.ts';

export interface PartialSuccess {
  rejected: number;
  message: string;
}

const MAX_MESSAGE = 300;
const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';

/** The outcome of `count` spans or points that were answered with success. No more than was sent is rejected, whatever the answer claims. */
export function accepted(answer: PartialSuccess, count: number, bytes: number): Outcome {
  const rejected = Math.min(Math.max(0, answer.rejected), count);
  return {
    result: 'done',
    accepted: count - rejected,
    rejected,
    bytes,
    ...(answer.message === '' ? {} : { error: `partial success: ${answer.message}` }),
  };
}

/** The partial success in a protobuf response; `rejected` 0 where there is none or the bytes are no such message. */
export function readPartialSuccess(bytes: Uint8Array): PartialSuccess {
  const partial = messageField(readFields(bytes), 1);
  if (!partial) return { rejected: 0, message: '' };
  const fields = readFields(partial);
  return { rejected: numberField(fields, 1), message: textField(fields, 2) };
}

/** The same in JSON, where int64 may be a string. */
export function readPartialSuccessJson(text: string): PartialSuccess {
  let partial:
    { rejectedSpans?: unknown; rejectedDataPoints?: unknown; errorMessage?: unknown } | null | undefined;
  try {
    partial = (JSON.parse(text) as { partialSuccess?: typeof partial } | null)?.partialSuccess;
  } catch {
    return { rejected: 0, message: '' }; // a 200 with a body that is not JSON is still a success
  }
  const rejected = Number(partial?.rejectedSpans ?? partial?.rejectedDataPoints ?? 0);
  const message = typeof partial?.errorMessage === 'string' ? partial.errorMessage : '';
  return { rejected: Number.isFinite(rejected) ? rejected : 0, message: printable(message) };
}

/** `message` of a google.rpc.Status. */
export function readStatusMessage(bytes: Uint8Array): string {
  return textField(readFields(bytes), 2);
}

/** Milliseconds that a google.rpc.Status asks to wait, undefined where it carries no RetryInfo. */
export function readRetryDelayMs(status: Uint8Array): number | undefined {
  for (const [field, value] of readFields(status)) {
    if (field !== 3 || typeof value === 'number') continue;
    const any = readFields(value);
    if (textField(any, 1) !== RETRY_INFO) continue;
    const info = messageField(any, 2);
    const delay = info && messageField(readFields(info), 1);
    if (!delay) return 0;
    const fields = readFields(delay);
    return numberField(fields, 1) * 1000 + numberField(fields, 2) / 1e6;
  }
  return undefined;
}

/** Milliseconds of a `Retry-After` header: delta seconds or an HTTP date (RFC 9110, 10.2.3). Undefined where it is neither. */
export function readRetryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

/** Text of a stranger for a log line or /status: short and without control characters. */
export function printable(text: string): string {
  const short = text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
  return escapeControls(short.trim());
}

type Field = [number, number | Uint8Array];

/** Top-level fields; stops at the first byte that does not fit. Numbers beyond 2^53 lose precision, which nothing here minds. */
function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70 && at < bytes.length; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return NaN;
  };
  while (at < bytes.length) {
    const tag = varint();
    const type = tag % 8;
    const field = Math.floor(tag / 8);
    if (type === 0) {
      const value = varint();
      if (Number.isNaN(value)) break;
      // int64: ten bytes hold a negative number in two's complement
      fields.push([field, value >= 2 ** 63 ? value - 2 ** 64 : value]);
    } else if (type === 2) {
      const length = varint();
      if (!(length <= bytes.length - at)) break;
      fields.push([field, bytes.subarray(at, at + length)]);
      at += length;
    } else if (type === 5 && at + 4 <= bytes.length) {
      fields.push([field, view.getUint32(at, true)]);
      at += 4;
    } else if (type === 1 && at + 8 <= bytes.length) {
      at += 8; // no message read here has such a field
    } else {
      break;
    }
  }
  return fields;
}

function numberField(fields: readonly Field[], number: number): number {
  const found = fields.find(([field]) => field === number)?.[1];
  return typeof found === 'number' ? found : 0;
}

function messageField(fields: readonly Field[], number: number): Uint8Array | undefined {
  const found = fields.find(([field]) => field === number)?.[1];
  return typeof found === 'object' ? found : undefined;
}

function textField(fields: readonly Field[], number: number): string {
  const found = messageField(fields, number);
  return found ? printable(new TextDecoder().decode(found)) : '';
}
