import type { Origins } from '../origins.ts';
import { directory } from './directory.ts';
import { forwarded } from './forwarded.ts';
import { header } from './header.ts';
import { hop } from './hop.ts';
import { createInside } from './inside.ts';
import { requestId } from './request-id.ts';
import { residual } from './residual.ts';
import type { LinkStrategy } from './strategy.ts';

/**
 * Ways of finding a span's parent, tried in this order. Those that find a span seen here stand before the header, although a header is as sure,
 * because the header names the sender's own span, and the span seen here stands between that and this one.
 */
export function createStrategies(origins: Origins): readonly LinkStrategy[] {
  return [hop, forwarded, requestId, header, directory, createInside(origins), residual];
}
