import type { Definer } from './pull.ts';
import type { SelfSources } from './self-sources.ts';

/** What the agent itself takes, in the kernel and as a process, and what it does about it. */
export function defineOwnCost(define: Definer, sources: SelfSources): void {
  definePrograms(define, sources);
  defineProcess(define, sources);
  defineGovernor(define, sources);
}

function definePrograms({ counter, gauge }: Definer, sources: SelfSources): void {
  counter(
    'undertrace_bpf_measured_seconds_total',
    'How long BPF programs were measured; measuring costs, so it is done in samples. Divide by this for the share of one CPU.',
    [],
    () => sources.measuredSeconds(),
  );
  counter(
    'undertrace_bpf_program_run_seconds_total',
    'Time spent in a BPF program while it was measured.',
    ['program'],
    () => sources.programs().map(({ name, runTimeNs }) => [{ program: name }, runTimeNs / 1e9]),
  );
  counter(
    'undertrace_bpf_program_runs_total',
    'Runs of a BPF program while they were counted.',
    ['program'],
    () => sources.programs().map(({ name, runCount }) => [{ program: name }, runCount]),
  );
  counter(
    'undertrace_bpf_program_misses_total',
    'Events that a BPF program did not see, since it was running on that CPU already (0 before Linux 5.12, which does not tell).',
    ['program'],
    () => sources.programs().map(({ name, recursionMisses }) => [{ program: name }, recursionMisses]),
  );

  gauge(
    'undertrace_bpf_syscall_seconds',
    'Estimated time that the BPF programs add to a system call of any kind, by the last sample.',
    [],
    () => sources.programCost()?.perSyscall,
  );
  gauge(
    'undertrace_bpf_record_seconds',
    'Estimated time that the BPF programs run for each record that they write, by the last sample.',
    [],
    () => sources.programCost()?.perRecord,
  );
}

function defineProcess({ counter, gauge, histogram }: Definer, sources: SelfSources): void {
  counter('undertrace_cpu_seconds_total', 'CPU time of the agent.', ['mode'], () => {
    const { user, system } = process.cpuUsage();
    return [
      [{ mode: 'user' }, user / 1e6],
      [{ mode: 'system' }, system / 1e6],
    ];
  });
  gauge(
    'undertrace_memory_bytes',
    'Memory of the agent: rss is all of it, the others are parts.',
    ['part'],
    () => {
      const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
      const parts = {
        rss,
        heap_used: heapUsed,
        heap_total: heapTotal,
        external,
        array_buffers: arrayBuffers,
      };
      return Object.entries(parts).map(([part, bytes]) => [{ part }, bytes]);
    },
  );
  counter('undertrace_gc_seconds_total', 'Time that the collection of garbage took, by kind.', ['kind'], () =>
    Object.entries(sources.gcSeconds()).map(([kind, seconds]) => [{ kind }, seconds]),
  );
  histogram('undertrace_event_loop_lag_seconds', 'By how much timers come late.', sources.eventLoopLag);
  histogram('undertrace_drain_batch_bytes', 'Bytes a drain of the ring buffer.', sources.drainBatch);
}

function defineGovernor({ counter, gauge }: Definer, { governor }: SelfSources): void {
  gauge(
    'undertrace_cpu_utilization_ratio',
    'Share of one CPU that the agent takes: `process` over the last seconds, `programs` (its BPF programs, in the time of others) by the last sample.',
    ['part'],
    () => [
      [{ part: 'process' }, governor().cpu.process],
      [{ part: 'programs' }, governor().cpu.programs],
    ],
  );
  gauge('undertrace_cpu_limit_ratio', 'receivers.undertrace.limits.cpu.', [], () => governor().cpu.limit);
  gauge(
    'undertrace_memory_limit_bytes',
    'receivers.undertrace.limits.memory.',
    [],
    () => governor().memory.limit,
  );
  gauge(
    'undertrace_governor_level',
    'How many steps the agent has taken to stay within its limits, 0 to 4; docs/governor.md explains them.',
    [],
    () => governor().level,
  );
  counter(
    'undertrace_governor_changes_total',
    'Steps taken (up) and taken back (down).',
    ['direction'],
    () => [
      [{ direction: 'up' }, governor().changes.up],
      [{ direction: 'down' }, governor().changes.down],
    ],
  );
  counter('undertrace_governor_seconds_total', 'Time spent at each step.', ['step'], () =>
    Object.entries(governor().secondsAt).map(([step, seconds]) => [{ step }, seconds]),
  );
}
