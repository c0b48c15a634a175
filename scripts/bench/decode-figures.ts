/** What `npm run bench:decode` has measured last, which docs/protocols.md shows. */
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = new URL('decode-figures.json', import.meta.url);

export interface Speed {
  /** Of a request or a response; CPU time of all threads, so with the collection of garbage. */
  nsPerMessage: number;
  /** Payload, of both directions. */
  megabytesPerSecond: number;
}

export interface SteadySpeed extends Speed {
  what: string;
  /** Messages a second. */
  bound: number;
}

export interface DecodeFigures {
  machine: string;
  steady: SteadySpeed[];
  /** By protocol; all that was recorded of it, on new connections each time. */
  whole: Record<string, Speed>;
  /** By protocol: bytes of a connection on which nothing happens, after the fixture of which most is kept. */
  idle: Record<string, number>;
}

export function readFigures(): DecodeFigures {
  return JSON.parse(readFileSync(FILE, 'utf8')) as DecodeFigures;
}

export function writeFigures(figures: DecodeFigures): void {
  writeFileSync(FILE, `${JSON.stringify(figures, undefined, 2)}\n`);
}
