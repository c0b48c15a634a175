import assert from 'node:assert/strict';
import type { Exchange } from '../../../src/decode/exchange.ts';
import type { Decoding } from '../../support/decoding.ts';
import { play, readWires, type Role, type Step, type Wire } from '../../support/wire.ts';

const FIXTURES = new URL('../../fixtures/decode/http/', import.meta.url);
const ROLES: Role[] = ['client', 'server'];
/** Conversations longer than this are not cut and damaged at every byte, but at so many places. */
const MAX_PLACES = 1500;

/** The exchanges in order of their requests, as attributes; what says which trace they belong to as `context.*`. */
function spansOf(decoding: Decoding): Array<Record<string, unknown>> {
  return [...decoding.closed]
    .sort((a, b) => a.requestPosition - b.requestPosition)
    .map((exchange: Exchange) => {
      const { attributes, contextHeaders } = decoding.describe(exchange);
      const context = Object.entries(contextHeaders ?? {}).filter(([, value]) => value !== undefined);
      return {
        ...attributes,
        ...Object.fromEntries(context.map(([key, value]) => [`context.${key}`, value])),
      };
    });
}

function lengthOf(steps: readonly Step[]): number {
  return steps.reduce((sum, step) => sum + (step.bytes?.length ?? 0), 0);
}

function places(length: number): number[] {
  const step = Math.max(1, Math.ceil(length / MAX_PLACES));
  return Array.from({ length: Math.floor(length / step) }, (_, i) => i * step);
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
    return { from: step.from, bytes };
  });
}

/** Clean exchanges behind a damaged conversation, each with its own path and status. */
const FOLLOWING = [201, 202, 203, 204].flatMap((status): Step[] => [
  { from: 'client', bytes: Buffer.from(`GET /after-${status} HTTP/1.1\r\nHost: h\r\n\r\n`) },
  { from: 'server', bytes: Buffer.from(`HTTP/1.1 ${status} ok\r\nContent-Length: 0\r\n\r\n`) },
]);

function pathOf(span: Record<string, unknown>): string {
  const url = span['url.full'] as string | undefined;
  return url ? url.replace(/^http:\/\/[^/]*/, '') : (span['url.path'] as string);
}

/** Whether every span that has a status has the status (and sizes) that was really answered to its path. */
function assertTrue(wire: Wire, role: Role, decoding: Decoding, what: string): void {
  const clean = spansOf(play(role, wire.steps));
  for (const span of spansOf(decoding)) {
    const status = span['http.response.status_code'];
    if (status === undefined) continue;
    const path = pathOf(span);
    const after = /^\/after-(\d+)/.exec(path);
    if (after) {
      assert.equal(status, Number(after[1]), `${role}, ${what}: ${path}`);
      continue;
    }
    const candidates = clean.filter(
      (other) =>
        pathOf(other) === path &&
        other['http.response.status_code'] === status &&
        ['http.request.body.size', 'http.response.body.size'].every(
          (key) => span[key] === undefined || span['error.type'] !== undefined || span[key] === other[key],
        ),
    );
    assert.notEqual(candidates.length, 0, `${role}, ${what}: ${JSON.stringify(span)}`);
  }
}

describe('decode/protocol/http1, damaged', () => {
  for (const wire of readWires(FIXTURES)) {
    describe(wire.name, function () {
      this.timeout(60_000);
      const length = lengthOf(wire.steps);
      const closing = wire.steps.findIndex((step) => !step.bytes);
      const talking = closing < 0 ? wire.steps : wire.steps.slice(0, closing);

      it('recovers from any damaged byte, and books it', () => {
        let lost = 0;
        const all = places(length);
        for (const role of ROLES) {
          for (const place of all) {
            const decoding = play(role, [...withFlip(talking, place), ...FOLLOWING]);
            const spans = spansOf(decoding);
            const found = spans.find((span) => pathOf(span) === '/after-204');
            if (!found) lost++;
            for (const span of spans) {
              const after = /^\/after-(\d+)/.exec(pathOf(span) ?? '');
              const status = span['http.response.status_code'];
              if (after && status !== undefined && found)
                assert.equal(status, Number(after[1]), `byte ${place}`);
            }
          }
        }
        // A damaged length is a length: it may swallow what follows, and so may a message that now has none.
        assert.ok(lost <= all.length * 2 * 0.12, `${lost} of ${all.length * 2} never recovered`);
      });

      it('never gives a wrong span when records are lost', () => {
        for (const role of ROLES) {
          for (let i = 0; i < talking.length; i++) {
            for (const width of [1, 2, 3]) {
              const lost = new Set(Array.from({ length: width }, (_, k) => i + k));
              assertTrue(
                wire,
                role,
                play(role, [...talking, ...FOLLOWING], { lost }),
                `lost ${[...lost].join()}`,
              );
            }
          }
        }
      });
    });
  }
});
