import type { Attributes } from '../decode/exchange.ts';
import type { Span } from './span.ts';

/**
 * Cuts text in the attributes of spans to `length` characters: OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT
 * (https://opentelemetry.io/docs/specs/otel/common/#attribute-limits), which counts Unicode characters.
 */
export function limitAttributes(spans: readonly Span[], length: number): void {
  for (const { attributes } of spans) {
    for (const key in attributes) attributes[key] = limited(attributes[key]!, length);
  }
}

function limited(value: Attributes[string], length: number): Attributes[string] {
  if (Array.isArray(value)) return value.map((item) => cut(item, length));
  return typeof value === 'string' ? cut(value, length) : value;
}

function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  // A character outside the basic plane is two units of a JavaScript string.
  const characters = [...text.slice(0, 2 * length)];
  return characters.slice(0, length).join('');
}
