import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { HOST_OBJECT, loadNative, type Tracer } from '../../src/capture/native.ts';
import { KernelProbes } from '../../src/host/kernel-probes.ts';
import { ServiceSlots } from '../../src/host/service-slots.ts';
import { BareHooks } from './hooks.ts';
import { median, type Row } from './statistics.ts';

const ROUNDS = 60;
const SWITCH_BOUND_NS = 300;
const IDLE_MS = 20_000;
const IDLE_BOUND_PERCENT = 1;
const PROGRAM = 'run_queue';

/** What the host's eBPF probes cost: a context switch with the scheduler's, and a machine that has nothing to do with all of them. */
export async function benchSwitches(): Promise<Row[]> {
  return [...(await costOfSwitches()), await costOfIdling()];
}

/** Two processes of a service wake each other on one CPU; batches without, with an empty program, and with the probe in turn. */
async function costOfSwitches(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const program = join(directory, 'switchcost');
  const source = fileURLToPath(new URL('switchcost.c', import.meta.url));
  execFileSync('gcc', ['-O2', '-Wall', '-Werror', '-o', program, source]);
  const child = spawn('taskset', ['-c', '1', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => (await lines.next()).value as string;
  const pids = JSON.parse(await next()) as number[];
  const batch = async (): Promise<number> => {
    child.stdin.write('\n');
    return Number(await next());
  };
  const tracer = openRunQueue();
  new ServiceSlots(tracer).update(pids.map((pid) => ({ pid, service: 'bench', namespace: '' })));
  const figures: Record<'off' | 'hooked' | 'on', number[]> = { off: [], hooked: [], on: [] };
  for (let round = 0; round < ROUNDS; round++) {
    figures.off.push(await batch());
    const hooks = BareHooks.attach(['hook_switch']);
    figures.hooked.push(await batch());
    hooks.detach();
    tracer.attach(PROGRAM);
    figures.on.push(await batch());
    tracer.detach(PROGRAM);
  }
  tracer.close();
  child.stdin.end();
  await once(child, 'exit');
  rmSync(directory, { recursive: true });
  const addedBy = (with_: readonly number[]): number =>
    median(with_.map((each, round) => each - figures.off[round]!));
  const added = addedBy(figures.on);
  return [
    {
      what: 'context switch between two processes of a service: run-queue probe',
      without: `${median(figures.off).toFixed(0)} ns`,
      with: `${median(figures.on).toFixed(0)} ns`,
      change: `+${added.toFixed(0)} ns`,
      hooks: `+${addedBy(figures.hooked).toFixed(0)} ns`,
      bound: `+${SWITCH_BOUND_NS} ns`,
      met: added <= SWITCH_BOUND_NS,
    },
  ];
}

function openRunQueue(): Tracer {
  const tracer = new (loadNative().Tracer)({ object: HOST_OBJECT });
  for (const program of tracer.programs) if (program !== PROGRAM) tracer.disableProgram(program);
  tracer.load();
  return tracer;
}

/** By the kernel's own account of the run time of all programs, which includes the two looks at a clock that it takes a run. */
async function costOfIdling(): Promise<Row> {
  const addon = loadNative();
  const kernel = new KernelProbes(addon, { off: [], connections: 65_536, onKill: () => {} });
  const holder = openRunQueue();
  holder.holdStats(true);
  await setTimeout(IDLE_MS);
  const spentNs = kernel.programStats().reduce((sum, { runTimeNs }) => sum + runTimeNs, 0);
  holder.close();
  kernel.close();
  const percent = spentNs / IDLE_MS / 1e4;
  return {
    what: 'a machine without load: all eBPF probes of the host, share of one core',
    without: '',
    with: `${percent.toFixed(2)} %`,
    change: '',
    bound: `≤ ${IDLE_BOUND_PERCENT} %`,
    met: percent <= IDLE_BOUND_PERCENT,
  };
}
