import { BACKENDS, PROTOCOLS } from '../base/settings.ts';
import { EXTENSIONS } from '../base/config/schema.ts';
import { EXPORTER_TYPES } from '../output/exporter/index.ts';
import type { JsonOptions } from './options.ts';

export interface Components {
  receivers: Array<{ name: string; backends: string[]; protocols: string[] }>;
  processors: string[];
  exporters: Array<{ name: string; aliases: string[]; summary: string }>;
  extensions: string[];
}

/** What is built in. */
export function components(): Components {
  const exporters = EXPORTER_TYPES.map(({ type, aliases, summary }) => ({
    name: type,
    aliases: [...aliases],
    summary,
  }));
  exporters.push({
    name: 'prometheus',
    aliases: [],
    summary: 'the listener for /metrics, /status and health',
  });
  return {
    receivers: [
      {
        name: 'undertrace',
        backends: BACKENDS.filter((name) => name !== 'auto'),
        protocols: [...PROTOCOLS],
      },
    ],
    processors: [],
    exporters,
    extensions: Object.keys(EXTENSIONS),
  };
}

export function run(options: JsonOptions): Promise<number> {
  const all = components();
  process.stdout.write(options.json ? `${JSON.stringify(all, null, 2)}\n` : render(all));
  return Promise.resolve(0);
}

function render({ receivers, exporters, extensions }: Components): string {
  const lines = ['receivers:'];
  for (const { name, backends, protocols: known } of receivers) {
    lines.push(`  ${name}`, `    backends:   ${backends.join(', ')}`, `    protocols:  ${known.join(', ')}`);
  }
  lines.push(
    'processors:',
    '  none: batching and queues belong to exporters, filters and sampling to the receiver',
  );
  lines.push('exporters:');
  for (const { name, aliases, summary } of exporters) {
    const also = aliases.length > 0 ? ` (also: ${aliases.join(', ')})` : '';
    lines.push(`  ${name.padEnd(12)}${summary}${also}`);
  }
  lines.push('extensions:', ...extensions.map((name) => `  ${name}`));
  return `${lines.join('\n')}\n`;
}
