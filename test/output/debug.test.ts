import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ledger } from '../../src/base/ledger.ts';
import { type Span, SpanKind, StatusCode } from '../../src/link/span.ts';
import { createDebugExporter, openTerminal, terminalStyle } from '../../src/output/exporter/debug.ts';
import { completeQueueSettings } from '../../src/output/queue-options.ts';
import { ExporterQueue } from '../../src/output/queue.ts';
import { formatDuration, renderTrace } from '../../src/output/trace-tree.ts';
import { makeResource, makeSpan } from '../support/make-spans.ts';

const PLAIN = { colour: false, unicode: true, detailed: false };
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

function span(id: string, parent: string | undefined, service: string, change: Partial<Span>): Span {
  return {
    ...makeSpan(0),
    traceId: TRACE_ID,
    spanId: id,
    parentSpanId: parent,
    resource: makeResource(service),
    ...change,
  };
}

const CONVERSATION: Span[] = [
  span('b', 'a', 'nginx', {
    name: 'GET /items/{id}',
    kind: SpanKind.SERVER,
    startTime: [1_795_250_000, 123_500_000],
    durationNs: 1_210_000,
    attributes: { 'url.path': '/items/7', 'url.query': 'token=REDACTED', 'http.response.status_code': 503 },
    status: StatusCode.ERROR,
  }),
  span('c', 'b', 'nginx', {
    name: 'GET',
    startTime: [1_795_250_000, 123_600_000],
    durationNs: 600_400,
    attributes: { 'url.full': 'http://stock:80/stock/7?x=1#y', 'error.type': 'timeout' },
    status: StatusCode.ERROR,
  }),
  span('a', undefined, 'curl', {
    name: 'GET',
    durationNs: 1_840_000,
    attributes: { 'url.full': 'http://localhost:8080/items/7', 'http.response.status_code': 503 },
    status: StatusCode.ERROR,
  }),
];

function withoutTime(text: string): string {
  return text.replace(/^\d\d:\d\d:\d\d\.\d{3}/gm, 'hh:mm:ss.mmm');
}

