/** The tables of HPACK. RFC 7541, 2.3 and appendix A. */

/** Of a field whose name is not known, since it was among bytes that were not seen. */
export const UNKNOWN = -2;

/** Appendix A, in order of the index, which begins with 1. */
export const STATIC_FIELDS: ReadonlyArray<readonly [name: string, value: string]> = [
  ['', ''],
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((status) => [':status', status] as const),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...['accept-language', 'accept-ranges', 'accept', 'access-control-allow-origin', 'age', 'allow'].map(plain),
  ...['authorization', 'cache-control', 'content-disposition', 'content-encoding', 'content-language'].map(
    plain,
  ),
  ...['content-length', 'content-location', 'content-range', 'content-type', 'cookie', 'date', 'etag'].map(
    plain,
  ),
  ...['expect', 'expires', 'from', 'host', 'if-match', 'if-modified-since', 'if-none-match', 'if-range'].map(
    plain,
  ),
  ...['if-unmodified-since', 'last-modified', 'link', 'location', 'max-forwards', 'proxy-authenticate'].map(
    plain,
  ),
  ...['proxy-authorization', 'range', 'referer', 'refresh', 'retry-after', 'server', 'set-cookie'].map(plain),
  ...['strict-transport-security', 'transfer-encoding', 'user-agent', 'vary', 'via', 'www-authenticate'].map(
    plain,
  ),
];
/** Index of the newest entry of the dynamic table. */
export const FIRST_DYNAMIC = STATIC_FIELDS.length;

function plain(name: string): readonly [string, string] {
  return [name, ''];
}

/** RFC 9113, 6.5.2: until the encoder says otherwise. */
const DEFAULT_LIMIT = 4096;
/** RFC 7541, 4.1. */
const ENTRY_OVERHEAD = 32;
/** Entries kept, and characters of their values; older ones become unknown. The same while the connection is idle. */
const MAX_ENTRIES = 256;
const MAX_VALUES = 8192;
const MAX_IDLE_ENTRIES = 128;
const MAX_IDLE_VALUES = 320;
const FIRST_CAPACITY = 16;

/** An entry's number: length of its name, whether it was referred to, and the code of its name, with 2 added. */
const NAME_LENGTH = 8;
const REFERRED = 0x80;
const CODE = 0x7f;
const CODE_BASE = 2;
const MAX_NAME_LENGTH = 0x7fff;

const NO_NUMBERS: number[] = [];
const NO_VALUES: Array<string | undefined> = [];
/** Between packed values, and in the place of one that is not known: no value has them (RFC 9113, 8.2.1). */
const BETWEEN = '\n';
const MISSING = '\0';

/**
 * The dynamic table of one direction: of each entry the code of its name and its size, and the value only where it is used.
 *
 * Where entries were inserted that were not seen, the newest ones are known all the same, since an index counts from the newest: `partial` says
 * that there may be others behind them. What its own bounds make it forget is no loss of certainty either.
 *
 * While the connection is idle it is two short strings.
 */
export class HpackTable {
  /** There may be entries that are not known. */
  partial = false;
  /** As the encoder set it; unknown, and then the table's own bounds hold, where what set it may not have been seen. */
  #limit = DEFAULT_LIMIT;
  /** Size of the known entries (RFC 7541, 4.1), and characters of their values. */
  #size = 0;
  #characters = 0;
  #count = 0;
  /** A ring: the newest entry is before `next`. */
  #next = 0;
  #names = NO_NUMBERS;
  #lengths = NO_NUMBERS;
  #values = NO_VALUES;
  /** What it was put away as: three characters an entry, oldest first, and the values of used names. */
  #entries: string | undefined = undefined;
  #texts = '';

  /** Entries were inserted that were not seen. */
  lose(): void {
    this.partial = true;
    this.#limit = Infinity;
    this.#clear();
  }

  /** A dynamic table size update (RFC 7541, 6.3). */
  resize(limit: number): void {
    this.#unpack();
    this.#limit = limit;
    this.#makeRoom(0);
  }

