import { Ledger } from '../base/ledger.ts';
import type { Settings } from '../base/settings.ts';
import { createOutput } from '../agent.ts';
import { CapturedFile } from '../capture/captured-file.ts';
import type { Span } from '../link/span.ts';
import { spanLine } from '../output/span-line.ts';
import type { TracesOutput } from '../output/traces-output.ts';
import { Pipeline } from '../pipeline.ts';
import { printBooks } from './books.ts';
import type { JsonOptions } from './options.ts';

/** Spans that may wait in a queue before the replay waits for it: nothing is lost for want of patience. */
const QUEUE_HIGH_WATER = 2048;

/**
 * The whole pipeline from a file, a recording or a packet capture: no kernel, no privilege. With `json` spans are lines on standard output, and go
 * to no exporter. Exit code 1 if the books do not balance.
 */
export async function run(options: JsonOptions & { file: string }, settings: Settings): Promise<number> {
  const ledger = new Ledger();
  const output = options.json ? new LineOutput(ledger) : await createOutput(settings, ledger, options.log);
  let spans = 0;
  const pipeline = new Pipeline({
    receiver: settings.receiver,
    ledger,
    onTrace: (trace) => {
      spans += trace.length;
      output.push(trace);
    },
  });
  const startedNs = process.hrtime.bigint();
  const file = new CapturedFile(options.file);
  let waitedAt = 0;
  for await (const batch of file.batches()) {
    pipeline.process(batch);
    if (spans - waitedAt < QUEUE_HIGH_WATER / 2) continue;
    waitedAt = spans;
    await output.whenBelow(QUEUE_HIGH_WATER);
  }
  pipeline.finish();
  await output.flush();
  await output.shutdown(settings.receiver.shutdownTimeoutMs);
  const seconds = Number(process.hrtime.bigint() - startedNs) / 1e9;
  for (const remark of file.remarks) process.stderr.write(`${remark}\n`);
  process.stderr.write(`${spans} spans in ${seconds.toFixed(3)} s\n`);
  return printBooks(ledger) ? 0 : 1;
}

/** A line of JSON a span on standard output, which Node writes to before it goes on. */
class LineOutput implements Pick<TracesOutput, 'push' | 'whenBelow' | 'flush' | 'shutdown'> {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  push(trace: readonly Span[]): void {
    this.#ledger.spans.out += trace.length;
    for (const span of trace) process.stdout.write(spanLine(span));
  }

  async whenBelow(): Promise<void> {}
  async flush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}
