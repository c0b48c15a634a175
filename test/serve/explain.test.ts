import assert from 'node:assert/strict';
import { Ledger } from '../../src/base/ledger.ts';
import { explain } from '../../src/serve/explain.ts';
import { booksOf, type WhyReport } from '../../src/serve/status.ts';
import { makeWhy, makeWhyConnection } from './make-status.ts';

const NOTHING = { records: 0, bytes: 0, exchanges: 0, spans: 0, lost: {} };

describe('serve/explain', () => {
  const node = makeWhy().processes[0]!;
  const cases: Array<[title: string, report: Partial<WhyReport>, first: RegExp]> = [
    ['an agent that is not attached', { ready: false }, /not attached/],
    [
      'a process nobody has seen',
      { processes: [], connections: [], totals: NOTHING },
      /Nothing is known of process 4242/,
    ],
    [
      'a process that the filters leave out',
      { processes: [{ ...node, filter: { traced: false, why: 'excluded by rule {port: 1}' } }] },
      /The filters leave out node \(4242\): excluded by rule \{port: 1\}\./,
    ],
    [
      'a process that makes spans of its own',
      { processes: [{ ...node, suppressed: true }] },
      /^node \(4242\) exports spans of its own: those seen here are left out/,
    ],
    [
      'requests that another process tells of',
      { processes: [], totals: { ...makeWhy().totals, lost: { instrumented: 2 } } },
      /^2 are told by spans that the process exports itself/,
    ],
    ['a process with io_uring', { processes: [{ ...node, ioUring: true }] }, /uses io_uring/],
    ['a silent port', { asked: { port: 80 }, connections: [], totals: NOTHING }, /No data call of port 80/],
    [
      'encrypted connections',
      { connections: [makeWhyConnection({ protocol: 'unrecognised', firstBytes: 'tls' })] },
      /1 connections are encrypted \(TLS\)/,
    ],
    [
      'an unknown protocol',
      { connections: [makeWhyConnection({ protocol: 'unrecognised', firstBytes: 'binary' })] },
      /first bytes: binary/,
    ],
    [
      'connections that are gone',
      { connections: [], totals: { ...NOTHING, records: 9, lost: { unrecognised: 9 } } },
      /9 records are of no protocol/,
    ],
    ['an open request', { connections: [makeWhyConnection({ open: 3 })] }, /3 requests wait/],
    ['damage', { totals: { ...makeWhy().totals, lost: { malformed: 2 } } }, /2 were lost as malformed/],
    ['sampling', { totals: { ...makeWhy().totals, lost: { sampled_out: 2 } } }, /2 spans were sampled out/],
    ['spans that are there', {}, /2 spans were made of 2 exchanges/],
    [
      'a request that is not complete',
      { totals: { ...NOTHING, records: 1 } },
      /Nothing keeps spans of process 4242 back/,
    ],
  ];
  for (const [title, report, first] of cases) {
    it(`names the cause of ${title} first`, () => {
      assert.match(explain(makeWhy(report))[0]!, first);
    });
  }

  it('mentions what exporters lost where there were spans', () => {
    assert.match(explain(makeWhy({ exporterLosses: 7 })).at(-1)!, /Exporters lost 7 spans/);
  });
});

describe('serve/status', () => {
  it('shows every stage with its losses, and which one does not balance', () => {
    const ledger = new Ledger();
    Object.assign(ledger.records, { in: 5, out: 3 });
    ledger.records.lost.ring_full = 2;
    ledger.spans.in = 1;
    const books = booksOf(ledger);
    assert.deepEqual(books[0], {
      stage: 'records',
      in: 5,
      out: 3,
      held: 0,
      lost: { ring_full: 2 },
      balanced: true,
    });
    assert.deepEqual(
      books.filter(({ balanced }) => !balanced).map(({ stage }) => stage),
      ['spans'],
    );
  });
});