  /** Slot of the entry with this index, which is not of the static table; -1 where there is none, or it is not known. */
  slot(index: number): number {
    this.#unpack();
    const age = index - FIRST_DYNAMIC;
    if (age >= this.#count) return -1;
    const slot = (this.#next - 1 - age) & (this.#names.length - 1);
    this.#names[slot]! |= REFERRED;
    return slot;
  }

  /** Code of the name at the slot. */
  code(slot: number): number {
    return (this.#names[slot]! & CODE) - CODE_BASE;
  }

  nameLength(slot: number): number {
    return this.#names[slot]! >>> NAME_LENGTH;
  }

  /** Undefined where it is not used, or not known. */
  value(slot: number): string | undefined {
    return this.#values[slot];
  }

  insert(code: number, nameLength: number, valueLength: number, value: string | undefined): void {
    this.#unpack();
    const size = nameLength + valueLength + ENTRY_OVERHEAD;
    if (!this.#makeRoom(size)) return;
    const name = (Math.min(nameLength, MAX_NAME_LENGTH) << NAME_LENGTH) | (code + CODE_BASE);
    if (this.#count === MAX_ENTRIES) this.#forget();
    this.#add(name, valueLength, value);
    while (this.#characters > MAX_VALUES) this.#forget();
  }

  /** The connection is idle: lets go of all but what is needed. */
  pack(): void {
    if (this.#entries !== undefined) return;
    if (this.#count === 0) {
      this.#clear();
      return;
    }
    while (this.#count > MAX_IDLE_ENTRIES) this.#forget();
    if (this.#characters > MAX_IDLE_VALUES) this.#dropValues(0);
    if (this.#characters > MAX_IDLE_VALUES) this.#dropValues(REFERRED);
    const characters: number[] = [];
    const texts: string[] = [];
    for (let age = this.#count; age > 0; age--) {
      const slot = (this.#next - age) & (this.#names.length - 1);
      const name = this.#names[slot]!;
      characters.push(name & 0xff, name >>> NAME_LENGTH, Math.min(0xffff, this.#lengths[slot]!));
      if ((name & CODE) >= CODE_BASE) texts.push(packed(this.#values[slot]));
    }
    this.#entries = String.fromCharCode(...characters);
    this.#texts = texts.join(BETWEEN);
    this.#names = this.#lengths = NO_NUMBERS;
    this.#values = NO_VALUES;
  }

  #unpack(): void {
    const entries = this.#entries;
    if (entries === undefined) return;
    const texts = this.#texts.split(BETWEEN);
    this.#entries = undefined;
    this.#texts = '';
    this.#clear();
    for (let i = 0, text = 0; i < entries.length; i += 3) {
      const head = entries.charCodeAt(i);
      const name = (entries.charCodeAt(i + 1) << NAME_LENGTH) | head;
      const value = (head & CODE) >= CODE_BASE ? texts[text++] : undefined;
      this.#add(name, entries.charCodeAt(i + 2), value === MISSING ? undefined : value);
    }
  }

  #clear(): void {
    this.#entries = undefined;
    this.#texts = '';
    this.#size = this.#characters = this.#count = this.#next = 0;
    this.#names = NO_NUMBERS;
    this.#lengths = NO_NUMBERS;
    this.#values = NO_VALUES;
  }

  /** Evicts entries until one of this size fits (RFC 7541, 4.4). False if it never does. */
  #makeRoom(size: number): boolean {
    while (this.#count > 0 && this.#size + size > this.#limit) this.#removeOldest();
    return size <= this.#limit;
  }

  #add(name: number, length: number, value: string | undefined): void {
    if (this.#count === this.#names.length) this.#grow();
    const slot = this.#next;
    this.#names[slot] = name;
    this.#lengths[slot] = length;
    this.#values[slot] = value;
    this.#next = (slot + 1) & (this.#names.length - 1);
    this.#count++;
    this.#size += (name >>> NAME_LENGTH) + length + ENTRY_OVERHEAD;
    this.#characters += value?.length ?? 0;
  }

  /** Not evicted by the encoder: its index stays one. */
  #forget(): void {
    this.partial = true;
    this.#removeOldest();
  }

  #removeOldest(): void {
    const slot = (this.#next - this.#count) & (this.#names.length - 1);
    this.#size -= (this.#names[slot]! >>> NAME_LENGTH) + this.#lengths[slot]! + ENTRY_OVERHEAD;
    this.#characters -= this.#values[slot]?.length ?? 0;
    this.#values[slot] = undefined;
    this.#count--;
  }

  /** Forgets values until what is left is short enough, oldest first: those of entries with the given mark only. */
  #dropValues(mark: number): void {
    for (let age = this.#count; age > 0 && this.#characters > MAX_IDLE_VALUES; age--) {
      const slot = (this.#next - age) & (this.#names.length - 1);
      if ((this.#names[slot]! & REFERRED) !== mark) continue;
      this.#characters -= this.#values[slot]?.length ?? 0;
      this.#values[slot] = undefined;
    }
  }

  #grow(): void {
    const { length } = this.#names;
    const capacity = length === 0 ? FIRST_CAPACITY : length * 2;
    const from = this.#next - this.#count;
    const names = new Array<number>(capacity).fill(0);
    const lengths = new Array<number>(capacity).fill(0);
    const values = new Array<string | undefined>(capacity).fill(undefined);
    for (let i = 0; i < this.#count; i++) {
      const slot = (from + i) & (length - 1);
      names[i] = this.#names[slot]!;
      lengths[i] = this.#lengths[slot]!;
      values[i] = this.#values[slot];
    }
    this.#names = names;
    this.#lengths = lengths;
    this.#values = values;
    this.#next = this.#count;
  }
}

function packed(value: string | undefined): string {
  return value === undefined || value.includes(BETWEEN) ? MISSING : value;
}
