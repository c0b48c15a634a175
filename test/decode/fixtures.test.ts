/**
 * What is true of every protocol, checked with every conversation in test/fixtures/decode/<protocol>/: no test code is needed for another one.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import type { ProtocolName } from '../../src/base/settings.ts';
import type { Exchange } from '../../src/decode/exchange.ts';
import type { Decoding } from '../support/decoding.ts';
import { random } from '../support/random.ts';
import {
  expectedAt,
  play,
  readWires,
  type PlayOptions,
  type Role,
  type Step,
  type Wire,
} from '../support/wire.ts';

const FIXTURES = new URL('../fixtures/decode/', import.meta.url);
const ROLES: Role[] = ['client', 'server'];
/**
 * Conversations longer than this are not cut and damaged at every byte, but at so many places, at one end and the other in turn.
 * UNDERTRACE_PLACES=1000000 takes every byte, which takes an hour.
 */
const MAX_PLACES = Number(process.env.UNDERTRACE_PLACES ?? 400);
/** What may differ where something was not seen. */
const UNSURE =
  /^(undertrace\.exchange\.incomplete|error\.type|db\.response\.|.*\.(size|count)|.*\.(size|count)\.\w+)$/;

/** Protocols whose messages refer to earlier ones: behind damage they are found again, but not all that they say is known. */
const REFERRING = new Set(['http2']);

/** What the end of a request tells, which is known where a lost record makes the response be read later. */
const LATE = /\.(body\.size|messages\.(sent|received))$/;

/** Long enough for what a connection keeps while nothing happens on it to be made small. */
const PAUSE_NS = 2.5e9;

type Attributes = Record<string, unknown>;

/** The exchanges in order of their requests, as attributes; what says which trace they belong to as `context.*`. */
function spansOf(decoding: Decoding): Attributes[] {
  return inOrder(decoding).map((exchange) => spanOf(decoding, exchange));
}

function inOrder({ closed }: Decoding): Exchange[] {
  return [...closed].sort((a, b) => a.startNs - b.startNs || a.requestPosition - b.requestPosition);
}

function spanOf(decoding: Decoding, exchange: Exchange): Attributes {
  const { attributes, contextHeaders, name, kind, errorType } = decoding.describe(exchange);
  const context = Object.entries(contextHeaders ?? {}).filter(([, value]) => value !== undefined);
  return {
    ...attributes,
    ...(errorType === undefined ? {} : { 'error.type': errorType }),
    ...Object.fromEntries(context.map(([key, value]) => [`context.${key}`, value])),
    ...{ name, kind: kind ?? exchange.role, protocol: exchange.protocol },
  };
}

function assertSpans(wire: Wire, role: Role, decoding: Decoding, what: string): void {
  const spans = spansOf(decoding);
  const names = JSON.stringify(spans.map((span) => span['name']));
  assert.equal(spans.length, wire.spans.length, `${role}, ${what}: number of spans: ${names}`);
  wire.spans.forEach((expected, i) => {
    for (const [key, value] of expectedAt(role, expected)) {
      assert.deepEqual(spans[i]![key] ?? null, value, `${role}, ${what}, span ${i}: ${key}`);
    }
  });
}

/** Splits the steps at the given byte offsets of the whole conversation. */
function cutAt(steps: readonly Step[], offsets: readonly number[]): Step[] {
  const result: Step[] = [];
  let start = 0;
  for (const step of steps) {
    if (!step.bytes) {
      result.push(step);
      continue;
    }
    const end = start + step.bytes.length;
    const cuts = [start, ...offsets.filter((offset) => offset > start && offset < end), end];
    for (let i = 1; i < cuts.length; i++) {
      result.push({ from: step.from, bytes: step.bytes.subarray(cuts[i - 1]! - start, cuts[i]! - start) });
    }
    if (step.pauseNs !== undefined) result.at(-1)!.pauseNs = step.pauseNs;
    start = end;
  }
  return result;
}

