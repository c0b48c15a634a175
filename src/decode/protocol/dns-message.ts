import { addressText } from '../../base/ip-address.ts';
import { u16be } from '../bytes.ts';

/** RFC 1035, 3.2.2 and IANA's registry: what is asked for most. */
const TYPES: Readonly<Record<number, string>> = {
  ...{
    1: 'A',
    2: 'NS',
    5: 'CNAME',
    6: 'SOA',
    12: 'PTR',
    13: 'HINFO',
    15: 'MX',
    16: 'TXT',
    28: 'AAAA',
    29: 'LOC',
  },
  ...{
    33: 'SRV',
    35: 'NAPTR',
    39: 'DNAME',
    41: 'OPT',
    43: 'DS',
    44: 'SSHFP',
    46: 'RRSIG',
    47: 'NSEC',
    48: 'DNSKEY',
  },
  ...{
    50: 'NSEC3',
    52: 'TLSA',
    59: 'CDS',
    64: 'SVCB',
    65: 'HTTPS',
    99: 'SPF',
    250: 'TSIG',
    251: 'IXFR',
    252: 'AXFR',
  },
  ...{ 255: 'ANY', 257: 'CAA' },
};
const RCODES = [
  ...['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'YXDOMAIN', 'YXRRSET', 'NXRRSET'],
  ...['NOTAUTH', 'NOTZONE'],
];
const OPCODES: Readonly<Record<number, string>> = {
  0: 'QUERY',
  1: 'IQUERY',
  2: 'STATUS',
  4: 'NOTIFY',
  5: 'UPDATE',
};
const A = 1;
const SOA = 6;
const AAAA = 28;
const OPT = 41;
/** IN, CH, HS, NONE, ANY. */
const CLASSES = new Set([1, 3, 4, 254, 255]);

const HEADER = 12;
const MAX_MESSAGE = 65_535;
/** A name, what is asked of it, and options. */
const MAX_REQUEST = 2048;
const MAX_NAME = 255;
const MAX_JUMPS = 32;
/** Addresses that are kept of an answer. */
const MAX_ANSWERS = 16;
/** Of a record: a name, type, class, time to live and length. */
const MIN_RECORD = 11;

export interface DnsMessage {
  readonly id: number;
  readonly isRequest: boolean;
  /** `QUERY`, `NOTIFY`, `UPDATE`. */
  readonly operation: string;
  /** The question: its name without the last dot ('.' for the root), and its type; of a response without one ''. */
  readonly name: string;
  readonly type: string;
  /** `NOERROR`; with EDNS, the extended code as `RCODE16` where it has no name here. */
  readonly rcode: string;
  /** Not all of the answer fitted. */
  readonly truncated: boolean;
  /** Addresses in the answer. */
  readonly answers: readonly string[];
  /** The last record of the answer begins a zone: of a transfer it ends it. */
  readonly endsWithSoa: boolean;
}

/** One name that was read. One for all. */
const label = { text: '', end: 0 };
/** The question of a message. One for all. */
const question = { name: '', type: '', end: 0 };
/** What the records of a message say together. One for all. */
const found = { end: 0, answers: [] as string[], lastType: 0, extended: 0 };

/**
 * Reads one message of `[from, to)`. `cut`: it was longer, and ends where it was captured. `sure`: something else says that this is DNS, so not all of it
 * has to be right. Undefined where it is not DNS: counts that do not agree, a name that points at itself, bytes left over.
 */
export function readDns(
  bytes: Uint8Array,
  from: number,
  to: number,
  cut: boolean,
  sure: boolean,
): DnsMessage | undefined {
  if (to - from < HEADER) return undefined;
  if (!isHeader(bytes, from, cut ? MAX_MESSAGE : to - from, sure)) return undefined;
  if (!readQuestion(bytes, from, to)) return undefined;
  const high = bytes[from + 2]!;
  const low = bytes[from + 3]!;
  const { name, type, end } = question;
  const whole = readRecords(bytes, from, end, to);
  if (!sure && (whole ? found.end !== to : !cut)) return undefined;
  return {
    id: u16be(bytes, from),
    isRequest: high < 128,
    operation: OPCODES[(high >> 3) & 15]!,
    name,
    type,
    rcode: rcodeName(((found.extended & 0xff) << 4) | (low & 15)),
    truncated: (high & 2) !== 0,
    answers: found.answers,
    endsWithSoa: found.lastType === SOA,
  };
}

function rcodeName(code: number): string {
  return RCODES[code] ?? (code === 16 ? 'BADVERS' : code === 23 ? 'BADCOOKIE' : `RCODE${code}`);
}

/** The question, of which there is one or (in a response) none. Fills `question`. */
function readQuestion(bytes: Uint8Array, from: number, to: number): boolean {
  question.name = question.type = '';
  question.end = from + HEADER;
  if (u16be(bytes, from + 4) === 0) return true;
  if (!readName(bytes, from, question.end, to) || label.end + 4 > to) return false;
  if (!CLASSES.has(u16be(bytes, label.end + 2) & 0x7fff)) return false;
  const code = u16be(bytes, label.end);
  question.name = label.text;
  question.type = TYPES[code] ?? `TYPE${code}`;
  question.end = label.end + 4;
  return true;
}

/** Whether what there is of the head and of the name asked for can be that of a message of `length` bytes. */
export function mayBeDns(bytes: Uint8Array, from: number, to: number, length: number): boolean {
  if (to - from < HEADER) return true;
  if (!isHeader(bytes, from, length, false)) return false;
  // A question is never compressed: nothing stands before it.
  let at = from + HEADER;
  while (at < to && bytes[at] !== 0 && bytes[at]! <= 63) at += bytes[at]! + 1;
  return at >= to || bytes[at] === 0 || u16be(bytes, from + 4) === 0;
}

/** Whether these can be the flags and the counts of a message of `length` bytes. `sure`: as with `readDns`. */
function isHeader(bytes: Uint8Array, from: number, length: number, sure: boolean): boolean {
  const high = bytes[from + 2]!;
  const low = bytes[from + 3]!;
  const rcode = low & 15;
  const operation = OPCODES[(high >> 3) & 15];
  if (operation === undefined || (low & 0x40) !== 0) return false;
  const questions = u16be(bytes, from + 4);
  const answers = u16be(bytes, from + 6);
  const authorities = u16be(bytes, from + 8);
  const additional = u16be(bytes, from + 10);
  if ((answers + authorities + additional) * MIN_RECORD > length - HEADER) return false;
  if (high >= 128) {
    // Without a question there is an error that says nothing else, or what follows in a transfer (RFC 5936, 2.2.1).
    return questions === 1 || (questions === 0 && (sure || (rcode !== 0 && answers === 0)));
  }
  if (questions !== 1 || rcode !== 0 || additional > 16) return false;
  return operation === 'UPDATE' || (answers <= 1 && authorities <= 1 && (sure || length <= MAX_REQUEST));
}

/** Reads all records; false where there is less than the header says. Fills `found`. */
function readRecords(bytes: Uint8Array, from: number, start: number, to: number): boolean {
  const answers = u16be(bytes, from + 6);
  const count = answers + u16be(bytes, from + 8) + u16be(bytes, from + 10);
  found.answers = [];
  found.lastType = found.extended = 0;
  let at = start;
  for (let i = 0; i < count; i++) {
    if (!readName(bytes, from, at, to)) return false;
    const head = label.end;
    if (head + 10 > to) return false;
    const type = u16be(bytes, head);
    const length = u16be(bytes, head + 8);
    const data = head + 10;
    if (data + length > to) return false;
    if (type === OPT) found.extended = bytes[head + 4]!;
    if (i < answers) noteAnswer(bytes, data, type, length);
    at = data + length;
  }
  found.end = at;
  return true;
}

function noteAnswer(bytes: Uint8Array, at: number, type: number, length: number): void {
  found.lastType = type;
  if (found.answers.length >= MAX_ANSWERS) return;
  if (type === A && length === 4) found.answers.push(bytes.subarray(at, at + 4).join('.'));
  else if (type === AAAA && length === 16) found.answers.push(addressText(bytes, at));
}

/** A name, compressed or not (RFC 1035, 4.1.4): every pointer must point before the labels it stands behind. Fills `label`. */
function readName(bytes: Uint8Array, from: number, start: number, to: number): boolean {
  let text = '';
  let at = start;
  let end = -1;
  let before = start;
  for (let jumps = 0; ;) {
    if (at >= to) return false;
    const length = bytes[at]!;
    if (length === 0) {
      label.text = text === '' ? '.' : text;
      label.end = end < 0 ? at + 1 : end;
      return true;
    }
    if (length >= 0xc0) {
      if (at + 1 >= to || ++jumps > MAX_JUMPS) return false;
      if (end < 0) end = at + 2;
      at = from + (u16be(bytes, at) & 0x3fff);
      if (at >= before || at < from + HEADER) return false;
      before = at;
      continue;
    }
    if (length > 63 || at + 1 + length > to) return false;
    if (text !== '') text += '.';
    text += labelText(bytes, at + 1, at + 1 + length);
    if (text.length > MAX_NAME * 4) return false;
    at += length + 1;
  }
}

/** Bytes that are no printable ASCII, and dots, as `\DDD` (RFC 4343, 2.1). */
function labelText(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    const plain = byte > 32 && byte < 127 && byte !== 46 && byte !== 92;
    text += plain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`;
  }
  return text;
}
