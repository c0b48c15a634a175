import type { SqlText } from '../sql.ts';
import type { SqlRequest, SqlResponse } from './sql-describe.ts';

/** Types of messages, as their byte says: client's and server's ones overlap. */
export const Type = {
  query: 0x51, // Q
  parse: 0x50, // P
  bind: 0x42, // B
  describe: 0x44, // D
  execute: 0x45, // E
  close: 0x43, // C
  flush: 0x48, // H
  sync: 0x53, // S
  functionCall: 0x46, // F
  terminate: 0x58, // X
  password: 0x70, // p
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyFail: 0x66, // f

  authentication: 0x52, // R
  parameterStatus: 0x53, // S
  notice: 0x4e, // N
  notification: 0x41, // A
  error: 0x45, // E
  complete: 0x43, // C
  ready: 0x5a, // Z
  rowDescription: 0x54, // T
  dataRow: 0x44, // D
  parameterDescription: 0x74, // t
  copyIn: 0x47, // G
  copyOut: 0x48, // H
  copyBoth: 0x57, // W
} as const;

export const HEADER = 5;
/** PostgreSQL allocates no more for a message. */
const MAX_LENGTH = 0x3fffffff;

/** Smallest and largest length of a message of this type, by direction; 0: there is no such type. */
const CLIENT_LENGTHS = lengths('QPBDECHSFXpdcf', { S: [4, 4], H: [4, 4], X: [4, 4], c: [4, 4] });
const SERVER_LENGTHS = lengths('RSKNAECZTDt123nsIGHWdcVv', {
  ...{ Z: [5, 5], '1': [4, 4], '2': [4, 4], '3': [4, 4], n: [4, 4], s: [4, 4], I: [4, 4], c: [4, 4] },
  ...{
    R: [8, 65_536],
    K: [12, 300],
    S: [6, 65_536],
    T: [6, MAX_LENGTH],
    D: [6, MAX_LENGTH],
    t: [6, 262_150],
  },
  ...{ G: [7, 65_536], H: [7, 65_536], W: [7, 65_536], C: [5, 256], A: [9, 65_536] },
});

function lengths(types: string, special: Record<string, readonly [number, number]>): Int32Array {
  const table = new Int32Array(512);
  for (const type of types) {
    const [least, most] = special[type] ?? [4, MAX_LENGTH];
    table[type.charCodeAt(0) * 2] = least;
    table[type.charCodeAt(0) * 2 + 1] = most;
  }
  return table;
}

/** Whether an end can send a message of this type and length, which counts itself. */
export function isMessage(type: number, length: number, fromClient: boolean): boolean {
  const table = fromClient ? CLIENT_LENGTHS : SERVER_LENGTHS;
  const least = table[type * 2]!;
  return least > 0 && length >= least && length <= table[type * 2 + 1]!;
}

/** What a request holds beside executions; the strongest names it where nothing was executed. */
export const Part = { sync: 0, close: 1, describe: 2, parse: 3 } as const;
/** Names of statements that are kept of one request. */
const MAX_NAMES = 64;
const PART_NAMES = ['SYNC', 'CLOSE', 'DESCRIBE', 'PREPARE'];

/** All messages of the client up to the one that the server answers with ReadyForQuery, or something else that is asked for at once. */
export class PostgresqlRequest implements SqlRequest {
  readonly database: string | undefined;
  /** What is asked for, where that is not done by messages of queries. */
  readonly asks: string | undefined;
  /** Strongest part. */
  part: number = Part.sync;
  /** Text of the last Parse, and of the statement bound last. */
  parsed: SqlText | undefined = undefined;
  bound: SqlText | undefined = undefined;
  /** Something was bound and not executed so far. */
  pending = false;
  /** The connection is over. */
  dead = false;
  /** The end of the request was not captured. */
  cut = false;
  /** What was lost may have been part of it: it is not known what it asks for. */
  torn = false;
  /** Statements that it makes, and of each name the last one that is called so. */
  parses = 0;
  #names: Map<string, number> | undefined = undefined;
  #executions = 0;
  #first: SqlText | undefined = undefined;
  #last: SqlText | undefined = undefined;
  #text: string | undefined = undefined;
  #sameSummary = true;
  /** The statements of all executions are. */
  #known = true;
  readonly #limit: number;

