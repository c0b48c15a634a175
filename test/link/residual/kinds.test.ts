import assert from 'node:assert/strict';
import { Kinds } from '../../../src/link/residual/kinds.ts';
import { makeConnection } from '../make-exchange.ts';

const connection = makeConnection();
const describing = (name: string, path: string, address = 'shop') => ({
  ...{ name, path, errorType: undefined, attributes: { 'server.address': address, 'server.port': 80 } },
});

describe('link/residual/kinds', () => {
  it('tells calls apart by destination, method and the shape of the path', () => {
    const kinds = new Kinds();
    const of = (name: string, path: string, address?: string): number | undefined =>
      kinds.of(connection, describing(name, path, address));
    assert.equal(of('GET', '/orders/17'), of('GET', '/orders/4711'));
    const all = [
      of('GET', '/orders/1'),
      of('POST', '/orders/1'),
      of('GET', '/users/1'),
      of('GET', '/orders/1', 'b'),
    ];
    assert.equal(new Set(all).size, 4);
  });

  it('takes a destination with many paths for one kind, and no more kinds than it has numbers for', () => {
    const kinds = new Kinds();
    const paths = Array.from(
      { length: 40 },
      (_, i) => `/${'abcdefghij'[i % 10]}${'klmn'[Math.floor(i / 10)]}`,
    );
    const found = paths.map((path) => kinds.of(connection, describing('GET', path)));
    assert.equal(new Set(found).size, 13);
    const others = Array.from({ length: 40 }, (_, i) =>
      kinds.of(connection, describing('GET', '/', `host-${i}`)),
    );
    assert.equal(new Set(others).size, 32 - 13 + 1);
    assert.equal(others.at(-1), undefined);
    assert.ok([...found, ...others].every((kind) => kind === undefined || kind < 32));
  });
});
