import { messageOf } from '../base/errors.ts';
import type { Instrument, Metric, Point } from '../base/metric.ts';
import { Slices } from '../base/slices.ts';
import { SourceMissing } from './host-files.ts';
import { type HostSource, Omitted, type Probe } from './probe/probe.ts';

/** What became of a probe when it was read last. */
export interface ProbeState {
  readonly name: string;
  /** `unavailable`: this host has not got what it reads. `unread`: nobody has asked yet. */
  status: 'unread' | 'ok' | 'unavailable' | 'failed';
  /** Why it is not ok, or was not the last time that it was not. */
  lastError: string | undefined;
  seconds: number;
  /** What this host has not got for a part of the figures, when it was read last. */
  missing: readonly string[];
  /** Devices, processes and the like that were beyond a limit of the probe when it was read last. */
  omitted: number;
  /** Figures that were read, and readings that ended with an error, since the start. */
  points: number;
  errors: number;
}

export interface HostProbesOptions {
  probes: readonly Probe[];
  source: HostSource;
  /** Unix milliseconds of the host's start. */
  bootMs: number;
  /** Told when a probe begins to fail, and when it no longer does. */
  onChange?: (state: Readonly<ProbeState>) => void;
}

/** What one reading of a probe came to. */
interface Summary {
  count: number;
  missing: SourceMissing[];
  omitted: number;
}

/** The figures of the host, read together when somebody asks. */
export class HostProbes {
  readonly states: readonly ProbeState[];
  readonly metrics: readonly Metric[];
  readonly #options: HostProbesOptions;
  #points = new Map<Instrument, Point[]>();
  #reading: Promise<void> | undefined;

  constructor(options: HostProbesOptions) {
    this.#options = options;
    this.states = options.probes.map(({ name }) => {
      const counts = { omitted: 0, seconds: 0, points: 0, errors: 0 };
      return { name, status: 'unread', lastError: undefined, missing: [], ...counts };
    });
    this.metrics = options.probes.flatMap(({ instruments }) =>
      instruments.map((instrument): Metric => {
        return { instrument, points: () => this.#points.get(instrument) ?? [] };
      }),
    );
  }

  /** Reads everything anew, before the metrics are asked for. Whoever asks meanwhile gets the same reading. Never rejects. */
  refresh(): Promise<void> {
    this.#reading ??= this.#readAll().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    const points = new Map<Instrument, Point[]>();
    for (const [place, probe] of this.#options.probes.entries()) {
      const state = this.states[place]!;
      const before = state.status;
      const startedAt = performance.now();
      const found = new Map<Instrument, Point[]>();
      try {
        const { count, missing, omitted } = await this.#read(probe, found);
        if (count === 0 && missing.length > 0) throw missing[0]!;
        state.points += count;
        state.missing = missing.map(messageOf);
        state.omitted = omitted;
        for (const [instrument, of] of found) points.set(instrument, of);
        state.status = 'ok';
      } catch (error) {
        state.status = error instanceof SourceMissing ? 'unavailable' : 'failed';
        state.lastError = messageOf(error);
        state.missing = [];
        state.omitted = 0;
        state.errors++;
      }
      state.seconds = (performance.now() - startedAt) / 1000;
      if (state.status !== before && (state.status === 'failed' || before === 'failed'))
        this.#options.onChange?.(state);
    }
    this.#points = points;
  }

  async #read(probe: Probe, found: Map<Instrument, Point[]>): Promise<Summary> {
    const { source, bootMs } = this.#options;
    const summary: Summary = { count: 0, missing: [], omitted: 0 };
    const slices = new Slices();
    for (const told of probe.read(source)) {
      if (told instanceof SourceMissing) summary.missing.push(told);
      else if (told instanceof Omitted) summary.omitted += told.count;
      else {
        const { instrument, attributes, value, startMs } = told;
        let points = found.get(instrument);
        if (points === undefined) found.set(instrument, (points = []));
        points.push(
          instrument.type === 'gauge'
            ? { attributes, value }
            : { attributes, value, startMs: startMs ?? bootMs },
        );
        summary.count++;
      }
      if (slices.isOver()) await slices.rest();
    }
    return summary;
  }
}
