import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { BenchAgent } from './agent.ts';
import { BareHooks } from './hooks.ts';
import { type Row, median } from './statistics.ts';

const ROUNDS = 5;
const BOUNDS: ReadonlyArray<[key: string, what: string, addedNs: number]> = [
  ['getppid', 'getppid', 130],
  ['tcp_pair', 'loopback TCP write + read of 256 B', 2400],
  ['file_write', 'write of 64 B to a regular file', 250],
  ['file_read', 'read of 64 B from a regular file', 250],
];

/** Nanoseconds that tracing adds to a call: rounds without and with in turn, median of the differences. */
export async function benchSyscalls(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const program = join(directory, 'syscost');
  const source = fileURLToPath(new URL('syscost.c', import.meta.url));
  execFileSync('gcc', ['-O2', '-Wall', '-Werror', '-o', program, source]);
  const measure = (): Record<string, number> =>
    JSON.parse(
      execFileSync('taskset', ['-c', '1', program, join(directory, 'file')], { encoding: 'utf8' }),
    ) as Record<string, number>;
  const off: Array<Record<string, number>> = [];
  const hooked: Array<Record<string, number>> = [];
  const on: Array<Record<string, number>> = [];
  for (let round = 0; round < ROUNDS; round++) {
    off.push(measure());
    const hooks = BareHooks.attach();
    hooked.push(measure());
    hooks.detach();
    const agent = await BenchAgent.start();
    on.push(measure());
    await agent.stop();
  }
  rmSync(directory, { recursive: true });
  return BOUNDS.map(([key, what, bound]) => {
    const addedBy = (figures: Array<Record<string, number>>): number =>
      median(figures.map((each, i) => each[key]! - off[i]![key]!));
    const added = addedBy(on);
    return {
      what,
      without: `${median(off.map((figures) => figures[key]!)).toFixed(0)} ns`,
      with: `${median(on.map((figures) => figures[key]!)).toFixed(0)} ns`,
      change: `+${added.toFixed(0)} ns`,
      hooks: `+${addedBy(hooked).toFixed(0)} ns`,
      bound: `+${bound} ns`,
      met: added <= bound,
    };
  });
}
