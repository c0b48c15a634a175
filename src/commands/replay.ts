import { boundHeap } from '../base/heap.ts';
import { Ledger } from '../base/ledger.ts';
import type { Settings } from '../base/settings.ts';
import { createOutput } from '../agent.ts';
import { readRecording } from '../capture/recording.ts';
import { Pipeline } from '../pipeline.ts';
import { printBooks } from './books.ts';
import type { CommandOptions } from './options.ts';

/** Spans that may wait in a queue before the replay waits for it: nothing is lost for want of patience. */
const QUEUE_HIGH_WATER = 2048;

/** The whole pipeline from a file: no kernel, no privilege. Exit code 1 if the books do not balance. */
export async function run(options: CommandOptions & { file: string }, settings: Settings): Promise<number> {
  boundHeap();
  const ledger = new Ledger();
  const output = await createOutput(settings, ledger, options.log);
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
  let waitedAt = 0;
  for (const batch of readRecording(options.file)) {
    pipeline.process(batch);
    if (spans - waitedAt < QUEUE_HIGH_WATER / 2) continue;
    waitedAt = spans;
    await output.whenBelow(QUEUE_HIGH_WATER);
  }
  pipeline.finish();
  await output.flush();
  await output.shutdown(settings.receiver.shutdownTimeoutMs);
  const seconds = Number(process.hrtime.bigint() - startedNs) / 1e9;
  process.stderr.write(`${spans} spans in ${seconds.toFixed(3)} s\n`);
  return printBooks(ledger) ? 0 : 1;
}
