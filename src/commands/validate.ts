import type { Settings } from '../base/settings.ts';
import type { CommandOptions } from './options.ts';
import { createExporterQueue, findExporterType, openMetricsExporters } from '../output/exporter/index.ts';
import { Ledger } from '../base/ledger.ts';

/** A configuration that cannot be used has ended the program before; what is left are exporters that look at files, such as certificates. */
export async function run(options: CommandOptions, settings: Settings): Promise<number> {
  const ledger = new Ledger();
  for (const { id, type, settings: values } of settings.exporters) {
    // Opening the file of a file exporter would empty it.
    if (type === 'file') continue;
    const queue = await createExporterQueue(findExporterType(type)!, id, values, { ledger });
    await queue.shutdown(0);
  }
  for (const exporter of await openMetricsExporters(settings.metricExporters)) await exporter.close();
  const { configs = [], sets = [] } = options.sources;
  const what =
    [...configs, ...sets.map((set) => `--set ${set.split('=', 1)[0]}`)].join(', ') || 'the defaults';
  process.stdout.write(`valid: ${what}\n`);
  return 0;
}