function lengthOf(steps: readonly Step[]): number {
  return steps.reduce((sum, step) => sum + (step.bytes?.length ?? 0), 0);
}

function places(length: number): number[] {
  const step = Math.max(1, Math.ceil(length / MAX_PLACES));
  return Array.from({ length: Math.ceil(length / step) }, (_, i) => i * step);
}

/** Where not every byte is tried, one end and the other in turn. */
function rolesOf(index: number): Role[] {
  return MAX_PLACES > 1000 ? ROLES : [ROLES[index % 2]!];
}

function withFlip(steps: readonly Step[], offset: number): Step[] {
  let start = 0;
  return steps.map((step) => {
    const length = step.bytes?.length ?? 0;
    const inside = offset >= start && offset < start + length;
    const at = offset - start;
    start += length;
    if (!inside) return step;
    const bytes = Uint8Array.from(step.bytes!);
    bytes[at]! ^= 0x11;
    return { ...step, bytes };
  });
}

/** Whether a span says nothing but what one of the others says, as far as it was seen. */
function isOneOf(span: Attributes, clean: readonly Attributes[], before?: string): boolean {
  const unsure = span['undertrace.exchange.incomplete'] !== undefined || span['error.type'] !== undefined;
  // That the protocol was switched may be in what is missing.
  const stayed = before !== undefined && unsure && span['protocol'] === before;
  const keys = Object.keys(span)
    .filter((key) => !unsure || !UNSURE.test(key))
    .filter((key) => !stayed || !key.includes('protocol'));
  const agrees = (other: Attributes, key: string): boolean =>
    JSON.stringify(other[key]) === JSON.stringify(span[key]) || (LATE.test(key) && other[key] === undefined);
  return clean.some((other) => keys.every((key) => agrees(other, key) || isLess(key, span, other)));
}

/**
 * A name that says less, since what it is made of was in what is missing; a destination of several parts of which one is; a method of which it is not
 * known that the server has none such; the product whose protocol another one speaks, which says so in its greeting; a text up to where it is not known
 * what is a literal; a call that both ends have cancelled, of which it is not known that its client did so first, for its time limit.
 */
function isLess(key: string, span: Attributes, other: Attributes): boolean {
  if (key === 'rpc.response.status_code')
    return span[key] === 'CANCELLED' && other[key] === 'DEADLINE_EXCEEDED';
  if (key === 'db.system.name') return span[key] === 'mysql' && other[key] === 'mariadb';
  if (key === 'db.query.text') return String(other[key]).startsWith(String(span[key]));
  if (key === 'messaging.destination.name') return String(other[key]).startsWith(`${String(span[key])}:`);
  if (key === 'name' && String(other[key]).startsWith(`${String(span[key])}:`)) return true;
  if (key !== 'name' && key !== 'rpc.method') return false;
  return Object.keys(other).some((known) => known !== 'error.type' && span[known] === undefined);
}

function sameSpan(a: Attributes, b: Attributes): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

