import assert from 'node:assert/strict';
import { OomVictims, type Victim } from '../../src/host/oom-victims.ts';

/** The kernel's array of the last 64 victims. */
class Kernel {
  readonly values = Buffer.alloc(64 * 40);
  #number = 0;

  kill(pid: number, comm: string, slot = 0): void {
    const at = (++this.#number % 64) * 40;
    this.values.fill(0, at, at + 40);
    this.values.writeBigUInt64LE(BigInt(this.#number), at);
    this.values.writeUInt32LE(pid, at + 8);
    this.values.writeUInt32LE(comm === '' ? 0 : pid, at + 12);
    this.values.writeUInt32LE(slot, at + 16);
    this.values.write(comm, at + 24, 'utf8');
  }

  /** The victim whose name was missing has exited. */
  exit(number: number, pid: number, comm: string): void {
    const at = (number % 64) * 40;
    this.values.writeUInt32LE(pid, at + 12);
    this.values.write(comm, at + 24, 'utf8');
  }
}

function counting(): { kernel: Kernel; told: Victim[]; look: () => string[] } {
  const kernel = new Kernel();
  const told: Victim[] = [];
  const victims = new OomVictims((victim) => told.push(victim));
  const look = (): string[] => {
    victims.update(kernel.values);
    return [...victims.tallies].map(({ comm, slot, kills }) => `${comm} ${slot} ${kills}`);
  };
  return { kernel, told, look };
}

describe('host/oom-victims', () => {
  it('are counted once, by program and service, and told of', () => {
    const { kernel, told, look } = counting();
    assert.deepEqual(look(), []);
    kernel.kill(10, 'java', 2);
    kernel.kill(11, 'tail');
    assert.deepEqual(look(), ['java 2 1', 'tail 0 1']);
    kernel.kill(12, 'java', 2);
    assert.deepEqual(look(), ['java 2 2', 'tail 0 1']);
    assert.deepEqual(look(), ['java 2 2', 'tail 0 1']);
    assert.deepEqual(told[2], { pid: 12, comm: 'java', slot: 2 });
    assert.equal(told.length, 3);
  });

  it('are counted when their name is known, which on old kernels is when they exit', () => {
    const { kernel, told, look } = counting();
    kernel.kill(10, '');
    assert.deepEqual(look(), []);
    kernel.exit(1, 10, 'java');
    assert.deepEqual(look(), ['java 0 1']);
    assert.equal(told.length, 1);
  });

  it('are counted without a name where more were killed than are kept', () => {
    const { kernel, told, look } = counting();
    for (let n = 0; n < 64 * 3 + 1; n++) kernel.kill(n, 'bomb');
    assert.deepEqual(look().sort(), [' 0 129', 'bomb 0 64']);
    assert.equal(told.length, 64);
  });

  it('that never got a name count without one, once another stands in their place', () => {
    const { kernel, look } = counting();
    kernel.kill(1, '');
    assert.deepEqual(look(), []);
    for (let n = 0; n < 64; n++) kernel.kill(n, 'bomb');
    assert.deepEqual(look().sort(), [' 0 1', 'bomb 0 64']);
  });
});
