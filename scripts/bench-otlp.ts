/**
 * How many spans a second one core turns into OTLP bytes: own protobuf encoder, official protobuf and JSON serializers.
 *
 *   node --import=tsx scripts/bench-otlp.ts [spans per batch, default 2048]
 *
 * Method: the same batch of 12-attribute spans of 2 resources; the encoders take turns in rounds of about half a second after a warm-up,
 * the median round counts. Bytes a span are those of the whole request.
 */
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { cpus } from 'node:os';
import { encodeOtlpJson, toReadableSpan } from '../src/output/otlp-json.ts';
import { OtlpProtobufEncoder } from '../src/output/otlp-protobuf.ts';
import { makeSpans } from '../test/support/make-spans.ts';

const ROUNDS = 7;
const ROUND_MS = 500;
const size = Number(process.argv[2] ?? 2048);
// Fresh strings and objects for each batch, as they come from the pipeline.
const batches = Array.from({ length: 16 }, (_, i) => makeSpans(size, i * size));
const encoder = new OtlpProtobufEncoder();
const contenders: Array<[string, (i: number) => Uint8Array]> = [
  ['own protobuf', (i) => encoder.encode(batches[i % 16]!)],
  [
    'official protobuf',
    (i) => ProtobufTraceSerializer.serializeRequest(batches[i % 16]!.map(toReadableSpan))!,
  ],
  ['official JSON', (i) => encodeOtlpJson(batches[i % 16]!)],
];

function measure(encode: (i: number) => Uint8Array): { rate: number; bytes: number } {
  const start = process.cpuUsage();
  const began = performance.now();
  let spans = 0;
  let bytes = 0;
  for (let i = 0; performance.now() - began < ROUND_MS; i++) {
    bytes = encode(i).length;
    spans += size;
  }
  const used = process.cpuUsage(start);
  return { rate: spans / ((used.user + used.system) / 1e6), bytes: bytes / size };
}

const rounds = new Map(contenders.map(([name]) => [name, [] as number[]]));
const bytesOf = new Map<string, number>();
for (const [, encode] of contenders) measure(encode);
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, encode] of contenders) {
    const { rate, bytes } = measure(encode);
    rounds.get(name)!.push(rate);
    bytesOf.set(name, bytes);
  }
}
process.stdout.write(
  `${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}, ${size} spans a batch\n`,
);
for (const [name, rates] of rounds) {
  const median = rates.sort((a, b) => a - b)[ROUNDS >> 1]!;
  process.stdout.write(
    `${name.padEnd(18)} ${Math.round(median).toLocaleString('en').padStart(9)} spans/s of CPU time  ${bytesOf.get(name)!.toFixed(0)} B/span\n`,
  );
}