for (const protocol of readdirSync(FIXTURES).sort()) {
  for (const wire of readWires(new URL(`${protocol}/`, FIXTURES))) {
    describe(`fixtures/decode/${protocol}/${wire.name}`, function () {
      this.timeout(120_000);
      const { transport, port, steps } = wire;
      const length = lengthOf(steps);
      const stream = transport !== 'udp';
      const closing = steps.findIndex((step) => !step.bytes);
      const talking = closing < 0 ? steps : steps.slice(0, closing);
      const over = (role: Role, played: readonly Step[], options: PlayOptions = {}): Decoding =>
        play(role, played, { transport, port, ...options });

      it('gives its spans at both ends', () => {
        for (const role of ROLES) {
          const decoding = over(role, steps);
          assertSpans(wire, role, decoding, 'as it was');
          // An exchange that goes on in another protocol (an upgrade) has that one's name.
          const names = new Set(decoding.closed.map((exchange) => exchange.protocol));
          if (wire.spans.length > 0) assert.ok(names.has(wire.then ?? protocol), [...names].join());
        }
      });

      it('gives the same spans when nothing happens for a while after every record', () => {
        for (const role of ROLES)
          assertSpans(wire, role, over(role, steps, { pauseNs: PAUSE_NS }), 'with pauses');
      });

      if (stream) {
        it('gives the same spans when a record is cut at any byte', () => {
          places(length).forEach((place, i) => {
            for (const role of rolesOf(i))
              assertSpans(wire, role, over(role, cutAt(steps, [place])), `cut at ${place}`);
          });
        });

        it('gives the same spans when it is cut anyhow', () => {
          const next = random(length);
          for (let round = 0; round < 40; round++) {
            const count = 1 + Math.floor(next() * 60);
            const cuts = Array.from({ length: count }, () => Math.floor(next() * length));
            const cut = cutAt(
              steps,
              [...new Set(cuts)].sort((a, b) => a - b),
            );
            for (const role of ROLES) assertSpans(wire, role, over(role, cut), `round ${round}`);
          }
        });

        it('gives the same spans byte by byte', () => {
          const all = Array.from({ length: Math.min(length, 20_000) }, (_, i) => i);
          for (const role of ROLES) assertSpans(wire, role, over(role, cutAt(steps, all)), 'bytes');
        });
      }

      it('books a damaged byte anywhere, and finds what follows it', () => {
        let lost = 0;
        let tried = 0;
        const clean = { client: over('client', talking), server: over('server', talking) };
        const lasts = { client: inOrder(clean.client).at(-1), server: inOrder(clean.server).at(-1) };
        places(length).forEach((place, i) => {
          for (const role of rolesOf(i)) {
            const last = lasts[role];
            const damaged = over(role, withFlip(talking, place));
            if (last === undefined || place > length / 3 || wire.spans.length < 4) continue;
            tried++;
            const found = inOrder(damaged).at(-1);
            if (found?.requestPosition !== last.requestPosition) lost++;
            else if (!REFERRING.has(protocol) && !sameSpan(spanOf(damaged, found), spanOf(clean[role], last)))
              lost++;
          }
        });
        // A damaged length is a length: it may swallow what follows.
        assert.ok(lost <= tried * 0.35, `the last span of ${lost} of ${tried} never came`);
      });

      it('never gives a wrong span when records are lost', () => {
        for (const role of ROLES) {
          const clean = [...spansOf(over(role, talking)), ...spansOf(over(role, steps))];
          for (let i = 0; i < talking.length; i++) {
            for (const width of [1, 2, 3]) {
              const lost = new Set(Array.from({ length: width }, (_, k) => i + k));
              for (const span of spansOf(over(role, talking, { lost })))
                assert.ok(
                  isOneOf(span, clean, wire.before),
                  `${role}, lost ${[...lost].join()}: ${JSON.stringify(span)}`,
                );
            }
          }
        }
      });

      it('says nothing wrong when it is joined at any message', () => {
        for (const role of ROLES) {
          const clean = [...spansOf(over(role, talking)), ...spansOf(over(role, steps))];
          for (let from = 1; from < talking.length; from++) {
            const lost = new Set(Array.from({ length: from }, (_, k) => k));
            for (const span of spansOf(over(role, talking, { lost })))
              assert.ok(isOneOf(span, clean, wire.before), `${role}, from ${from}: ${JSON.stringify(span)}`);
          }
        }
      });

      it('is claimed by no other protocol', () => {
        const protocolsOff = [protocol, ...(wire.then === undefined ? [] : [wire.then])] as ProtocolName[];
        for (const role of ROLES) {
          const { closed } = over(role, steps, { protocolsOff });
          assert.deepEqual(
            closed.map((exchange) => exchange.protocol),
            closed.map(() => wire.before ?? ''),
          );
        }
      });
    });
  }
}
