/**
 * Whether the whole of `text` fits a pattern of `*` (any characters, none too), `?` (one) and literal text. Time is at most the product
 * of both lengths, whatever the text: it may come from a stranger, and a regular expression of many stars does not bound it.
 */
export function matchesGlob(glob: string, text: string): boolean {
  let g = 0;
  let t = 0;
  let star = -1;
  let retry = 0;
  while (t < text.length) {
    const wanted = glob[g];
    if (wanted === '*') {
      star = g++;
      retry = t;
    } else if (wanted === '?' || (wanted !== undefined && wanted === text[t])) {
      g++;
      t++;
    } else if (star >= 0) {
      g = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}

type Shape = 'literal' | 'prefix' | 'suffix' | 'part' | 'any';

/** `matchesGlob` for a pattern that is used often: the common shapes (literal, one star at an end) need no loop. */
export class Glob {
  readonly pattern: string;
  readonly shape: Shape;
  readonly #body: string;

  constructor(pattern: string) {
    this.pattern = pattern;
    this.#body = pattern.replace(/^\*|\*$/g, '');
    const open = pattern.startsWith('*');
    const free = pattern.endsWith('*');
    if (pattern === '*' || /[*?]/.test(this.#body)) this.shape = 'any';
    else if (open) this.shape = free ? 'part' : 'suffix';
    else this.shape = free ? 'prefix' : 'literal';
  }

  matches(text: string): boolean {
    switch (this.shape) {
      case 'literal':
        return text === this.#body;
      case 'prefix':
        return text.startsWith(this.#body);
      case 'suffix':
        return text.endsWith(this.#body);
      case 'part':
        return text.includes(this.#body);
      case 'any':
        return matchesGlob(this.pattern, text);
    }
  }
}
