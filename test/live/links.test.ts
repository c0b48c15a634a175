/**
 * A few cells of the truth laboratory (test/links/), with few requests: its spans and its truth match up, every hop is right, and no parent is
 * given that is not the true one. `npm run bench:links` measures all of it.
 */
import assert from 'node:assert/strict';
import { lacking, needRoot } from '../support/programs.ts';
import { CELLS, lackOf, linksPerRequest } from '../links/cells.ts';
import { measureLive } from '../links/laboratory.ts';

const CLIENTS = 16;
const REQUESTS = 400;
/** The chain makes four times as many a request. */
const MOST_LINKS = 1600;
/** Share of the links with a parent that is not the true one, at a confidence of 0.9 and more. */
const MOST_WRONG = 0.001;
/** One of each kind, with the least share of its links that must be right: where no rule holds none need be, but no wrong one either. */
const QUICK: Readonly<Record<string, number>> = {
  'node-async-await': 0.98,
  'node-timers-between': 0,
  'node-exhausted-agent': 0,
  'python-flask-threaded': 0.99,
  'python-asyncio-aiohttp': 0,
  // Of two calls made at once the one that is answered first often wakes nobody, nor does any before the process is known to have a pool.
  'python-flask-executor': 0.3,
  'java-executor-pool': 0.4,
  'go-net-http': 0,
  'c-thread-per-request': 0.99,
  'nginx-proxy': 0.98,
  'chain-of-four': 0.95,
};

describe('links of the laboratory', function () {
  this.timeout(60_000);

  before(function () {
    needRoot(this);
  });

  for (const [name, least] of Object.entries(QUICK)) {
    it(`match the truth of ${name}`, async function () {
      const cell = CELLS.find((each) => each.name === name)!;
      const lack = lackOf(cell);
      if (lack !== undefined) lacking(this, lack);
      const links = Math.min(MOST_LINKS, REQUESTS * linksPerRequest(cell));
      const { report } = await measureLive(cell, { clients: CLIENTS, links, saturated: false });
      const { spans, hop, inner, strays, confident } = report!;
      assert.deepEqual(spans, { missing: 0, repeated: 0, unknown: 0 });
      assert.equal(hop.right, hop.expected, 'hops');
      assert.equal(strays, 0, 'requests of the load that were given a parent');
      const wrong = confident.given - confident.right;
      assert.ok(
        wrong <= MOST_WRONG * inner.expected,
        `${wrong} of ${inner.expected} links are wrong: ${JSON.stringify(report)}`,
      );
      assert.ok(
        inner.right >= least * inner.expected,
        `${inner.right} of ${inner.expected} links are right: ${JSON.stringify(report)}`,
      );
    });
  }
});
