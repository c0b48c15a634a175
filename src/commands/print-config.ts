import { stringify } from 'yaml';
import type { EffectiveValue, Settings } from '../base/settings.ts';
import type { JsonOptions } from './options.ts';

/** Every effective value and its origin: as YAML that can be loaded again, the origin as a comment, or as a JSON list. Secrets are masked. */
export function run(options: JsonOptions, settings: Settings): Promise<number> {
  const text = options.json ? asJson(settings.effective) : renderConfig(settings.effective);
  process.stdout.write(text);
  return Promise.resolve(0);
}

function asJson(effective: readonly EffectiveValue[]): string {
  const rows = effective.map(({ path, value, origin }) => ({
    key: path.join('.'),
    value,
    origin: origin.text,
    source: origin.kind,
  }));
  return `${JSON.stringify(rows, null, 2)}\n`;
}

const COMMENT_COLUMN = 56;

export function renderConfig(effective: readonly EffectiveValue[]): string {
  let text = '';
  let before: readonly string[] = [];
  for (const { path, value, origin } of effective) {
    let shared = 0;
    while (shared < path.length - 1 && before[shared] === path[shared]) shared++;
    for (let depth = shared; depth < path.length - 1; depth++) {
      text += `${'  '.repeat(depth)}${keyText(path[depth]!)}:\n`;
    }
    text += leafText(path, value, origin.text);
    before = path;
  }
  return text;
}

function leafText(path: readonly string[], value: unknown, origin: string): string {
  const indent = '  '.repeat(path.length - 1);
  const key = `${indent}${keyText(path.at(-1)!)}:`;
  if (Array.isArray(value) && value.some((item) => typeof item === 'object' || value.length > 4)) {
    const items = value.map((item) => `${indent}  - ${inline(item)}\n`).join('');
    return `${key.padEnd(COMMENT_COLUMN)} # ${origin}\n${items}`;
  }
  const line = value === null ? key : `${key} ${inline(value)}`;
  return `${line.padEnd(COMMENT_COLUMN)} # ${origin}\n`;
}

/** One line of YAML. A dollar sign is doubled, as in a file. */
function inline(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd().replaceAll('$', '$$$$');
}

function keyText(key: string): string {
  return stringify(key, { lineWidth: 0 }).trimEnd();
}
