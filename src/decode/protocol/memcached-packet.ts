/**
 * The binary protocol of memcached (doc/protocol-binary.txt).
 *
 *   magic 0x80 | 0x81, opcode 1, key length 2, extras length 1, data type 1, reserved | status 2, body length 4, opaque 4, cas 8
 *   body = extras key value
 */
import { text, u16be, u32be } from '../bytes.ts';
import { Claim } from '../decoder.ts';
import { addCommand, Kind, type MemcachedRequest } from './memcached-message.ts';

export const HEADER = 24;
const REQUEST = 0x80;
const RESPONSE = 0x81;
const MAX_KEY = 250;
/** Largest item that a server can be set up for: 1 GiB, and what belongs to it. */
const MAX_BODY = 0x40000400;
const MAX_OPCODE = 0x40;
const NOOP = 0x0a;
const STAT = 0x10;
/** The first one is that nothing went wrong; then what is no error: a miss, a key that exists, an item that is not stored. */
const OK = 0;
const NOT_FOUND = 1;
const NO_ERRORS = [OK, NOT_FOUND, 2, 5, 0x21];
const STATUSES = [...NO_ERRORS, 3, 4, 6, 7, 0x20, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86];

interface Operation {
  readonly name: string;
  readonly kind: Kind;
  readonly quiet: boolean;
  /** Lengths of the extras of a request. */
  readonly extras: readonly number[];
  readonly hasKey: boolean;
  readonly hasValue: boolean;
}

const OPERATIONS: Array<Operation | undefined> = Array.from({ length: MAX_OPCODE }, () => undefined);

function add(
  name: string,
  kind: Kind,
  extras: readonly number[],
  hasKey: boolean,
  hasValue: boolean,
  opcode: number,
  quiet?: number,
): void {
  const operation = { name, kind, extras, hasKey, hasValue };
  OPERATIONS[opcode] = { ...operation, quiet: false };
  if (quiet !== undefined) OPERATIONS[quiet] = { ...operation, quiet: true };
}
add('get', Kind.retrieve, [0], true, false, 0x00, 0x09);
add('get', Kind.retrieve, [0], true, false, 0x0c, 0x0d);
add('set', Kind.store, [8], true, true, 0x01, 0x11);
add('add', Kind.store, [8], true, true, 0x02, 0x12);
add('replace', Kind.store, [8], true, true, 0x03, 0x13);
add('append', Kind.store, [0], true, true, 0x0e, 0x19);
add('prepend', Kind.store, [0], true, true, 0x0f, 0x1a);
add('delete', Kind.delete, [0], true, false, 0x04, 0x14);
add('incr', Kind.arithmetic, [20], true, false, 0x05, 0x15);
add('decr', Kind.arithmetic, [20], true, false, 0x06, 0x16);
add('quit', Kind.other, [0], false, false, 0x07, 0x17);
add('flush_all', Kind.other, [0, 4], false, false, 0x08, 0x18);
add('noop', Kind.noop, [0], false, false, NOOP);
add('version', Kind.other, [0], false, false, 0x0b);
add('stats', Kind.other, [0], true, false, STAT);
add('verbosity', Kind.other, [4], false, false, 0x1b);
add('touch', Kind.touch, [4], true, false, 0x1c);
add('gat', Kind.retrieve, [4], true, false, 0x1d, 0x1e);
add('gat', Kind.retrieve, [4], true, false, 0x23, 0x24);
add('sasl_list_mechs', Kind.other, [0], false, false, 0x20);
add('sasl_auth', Kind.other, [0], true, true, 0x21);
add('sasl_step', Kind.other, [0], true, true, 0x22);

const UNKNOWN = { name: '', kind: Kind.other };
/** Commands with a value or a number, which are shown as `?`. */
const VALUED = new Set(['set', 'add', 'replace', 'append', 'prepend', 'incr', 'decr', 'touch', 'gat']);

/** The last header that was read; one object for all. */
export const packet = { opcode: 0, keyLength: 0, extras: 0, body: 0, status: 0 };

