import { NO_CONTEXT } from '../sampler.ts';
import { type ContextFormat, padId } from './context.ts';

/** Version, seconds since 1970, and 96 bits; together the 128 bits of a trace id. */
const ROOT = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/;
const PARENT = /^[0-9a-f]{16}$/;
const PAIR = /^([A-Za-z][A-Za-z0-9_-]*)=([\x21-\x3a\x3c-\x7e]*)$/;
/** `?` asks the next one to decide. */
const FLAGS: Readonly<Record<string, number>> = { '0': 0, '1': 1, '?': NO_CONTEXT };

/**
 * AWS X-Ray: `X-Amzn-Trace-Id`, pairs in any order (https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader).
 * A load balancer writes Root, and Self where there was a Root before; neither Parent nor Sampled, so it names a trace and no span.
 */
export const xray: ContextFormat = {
  name: 'AWS X-Ray',

  parse({ xray: text }) {
    const pairs = text === undefined ? undefined : pairsOf(text);
    if (pairs === undefined) return undefined;
    const root = ROOT.exec(pairs.get('Root') ?? '');
    const parent = pairs.get('Parent');
    const sampled = pairs.get('Sampled') ?? '?';
    if (root === null || !Object.hasOwn(FLAGS, sampled)) return undefined;
    if (parent !== undefined && !PARENT.test(parent)) return undefined;
    const traceId = padId(root[1]! + root[2]!, 32);
    const spanId = parent === undefined ? undefined : padId(parent, 16);
    if (traceId === undefined || (parent !== undefined && spanId === undefined)) return undefined;
    return { traceId, spanId, incomingFlags: FLAGS[sampled]!, traceState: undefined };
  },
};

/** Undefined where one is no pair, or a key is there twice. Keys that are not known belong to applications. */
function pairsOf(text: string): ReadonlyMap<string, string> | undefined {
  const pairs = new Map<string, string>();
  for (const part of text.split(';')) {
    const trimmed = part.trim();
    if (trimmed === '') continue;
    const match = PAIR.exec(trimmed);
    if (match === null || pairs.has(match[1]!)) return undefined;
    pairs.set(match[1]!, match[2]!);
  }
  return pairs;
}
