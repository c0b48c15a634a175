import type { Origins } from '../origins.ts';
import { header } from './header.ts';
import { hop } from './hop.ts';
import { createInside } from './inside.ts';
import type { LinkStrategy } from './strategy.ts';

/**
 * Ways of finding a span's parent, tried in this order. The hop stands before the header, although a header is as sure, because the header
 * names the sender's own span, and the client span seen here stands between that and the server's.
 */
export function createStrategies(origins: Origins): readonly LinkStrategy[] {
  return [hop, header, createInside(origins)];
}