  constructor(database: string | undefined, asks: string | undefined, limit: number) {
    this.database = database;
    this.asks = asks;
    this.#limit = limit;
  }

  /** `text`: undefined where the statement is not known. */
  execute(text: SqlText | undefined): void {
    this.pending = false;
    // Drivers put it before the first statement of a transaction on their own account.
    if (this.#executions === 1 && isBegin(this.#first)) this.#executions = 0;
    this.#executions++;
    if (this.#executions === 1) {
      this.#first = text;
      this.#text = text?.text;
      this.#known = text !== undefined;
    } else if (!isSame(text, this.#last)) {
      this.#known &&= text !== undefined;
      this.#sameSummary &&= text?.summary === this.#first?.summary;
      if (this.#text !== undefined && text?.text !== undefined)
        this.#text = `${this.#text}; ${text.text}`.slice(0, this.#limit);
      else this.#text = undefined;
    }
    this.#last = text;
  }

  /** False: there are too many names. */
  names(name: string): boolean {
    const names = (this.#names ??= new Map<string, number>());
    const kept = names.size < MAX_NAMES || names.has(name);
    if (kept) names.set(name, this.parses);
    this.parses++;
    return kept;
  }

  /** Names of the statements that are not made, where only `made` of them are. */
  unmade(made: number): string[] {
    const names = this.#names === undefined ? [] : [...this.#names];
    return names.filter(([, ordinal]) => ordinal >= made).map(([name]) => name);
  }

  /** What was bound last is taken for executed where it is not known whether it was. */
  get #executed(): number {
    return this.#executions === 0 && this.cut && this.pending ? 1 : this.#executions;
  }

  get operation(): string | undefined {
    if (this.asks !== undefined || this.torn) return this.asks;
    return this.#executed > 0 || this.cut ? undefined : PART_NAMES[this.part];
  }

  get #shown(): SqlText | undefined {
    if (this.torn) return undefined;
    if (this.#executed === 0) return this.cut ? undefined : this.parsed;
    return this.#executions === 0 ? this.bound : this.#first;
  }

  get text(): string | undefined {
    return this.#executions > 1 && !this.torn ? this.#text : this.#shown?.text;
  }

  get summary(): string | undefined {
    const summary = this.#shown?.summary;
    if (this.#executed === 0) return summary === undefined ? undefined : `PREPARE ${summary}`;
    if (this.#executions <= 1 || this.torn) return summary;
    if (!this.#known) return undefined;
    return this.#sameSummary && summary !== undefined ? `BATCH ${summary}` : 'BATCH';
  }

  get batch(): number | undefined {
    return this.#executions > 1 && !this.torn && !this.cut ? this.#executions : undefined;
  }
}

function isBegin(text: SqlText | undefined): boolean {
  return text?.summary?.toUpperCase() === 'BEGIN';
}

function isSame(a: SqlText | undefined, b: SqlText | undefined): boolean {
  return a === b || (a?.text === b?.text && a?.summary === b?.summary);
}

export class PostgresqlResponse implements SqlResponse {
  /** SQLSTATE of the first error. */
  code: string | undefined = undefined;
  /** Rows so far, and whether that is how many there are of what was asked for. */
  counted = 0;
  hasRows = false;
  /** Statements that were made. */
  parsed = 0;
  /** All of it was seen. */
  whole = false;

  get rows(): number | undefined {
    return this.whole && this.hasRows && this.code === undefined ? this.counted : undefined;
  }
}
