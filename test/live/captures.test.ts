/**
 * Recordings of every cell of the truth laboratory, replayed: the links that were right once stay right, and no wrong one comes up. Made anew with
 * `npm run bench:links -- --record test/fixtures/links --clients 16 --links 1000` when the records change; pools have something to teach from 4000 on.
 */
import assert from 'node:assert/strict';
import { needRoot } from '../support/programs.ts';
import { FIXTURES, measureRecording, readAbout, recordings } from '../links/laboratory.ts';
import { CELLS } from '../links/cells.ts';

/** Share of the links whose parent or, less sure, span link is right, at least; of the cells that are not named none need be. */
const FLOORS: Readonly<Record<string, number>> = {
  'node-async-await': 1,
  'node-pooled-fetch': 1,
  'python-flask-threaded': 1,
  'java-thread-per-request': 1,
  'c-thread-per-request': 1,
  'nginx-proxy': 1,
  'java-executor-pool': 0.92,
  'python-flask-executor': 0.87,
  'java-invoke-all-pool': 0.81,
  'python-http-server-map': 0.91,
  'chain-of-four': 0.99,
};

describe('recordings of the laboratory', function () {
  this.timeout(60_000);

  before(function () {
    needRoot(this);
  });

  const folders = recordings(FIXTURES);

  it('are there for every cell', () => {
    assert.deepEqual(
      folders.map((folder) => readAbout(folder).cell).sort(),
      CELLS.map(({ name }) => name).sort(),
    );
  });

  for (const folder of folders) {
    const { cell } = readAbout(folder);
    it(`give the links of ${cell}`, async () => {
      const { report } = await measureRecording(folder, { drop: 0, blankIds: false });
      const { spans, hop, inner, confident, candidates } = report!;
      assert.deepEqual(spans, { missing: 0, repeated: 0, unknown: 0 });
      assert.equal(hop.right, hop.expected, 'hops');
      assert.equal(confident.given, confident.right, 'a parent that is not the true one');
      const right = inner.right + (candidates.residual?.right ?? 0);
      const floor = FLOORS[cell] ?? 0;
      assert.ok(right >= floor * inner.expected, `${right} of ${inner.expected} links are right`);
    });
  }
});
