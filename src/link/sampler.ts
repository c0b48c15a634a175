import { UserError } from '../base/errors.ts';
import { SAMPLERS, type SamplerName } from '../base/settings.ts';

/** What the request said about sampling: trace flags; -1 where it carried no trace context, or one that leaves the decision to others. */
export type IncomingFlags = number;
export const NO_CONTEXT = -1;
const SAMPLED = 1;

/**
 * OTEL_TRACES_SAMPLER, decided once a trace is put together.
 *
 * The decision is a function of the trace id alone, or of the flag that came with the request: every agent and every part of a trace
 * decides alike. A ratio rejects trace ids whose low 56 bits are below (1 - ratio) * 2^56, which is the threshold of consistent probability
 * sampling (https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/), so that a trace kept at 1 % is also kept at 10 %.
 */
export class Sampler {
  readonly name: SamplerName;
  readonly ratio: number;
  readonly #parentBased: boolean;
  /** The threshold's upper 24 and lower 32 bits: a number holds only 53. */
  readonly #thresholdHigh: number;
  readonly #thresholdLow: number;

  constructor(name: string = 'parentbased_always_on', ratio: number = 1) {
    const known = SAMPLERS.find((candidate) => candidate === name);
    if (known === undefined) {
      throw new UserError('SAMPLER_UNKNOWN', `Sampler "${name}" is not one of ${SAMPLERS.join(', ')}.`);
    }
    if (!(ratio >= 0 && ratio <= 1)) {
      throw new UserError('SAMPLER_RATIO', `The sampler's ratio must be between 0 and 1, not ${ratio}.`);
    }
    this.name = known;
    this.#parentBased = known.startsWith('parentbased_');
    if (known.endsWith('always_on')) this.ratio = 1;
    else if (known.endsWith('always_off')) this.ratio = 0;
    else this.ratio = ratio;
    const scaled = (1 - this.ratio) * 2 ** 24;
    this.#thresholdHigh = Math.floor(scaled);
    this.#thresholdLow = Math.floor((scaled - this.#thresholdHigh) * 2 ** 32);
  }

  /** `traceId`: 32 hex digits. `incoming`: flags of the trace context in the request, or NO_CONTEXT. */
  keeps(traceId: string, incoming: IncomingFlags): boolean {
    if (this.#parentBased && incoming !== NO_CONTEXT) return (incoming & SAMPLED) !== 0;
    if (this.ratio === 1) return true;
    if (this.ratio === 0) return false;
    const high = Number.parseInt(traceId.slice(18, 24), 16);
    if (high !== this.#thresholdHigh) return high > this.#thresholdHigh;
    return Number.parseInt(traceId.slice(24), 16) >= this.#thresholdLow;
  }
}

/** Whether a trace is in a share of all of them: by bits that a Sampler hardly looks at, so that of what it keeps the same share is. */
export function isInShare(traceId: string, share: number): boolean {
  return share === 1 || Number.parseInt(traceId.slice(24), 16) < share * 2 ** 32;
}
