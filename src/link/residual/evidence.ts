/** Bins a doubling of the gap: as fine as the machine's own noise lets gaps be told apart. */
const BINS_A_DOUBLING = 2;
/** Gaps from a microsecond to a minute are told apart. */
const FIRST = 10;
const LAST = 36;
const GAP_BINS = (LAST - FIRST) * BINS_A_DOUBLING;
/** How what is compared lies to the other thing: after it, before it, or both at once; gaps are told apart within each. */
const AFTER = 0;
const BEFORE = 1;
const AT_ONCE = 2;
const PLACES = 3;
const BINS = PLACES * GAP_BINS;
/** Share of each count that counts for the two bins beside it. */
const SPREAD = 0.25;
/** As if so much had been seen in all bins together, and in all places. */
const PRIOR = 2;
/** Counts are halved from here on, so that what is learnt follows the process. */
const MAX_COUNT = 4000;

interface Ratios {
  readonly byBin: Float64Array;
  readonly byPlace: Float64Array;
  readonly information: number;
}

/** Pairs of loose calls after which evidence may be taken to hold for them, if they have at least this share of what known calls have of it. */
const FEW = 30;
const HOLDS = 0.6;

/** A stretch of time. */
export interface Stretch {
  readonly startNs: number;
  readonly endNs: number;
}

/**
 * How calls of one kind lie to something else of the request that they belong to, and how they lie to the same of other requests: the ratio of the
 * two is what a pair of a call and a request has for itself.
 */
export class Evidence {
  readonly #own = new Float64Array(BINS);
  readonly #foreign = new Float64Array(BINS);
  #ownCount = 0;
  #foreignCount = 0;
  #forwards = 0;
  /** Of loose calls, beside what most likely is their request: what this has for the pair in sum, and how many. */
  #looseSum = 0;
  #looseCount = 0;
  /** What follows from the counts, until they change. */
  #ratios: Ratios | undefined;

  /** So many pairs have been seen that belong together. */
  get count(): number {
    return this.#ownCount;
  }

  /** Whether it tells where a call begins rather than what comes after it. */
  get forwards(): boolean {
    return 2 * this.#forwards >= this.#ownCount;
  }

  /**
   * Whether it is the same with loose calls. What comes after a call may differ: in a pool the known calls are those that somebody waited for, who
   * went on at once. Judged by pairs that were found while it was not believed, so that it does not confirm itself.
   */
  get holds(): boolean {
    return this.#looseCount >= FEW && this.#looseSum >= HOLDS * this.#looseCount * this.information;
  }

  /** A loose call most likely belongs to a request to which it lies so. */
  meet(bin: number): void {
    this.#looseSum += this.logRatio(bin);
    if (++this.#looseCount < MAX_COUNT) return;
    this.#looseSum /= 2;
    this.#looseCount /= 2;
  }

  learn(bin: number, own: boolean): void {
    if (own && Math.floor(bin / GAP_BINS) !== BEFORE) this.#forwards++;
    const bins = own ? this.#own : this.#foreign;
    bins[bin]! += 1 - SPREAD;
    bins[besides(bin, -1)]! += SPREAD / 2;
    bins[besides(bin, 1)]! += SPREAD / 2;
    const count = own ? ++this.#ownCount : ++this.#foreignCount;
    if (count >= MAX_COUNT) this.#halve(own);
    this.#ratios = undefined;
  }

  /** The logarithm of how many times likelier a pair is that lies so if it belongs together. */
  logRatio(bin: number): number {
    return this.#current().byBin[bin]!;
  }

  /** The same by the order alone, whatever the gap. */
  logOrderRatio(bin: number): number {
    return this.#current().byPlace[Math.floor(bin / GAP_BINS)]!;
  }

  /** How much a pair that belongs together has for itself in the mean: what is to be asked first. */
  get information(): number {
    return this.#current().information;
  }

  #current(): Ratios {
    if (this.#ratios !== undefined) return this.#ratios;
    const byBin = new Float64Array(BINS);
    const byPlace = new Float64Array(PLACES);
    const [owns, foreigns] = [this.#ownCount + PRIOR, this.#foreignCount + PRIOR];
    let information = 0;
    for (let place = 0; place < PLACES; place++) {
      let [own, foreign] = [PRIOR / PLACES, PRIOR / PLACES];
      for (let bin = place * GAP_BINS; bin < (place + 1) * GAP_BINS; bin++) {
        const [inOwn, inForeign] = [this.#own[bin]!, this.#foreign[bin]!];
        byBin[bin] = Math.log(((inOwn + PRIOR / BINS) / (inForeign + PRIOR / BINS)) * (foreigns / owns));
        information += inOwn * byBin[bin]!;
        own += inOwn;
        foreign += inForeign;
      }
      byPlace[place] = Math.log((own / foreign) * (foreigns / owns));
    }
    return (this.#ratios = { byBin, byPlace, information: information / Math.max(1, this.#ownCount) });
  }

  #halve(own: boolean): void {
    const bins = own ? this.#own : this.#foreign;
    for (let bin = 0; bin < BINS; bin++) bins[bin]! /= 2;
    if (own) {
      this.#ownCount /= 2;
      this.#forwards /= 2;
    } else this.#foreignCount /= 2;
  }
}

/** How one stretch lies to another. */
export function binOf(one: Stretch, other: Stretch): number {
  if (one.startNs >= other.endNs) return AFTER * GAP_BINS + gapBin(one.startNs - other.endNs);
  if (one.endNs <= other.startNs) return BEFORE * GAP_BINS + gapBin(other.startNs - one.endNs);
  return AT_ONCE * GAP_BINS + gapBin(Math.abs(one.startNs - other.startNs));
}

/** How far behind the begin of a request a call was sent, and before its end came back. */
export function sinceBegin(call: Stretch, request: Stretch): number {
  return AFTER * GAP_BINS + gapBin(call.startNs - request.startNs);
}

export function untilEnd(call: Stretch, request: Stretch): number {
  if (request.endNs < call.endNs) return AFTER * GAP_BINS + gapBin(call.endNs - request.endNs);
  return BEFORE * GAP_BINS + gapBin(request.endNs - call.endNs);
}

function gapBin(ns: number): number {
  const bin = Math.floor(BINS_A_DOUBLING * (Math.log2(ns) - FIRST));
  return Math.min(Math.max(bin, 0), GAP_BINS - 1);
}

/** The bin beside one, in the same place. */
function besides(bin: number, step: number): number {
  const next = bin + step;
  return next >= 0 && Math.floor(next / GAP_BINS) === Math.floor(bin / GAP_BINS) ? next : bin;
}
