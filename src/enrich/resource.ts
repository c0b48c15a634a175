import type { Attributes } from '../decode/exchange.ts';

/** The identity spans are reported under. One object a service instance, never copied: exporters group by identity. */
export interface ServiceResource {
  readonly serviceName: string;
  readonly attributes: Attributes;
}
