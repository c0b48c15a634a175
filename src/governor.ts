import { GovernorPolicy, SHED_STEPS, type ShedStep } from './base/governor-policy.ts';
import type { ComponentLog } from './base/log.ts';
import type { ReceiverSettings } from './base/settings.ts';
import type { CpuClocks } from './capture/cpu-budget.ts';
import type { KernelCapture } from './capture/kernel-capture.ts';
import type { ProgramMeasure } from './capture/program-measure.ts';
import { RUN_BUDGET } from './decode/decode-stage.ts';
import type { GovernorFigures } from './metrics/self-sources.ts';
import type { Pipeline } from './pipeline.ts';

/** It looks no more often than that. */
const PERIOD_MS = 500;
/** Own CPU time is looked at over so long: work comes in bursts. */
const WINDOW_MS = 2000;
/** From this part of the limit on the programs are measured more often. */
const NEAR = 0.5;
/** What the process may take at least, of the limit, when the programs take all of it: what was seen has to be passed on. */
const LEAST_PART = 0.2;

/** Payload bytes of a run from the step `payload` on: enough for the heads of most requests. */
const CAPPED_PAYLOAD = 2048;
/** Parts of all traces and connections that are kept. */
const KEPT_TRACES = 1 / 8;
const KEPT_CONNECTIONS = 1 / 8;

export interface GovernorOptions {
  capture: Pick<KernelCapture, 'budget' | 'figures' | 'shedding' | 'pause' | 'resume'>;
  pipeline: {
    decode: Pick<Pipeline['decode'], 'budgetCap'>;
    linker: Pick<Pipeline['linker'], 'exportedShare'>;
  };
  measure: Pick<ProgramMeasure, 'cost' | 'hurried' | 'measure'>;
  limits: ReceiverSettings['limits'];
  log: ComponentLog;
  clocks: Pick<CpuClocks, 'wall' | 'own'>;
  /** Bytes of resident memory. */
  rss: () => number;
}

/** Each does its step or undoes it; false if that has to wait. */
type Action = (options: GovernorOptions, on: boolean) => boolean;

const ACTIONS: Readonly<Record<Exclude<ShedStep, 'nothing'>, Action>> = {
  payload({ capture, pipeline }, on) {
    capture.shedding.capPayload(on ? CAPPED_PAYLOAD : undefined);
    pipeline.decode.budgetCap = on ? CAPPED_PAYLOAD : RUN_BUDGET;
    return true;
  },
  traces({ pipeline }, on) {
    pipeline.linker.exportedShare = on ? KEPT_TRACES : 1;
    return true;
  },
  connections({ capture }, on) {
    capture.shedding.keepConnections(on ? KEPT_CONNECTIONS : 1);
    return true;
  },
  pause({ capture }, on) {
    if (!on) return capture.resume();
    capture.pause();
    return true;
  },
};

/**
 * Keeps the agent within receivers.undertrace.limits.cpu and .memory: measures what it takes, its eBPF programs included, and gives up more and more,
 * or takes it back (base/governor-policy.ts). The drain's own budget has the same limit.
 */
export class Governor {
  readonly #options: GovernorOptions;
  readonly #policy = new GovernorPolicy();
  readonly #cpuMs: Array<{ wall: number; own: number }> = [];
  readonly #secondsAt: Record<ShedStep, number> = {
    nothing: 0,
    payload: 0,
    traces: 0,
    connections: 0,
    pause: 0,
  };
  readonly #changes = { up: 0, down: 0 };
  #limits: GovernorOptions['limits'];
  /** The step that is in force: behind the policy's for as long as one has to wait. */
  #level = 0;
  #held = 0;
  #dueMs = 0;
  #cpuShare = 0;

  constructor(options: GovernorOptions) {
    this.#options = options;
    this.#limits = options.limits;
  }

  /** To be called often: looks and acts when it is time to. */
  onTurn(): void {
    if (this.#options.clocks.wall() >= this.#dueMs) this.tick();
  }

  /** Of another configuration. */
  set limits(limits: GovernorOptions['limits']) {
    this.#limits = limits;
  }

  get figures(): GovernorFigures {
    const programs = this.#options.measure.cost?.share ?? 0;
    return {
      level: this.#level,
      step: SHED_STEPS[this.#level]!,
      changes: this.#changes,
      secondsAt: this.#secondsAt,
      cpu: { process: this.#cpuShare, programs, limit: this.#limits.cpu },
      memory: { used: this.#options.rss(), limit: this.#limits.memoryBytes },
    };
  }

  /** Looks and acts. */
  tick(): void {
    const { capture, measure } = this.#options;
    const wallMs = this.#look();
    this.#dueMs = wallMs + PERIOD_MS;
    const { cpu: limit, memoryBytes } = this.#limits;
    const share = measure.cost?.share ?? 0;
    const programs = share / limit;
    const cpu = this.#cpuShare / limit + programs;
    const memory = this.#options.rss() / memoryBytes;
    const held = capture.figures.held > this.#held;
    this.#held = capture.figures.held;
    capture.budget.limit = Math.max(limit - share, LEAST_PART * limit);
    measure.hurried = cpu > NEAR || this.#level > 0;
    if (this.#policy.level === this.#level) this.#policy.step(wallMs, { cpu, programs, memory, held });
    this.#follow();
  }

  /** Takes down the CPU time until now. Returns the time, in milliseconds. */
  #look(): number {
    const { clocks } = this.#options;
    const now = { wall: clocks.wall(), own: clocks.own() };
    const last = this.#cpuMs.at(-1);
    if (last !== undefined) this.#secondsAt[SHED_STEPS[this.#level]!] += (now.wall - last.wall) / 1000;
    this.#cpuMs.push(now);
    while (this.#cpuMs.length > 2 && this.#cpuMs[1]!.wall <= now.wall - WINDOW_MS) this.#cpuMs.shift();
    const first = this.#cpuMs[0]!;
    if (now.wall > first.wall) this.#cpuShare = (now.own - first.own) / (now.wall - first.wall);
    return now.wall;
  }

  /** Does, or undoes, what the policy has decided. */
  #follow(): void {
    const { level } = this.#policy;
    if (level === this.#level) return;
    const up = level > this.#level;
    const step = SHED_STEPS[Math.max(level, this.#level)] as Exclude<ShedStep, 'nothing'>;
    if (!ACTIONS[step](this.#options, up)) return;
    this.#level = level;
    this.#changes[up ? 'up' : 'down']++;
    // What was taken before says nothing about what is taken now.
    this.#cpuMs.splice(0, this.#cpuMs.length - 1);
    this.#options.measure.measure();
    this.#announce(up);
  }

  #announce(up: boolean): void {
    const { cpu, memory } = this.figures;
    const fields = {
      step: SHED_STEPS[this.#level],
      cpu: Number((cpu.process + cpu.programs).toFixed(3)),
      cpuLimit: cpu.limit,
      memory: memory.used,
      memoryLimit: memory.limit,
    };
    const message = up
      ? 'above receivers.undertrace.limits: less is captured (docs/governor.md)'
      : 'below receivers.undertrace.limits: more is captured again';
    this.#options.log.repeated(up ? 'warn' : 'info', `${up ? 'up' : 'down'} ${this.#level}`, fields, message);
  }
}
