import type { ContextHeaders } from '../../decode/context-headers.ts';
import { b3Multi, b3Single } from './b3.ts';
import { type ContextFormat, type IncomingContext, namesSpan } from './context.ts';
import { jaeger } from './jaeger.ts';
import { skywalking } from './skywalking.ts';
import { w3c } from './w3c.ts';
import { xray } from './xray.ts';

/**
 * Formats by precedence. W3C stands first, since it is what others are translated to; B3 in one header before that in several, as its
 * specification says; X-Ray last, since load balancers write it whether anybody traces or not.
 */
export const formats: readonly ContextFormat[] = [w3c, b3Single, b3Multi, jaeger, skywalking, xray];

/** The trace context of a request: that of the first format that names a span, else of the first that says anything. */
export function parseContext(headers: ContextHeaders): IncomingContext | undefined {
  let first: IncomingContext | undefined;
  for (const format of formats) {
    const context = format.parse(headers);
    if (context === undefined) continue;
    if (namesSpan(context)) return context;
    first ??= context;
  }
  return first;
}
