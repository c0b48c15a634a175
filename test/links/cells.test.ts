import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { CELLS, linksPerRequest } from './cells.ts';

describe('links/cells', () => {
  it('have names of their own, and services that are there', () => {
    const names = CELLS.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.ok(CELLS.every(({ chain }) => chain.length > 0 && chain.every(Boolean)));
  });

  it('run sources that exist, where they run sources', () => {
    const sources = CELLS.flatMap(({ chain }) => chain)
      .filter(({ needs }) => !needs.compiled)
      .map((service) => service.command().at(-1)!);
    assert.ok(sources.length > 10);
    assert.deepEqual(
      sources.filter((file) => !existsSync(file)),
      [],
    );
  });

  it('know how many links a request makes', () => {
    const links = (name: string): number => linksPerRequest(CELLS.find((cell) => cell.name === name)!);
    assert.deepEqual(['go-net-http', 'nginx-proxy', 'chain-of-four'].map(links), [4, 1, 16]);
  });
});