/** Fills `packet` from the 24 bytes at `at`. False if they are no header of this direction. */
export function readPacket(bytes: Uint8Array, at: number, isRequest: boolean): boolean {
  if (bytes[at] !== (isRequest ? REQUEST : RESPONSE) || bytes[at + 5] !== 0) return false;
  packet.opcode = bytes[at + 1]!;
  packet.keyLength = u16be(bytes, at + 2);
  packet.extras = bytes[at + 4]!;
  packet.status = u16be(bytes, at + 6);
  packet.body = u32be(bytes, at + 8);
  return (
    packet.opcode < MAX_OPCODE &&
    packet.keyLength <= MAX_KEY &&
    packet.body <= MAX_BODY &&
    packet.keyLength + packet.extras <= packet.body
  );
}

/** A header says by its lengths which opcode it can have. */
export function probePacket(
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  joined: boolean,
): Claim {
  const isRequest = bytes[from] === REQUEST;
  if (to - from < HEADER) return !final && mayBePacket(bytes, from, to) ? Claim.more : Claim.no;
  if (!readPacket(bytes, from, isRequest)) return Claim.no;
  const operation = OPERATIONS[packet.opcode];
  if (!operation) return Claim.no;
  if (!isRequest) return isResponseOf(operation) ? Claim.response : Claim.no;
  // Of a run of quiet commands its beginning must be seen.
  if (joined && (operation.quiet || operation.kind === Kind.noop)) return Claim.no;
  return isRequestOf(operation) ? Claim.request : Claim.no;
}

/** A part of a header: opcode, length of the key and data type. */
function mayBePacket(bytes: Uint8Array, from: number, to: number): boolean {
  const length = to - from;
  if (length > 1 && OPERATIONS[bytes[from + 1]!] === undefined) return false;
  return (length < 3 || bytes[from + 2] === 0) && (length < 6 || bytes[from + 5] === 0);
}

function isRequestOf({ extras, hasKey, hasValue, name }: Operation): boolean {
  if (packet.status !== 0 || !extras.includes(packet.extras)) return false;
  if (hasKey !== packet.keyLength > 0 && name !== 'stats') return false;
  return hasValue || packet.body === packet.extras + packet.keyLength;
}

function isResponseOf({ kind, name }: Operation): boolean {
  if (!STATUSES.includes(packet.status)) return false;
  // An error has a text for a body.
  if (packet.status !== OK) return packet.extras === 0 && packet.body < 256;
  if (kind === Kind.retrieve) return packet.extras === 4;
  if (kind === Kind.touch) return packet.body === packet.extras && packet.extras <= 4;
  if (packet.extras !== 0 || (packet.keyLength > 0 && name !== 'stats')) return false;
  if (kind === Kind.arithmetic) return packet.body === 8;
  return kind === Kind.other || packet.body === 0;
}

/** Whether a command follows that belongs to the same exchange. */
export function isQuietPacket(): boolean {
  return OPERATIONS[packet.opcode]?.quiet === true;
}

export function isQuit(): boolean {
  return packet.opcode === 0x17;
}

/** Adds the command of `packet`, which stands at `at`, as far as its key has come. `limit`: characters of `lines`. */
export function addPacket(
  request: MemcachedRequest,
  bytes: Uint8Array,
  at: number,
  to: number,
  limit: number,
): void {
  const operation = OPERATIONS[packet.opcode];
  const { kind, name } = operation ?? UNKNOWN;
  addCommand(request, name, kind, kind === Kind.retrieve ? 1 : 0);
  request.opcode = packet.opcode;
  if (request.lines.length >= limit || (kind === Kind.noop && request.quiet)) return;
  const from = at + HEADER + packet.extras;
  const keyEnd = name.startsWith('sasl') ? from : Math.min(to, from + packet.keyLength);
  const key = keyEnd > from ? ` ${text(bytes, from, keyEnd)}` : '';
  const shown = `${name}${key}${VALUED.has(name) ? ' ?' : ''}`;
  request.lines = request.lines === '' ? shown : `${request.lines}\n${shown}`;
}

/** The response in `packet` ends its exchange: the last command is answered, and by its last packet. */
export function endsResponse(): boolean {
  if (isQuietPacket()) return false;
  return packet.opcode !== STAT || packet.keyLength === 0 || packet.status !== OK;
}

/** `db.response.status_code` of the response in `packet`, undefined where it is no error. */
export function statusOf(): string | undefined {
  const { status } = packet;
  return NO_ERRORS.includes(status) ? undefined : `0x${status.toString(16).padStart(4, '0')}`;
}

/** The response in `packet` has a value that was asked for. */
export function isHit(): boolean {
  return packet.status === OK && OPERATIONS[packet.opcode]?.kind === Kind.retrieve;
}
