import assert from 'node:assert/strict';
import { cpu } from '../../../src/host/probe/cpu.ts';
import { figuresOf, ScratchTree } from '../scratch-tree.ts';

describe('host/probe/cpu', () => {
  let scratch: ScratchTree;
  beforeEach(() => {
    scratch = new ScratchTree();
  });
  afterEach(() => scratch.remove());

  const write = (ticks: string): void =>
    scratch.tree.file('proc/stat', `cpu  ${ticks}\ncpu0 ${ticks}\nintr 1\nctxt 2\n`);
  const utilization = (): Array<Array<string | number>> =>
    figuresOf(cpu, scratch.source, 'system.cpu.utilization').filter(([, share]) => share !== 0);

  it('says what share of the time since it was read last went to each mode', () => {
    write('100 0 100 800 0 0 0 0 0 0');
    assert.deepEqual(utilization(), []);
    write('130 0 110 860 0 0 0 0 0 0');
    assert.deepEqual(utilization(), [
      ['user', 0.3],
      ['system', 0.1],
      ['idle', 0.6],
    ]);
    assert.deepEqual(utilization(), []);
  });

  it('does not follow the small steps back of idle time, and begins anew where a CPU does', () => {
    const times = (): unknown[] =>
      figuresOf(cpu, scratch.source, 'system.cpu.time')
        .map(([, , seconds]) => seconds)
        .slice(3, 5);
    write('100 0 100 8000 500 0 0 0 0 0');
    assert.deepEqual(times(), [80, 5]);
    write('100 0 100 7990 499 0 0 0 0 0');
    assert.deepEqual(times(), [80, 5]);
    write('100 0 100 10 499 0 0 0 0 0');
    assert.deepEqual(times(), [0.1, 5]);
  });
});
