/** The spans of a run by the request that they are about. */
import { pathOf } from '../support/agent.ts';
import { CLIENT, SERVER } from '../support/check-spans.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';

/** Both ends of one request. */
export interface Ends {
  client?: ReceivedSpan;
  server?: ReceivedSpan;
}

/** How spans and truth match up: every request is to have one span at each end, and there is to be nothing else. */
export interface SpanCounts {
  missing: number;
  repeated: number;
  unknown: number;
}

/** The id of the request that a span is about: the last part of its path. */
export function idOf(span: ReceivedSpan): string {
  return /[^/]*$/.exec(pathOf(span) ?? '')![0];
}

export class SpanIndex {
  readonly #ends = new Map<string, Ends>();
  readonly counts: SpanCounts = { missing: 0, repeated: 0, unknown: 0 };

  /** `ids`: of every request of the run. */
  constructor(spans: readonly ReceivedSpan[], ids: Iterable<string>) {
    for (const id of ids) this.#ends.set(id, {});
    for (const span of spans) {
      const ends = this.#ends.get(idOf(span));
      const end = span.kind === CLIENT ? 'client' : span.kind === SERVER ? 'server' : undefined;
      if (!ends || !end) this.counts.unknown++;
      else if (ends[end]) this.counts.repeated++;
      else ends[end] = span;
    }
    for (const { client, server } of this.#ends.values())
      this.counts.missing += Number(!client) + Number(!server);
  }

  of(id: string): Ends {
    return this.#ends.get(id) ?? {};
  }

  all(): Iterable<Ends> {
    return this.#ends.values();
  }
}
