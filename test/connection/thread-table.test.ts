import assert from 'node:assert/strict';
import { DataRecord } from '../../src/capture/records.gen.ts';
import { ask, type Asking, ThreadTable } from '../../src/connection/thread-table.ts';
import { RecordWriter, TestEnd } from '../support/records.ts';

interface Place {
  tid?: number;
  turn?: number;
  step?: number;
  startNs?: number;
  timeNs?: number;
}

/** The record of one call of a thread. */
function call(
  direction: 'send' | 'receive',
  { tid = 7, turn = 0, step = 0, startNs = 1, timeNs = 0 }: Place,
): DataRecord {
  const writer = new RecordWriter();
  new TestEnd(writer)[direction]('x');
  const record = new DataRecord().over(writer.take()).at(0);
  const view = Object.create(record) as DataRecord;
  for (const [key, value] of Object.entries({ tgid: 5, tid, turn, step, startNs, timeNs }))
    Object.defineProperty(view, key, { value, configurable: true });
  return view;
}

describe('connection/thread-table', () => {
  it('knows why a thread sends: what it received last', () => {
    const threads = new ThreadTable();
    const first = threads.received(call('receive', { step: 1 }), 'a', undefined);
    assert.equal(threads.reason(call('send', { step: 1 })), first);
    const second = threads.received(call('receive', { step: 2 }), 'b', undefined);
    assert.equal(threads.reason(call('send', { step: 2 })), second);
    assert.equal(second.connection, 'b');
  });

  it('knows no reason after a wait, after something that was not seen, and of another thread or process', () => {
    const threads = new ThreadTable();
    threads.received(call('receive', { turn: 3, step: 9 }), 'a', undefined);
    for (const other of [
      { turn: 4, step: 9 },
      { turn: 3, step: 10 },
      { turn: 3, step: 9, tid: 8 },
      { turn: 3, step: 9, startNs: 2 },
    ]) {
      assert.equal(threads.reason(call('send', other)), undefined, JSON.stringify(other));
    }
    assert.ok(threads.reason(call('send', { turn: 3, step: 9 })));
  });

  it('forgets a process that ended', () => {
    const threads = new ThreadTable();
    threads.received(call('receive', { step: 1 }), 'a', undefined);
    threads.onProcessExit(5);
    assert.equal(threads.reason(call('send', { step: 1 })), undefined);
  });

  it('gives an answer to who asked, until two have asked at a time', () => {
    const threads = new ThreadTable();
    const reading = (step: number) => threads.received(call('receive', { step }), 'a', undefined);
    const asking: Asking = { asker: undefined, asked: false, shared: false };
    const [one, other] = [reading(1), reading(2)];
    ask(asking, one);
    assert.equal(asking.asker, one);
    asking.asked = false; // answered
    ask(asking, other);
    assert.equal(asking.asker, other);
    ask(asking, other);
    assert.equal(asking.asker, other);
    ask(asking, one);
    assert.equal(asking.asker, undefined);
    asking.asked = false;
    ask(asking, one);
    assert.equal(asking.asker, undefined, 'an answer to the other may still come');
  });

  it('holds no chain of what came before', () => {
    const threads = new ThreadTable();
    const first = threads.received(call('receive', { step: 1 }), 'a', undefined);
    let reading = first;
    for (let step = 2; step < 100; step++) {
      const asking: Asking = { asker: undefined, asked: false, shared: false };
      ask(asking, reading);
      reading = threads.received(call('receive', { step }), 'b', asking.asker);
    }
    assert.equal(reading.askedBy, first);
  });

  it('forgets threads that have done nothing for long, not those that still act on what they received', () => {
    const threads = new ThreadTable();
    for (const tid of [1, 2, 3]) threads.received(call('receive', { tid, timeNs: 100 }), 'a', undefined);
    threads.reason(call('send', { tid: 2, timeNs: 200 }));
    threads.received(call('receive', { tid: 4, timeNs: 200 }), 'a', undefined);
    threads.forget(200);
    assert.equal(threads.size, 2);
    const acts = (tid: number) => threads.reason(call('send', { tid, timeNs: 300 })) !== undefined;
    assert.deepEqual([1, 2, 3, 4].filter(acts), [2, 4]);
  });

  for (const [when, step] of [
    ['one after another', 1],
    ['at the same time', 0],
  ] as const)
    it(`remembers a bounded number of threads that receive ${when}`, () => {
      const threads = new ThreadTable();
      const record = call('receive', {});
      let tid = 0;
      Object.defineProperty(record, 'tid', { get: () => tid });
      Object.defineProperty(record, 'timeNs', { get: () => step * tid });
      for (; tid < 40_000; tid++) threads.received(record, 'a', undefined);
      assert.ok(threads.size > 1000 && threads.size <= 16_384, `${threads.size}`);
      tid = 39_999;
      assert.ok(threads.reason(record), 'the last one is remembered');
      threads.onProcessExit(5);
      assert.equal(threads.size, 0);
    });
});
