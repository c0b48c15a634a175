import type { Pending } from './pending.ts';

/** What became of the links of one service's spans. */
export interface ServiceLinks {
  /** Spans with a parent, by how it was found. */
  readonly byMethod: Map<string, number>;
  /** Sum of the confidence of those. */
  confidence: number;
  /** Spans whose parent was not sure enough, and became a span link. */
  candidates: number;
  /** Calls of a process that serves requests, of which it is not known for whom they were made. */
  orphans: number;
}

/** The links that were made, by service. */
export class LinkCounts {
  readonly byService = new Map<string, ServiceLinks>();
  readonly #max: number;

  /** Services beyond `max` are counted together, under an empty name. */
  constructor(max = 500) {
    this.#max = max;
  }

  /** The span of a placed exchange was made. */
  add({ exchange, placement, resource, serving }: Pending): void {
    const { parent, candidate, method } = placement!;
    const links = this.#linksOf(resource!.serviceName);
    if (parent !== undefined) {
      links.byMethod.set(method!, (links.byMethod.get(method!) ?? 0) + 1);
      links.confidence += parent.confidence;
    } else if (candidate !== undefined) {
      links.candidates++;
    } else if (exchange.role === 'client' && serving !== undefined) {
      links.orphans++;
    }
  }

  #linksOf(service: string): ServiceLinks {
    const known = this.byService.get(service);
    if (known !== undefined) return known;
    const name = this.byService.size < this.#max ? service : '';
    const made = this.byService.get(name) ?? {
      byMethod: new Map(),
      confidence: 0,
      candidates: 0,
      orphans: 0,
    };
    this.byService.set(name, made);
    return made;
  }
}
