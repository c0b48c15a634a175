import assert from 'node:assert/strict';
import { createLog, type LogOptions } from '../../src/base/log.ts';

function collect(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const timers: Array<() => void> = [];
  const log = createLog({
    level: 'info',
    encoding: 'json',
    colour: false,
    write: (line) => lines.push(line),
    after: (_ms, callback) => timers.push(callback),
    ...options,
  });
  /** A minute passes: what waits now is called. */
  const minute = (): void => timers.splice(0).forEach((callback) => callback());
  return { log, lines, minute, json: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('base/log', () => {
  it('writes level, ts, msg and component as JSON', () => {
    const { log, json } = collect();
    log.component('otlp_http/b').warn({ attempts: 3 }, 'away');
    const [{ ts, ...line }] = json() as [Record<string, unknown>];
    assert.deepEqual(line, { level: 'warn', component: 'otlp_http/b', attempts: 3, msg: 'away' });
    assert.match(String(ts), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('writes one readable line, coloured where that is wanted', () => {
    const { log, lines } = collect({ encoding: 'console' });
    log.component('file').info({ path: '/a b', n: 1, error: new Error('full\ndisk') }, 'two\nlines');
    assert.match(lines[0]!, /^\d\d:\d\d:\d\d\.\d{3} info {2}file: two\\nlines path="\/a b" n=1 error=.*\n$/);
    assert.equal(lines[0]!.split('\n').length, 2);
    const coloured = collect({ encoding: 'console', colour: true });
    coloured.log.error({}, 'x');
    assert.ok(coloured.lines[0]!.includes('\x1b[31merror\x1b[0m'));
  });

  it('changes its level while it runs, for components made before, too', () => {
    const { log, lines } = collect();
    const component = log.component('a');
    component.debug({}, 'no');
    log.level = 'debug';
    component.debug({}, 'yes');
    log.level = 'silent';
    component.error({}, 'no');
    assert.equal(log.level, 'silent');
    assert.equal(lines.length, 1);
  });

  it('shows no credentials', () => {
    const { log, lines } = collect();
    log.info({ authorization: 'hunter2', options: { headers: { a: 'hunter2' } }, password: 'hunter2' }, 'x');
    assert.ok(!lines.join('').includes('hunter2'));
  });

  it('says a repeated condition once a minute with its count, and forgets it when it is over', () => {
    const { log, json, minute } = collect();
    for (let n = 1; n <= 3; n++) log.repeated('warn', 'ring', { n }, 'ring full');
    assert.deepEqual(
      json().map(({ n, count }) => [n, count]),
      [[1, undefined]],
    );
    minute();
    assert.deepEqual(
      json()
        .slice(1)
        .map(({ n, count }) => [n, count]),
      [[3, 2]],
    );
    minute();
    minute();
    assert.equal(json().length, 2);
    log.repeated('warn', 'ring', { n: 4 }, 'ring full');
    assert.equal(json().at(-1)!.n, 4);
  });

  it('keeps conditions and components apart, and has room for a bounded number', () => {
    const { log, lines } = collect();
    log.repeated('warn', 'a', {}, 'x');
    log.repeated('warn', 'b', {}, 'x');
    log.component('c').repeated('warn', 'a', {}, 'x');
    assert.equal(lines.length, 3);
    for (let n = 0; n < 2000; n++) log.repeated('warn', `k${n}`, {}, 'x');
    assert.ok(lines.length <= 502, String(lines.length));
  });
});
