import assert from 'node:assert/strict';
import { SeriesTable } from '../../src/metrics/series.ts';

const INSTRUMENT = {
  name: 'shop.orders',
  unit: '{order}',
  description: '',
  type: 'counter',
  attributes: ['kind'],
} as const;

function makeTable(limit: number) {
  return new SeriesTable(INSTRUMENT, limit, () => ({ count: 0 }));
}

describe('metrics/series', () => {
  it('keeps one series for each combination of values', () => {
    const table = makeTable(10);
    table.of(['a'], 1).value.count++;
    table.of(['b'], 1).value.count++;
    table.of(['a'], 1).value.count++;
    assert.deepEqual(
      [...table].map(({ attributes, value }) => [attributes, value.count]),
      [
        [['a'], 2],
        [['b'], 1],
      ],
    );
  });

  it('adds up what is beyond its limit in one series, and counts it', () => {
    const table = makeTable(2);
    for (const kind of ['a', 'b', 'c', 'd', 'a']) table.of([kind], 1).value.count++;
    assert.deepEqual(
      [...table].map(({ attributes, value }) => [attributes, value.count]),
      [
        [['a'], 2],
        [['b'], 1],
        [undefined, 2],
      ],
    );
    assert.deepEqual([table.size, table.overflowed], [3, 2]);
  });

  it('forgets what is idle, and has room again', () => {
    const table = makeTable(2);
    table.of(['a'], 1000);
    table.of(['b'], 1000);
    table.of(['c'], 1000);
    table.of(['b'], 3000);
    table.expire(2000);
    assert.deepEqual(
      [...table].map(({ attributes }) => attributes),
      [['b']],
    );
    assert.equal(table.expired, 2);
    assert.deepEqual(table.of(['c'], 3000).attributes, ['c']);
  });
});
