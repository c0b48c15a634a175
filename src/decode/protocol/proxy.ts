import { addressText } from '../../base/ip-address.ts';
import type { Origin } from '../../connection/connection.ts';
import { indexOf, latin1, startsWith, u16be } from '../bytes.ts';
import { Claim, Step, type IdDecoder } from '../decoder.ts';
import type { Reader } from '../reader.ts';

const TEXT = 'PROXY ';
/** A line with two longest IPv6 addresses. */
const MAX_LINE = 107;
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
const HEADER = 16;
/** With TLVs, such as a certificate. */
const MAX_SIZE = 8192;
const LF = 10;
const CR = 13;

/** Lengths of the addresses by family (upper half of byte 13): unspecified, IPv4, IPv6, unix. */
const ADDRESSES = [0, 12, 36, 216];
const Family = { ipv4: 1, ipv6: 2 } as const;
const Command = { local: 0x20, proxy: 0x21 } as const;

/** What a whole header says. */
interface Header {
  size: number;
  origin: Origin | undefined;
}

const NONE = 'none';
const MORE = 'more';
type Parsed = Header | typeof NONE | typeof MORE;

/**
 * PROXY protocol, versions 1 and 2, in front of any other. HAProxy, doc/proxy-protocol.txt.
 *
 *   1  "PROXY " ("TCP4" | "TCP6") " " source " " destination " " port " " port CRLF     or "PROXY UNKNOWN" ... CRLF
 *   2  0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a | version 2 and command | family and transport | length(2) | addresses | TLVs
 *
 * No exchange: the source is kept with the connection, as the client of what is served on it, and what follows is identified like the first bytes of a
 * connection. The destination is not used, since a server's own address is what its spans say. Of LOCAL, UNKNOWN, unspecified and unix nothing is kept.
 * TLVs are skipped when their lengths agree with the header's; the CRC-32C in one of them is not checked. A header is only looked for in front of a
 * connection whose beginning was seen.
 */
export function createProxy(): IdDecoder<undefined> {
  return {
    name: 'proxy',
    pairing: 'id',
    idsReturn: false,
    starts: [],
    capture: { elide: false },
    probe(bytes, from, to, final, joined) {
      if (joined) return Claim.no;
      const header = parse(bytes, from, to);
      if (header === NONE || (header === MORE && final)) return Claim.no;
      return header === MORE ? Claim.more : Claim.request;
    },
    createState: () => undefined,
    read: (reader, fromClient) => (fromClient ? read(reader) : Step.wait),
    lost: () => undefined,
    // Nothing is an exchange of it.
    describe: () => ({ name: 'PROXY', attributes: {}, errorType: undefined }),
  };
}

function read(reader: Reader): Step {
  const header = parse(reader.bytes, reader.at, reader.limit);
  if (header === MORE) return Step.more;
  if (header === NONE) return Step.malformed;
  reader.skip(header.size);
  reader.next = { to: undefined, carries: false, origin: header.origin };
  return Step.handOver;
}

function parse(bytes: Uint8Array, from: number, to: number): Parsed {
  const length = Math.min(to - from, SIGNATURE.length);
  if (startsWith(bytes, from, to, SIGNATURE.slice(0, length)))
    return length < SIGNATURE.length ? MORE : parseBinary(bytes, from, to);
  const start = TEXT.slice(0, length);
  if (!startsWith(bytes, from, to, start)) return NONE;
  return start.length < TEXT.length ? MORE : parseLine(bytes, from, to);
}

function parseLine(bytes: Uint8Array, from: number, to: number): Parsed {
  const end = Math.min(to, from + MAX_LINE);
  const lf = indexOf(bytes, LF, from, end);
  if (lf < 0) return end === from + MAX_LINE ? NONE : MORE;
  if (bytes[lf - 1] !== CR) return NONE;
  const size = lf + 1 - from;
  const line = latin1(bytes, from, lf - 1);
  if (/^PROXY UNKNOWN( |$)/.test(line)) return { size, origin: undefined };
  const found =
    /^PROXY (?:TCP4 ([\d.]{7,15}) [\d.]{7,15}|TCP6 ([\da-fA-F:.]{2,45}) [\da-fA-F:.]{2,45}) (\d{1,5}) \d{1,5}$/.exec(
      line,
    );
  if (!found) return NONE;
  return { size, origin: { address: (found[1] ?? found[2]!).toLowerCase(), port: Number(found[3]) } };
}

function parseBinary(bytes: Uint8Array, from: number, to: number): Parsed {
  if (to - from < HEADER) return MORE;
  const command = bytes[from + 12]!;
  const family = bytes[from + 13]! >> 4;
  const size = HEADER + u16be(bytes, from + 14);
  const addresses = ADDRESSES[family];
  const known = command === Command.local || command === Command.proxy;
  if (!known || size > MAX_SIZE || addresses === undefined || (bytes[from + 13]! & 15) > 2) return NONE;
  if (command === Command.proxy && size < HEADER + addresses) return NONE;
  if (to - from < size) return MORE;
  if (command === Command.local) return { size, origin: undefined };
  if (!areTlvs(bytes, from + HEADER + addresses, from + size)) return NONE;
  return { size, origin: originAt(bytes, from + HEADER, family) };
}

function originAt(bytes: Uint8Array, at: number, family: number): Origin | undefined {
  if (family === Family.ipv4) {
    const address = `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
    return { address, port: u16be(bytes, at + 8) };
  }
  return family === Family.ipv6
    ? { address: addressText(bytes, at), port: u16be(bytes, at + 32) }
    : undefined;
}

/** type(1) length(2) value, up to the end. */
function areTlvs(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  while (at + 3 <= to) at += 3 + u16be(bytes, at + 1);
  return at === to;
}
