import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { NO_CONTEXT } from '../../src/link/sampler.ts';
import { clientSpanId, rootTraceId } from '../../src/link/ids.ts';
import { directoryKey, entryOf, parseEntry } from '../../src/link/directory-entry.ts';
import { hopKey } from './make-exchange.ts';

const hop = { key: hopKey(0x2f4a91c3, 0x8e0176d5), id: undefined };
const context = {
  traceId: rootTraceId(hop.key),
  spanId: clientSpanId(hop.key),
  incomingFlags: NO_CONTEXT,
  traceState: undefined,
};

describe('link/directory-entry', () => {
  it('is what docs/ids.md says', () => {
    const doc = readFileSync(new URL('../../docs/ids.md', import.meta.url), 'utf8');
    for (const traceState of [undefined, 'rojo=1,congo=2']) {
      const { key, value } = entryOf({ ...hop }, { ...context, traceState }, true);
      const row = new RegExp(`^\\| \`${key}\`\\s*\\| \`${value}\`\\s*\\|$`, 'm');
      assert.match(doc, row);
    }
  });

  it('comes out as it went in, with the decision that was made about its trace', () => {
    for (const [incomingFlags, sampled, flags] of [
      [NO_CONTEXT, true, 1],
      [NO_CONTEXT, false, 0],
      [1, true, 1],
      [3, true, 3],
      [3, false, 2],
    ] as const) {
      const entry = entryOf({ ...hop }, { ...context, incomingFlags, traceState: 'a=1' }, sampled);
      assert.equal(entry.key, directoryKey({ ...hop }));
      assert.deepEqual(parseEntry(entry), { ...context, incomingFlags: flags, traceState: 'a=1' });
    }
  });

  it('is not read where it is damaged', () => {
    const { key, value } = entryOf({ ...hop }, context, true);
    for (const bad of ['', ' ', value.slice(1), `${value}x`, value.replace(context.spanId, '0'.repeat(16))])
      assert.equal(parseEntry({ key, value: bad }), undefined);
    assert.equal(parseEntry({ key, value: `${value} not a state` })!.traceState, undefined);
  });
});
