import { createHash } from 'node:crypto';
import { type ContextFormat, padId } from './context.ts';

/** Sample, trace id, segment id, span index; then service, instance, endpoint and peer, which are not used. Texts are in base64. */
const SW8 = /^([01])-([A-Za-z0-9+/]+={0,2})-([A-Za-z0-9+/]+={0,2})-(\d{1,10})(?:-[A-Za-z0-9+/]*={0,2}){4}$/;
/** Characters of an id: what agents in use write, and others may. */
const ID = /^[\x21-\x7e]{1,256}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HEX = /^[0-9a-f]{32}$/i;
/** As the Java agent makes them: its process, the thread, time and ordinal. */
const NUMBERED = /^([0-9a-f]{32})\.(\d{1,9})\.(\d{1,18})$/i;
const MAX_INDEX = 0xffffffff;

/**
 * SkyWalking: `sw8` (https://skywalking.apache.org/docs/main/latest/en/api/x-process-propagation-headers-v3/). Its ids are texts; docs/ids.md
 * says how they become 128 and 64 bits. For those that agents in use make, the rule is that of the Collector's skywalking receiver, so that spans
 * of a SkyWalking agent that come to a backend through it are in the same trace.
 */
export const skywalking: ContextFormat = {
  name: 'SkyWalking',

  parse({ skywalking: text }) {
    const match = text === undefined ? null : SW8.exec(text);
    if (match === null) return undefined;
    const [trace, segment] = [idOf(match[2]!), idOf(match[3]!)];
    const index = Number(match[4]);
    if (trace === undefined || segment === undefined || index > MAX_INDEX) return undefined;
    const traceId = padId(traceIdOf(trace), 32);
    const spanId = padId(spanIdOf(segment, index), 16);
    if (traceId === undefined || spanId === undefined) return undefined;
    return { traceId, spanId, incomingFlags: Number(match[1]), traceState: undefined };
  },
};

function idOf(base64: string): string | undefined {
  const text = Buffer.from(base64, 'base64').toString('latin1');
  return ID.test(text) ? text : undefined;
}

function traceIdOf(id: string): string {
  return (bytesOf(id) ?? hash(id).subarray(0, 16)).toString('hex');
}

/** The index in the first four bytes, least significant first; then the halves are put over each other. */
function spanIdOf(segment: string, index: number): string {
  const bytes = bytesOf(segment);
  if (bytes === undefined) return hash(`${segment}.${index}`).toString('hex', 0, 8);
  xorLittleEndian(bytes, 0, 4, BigInt(index));
  for (let i = 0; i < 8; i++) bytes[i]! ^= bytes[i + 8]!;
  return bytes.toString('hex', 0, 8);
}

/** The 128 bits of an id that has them. */
function bytesOf(id: string): Buffer | undefined {
  if (HEX.test(id)) return Buffer.from(id, 'hex');
  if (UUID.test(id)) return Buffer.from(id.replaceAll('-', ''), 'hex');
  const match = NUMBERED.exec(id);
  if (match === null) return undefined;
  const bytes = Buffer.from(match[1]!, 'hex');
  xorLittleEndian(bytes, 4, 8, BigInt(match[2]!));
  xorLittleEndian(bytes, 8, 16, BigInt(match[3]!));
  return bytes;
}

function xorLittleEndian(bytes: Buffer, from: number, to: number, value: bigint): void {
  let rest = value;
  for (let i = from; i < to; i++) {
    bytes[i]! ^= Number(rest & 0xffn);
    rest >>= 8n;
  }
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text, 'latin1').digest();
}
