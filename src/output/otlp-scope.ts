/** What every OTLP request of this program says about itself. */
import { createRequire } from 'node:module';
import type { Span } from '../link/span.ts';

/** The released semantic conventions that attribute names follow. */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.44.0';
export const SCOPE_NAME = 'undertrace';
export const SCOPE_VERSION = readVersion();

/** Span.flags: W3C trace flags in the low 8 bits; bit 8 says that bit 9 is known, bit 9 that the parent is remote. */
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

export function spanFlags(span: Span): number {
  return (span.traceFlags & 0xff) | HAS_IS_REMOTE | (span.parentIsRemote ? IS_REMOTE : 0);
}

/** src/output and dist/output stand equally deep under the package's root. */
function readVersion(): string {
  return (createRequire(import.meta.url)('../../package.json') as { version: string }).version;
}
