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
