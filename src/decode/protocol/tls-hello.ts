/**
 * ClientHello and ServerHello. RFC 8446, 4.1; RFC 5246, 7.4.1; extensions RFC 6066 (server_name), RFC 7301 (ALPN).
 *
 *   hello       type(1) length(3) version(2) random(32) session id(1+n)
 *     client    cipher suites(2+n) compressions(1+n) [extensions(2+n)]
 *     server    cipher suite(2) compression(1) [extensions(2+n)]
 *   extension   type(2) length(2) ...
 */

import { latin1, u16be, u32be } from '../bytes.ts';
import { groupName, versionName } from './tls-names.ts';

export const CLIENT_HELLO = 1;
export const SERVER_HELLO = 2;
/** Up to the session id's length. */
export const HELLO_HEAD = 39;

/** What is longer is not shown. */
const MAX_NAME = 255;
const MAX_PROTOCOL = 32;
const MAX_PROTOCOLS = 8;
const MAX_VERSIONS = 8;
const MAX_HELLO = 65_536;
const HELLO_RETRY = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');

const Extension = {
  serverName: 0,
  alpn: 16,
  preSharedKey: 41,
  earlyData: 42,
  supportedVersions: 43,
  keyShare: 51,
} as const;

export interface ClientHello {
  serverName: string | undefined;
  /** Offered, the best one first; without those that have no name. */
  versions: string[];
  protocols: string[];
  sessionId: string;
  earlyData: boolean;
  /** The server has asked for another hello. */
  retried: boolean;
}

export interface ServerHello {
  /** 0x0303 for TLS 1.2. */
  version: number;
  cipher: number;
  group: string | undefined;
  protocol: string | undefined;
  resumed: boolean;
}

/** Walks the extensions in `[at, to)`, as far as they are there. */
function eachExtension(
  bytes: Uint8Array,
  from: number,
  to: number,
  visit: (type: number, from: number, to: number) => void,
): void {
  if (from + 2 > to) return;
  const end = Math.min(to, from + 2 + u16be(bytes, from));
  for (let at = from + 2; at + 4 <= end;) {
    const next = at + 4 + u16be(bytes, at + 2);
    if (next > end) return;
    visit(u16be(bytes, at), at + 4, next);
    at = next;
  }
}

/** The hello at `from`, which begins with its type and is there at least up to `HELLO_HEAD`. */
export function readClientHello(bytes: Uint8Array, from: number, to: number): ClientHello {
  const legacy = versionName(u16be(bytes, from + 4));
  const idEnd = from + HELLO_HEAD + bytes[from + HELLO_HEAD - 1]!;
  const hello: ClientHello = {
    serverName: undefined,
    versions: legacy === undefined ? [] : [legacy],
    protocols: [],
    sessionId: latin1(bytes, from + HELLO_HEAD, Math.min(to, idEnd)),
    earlyData: false,
    retried: false,
  };
  if (idEnd + 2 > to) return hello;
  const suitesEnd = idEnd + 2 + u16be(bytes, idEnd);
  if (suitesEnd + 1 > to) return hello;
  eachExtension(bytes, suitesEnd + 1 + bytes[suitesEnd]!, to, (type, start, end) => {
    if (type === Extension.serverName) hello.serverName = readServerName(bytes, start, end);
    else if (type === Extension.alpn) hello.protocols = readProtocols(bytes, start, end);
    else if (type === Extension.supportedVersions) hello.versions = readVersions(bytes, start, end);
    else if (type === Extension.earlyData) hello.earlyData = true;
  });
  return hello;
}

/** The same of a ServerHello; `sessionId`: what the client offered. */
export function readServerHello(
  bytes: Uint8Array,
  from: number,
  to: number,
  sessionId: string,
): ServerHello | undefined {
  const idEnd = from + HELLO_HEAD + bytes[from + HELLO_HEAD - 1]!;
  if (idEnd + 3 > to) return undefined;
  const hello: ServerHello = {
    version: u16be(bytes, from + 4),
    cipher: u16be(bytes, idEnd),
    group: undefined,
    protocol: undefined,
    // Before TLS 1.3 a server takes a session up by repeating its id, also where the client has sent a ticket (RFC 5077, 3.4).
    resumed: sessionId !== '' && latin1(bytes, from + HELLO_HEAD, idEnd) === sessionId,
  };
  let preShared = false;
  eachExtension(bytes, idEnd + 3, to, (type, start, end) => {
    if (type === Extension.supportedVersions && end - start === 2) hello.version = u16be(bytes, start);
    else if (type === Extension.alpn) hello.protocol = readProtocols(bytes, start, end)[0];
    else if (type === Extension.keyShare && end - start >= 2) hello.group = groupName(u16be(bytes, start));
    else if (type === Extension.preSharedKey) preShared = true;
  });
  if (hello.version >= 0x0304) hello.resumed = preShared;
  return hello;
}

/** A HelloRetryRequest is a ServerHello with a random of its own (RFC 8446, 4.1.3). */
export function isHelloRetry(bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < HELLO_RETRY.length; i++) if (bytes[from + 6 + i] !== HELLO_RETRY[i]) return false;
  return true;
}

/** Whether a hello of this type stands at `from`, whose record is `length` bytes long. Looks at `HELLO_HEAD` bytes. */
export function isHello(bytes: Uint8Array, from: number, type: number, length: number): boolean {
  const size = u32be(bytes, from) & 0xffffff;
  const idLength = bytes[from + HELLO_HEAD - 1]!;
  return (
    bytes[from] === type &&
    size <= MAX_HELLO &&
    // A client's long one goes on in further records; behind the server's other messages may follow.
    (type === SERVER_HELLO || size + 4 >= length) &&
    bytes[from + 4] === 3 &&
    bytes[from + 5]! <= 3 &&
    idLength <= 32 &&
    HELLO_HEAD + idLength + 3 <= Math.min(length, size + 4)
  );
}

/** The first name of type host_name, if it is one. */
function readServerName(bytes: Uint8Array, from: number, to: number): string | undefined {
  if (from + 5 > to || bytes[from + 2] !== 0) return undefined;
  const length = u16be(bytes, from + 3);
  if (length === 0 || length > MAX_NAME || from + 5 + length > to) return undefined;
  const name = latin1(bytes, from + 5, from + 5 + length);
  return /^[\w.:-]+$/.test(name) ? name.toLowerCase() : undefined;
}

function readProtocols(bytes: Uint8Array, from: number, to: number): string[] {
  const protocols: string[] = [];
  for (let at = from + 2; at < to && protocols.length < MAX_PROTOCOLS;) {
    const end = at + 1 + bytes[at]!;
    if (end > to) break;
    const name = latin1(bytes, at + 1, Math.min(end, at + 1 + MAX_PROTOCOL));
    // GREASE (RFC 8701) is no text.
    if (/^[\x21-\x7e]+$/.test(name)) protocols.push(name.toLowerCase());
    at = end;
  }
  return protocols;
}

function readVersions(bytes: Uint8Array, from: number, to: number): string[] {
  const versions: string[] = [];
  for (let at = from + 1; at + 2 <= to && versions.length < MAX_VERSIONS; at += 2) {
    const name = versionName(u16be(bytes, at));
    if (name !== undefined) versions.push(name);
  }
  return versions;
}
