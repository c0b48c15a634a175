/** How often the messages are passed on at most; they settle long before, but in groups where nothing tells the pairs apart. */
const MAX_ROUNDS = 30;
/** Messages that change less than this have settled. */
const TOLERANCE = 1e-3;
/** Beyond this a weight says no more, and differences of sums lose their digits. */
const MAX_LOG_WEIGHT = 18;

/**
 * Calls and the places that requests have for them, and how likely each pair is: what is known of a one-to-one assignment in which both calls and
 * places may stay alone.
 *
 * A pair's weight is how many times likelier it is than that both are alone. The probability of an assignment is proportional to the product of the
 * weights of its pairs; that of a pair is the sum over all assignments that have it, so that a second one that is nearly as good costs confidence,
 * however far away in the group it differs. The sum is not enumerated: belief propagation, which is exact without circles and close with them, and which
 * always settles for this problem (Bayati, Gamarnik, Katz, Nair, Tetali 2007).
 */
export class Assignment {
  /** By pair: its call, its place and its weight. */
  readonly #calls: number[] = [];
  readonly #places: number[] = [];
  readonly #weights: number[] = [];

  get size(): number {
    return this.#weights.length;
  }

  /** Returns the number of the pair. */
  add(call: number, place: number, logWeight: number): number {
    this.#calls.push(call);
    this.#places.push(place);
    return this.#weights.push(Math.exp(Math.min(logWeight, MAX_LOG_WEIGHT))) - 1;
  }

  /** The probability of each pair, by its number. */
  solve(calls: number, places: number): Float64Array {
    const { size } = this;
    const fromCall = new Float64Array(size).fill(1);
    const fromPlace = new Float64Array(size).fill(1);
    const sums = new Float64Array(Math.max(calls, places));
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const changed = this.#pass(this.#calls, fromPlace, fromCall, sums);
      if (this.#pass(this.#places, fromCall, fromPlace, sums) + changed < TOLERANCE) break;
    }
    const probabilities = fromCall;
    for (let pair = 0; pair < size; pair++) {
      const odds = this.#weights[pair]! * fromCall[pair]! * fromPlace[pair]!;
      probabilities[pair] = odds / (1 + odds);
    }
    return probabilities;
  }

  /** Each of `ends` tells by each of its pairs how free it is, by what its other pairs told it. Returns the greatest change. */
  #pass(ends: readonly number[], told: Float64Array, tells: Float64Array, sums: Float64Array): number {
    const { length } = tells;
    sums.fill(1);
    for (let pair = 0; pair < length; pair++) sums[ends[pair]!]! += this.#weights[pair]! * told[pair]!;
    let changed = 0;
    for (let pair = 0; pair < length; pair++) {
      // Never below what being alone counts, whatever the digits lost in the difference.
      const others = Math.max(1, sums[ends[pair]!]! - this.#weights[pair]! * told[pair]!);
      changed = Math.max(changed, Math.abs(1 / others - tells[pair]!));
      tells[pair] = 1 / others;
    }
    return changed;
  }
}
