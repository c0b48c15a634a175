import { USER_HZ } from '../../base/user-hz.ts';
import type { HostSource, Probe, Reading } from './probe.ts';
import { counter, gauge, OURS } from './make-instrument.ts';

const TIME = counter(
  'system.cpu.time',
  's',
  'Seconds each logical CPU spent on each mode.',
  'cpu.logical_number',
  'cpu.mode',
);
const UTILIZATION = gauge(
  'system.cpu.utilization',
  '1',
  'Share of the time of all CPUs that was spent on each mode since the figures were read before.',
  'cpu.mode',
);
const LOGICAL = gauge('system.cpu.logical.count', '{cpu}', 'Logical CPUs that are online.');
const SWITCHES = counter(
  'system.cpu.context_switches',
  '{context_switch}',
  `Context switches on all CPUs. ${OURS}`,
);
const INTERRUPTS = counter('system.cpu.interrupts', '{interrupt}', `Interrupts on all CPUs. ${OURS}`);

/** The columns of a `cpu` line (proc_stat(5)). Guest time is within user and nice time already. */
const MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'interrupt', 'softirq', 'steal'];
/** The kernel takes small steps back with idle and iowait time; more is a CPU that was off meanwhile and counts anew. */
const STEP_BACK_TICKS = 3 * USER_HZ;

/** Ticks that were told last, by CPU; '' is all of them. */
type Ticks = Map<string, readonly number[]>;
const told = new WeakMap<HostSource, Ticks>();

/** The time of the CPUs. */
export const cpu: Probe = {
  name: 'cpu',
  purpose: 'time of each CPU by mode',
  instruments: [TIME, UTILIZATION, LOGICAL, SWITCHES, INTERRUPTS],
  *read(source): Iterable<Reading> {
    const text = source.files.need('/proc/stat');
    const before = told.get(source);
    const now: Ticks = new Map();
    for (const [, number, columns] of text.matchAll(/^cpu(\d*) +(.*)$/gm)) {
      const ticks = columns!.split(' ', MODES.length).map(Number);
      now.set(number!, withoutStepBack(ticks, before?.get(number!)));
    }
    told.set(source, now);
    for (const [number, ticks] of now) {
      if (number === '') continue;
      for (const [place, mode] of MODES.entries())
        yield { instrument: TIME, attributes: [number, mode], value: ticks[place]! / USER_HZ };
    }
    yield* utilization(now.get(''), before?.get(''));
    yield { instrument: LOGICAL, attributes: [], value: now.size - 1 };
    yield { instrument: SWITCHES, attributes: [], value: lineOf(text, 'ctxt') };
    yield { instrument: INTERRUPTS, attributes: [], value: lineOf(text, 'intr') };
  },
};

function withoutStepBack(ticks: readonly number[], before: readonly number[] | undefined): readonly number[] {
  if (before === undefined) return ticks;
  return ticks.map((value, place) => {
    const last = before[place]!;
    return last - value < STEP_BACK_TICKS ? Math.max(last, value) : value;
  });
}

function* utilization(now: readonly number[] = [], before: readonly number[] = []): Iterable<Reading> {
  const spent = before.map((last, place) => Math.max(0, now[place]! - last));
  const all = spent.reduce((sum, ticks) => sum + ticks, 0);
  if (all === 0) return;
  for (const [place, mode] of MODES.entries())
    yield { instrument: UTILIZATION, attributes: [mode], value: spent[place]! / all };
}

/** The first number of a line of /proc/stat. */
function lineOf(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1]);
}
