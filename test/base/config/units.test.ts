import assert from 'node:assert/strict';
import { nearest } from '../../../src/base/config/nearest.ts';
import { parseDurationMs, parseEndpoint, parseSizeBytes } from '../../../src/base/config/units.ts';

describe('base/config/units', () => {
  it('reads durations as Go writes them', () => {
    const cases: Array<[unknown, number | undefined]> = [
      ['200ms', 200],
      ['5s', 5000],
      ['1m30s', 90_000],
      ['1.5h', 5_400_000],
      ['250us', 0.25],
      ['0', 0],
      [0, 0],
      ['5', undefined],
      [5, undefined],
      ['-5s', undefined],
      ['5 s', undefined],
      ['s', undefined],
      ['', undefined],
      ['1d', undefined],
      [null, undefined],
    ];
    for (const [text, ms] of cases) assert.equal(parseDurationMs(text), ms, JSON.stringify(text));
  });

  it('reads sizes', () => {
    const cases: Array<[unknown, number | undefined]> = [
      ['16MiB', 16 * 1024 * 1024],
      ['64 KiB', 65_536],
      ['1GB', 1e9],
      ['1.5KiB', 1536],
      [4096, 4096],
      ['4096', 4096],
      ['10b', 10],
      ['16XB', undefined],
      ['1.3', undefined],
      [-1, undefined],
      [1e300, undefined],
      [true, undefined],
    ];
    for (const [text, bytes] of cases) assert.equal(parseSizeBytes(text), bytes, JSON.stringify(text));
  });

  it('reads endpoints', () => {
    assert.deepEqual(parseEndpoint('localhost:9464'), { host: 'localhost', port: 9464 });
    assert.deepEqual(parseEndpoint('[::1]:80'), { host: '::1', port: 80 });
    assert.deepEqual(parseEndpoint(':80'), { host: '', port: 80 });
    for (const bad of ['localhost', 'localhost:', 'localhost:70000', '::1:80', 'http://a:80', 'a b:1', 5]) {
      assert.equal(parseEndpoint(bad), undefined, String(bad));
    }
  });

  it('finds the name that was meant, and none where nothing is near', () => {
    const known = ['drain_interval', 'ring_size', 'filters', 'name'];
    assert.equal(nearest('drain_intervall', known), 'drain_interval');
    assert.equal(nearest('drainInterval', known), 'drain_interval');
    assert.equal(nearest('ring-size', known), 'ring_size');
    assert.equal(nearest('fitlers', known), 'filters');
    assert.equal(nearest('nmae', known), 'name');
    assert.equal(nearest('timeout', known), undefined);
  });
});
