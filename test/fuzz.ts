/**
 * Damaged conversations: what real programs said (test/fixtures/decode/), with bytes flipped, cut out, put in and taken from other conversations. Whatever
 * comes, nothing is thrown, the books balance, no conversation takes long, and none keeps more than its bounds.
 *
 *   npm run fuzz -- [--records 10000000] [--seconds N] [--seed N] [--protocol NAME]
 *
 * The first of `--records` and `--seconds` ends it. A failure prints the seed and the round, with which it can be repeated: --seed S --round R.
 */
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { random } from './support/random.ts';
import { play, readWires, type Step, type Wire } from './support/wire.ts';

const FIXTURES = new URL('fixtures/decode/', import.meta.url);
/** A conversation of a few KiB takes milliseconds. */
const MAX_MS = 5000;
/** Numbers at which lengths and counts turn over. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 13, 10, 32, 0x2a, 0x24];

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: '86400' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    round: { type: 'string' },
    protocol: { type: 'string' },
  },
});
const seed = Number(values.seed);

type Random = () => number;
const below = (next: Random, bound: number): number => Math.floor(next() * bound);

const wires: Wire[] = readdirSync(FIXTURES)
  .filter((protocol) => values.protocol === undefined || protocol === values.protocol)
  .flatMap((protocol) => readWires(new URL(`${protocol}/`, FIXTURES)));
if (wires.length === 0) throw new Error(`no fixtures of "${values.protocol}"`);
const pieces = wires.flatMap(({ steps }) => steps.flatMap(({ bytes }) => (bytes ? [bytes] : [])));

function mutated(bytes: Uint8Array, next: Random): Uint8Array {
  const at = below(next, bytes.length);
  const copy = Buffer.from(bytes);
  switch (below(next, 7)) {
    case 0:
      copy[at]! ^= 1 << below(next, 8);
      return copy;
    case 1:
      copy[at] = EDGES[below(next, EDGES.length)]!;
      return copy;
    case 2:
      return copy.subarray(0, at);
    case 3:
      return Buffer.concat([
        copy.subarray(0, at),
        copy.subarray(Math.min(copy.length, at + 1 + below(next, 9))),
      ]);
    case 4: {
      const piece = pieces[below(next, pieces.length)]!;
      const from = below(next, piece.length);
      const part = piece.subarray(from, from + 1 + below(next, 64));
      return Buffer.concat([copy.subarray(0, at), part, copy.subarray(at)]);
    }
    case 5:
      return Buffer.concat([
        copy.subarray(0, at),
        Buffer.alloc(1 + below(next, 16), below(next, 256)),
        copy.subarray(at),
      ]);
    default:
      return Buffer.concat([copy, copy.subarray(at)]);
  }
}

/** A conversation with some of its steps damaged, doubled, left out or in another order. */
function damaged(wire: Wire, next: Random): Step[] {
  const steps = wire.steps.map((step) => ({ ...step }));
  for (let count = 1 + below(next, 4); count > 0; count--) {
    const i = below(next, steps.length);
    const step = steps[i]!;
    const what = next();
    if (what < 0.75) {
      if (step.bytes && step.bytes.length > 0) step.bytes = mutated(step.bytes, next);
    } else if (what < 0.85) steps.splice(i, 1);
    else if (what < 0.95) steps.splice(i, 0, { ...step });
    else if (step.bytes) step.from = step.from === 'client' ? 'server' : 'client';
    if (steps.length === 0) break;
  }
  return steps.filter(({ bytes }) => bytes === undefined || bytes.length > 0);
}

/** One round: another conversation, damaged in another way. Returns the records that were decoded. */
function round(number: number): number {
  const next = random(seed + number);
  const wire = wires[below(next, wires.length)]!;
  const steps = damaged(wire, next);
  const { transport, port } = wire;
  const role = next() < 0.5 ? 'client' : 'server';
  const began = performance.now();
  try {
    const decoding = play(role, steps, { transport, port });
    for (const exchange of decoding.closed) decoding.describe(exchange);
    const ms = performance.now() - began;
    if (ms > MAX_MS) throw new Error(`took ${ms} ms`);
  } catch (error) {
    process.stderr.write(`${wire.name}, ${role}: --seed ${seed} --round ${number}\n`);
    throw error;
  }
  return steps.length;
}

if (values.round !== undefined) {
  round(Number(values.round));
} else {
  const end = performance.now() + Number(values.seconds) * 1000;
  let records = 0;
  let rounds = 0;
  for (; records < Number(values.records) && performance.now() < end; rounds++) records += round(rounds);
  process.stdout.write(
    `fuzz: ${records} records in ${rounds} damaged conversations, seed ${seed}: nothing found\n`,
  );
}
