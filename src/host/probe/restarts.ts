import { counter, OURS } from './make-instrument.ts';
import type { ObservedProcess, Reading } from './probe.ts';

export const RESTARTS = counter(
  'process.restarts',
  '{restart}',
  `Processes of a service that have started after another one of it had ended, within ten minutes; since the agent looked first. ${OURS}`,
  'service.name',
  'service.namespace',
);

/** Whoever comes later is no replacement. */
const WITHIN_S = 600;
const MAX_SERVICES = 500;

interface Service {
  readonly attributes: readonly string[];
  /** By number; the time of the start, seconds since the host's, and the reading that saw it last. */
  readonly living: Map<number, { startS: number; seen: number }>;
  /** When those that have ended since, and were not replaced, were seen for the last time. */
  ended: number[];
  restarts: number;
}

/** Counts processes that take the place of others, from one reading to the next. */
export class Restarts {
  readonly #services = new Map<string, Service>();
  #reading = 0;
  #nowS = 0;
  #beforeS = 0;
  /** Processes that were not there in the reading before. */
  #fresh: Array<{ service: Service; startS: number }> = [];

  /** `nowS`: seconds since the host has started. */
  begin(nowS: number): void {
    this.#reading++;
    this.#beforeS = this.#nowS;
    this.#nowS = nowS;
    this.#fresh = [];
  }

  lives({ pid, service: name, namespace }: ObservedProcess, startS: number): void {
    const key = `${namespace}\n${name}`;
    let service = this.#services.get(key);
    if (service === undefined) {
      if (this.#services.size >= MAX_SERVICES) this.#forget();
      service = { attributes: [name, namespace], living: new Map(), ended: [], restarts: 0 };
      this.#services.set(key, service);
    }
    const known = service.living.get(pid);
    if (known?.startS === startS) known.seen = this.#reading;
    else {
      if (known !== undefined) service.ended.push(this.#beforeS);
      service.living.set(pid, { startS, seen: this.#reading });
      this.#fresh.push({ service, startS });
    }
  }

  *end(): Iterable<Reading> {
    for (const service of this.#services.values()) {
      for (const [pid, { seen }] of service.living) {
        if (seen === this.#reading) continue;
        service.living.delete(pid);
        service.ended.push(this.#beforeS);
      }
      service.ended = service.ended.filter((at) => this.#nowS - at < WITHIN_S);
    }
    for (const { service, startS } of this.#fresh) {
      // One that was there before, and was seen only now, replaces nobody.
      const place = service.ended.findIndex((at) => startS >= at);
      if (place < 0) continue;
      service.ended.splice(place, 1);
      service.restarts++;
    }
    for (const { attributes, restarts } of this.#services.values())
      yield { instrument: RESTARTS, attributes, value: restarts };
  }

  /** A service without a process makes room for another, if there is one. */
  #forget(): void {
    const [oldest] = this.#services.keys();
    const idle = [...this.#services].find(([, { living }]) => living.size === 0)?.[0];
    this.#services.delete(idle ?? oldest!);
  }
}
