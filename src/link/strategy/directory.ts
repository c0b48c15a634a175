import type { LinkStrategy } from './strategy.ts';

/** A server span's parent is the client span of the same hop on another host, whose agent published it under the key that both computed. */
export const directory: LinkStrategy = {
  name: 'directory',

  parentOf({ exchange, hop }) {
    if (exchange.role !== 'server' || hop?.remote === undefined) return undefined;
    return { context: hop.remote, remote: true, confidence: 1 };
  },
};
