/** The host's eBPF programs in the kernel, without an agent, and their figures. */
import assert from 'node:assert/strict';
import type { Histogram } from '../../src/base/histogram.ts';
import { loadNative } from '../../src/capture/native.ts';
import { HostFiles } from '../../src/host/host-files.ts';
import { HostProbes } from '../../src/host/host-probes.ts';
import { KernelProbes } from '../../src/host/kernel-probes.ts';
import { KERNEL_PROGRAMS } from '../../src/host/kernel-programs.ts';
import type { Victim } from '../../src/host/oom-victims.ts';
import { PROBES } from '../../src/host/probe/index.ts';

export type Labels = Readonly<Record<string, string>>;

/** The programs in the kernel, and their figures as a scrape would have them. */
export class Probed {
  readonly kills: Victim[] = [];
  readonly kernel: KernelProbes;
  readonly #host: HostProbes;

  constructor() {
    const options = { off: [], connections: 4096, onKill: (victim: Victim) => this.kills.push(victim) };
    this.kernel = new KernelProbes(loadNative(), options);
    const source = { files: new HostFiles('/'), processes: () => [], kernel: this.kernel };
    const probes = PROBES.filter(({ name }) => KERNEL_PROGRAMS.some(({ probe }) => probe === name));
    this.#host = new HostProbes({ probes, source, bootMs: 0 });
  }

  /** Which processes are which service from now on, and no others. */
  observe(services: Readonly<Record<string, readonly number[]>>): void {
    this.kernel.observe(
      Object.entries(services).flatMap(([service, pids]) =>
        pids.map((pid) => ({ pid, service, namespace: '' })),
      ),
    );
  }

  async read(): Promise<Figures> {
    await this.#host.refresh();
    for (const { name, status, lastError } of this.#host.states)
      assert.equal(status, 'ok', `${name}: ${lastError}`);
    return new Figures(
      this.#host.metrics.flatMap((metric) =>
        [...metric.points()].map(({ attributes, value }) => ({
          name: metric.instrument.name,
          labels: Object.fromEntries(
            metric.instrument.attributes.map((key, place) => [key, attributes![place]!]),
          ),
          value,
        })),
      ),
    );
  }
}

export class Figures {
  readonly #points: ReadonlyArray<{ name: string; labels: Labels; value: number | Histogram }>;

  constructor(points: ReadonlyArray<{ name: string; labels: Labels; value: number | Histogram }>) {
    this.#points = points;
  }

  /** Of the counters that have these labels. */
  sum(name: string, labels: Labels): number {
    return this.#of(name, labels).reduce<number>(
      (sum, value) => sum + (typeof value === 'number' ? value : 0),
      0,
    );
  }

  /** Of the histogram that has these labels. */
  histogram(name: string, labels: Labels): Histogram | undefined {
    const found = this.#of(name, labels).filter((value) => typeof value !== 'number');
    assert.ok(found.length < 2, `${name}: ${found.length} histograms`);
    return found[0];
  }

  #of(name: string, labels: Labels): Array<number | Histogram> {
    return this.#points
      .filter(
        (point) =>
          point.name === name && Object.entries(labels).every(([key, value]) => point.labels[key] === value),
      )
      .map(({ value }) => value);
  }
}

/** Within a share of what is true. */
export function assertWithin(found: number, truth: number, share: number, what: string): void {
  assert.ok(Math.abs(found - truth) <= share * truth, `${what}: ${found}, and truly ${truth}`);
}

/** Bounds of the bucket that a quantile is in. */
export function quantile({ counts, bounds, count }: Histogram, share: number): [above: number, upTo: number] {
  let bucket = 0;
  for (let seen = counts[0]!; seen < share * count;) seen += counts[++bucket]!;
  return [bounds[bucket - 1] ?? 0, bounds[bucket] ?? Infinity];
}
