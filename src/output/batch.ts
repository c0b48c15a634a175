import type { Span } from '../link/span.ts';
import { BlockStore, type Stored } from './block-store.ts';

/** A request as bytes. */
export interface EncodedRequest {
  /** A buffer while it is sent, or is yet to be compressed. */
  bytes: Buffer | Stored;
  /** While it is `underWay` the request is not sent. */
  compression: 'none' | 'underWay' | 'done' | 'impossible';
}

/** Spans that travel as one request. */
export interface Batch {
  /** How many spans. */
  readonly count: number;
  /** What is sent: the spans, or the request that was made of them. */
  readonly content: readonly Span[] | EncodedRequest;
  /** Dropped while its request was being compressed. */
  gone: boolean;
  /** What it takes of `queue_size`. */
  cost: number;
  attempts: number;
  firstTriedAt: number;
  /** Not tried before this time. */
  notBefore: number;
  /** How often it was let go early because the destination answered something else. */
  released: number;
}

/** After this many attempts a batch is suspected to be itself the reason, and others are tried in between. */
const SUSPECT_ATTEMPTS = 3;

export function createBatch(count: number, content: Batch['content'], cost: number): Batch {
  return {
    count,
    content,
    gone: false,
    cost,
    attempts: 0,
    firstTriedAt: 0,
    notBefore: 0,
    released: 0,
  };
}

/** Batches that wait, failed ones and packed ones, the oldest first. Requests that are as small as they get are in a BlockStore meanwhile. */
export class WaitingBatches {
  readonly #store = new BlockStore();
  #batches: Batch[] = [];
  #suspectsTurn = false;

  get length(): number {
    return this.#batches.length;
  }

  /** Behind all others: younger than they are. */
  append(batch: Batch): void {
    this.#batches.push(batch);
    this.#keep(batch);
  }

  /** Before all others: it has been tried. */
  putBack(batch: Batch): void {
    this.#batches.unshift(batch);
    this.#keep(batch);
  }

  /** The oldest with a request that could be compressed. */
  uncompressed(): Batch | undefined {
    return this.#batches.find(({ content }) => 'bytes' in content && content.compression === 'none');
  }

  /** The request of a batch that waits has been made smaller. */
  compressed(request: EncodedRequest, bytes: Buffer): void {
    request.bytes = this.#store.put(bytes);
  }

  /** The oldest, not to be sent any more. */
  drop(): Batch | undefined {
    const batch = this.#batches.shift();
    if (!batch) return undefined;
    batch.gone = true;
    const stored = storedOf(batch);
    if (stored) this.#store.free(stored);
    return batch;
  }

  /**
   * The batch to try now, taken out. 'other' where the oldest is under suspicion and something that was never tried should go instead; the
   * caller asks again with `insist` if it has nothing.
   *
   * One batch that the destination cannot digest must not stop all others, so while the destination fails every other attempt goes to a
   * batch with fewer attempts. Untried ones are drawn in only while fewer than `maxTried` have been tried, because the first attempt starts
   * `max_elapsed_time`.
   */
  take(now: number, failing: boolean, maxTried: number, insist: boolean): Batch | 'other' | undefined {
    const isReady = (batch: Batch): boolean => !isBusy(batch) && batch.notBefore <= now;
    const first = this.#batches.findIndex(isReady);
    if (first < 0) return undefined;
    const { attempts } = this.#batches[first]!;
    if (!failing || insist || attempts < SUSPECT_ATTEMPTS) return this.#takeAt(first);
    this.#suspectsTurn = !this.#suspectsTurn;
    if (this.#suspectsTurn) return this.#takeAt(first);
    const tried = this.#batches.filter((batch) => batch.attempts > 0);
    const fresher = tried.find((batch) => batch.attempts < attempts && isReady(batch));
    if (fresher) return this.#takeAt(this.#batches.indexOf(fresher));
    if (tried.length >= maxTried) return this.#takeAt(first);
    const untried = this.#batches.findIndex((batch) => batch.attempts === 0 && isReady(batch));
    return untried < 0 ? 'other' : this.#takeAt(untried);
  }

  #takeAt(index: number): Batch {
    const batch = this.#batches.splice(index, 1)[0]!;
    const stored = storedOf(batch);
    if (stored) {
      (batch.content as EncodedRequest).bytes = this.#store.read(stored);
      this.#store.free(stored);
    }
    return batch;
  }

  #keep({ content }: Batch): void {
    if ('bytes' in content && Buffer.isBuffer(content.bytes) && content.compression !== 'none')
      content.bytes = this.#store.put(content.bytes);
  }

  /** The destination answered: what failed before may go at once, each batch once; what fails again keeps its own pace. */
  release(): void {
    for (const batch of this.#batches) {
      if (batch.attempts > 0 && batch.released++ === 0) batch.notBefore = 0;
    }
  }

  /** When the first of them may be tried, not before `from`; Infinity if there is none. */
  readyAt(from: number): number {
    let at = Infinity;
    for (const batch of this.#batches) {
      if (isBusy(batch)) continue;
      if (batch.notBefore <= from) return from;
      at = Math.min(at, batch.notBefore);
    }
    return at;
  }

  /** All may be tried now. */
  hurry(): void {
    for (const batch of this.#batches) batch.notBefore = 0;
  }
}

function storedOf({ content }: Batch): Stored | undefined {
  return 'bytes' in content && !Buffer.isBuffer(content.bytes) ? content.bytes : undefined;
}

/** Its request is being compressed. */
function isBusy({ content }: Batch): boolean {
  return 'bytes' in content && content.compression === 'underWay';
}
