import assert from 'node:assert/strict';
import { Multimap } from '../../src/base/multimap.ts';

describe('base/multimap', () => {
  it('holds one value, several, and none again', () => {
    const map = new Multimap<string, { n: number }>();
    const [one, two, three] = [{ n: 1 }, { n: 2 }, { n: 3 }];
    const held = (): unknown[] => Array.from(map.get('k'), ({ n }) => n);
    assert.deepEqual(held(), []);
    map.add('k', one);
    map.add('k', one);
    map.add('other', three);
    assert.deepEqual(held(), [1]);
    map.add('k', two);
    map.add('k', three);
    assert.deepEqual(held(), [1, 2, 3]);
    map.delete('k', two);
    map.delete('k', two);
    assert.deepEqual(held(), [1, 3]);
    map.delete('k', one);
    assert.deepEqual(held(), [3]);
    map.add('k', one);
    assert.deepEqual(held(), [3, 1]);
    map.delete('k', one);
    map.delete('k', three);
    assert.deepEqual([held(), map.size], [[], 1]);
  });

  it('deletes nothing that stands under another key', () => {
    const map = new Multimap<string, object>();
    const [one, two] = [{}, {}];
    map.add('k', one);
    map.delete('k', two);
    map.delete('l', one);
    assert.deepEqual([...map.get('k')], [one]);
  });
});
