import { createHash } from 'node:crypto';
import type { SqlText } from '../sql.ts';

/** Prepared statements by their ids; those that were not used for longest make room. */
export class Statements {
  readonly #known = new Map<string, SqlText>();
  readonly #most: number;
  readonly #mostCharacters: number;
  #characters = 0;

  constructor(most: number, mostCharacters: number) {
    this.#most = most;
    this.#mostCharacters = mostCharacters;
  }

  get(id: string): SqlText | undefined {
    const statement = this.#known.get(id);
    if (statement === undefined) return undefined;
    this.#known.delete(id);
    this.#known.set(id, statement);
    return statement;
  }

  set(id: string, statement: SqlText): void {
    this.#delete(id);
    this.#known.set(id, statement);
    this.#characters += sizeOf(id, statement);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= this.#most && this.#characters <= this.#mostCharacters) return;
      this.#delete(oldest);
    }
  }

  get size(): number {
    return this.#known.size;
  }

  #delete(id: string): void {
    const statement = this.#known.get(id);
    if (statement === undefined) return;
    this.#known.delete(id);
    this.#characters -= sizeOf(id, statement);
  }
}

function sizeOf(id: string, { text = '', summary = '' }: SqlText): number {
  return id.length + text.length + summary.length;
}

/** True if Cassandra makes this id (latin1) of the statement: the MD5 of its text, with the keyspace in front where it names none itself. */
export function isIdOf(id: string, text: string, keyspaces: ReadonlyArray<string | undefined>): boolean {
  return keyspaces.some((keyspace) => md5((keyspace ?? '') + text) === id);
}

function md5(text: string): string | undefined {
  try {
    return createHash('md5').update(text).digest('binary');
  } catch {
    // Forbidden on this host.
    return undefined;
  }
}
