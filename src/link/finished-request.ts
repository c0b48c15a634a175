import type { Description, Exchange } from '../decode/exchange.ts';
import type { ServiceResource } from '../enrich/resource.ts';

/** A request that is over, at one of its ends; told before sampling, so that counts of it are exact. */
export interface FinishedRequest {
  readonly service: ServiceResource;
  /** The other end; undefined where it is not on this host, or not known. */
  readonly peer: ServiceResource | undefined;
  readonly exchange: Exchange;
  readonly description: Description;
  /** Low-cardinality route or template of the path. */
  readonly route: string | undefined;
  /** Of the span. */
  readonly name: string;
  readonly durationNs: number;
  /** There is no span of it, because its process makes its own. */
  readonly suppressed: boolean;
  /** Where its span stands, if it is exported. */
  readonly span: { readonly traceId: string; readonly spanId: string } | undefined;
}

export type RequestObserver = (request: FinishedRequest) => void;