describe('output/trace-tree', () => {
  it('shows a trace as a tree, a line a span', () => {
    assert.equal(
      withoutTime(renderTrace(CONVERSATION, PLAIN)),
      'hh:mm:ss.mmm curl → GET /items/7 503 1.84 ms\n' +
        '             └ nginx ← GET /items/{id} /items/7 503 1.21 ms\n' +
        '               └ nginx → GET /stock/7 timeout 600 µs\n',
    );
  });

  it('draws a line from each span to its last child', () => {
    const of = (id: string, parent: string | undefined, service: string, ns: number): Span =>
      span(id, parent, service, { name: 'GET', startTime: [1_795_250_000, ns] });
    const trace = [
      of('a', undefined, 'root', 1),
      of('b', 'a', 'first', 2),
      of('c', 'b', 'below', 3),
      of('d', 'c', 'deep', 4),
      of('e', 'b', 'second', 5),
      of('f', 'a', 'last', 6),
      of('g', 'f', 'leaf', 7),
      of('h', undefined, 'other', 8),
    ];
    const drawn = (style: Partial<typeof PLAIN>): string[] =>
      renderTrace(trace, { ...PLAIN, ...style })
        .split('\n')
        .map((line) => line.slice(13).replace(/ ?(→|->|: ).*/, ''));
    assert.deepEqual(drawn({}), [
      'root',
      '├ first',
      '│ ├ below',
      '│ │ └ deep',
      '│ └ second',
      '└ last',
      '  └ leaf',
      'other',
      '',
    ]);
    assert.deepEqual(drawn({ unicode: false }), [
      'root',
      '|-first',
      '| |-below',
      '| | `-deep',
      '| `-second',
      '`-last',
      '  `-leaf',
      'other',
      '',
    ]);
    const ids = drawn({ detailed: true }).filter((line) => /span id$/.test(line));
    assert.deepEqual(ids, [
      'span id',
      '│ span id',
      '│ │ span id',
      '│ │   span id',
      '│   span id',
      '  span id',
      '    span id',
      'span id',
    ]);
  });

  it('shows no query', () => {
    assert.doesNotMatch(renderTrace(CONVERSATION, PLAIN), /token|x=1/);
  });

  it('writes ASCII where the locale has nothing else', () => {
    const text = renderTrace(CONVERSATION, { ...PLAIN, unicode: false });
    assert.match(text, /curl -> GET/);
    assert.match(text, /`-nginx <- GET/);
  });

  it('colours only where it is told to', () => {
    assert.doesNotMatch(renderTrace(CONVERSATION, PLAIN), /\x1b/);
    const coloured = renderTrace(CONVERSATION, { ...PLAIN, colour: true });
    assert.equal(coloured.replaceAll(/\x1b\[\d+m/g, ''), renderTrace(CONVERSATION, PLAIN));
    assert.match(coloured, /\x1b\[31m503\x1b\[0m/);
  });

  it('lets no control character of a stranger through', () => {
    const evil = '\x1b]0;owned\x07\x9b2J\r\nfake line\u202e\u2028\x7f';
    const bad = span('a', undefined, `svc${evil}`, {
      name: `GET${evil}`,
      traceState: evil,
      attributes: { 'url.path': `/x${evil}`, 'error.type': evil, [`k${evil}`]: [evil], n: 1 },
    });
    for (const detailed of [false, true]) {
      const text = renderTrace([bad], { ...PLAIN, detailed });
      assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]/);
      if (!detailed) assert.equal(text.split('\n').length, 2);
      assert.match(text, /\\x1b\]0;owned\\x07\\x9b2J\\x0d\\x0afake line\\u202e\\u2028\\x7f/);
    }
  });

  it('cuts a path that is too long for a line', () => {
    const long = span('a', undefined, 's', { attributes: { 'url.path': `/${'x'.repeat(5_000)}` } });
    assert.ok(renderTrace([long], PLAIN).length < 300);
  });

  it('prints every attribute in detail', () => {
    const text = renderTrace(CONVERSATION, { ...PLAIN, detailed: true });
    assert.match(text, /trace id: 4bf92f3577b34da6a3ce929d0e0e4736\n/);
    assert.match(text, /start: 2026-11-2\dT\d\d:\d\d:20\.123500000Z\n/);
    assert.match(text, /http\.response\.status_code: 503\n/);
    assert.match(text, /url\.query: token=REDACTED\n/);
    assert.match(text, /resource host\.name: node-17\.example\.com\n/);
  });

  it('shows every span of a trace with lost parents, circles and a span that is its own parent', () => {
    const spans = [
      span('a', 'gone', 'one', {}),
      span('b', 'c', 'two', {}),
      span('c', 'b', 'three', {}),
      span('d', 'd', 'four', {}),
    ];
    const lines = renderTrace(spans, PLAIN).split('\n').slice(0, -1);
    assert.equal(lines.length, 4);
    assert.deepEqual(
      lines.map((line) => line.slice(13, 15)),
      ['on', 'fo', 'tw', '└ '],
    );
    for (const service of ['one', 'two', 'three', 'four']) {
      assert.equal(lines.filter((line) => line.includes(` ${service} `)).length, 1);
    }
  });

  it('takes a chain of any depth', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) =>
      span(`s${i}`, i === 0 ? undefined : `s${i - 1}`, 'deep', {}),
    );
    assert.equal(renderTrace(chain, PLAIN).split('\n').length, 20_001);
  });

  it('shows each span once where two have the same id', () => {
    const twice = [
      span('a', undefined, 'one', {}),
      span('a', 'b', 'again', {}),
      span('b', 'a', 'two', {}),
      span('c', 'a', 'three', {}),
    ];
    const lines = renderTrace(twice, PLAIN).split('\n').slice(0, -1);
    assert.deepEqual(
      lines.map((line) => line.slice(13).replace(/ →.*/, '')),
      ['one', '├ two', '│ └ again', '└ three'],
    );
  });

  it('indents only so far, with lines or without', () => {
    const forks = Array.from({ length: 2_000 }, (_, i) => {
      const parent = i < 2 ? undefined : `s${(i >> 1) * 2 - 2}`;
      return span(`s${i}`, parent, 'deep', {});
    });
    const width = Math.max(
      ...renderTrace(forks, PLAIN)
        .split('\n')
        .map((line) => line.length),
    );
    assert.ok(width < 150, String(width));
  });

  it('gives durations three significant digits', () => {
    assert.deepEqual(
      [0, 999, 1_500, 12_345, 999_600, 1_234_567, 99_960_000, 1_000_000_000, 60e9].map(formatDuration),
      ['0 ns', '999 ns', '1.50 µs', '12.3 µs', '1.00 ms', '1.23 ms', '100 ms', '1.00 s', '60.0 s'],
    );
  });
});

describe('output/exporter debug', () => {
  it('obeys NO_COLOR and FORCE_COLOR and asks the locale', () => {
    assert.equal(terminalStyle(true, {}).colour, true);
    assert.equal(terminalStyle(false, {}).colour, false);
    assert.equal(terminalStyle(true, { NO_COLOR: '1' }).colour, false);
    assert.equal(terminalStyle(true, { NO_COLOR: '' }).colour, true);
    assert.equal(terminalStyle(false, { FORCE_COLOR: '1' }).colour, true);
    assert.equal(terminalStyle(true, { FORCE_COLOR: '0' }).colour, false);
    assert.equal(terminalStyle(true, { TERM: 'dumb' }).colour, false);
    assert.equal(terminalStyle(true, { LANG: 'de_DE.UTF-8' }).unicode, true);
    assert.equal(terminalStyle(true, { LANG: 'C' }).unicode, false);
  });

  it('prints each trace of a batch as a tree of its own', async () => {
    let text = '';
    const sink = {
      write: (more: string) => {
        text += more;
        return Promise.resolve();
      },
      close: () => undefined,
    };
    const exporter = createDebugExporter('debug', {}, sink, PLAIN);
    const other = CONVERSATION.map((one) => ({ ...one, traceId: TRACE_ID.replace('4', '5') }));
    const outcome = await exporter.send([...CONVERSATION, ...other], new AbortController().signal);
    assert.equal(text, renderTrace(CONVERSATION, PLAIN) + renderTrace(other, PLAIN));
    assert.deepEqual(outcome, {
      result: 'done',
      accepted: 6,
      rejected: 0,
      bytes: Buffer.byteLength(text),
    });
  });

  it('goes on beside a pipe that nobody reads, and counts what does not fit', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'undertrace-debug-'));
    const pipe = path.join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(pipe, constants.O_WRONLY);
    try {
      const ledger = new Ledger();
      const queue = new ExporterQueue({
        exporter: createDebugExporter('debug', {}, openTerminal(writer), PLAIN),
        ledger,
        settings: completeQueueSettings({
          timeout: 0,
          sending_queue: { queue_size: 500, sizer: 'items', batch: { min_size: 50, max_size: 100 } },
        }),
      });
      for (let i = 0; i < 3_000; i++) {
        queue.offer([makeSpan(i)]);
        if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      const stage = ledger.exporters.get('debug')!;
      assert.ok(stage.lost.queue_full > 0);
      assert.ok(stage.held() <= 500);
      assert.deepEqual(ledger.imbalances(), []);
      // Somebody reads again: what is held arrives whole.
      const stopped = queue.shutdown(5_000);
      let text = '';
      const buffer = Buffer.alloc(65_536);
      const drain = (): void => {
        for (;;) {
          let count: number;
          try {
            count = readSync(reader, buffer);
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
            return;
          }
          text += buffer.toString('utf8', 0, count);
          if (count === 0) return;
        }
      };
      const timer = setInterval(drain, 1);
      await stopped;
      clearInterval(timer);
      drain();
      assert.equal(text.split('\n').length - 1, stage.out);
      assert.equal(stage.in, stage.out + stage.lost.queue_full);
    } finally {
      closeSync(reader);
      closeSync(writer);
      rmSync(folder, { recursive: true });
    }
  });
});
