import type { SqlText } from '../sql.ts';

const MAX_STATEMENTS = 64;
/** Characters of all texts of one connection. */
const MAX_CHARACTERS = 65_536;

/** Texts of the statements that a connection has prepared, by what it calls them; those that were used longest ago are forgotten. */
export class Statements<Name extends string | number> {
  #texts: Map<Name, SqlText> | undefined = undefined;
  #characters = 0;

  get size(): number {
    return this.#texts?.size ?? 0;
  }

  get(name: Name): SqlText | undefined {
    const found = this.#texts?.get(name);
    if (found !== undefined && this.#texts!.size > 1) {
      this.#texts!.delete(name);
      this.#texts!.set(name, found);
    }
    return found;
  }

  set(name: Name, text: SqlText): void {
    this.delete(name);
    const texts = (this.#texts ??= new Map<Name, SqlText>());
    texts.set(name, text);
    this.#characters += lengthOf(text);
    for (const oldest of texts.keys()) {
      if (texts.size <= MAX_STATEMENTS && this.#characters <= MAX_CHARACTERS) return;
      this.delete(oldest);
    }
  }

  delete(name: Name): void {
    const found = this.#texts?.get(name);
    if (found === undefined) return;
    this.#characters -= lengthOf(found);
    this.#texts!.delete(name);
  }

  clear(): void {
    this.#texts = undefined;
    this.#characters = 0;
  }
}

function lengthOf({ text, summary }: SqlText): number {
  return (text?.length ?? 0) + (summary?.length ?? 0);
}
