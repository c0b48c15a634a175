import { i32be, latin1, text, u16be } from '../bytes.ts';

/** Fields of a request or response that are used: of all codes, and the short names of SendMessageRequestHeaderV2. */
const USED = new Set([
  ...['topic', 'originTopic', 'consumerGroup', 'group', 'queueId', 'properties', 'batch'],
  ...['msgId', 'clientID', 'clientId', 'suspendTimeoutMillis', 'pollTime'],
  ...['a', 'b', 'e', 'i', 'm'],
]);
const MAX_KEY = 20;
const MAX_DEPTH = 8;
/** Bytes of a binary header without remark and fields. */
const LEAST_BINARY = 21;
const MAX_LANGUAGE = 20;
const MAX_FLAG = 3;

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;

/** What stands before the body of a frame. */
export class RemotingHeader {
  code = -1;
  /** The id; counted by the process that asks. */
  opaque: number | undefined = undefined;
  /** 1: a response; 2: a request that nobody answers. */
  flag = 0;
  /** Members that every header has, of those that were seen. */
  members = 0;
  #fields: Map<string, string> | undefined = undefined;

  field(name: string): string | undefined {
    return this.#fields?.get(name);
  }

  /** Of the first of these that there is. */
  first(names: readonly string[]): string | undefined {
    for (const name of names) {
      const value = this.field(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  setField(name: string, value: string): void {
    (this.#fields ??= new Map()).set(name, value);
  }

  get isResponse(): boolean {
    return (this.flag & 1) !== 0;
  }

  get isOneWay(): boolean {
    return (this.flag & 2) !== 0;
  }
}

/**
 * The header in `[from, to)` as it is written by RocketMQ itself; undefined if it is none.
 *
 *   code:2 language:1 version:2 opaque:4 flag:4 remark:4+ fields:4+        fields = (name:2+ value:4+)*
 */
export function parseBinary(bytes: Uint8Array, from: number, to: number): RemotingHeader | undefined {
  if (to - from < LEAST_BINARY || bytes[from + 2]! > MAX_LANGUAGE) return undefined;
  const header = new RemotingHeader();
  header.code = u16be(bytes, from);
  header.opaque = i32be(bytes, from + 5);
  header.flag = i32be(bytes, from + 9);
  const remark = i32be(bytes, from + 13);
  if (header.flag < 0 || header.flag > MAX_FLAG || remark < 0 || remark > to - from - LEAST_BINARY)
    return undefined;
  const at = from + 17 + remark;
  if (at + 4 + i32be(bytes, at) !== to) return undefined;
  return parseFields(bytes, at + 4, to, header) ? header : undefined;
}

function parseFields(bytes: Uint8Array, from: number, to: number, header: RemotingHeader): boolean {
  let at = from;
  while (at < to) {
    const name = at + 2;
    if (name > to) return false;
    const nameEnd = name + u16be(bytes, at);
    const value = nameEnd + 4;
    if (value > to) return false;
    const length = i32be(bytes, nameEnd);
    if (length < 0 || value + length > to) return false;
    const key = nameEnd - name > MAX_KEY ? '' : latin1(bytes, name, nameEnd);
    if (USED.has(key)) header.setField(key, text(bytes, value, value + length));
    at = value + length;
  }
  return true;
}

/** The header in `[from, to)` as JSON; undefined if it is none. */
export function parseJson(bytes: Uint8Array, from: number, to: number): RemotingHeader | undefined {
  const header = new RemotingHeader();
  return new JsonHeader(bytes, from, to).read(header) ? header : undefined;
}

/** Reads one object, without exceptions. */
class JsonHeader {
  readonly #bytes: Uint8Array;
  readonly #to: number;
  #at: number;
  /** Of the string that was read last, between its quotes. */
  #from = 0;
  #end = 0;
  #escaped = false;

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.#bytes = bytes;
    this.#at = from;
    this.#to = to;
  }

  read(header: RemotingHeader): boolean {
    const members = this.#members((name) => this.#member(name, header));
    this.#space();
    return members && this.#at === this.#to && header.code >= 0 && header.opaque !== undefined;
  }

  /** Reads an object; `member` reads the value of the one with this name. */
  #members(member: (name: string) => boolean): boolean {
    if (!this.#take(OPEN)) return false;
    if (this.#take(CLOSE)) return true;
    do {
      this.#space();
      if (!this.#string()) return false;
      const name = this.#end - this.#from > MAX_KEY ? '' : latin1(this.#bytes, this.#from, this.#end);
      if (!this.#take(COLON)) return false;
      this.#space();
      if (!member(name)) return false;
    } while (this.#take(COMMA));
    return this.#take(CLOSE);
  }

  #member(name: string, header: RemotingHeader): boolean {
    switch (name) {
      case 'code':
        header.members++;
        return (header.code = this.#number()) >= 0;
      case 'opaque':
        header.members++;
        return !Number.isNaN((header.opaque = this.#number()));
      case 'flag':
        header.members++;
        return (header.flag = this.#number()) >= 0 && header.flag <= MAX_FLAG;
      case 'language':
      case 'version':
        header.members++;
        return this.#skip(0);
      case 'extFields':
        return this.#bytes[this.#at] === OPEN
          ? this.#members((key) => this.#field(key, header))
          : this.#skip(0);
      default:
        return this.#skip(0);
    }
  }

  #field(name: string, header: RemotingHeader): boolean {
    if (!USED.has(name)) return this.#skip(0);
    if (this.#bytes[this.#at] === QUOTE) {
      if (!this.#string()) return false;
      const value = text(this.#bytes, this.#from, this.#end);
      header.setField(name, this.#escaped ? unescape(value) : value);
      return true;
    }
    const from = this.#at;
    if (!this.#skip(0)) return false;
    header.setField(name, latin1(this.#bytes, from, this.#at));
    return true;
  }

  /** A whole number, NaN if there is none. */
  #number(): number {
    const from = this.#at;
    if (!this.#word()) return NaN;
    const number = Number(latin1(this.#bytes, from, this.#at));
    return Number.isInteger(number) ? number : NaN;
  }

  /** Passes a value. */
  #skip(depth: number): boolean {
    const byte = this.#bytes[this.#at];
    if (byte === QUOTE) return this.#string();
    if (byte !== OPEN && byte !== 91 /* [ */) return this.#word();
    return depth < MAX_DEPTH && this.#list(byte === OPEN, depth);
  }

  #list(named: boolean, depth: number): boolean {
    if (named) return this.#members(() => this.#skip(depth + 1));
    this.#at++;
    if (this.#take(93 /* ] */)) return true;
    do {
      this.#space();
      if (!this.#skip(depth + 1)) return false;
    } while (this.#take(COMMA));
    return this.#take(93 /* ] */);
  }

  /** A number, true, false or null. */
  #word(): boolean {
    const from = this.#at;
    while (this.#at < this.#to && IN_WORD[this.#bytes[this.#at]!] === 1) this.#at++;
    return this.#at > from;
  }

  #string(): boolean {
    if (this.#at >= this.#to || this.#bytes[this.#at] !== QUOTE) return false;
    this.#from = ++this.#at;
    this.#escaped = false;
    for (; this.#at < this.#to; this.#at++) {
      const byte = this.#bytes[this.#at]!;
      if (byte === QUOTE) {
        this.#end = this.#at++;
        return true;
      }
      if (byte !== BACKSLASH) continue;
      this.#escaped = true;
      this.#at++;
    }
    return false;
  }

  /** The byte, behind any space. */
  #take(byte: number): boolean {
    this.#space();
    if (this.#at >= this.#to || this.#bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    while (this.#at < this.#to && (this.#bytes[this.#at] === 32 || isLineSpace(this.#bytes[this.#at]!)))
      this.#at++;
  }
}

function isLineSpace(byte: number): boolean {
  return byte >= 9 && byte <= 13;
}

const IN_WORD = Uint8Array.from({ length: 256 }, (_, i) => (/[-+.\w]/.test(String.fromCharCode(i)) ? 1 : 0));
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

function unescape(value: string): string {
  return value.replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (_, hex: string | undefined, char: string) =>
    hex === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(parseInt(hex, 16)),
  );
}
