/**
 * The Huffman code of HPACK (RFC 7541, 5.2 and appendix B), decoded four bits at a time. The code is canonical: it follows from the lengths of its
 * words, shorter ones first and those of one length in the order of their symbols.
 */

/** Bits of each byte's code word, and of the end mark (EOS). */
// prettier-ignore
const LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const EOS = 256;
const LONGEST = 30;
/** A string may end with up to so many bits of the end mark. */
const MAX_PADDING = 7;

/** Of a step: the node that it leads to, the symbol that it completes, and whether it does or cannot be. */
const NODE = 0xff;
const SYMBOL = 8;
const COMPLETES = 0x10000;
const INVALID = 0x20000;

/** By node and the next four bits. */
const STEPS = new Int32Array(256 * 16);
/** 1 for nodes at which a string may end. */
const ENDS = new Uint8Array(256);

/** The tree: by node and bit a node, or a symbol as `~symbol`. */
function createTree(): number[] {
  const children: number[] = [0, 0];
  let code = 0;
  for (let length = 1; length <= LONGEST; length++, code <<= 1) {
    LENGTHS.forEach((bits, symbol) => {
      if (bits === length) addWord(children, code++, length, symbol);
    });
  }
  return children;
}

function addWord(children: number[], code: number, length: number, symbol: number): void {
  let node = 0;
  for (let bit = length - 1; bit > 0; bit--) {
    const at = node * 2 + ((code >>> bit) & 1);
    if (children[at] === 0) {
      children[at] = children.length / 2;
      children.push(0, 0);
    }
    node = children[at]!;
  }
  children[node * 2 + (code & 1)] = ~symbol;
}

function stepFrom(children: readonly number[], from: number, bits: number): number {
  let node = from;
  let completed = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[node * 2 + ((bits >>> bit) & 1)]!;
    if (child === ~EOS) return INVALID;
    if (child < 0) completed = COMPLETES | (~child << SYMBOL);
    node = child < 0 ? 0 : child;
  }
  return node | completed;
}

function fillSteps(): void {
  const children = createTree();
  for (let node = 0; node < 256; node++)
    for (let bits = 0; bits < 16; bits++) STEPS[node * 16 + bits] = stepFrom(children, node, bits);
  for (let node = 0, depth = 0; depth <= MAX_PADDING; node = children[node * 2 + 1]!, depth++) ENDS[node] = 1;
}
fillSteps();

/** Decodes `[from, to)` into `out`, which must have room for 8/5 of it. Returns the length, -1 if it is no valid string. */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number, out: Uint8Array): number {
  let length = 0;
  let node = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    let step = STEPS[(node << 4) | (byte >>> 4)]!;
    if ((step & COMPLETES) !== 0) out[length++] = step >>> SYMBOL;
    const invalid = step & INVALID;
    step = STEPS[((step & NODE) << 4) | (byte & 15)]!;
    if (((step | invalid) & INVALID) !== 0) return -1;
    if ((step & COMPLETES) !== 0) out[length++] = step >>> SYMBOL;
    node = step & NODE;
  }
  return ENDS[node] === 1 ? length : -1;
}
