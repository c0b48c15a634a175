import { Histogram } from '../base/histogram.ts';

const PERIOD_MS = 500;
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Measures by how much a timer comes late, twice a second. A histogram instead of a maximum, since it survives several scrapers. */
export class EventLoopLag {
  readonly seconds = new Histogram(BOUNDS);
  readonly #timer: NodeJS.Timeout;

  constructor(now: () => number = () => performance.now()) {
    let due = now() + PERIOD_MS;
    this.#timer = setInterval(() => {
      const at = now();
      this.seconds.observe(Math.max(0, at - due) / 1000);
      due = at + PERIOD_MS;
    }, PERIOD_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
