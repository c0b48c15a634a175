import type { Span } from '../../link/span.ts';
import type { Exporter, Outcome } from '../exporter.ts';
import { OtlpProtobufEncoder } from '../otlp-protobuf.ts';
import type { PartialQueueSettings } from '../queue-options.ts';

export interface NullSettings extends PartialQueueSettings {
  /** Make the OTLP bytes before throwing them away, so that a benchmark pays for them. */
  encode?: boolean;
}

/** Takes everything and keeps nothing: the Collector's `nop`. For benchmarks of the pipeline before it. */
export function createNullExporter(id: string, settings: NullSettings): Exporter {
  const encoder = settings.encode ? new OtlpProtobufEncoder() : undefined;
  return {
    id,
    destination: 'nowhere',
    send(batch: readonly Span[]): Promise<Outcome> {
      const bytes = encoder ? encoder.encode(batch).length : 0;
      return Promise.resolve({ result: 'done', accepted: batch.length, rejected: 0, bytes });
    },
    close: () => Promise.resolve(),
  };
}
