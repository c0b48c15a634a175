/** A host out of random numbers: the files as the kernel writes them, and what has to be read of them, worked out from the numbers alone. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Value by `name{value,…}` of attributes. */
export type Expected = Map<string, number>;

const DIGITS = 15;

export class TreeMaker {
  readonly expected: Expected = new Map();
  readonly #root: string;
  readonly #random: () => number;

  constructor(root: string, random: () => number) {
    this.#root = root;
    this.#random = random;
  }

  /** From 0 to less than `below`; one in five is 0, one in five is large. */
  number(below = 1e12): number {
    const kind = this.#random();
    if (kind < 0.2) return 0;
    return Math.floor(this.#random() * (kind < 0.8 ? Math.min(below, 10_000) : below));
  }

  numbers(count: number, below?: number): number[] {
    return Array.from({ length: count }, () => this.number(below));
  }

  chance(): boolean {
    return this.#random() < 0.5;
  }

  name(prefix: string): string {
    return `${prefix}${Math.floor(this.#random() * 36 ** 6).toString(36)}`;
  }

  file(name: string, text: string): void {
    const file = path.join(this.#root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  link(name: string, to: string): void {
    symlinkSync(to, path.join(this.#root, name));
  }

  expect(name: string, attributes: readonly string[], value: number): void {
    this.expected.set(keyOf(name, attributes), rounded(value));
  }
}

export function keyOf(name: string, attributes: readonly string[]): string {
  return `${name}{${attributes.join(',')}}`;
}

/** What is the same but for the order in which it was added up is the same. */
export function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS - 2));
}
