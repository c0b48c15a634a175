import { Ledger } from '../base/ledger.ts';
import type { Settings } from '../base/settings.ts';
import { captureOptions } from '../agent.ts';
import { KernelCapture } from '../capture/kernel-capture.ts';
import { loadNative } from '../capture/native.ts';
import { RecordingWriter } from '../capture/recording.ts';
import { openDirectory } from '../directory/open-directory.ts';
import { Pipeline } from '../pipeline.ts';
import type { CommandOptions } from './options.ts';
import { untilStopped } from './signals.ts';

export interface RecordOptions extends CommandOptions {
  file: string;
  /** False: times, sizes and positions without what the applications said. */
  payload: boolean;
  /** Stop by itself after so long. */
  durationMs?: number;
}

/**
 * Writes what the kernel delivers to a file until a signal comes. The pipeline runs along, without output: its verdicts keep bulk and
 * unknown protocols out of the recording, as they keep them out of the live agent.
 */
export async function run(options: RecordOptions, settings: Settings): Promise<number> {
  const writer = new RecordingWriter(options.file, { payload: options.payload });
  const ledger = new Ledger();
  let failure: Error | undefined;
  const stopped = untilStopped(options.durationMs);
  const directory = await openDirectory(settings.receiver.link.directory, options.log, (entries) =>
    capture.answered(entries),
  );
  const capture: KernelCapture = new KernelCapture(
    loadNative(),
    captureOptions(settings.receiver),
    options.log,
    (batch) => {
      if (failure === undefined) {
        try {
          writer.write(batch);
        } catch (error) {
          failure = error as Error; // the disk is full: what is there can be replayed
          stopped.stop();
        }
      }
      pipeline.process(batch);
    },
  );
  const pipeline = new Pipeline({
    receiver: settings.receiver,
    ledger,
    kernel: capture,
    // The answers are part of the recording. Nothing is published: these spans go nowhere, and nobody should hang on them.
    remoteMail: directory && { lookUp: (key) => directory.lookUp(key), publish: () => undefined },
    onTrace: (spans) => {
      ledger.spans.out += spans.length;
    },
  });
  capture.start();
  process.stderr.write(`recording to ${options.file}; stop with Ctrl-C\n`);
  await stopped;
  capture.stop();
  pipeline.finish();
  await directory?.close(0);
  writer.close();
  const { records } = capture.figures;
  const lost = ledger.records.lost.ring_full;
  process.stderr.write(
    `${options.file}: ${records} records, ${writer.bytes} bytes, ${ledger.spans.out} spans seen, ${lost} records lost\n`,
  );
  if (failure !== undefined) throw failure;
  return 0;
}
