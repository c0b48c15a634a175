import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { messageOf } from '../errors.ts';

/** What `${…}` may refer to. */
export interface ExpandContext {
  env: Readonly<Record<string, string | undefined>>;
  /** The configuration goes on, with the empty string in the place of an unset variable, as in the Collector. */
  warn: (message: string) => void;
}

export class ExpandError extends Error {}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const WHOLE = /^\$\{[^{}]*\}$/;

/**
 * Replaces `${env:NAME}`, `${env:NAME:-default}`, `${NAME}` and `${file:path}` in a text; `$$` is a dollar sign. A text that is nothing but one
 * reference becomes what its content means as YAML (a number, a list), as in the Collector; `text` keeps what it said. Throws ExpandError.
 */
export function expand(written: string, context: ExpandContext): { value: unknown; text?: string } {
  if (!written.includes('$')) return { value: written };
  if (WHOLE.test(written)) {
    const text = resolve(written.slice(2, -1), context);
    return { value: asYaml(text), text };
  }
  return { value: replaceAll(written, context) };
}

function replaceAll(written: string, context: ExpandContext): string {
  return written.replace(/\$\$|\$\{([^{}]*)\}?/g, (found, reference: string | undefined) => {
    if (found === '$$') return '$';
    if (!found.endsWith('}'))
      throw new ExpandError(`"${found}" has no closing brace; write $$ for a dollar sign`);
    return resolve(reference!, context);
  });
}

function resolve(reference: string, { env, warn }: ExpandContext): string {
  const [, scheme = 'env', rest = ''] = /^(?:([A-Za-z][A-Za-z0-9+.-]+):(?!-))?(.*)$/s.exec(reference)!;
  if (scheme === 'file') return readReferenced(rest);
  if (scheme !== 'env') {
    throw new ExpandError(
      `"\${${scheme}:…}" is not known; allowed: \${env:NAME}, \${env:NAME:-default}, \${file:path}`,
    );
  }
  const dash = rest.indexOf(':-');
  const name = dash < 0 ? rest : rest.slice(0, dash);
  if (!NAME.test(name)) throw new ExpandError(`"${name}" is not the name of an environment variable`);
  const value = env[name];
  if (dash >= 0) return value ? value : rest.slice(dash + 2);
  if (value === undefined)
    warn(`environment variable ${name} is not set; the empty text stands in its place`);
  return value ?? '';
}

function readReferenced(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\n$/, '');
  } catch (error) {
    throw new ExpandError(`cannot read \${file:${path}}: ${messageOf(error)}`);
  }
}

/** What is no YAML is a text. */
function asYaml(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return text;
  }
}
