import { HISTOGRAM_WORDS } from '../../src/host/kernel-histogram.ts';
import type { KernelTables } from '../../src/host/kernel-tables.ts';
import { HostFiles, SourceMissing } from '../../src/host/host-files.ts';
import { Omitted, type Probe } from '../../src/host/probe/probe.ts';

/** What the kernel's side would have counted. */
export interface Counted {
  sums?: Record<string, Array<[at: number, value: number]>>;
  entries?: Record<string, Array<[key: number[], value: Array<[at: number, value: number]>]>>;
  disks?: Array<[slot: number, name: string]>;
  kills?: Array<{ comm: string; slot: number; kills: number }>;
  /** Programs that do not run. */
  off?: readonly string[];
}

const WORDS = 20_000;

function words(filled: Array<[number, number]> = []): BigUint64Array {
  const all = new BigUint64Array(WORDS);
  for (const [at, value] of filled) all[at] = BigInt(value);
  return all;
}

/** Words of a `struct histogram` at `at`: the bucket of each duration in nanoseconds, and their sum. */
export function histogramAt(
  at: number,
  buckets: Record<number, number>,
  sumNs: number,
): Array<[number, number]> {
  return [
    ...Object.entries(buckets).map(([bucket, count]): [number, number] => [at + Number(bucket), count]),
    [at + HISTOGRAM_WORDS - 1, sumNs],
  ];
}

export function fakeTables({ sums, entries, disks, kills, off = [] }: Counted): KernelTables {
  const has = (program: string): boolean => !off.includes(program);
  return {
    startMs: 5,
    services: [
      ['', ''],
      ['shop', 'market'],
      ['cart', ''],
    ],
    has,
    need: (program) => {
      if (!has(program)) throw new SourceMissing(program, 'refused');
    },
    missing: (...programs) =>
      programs.filter((program) => !has(program)).map((program) => new SourceMissing(program, 'refused')),
    sums: (map) => words(sums?.[map]),
    entries: (map) => (entries?.[map] ?? []).map(([key, value]) => [Uint32Array.from(key), words(value)]),
    diskNames: () => new Map([[0, ''], ...(disks ?? [])]),
    oomKills: () => kills ?? [],
  };
}

/** What a probe tells as text: `name{attributes} value`, of a histogram count, sum and filled buckets; all count since 5 ms. */
export function figuresOf(probe: Probe, counted: Counted): string[] {
  const source = { files: new HostFiles('/nowhere'), processes: () => [], kernel: fakeTables(counted) };
  return [...probe.read(source)].map((told) => {
    if (told instanceof SourceMissing) return told.message;
    if (told instanceof Omitted) throw new Error(`${told.count} are left out`);
    const { instrument, attributes, value, startMs } = told;
    if (!probe.instruments.includes(instrument) || attributes.length !== instrument.attributes.length)
      throw new Error(`${instrument.name}{${attributes.join()}} is not as it is declared`);
    if (startMs !== 5) throw new Error(`${instrument.name} counts since ${startMs}`);
    const head = `${instrument.name}{${attributes.join()}}`;
    if (typeof value === 'number') return `${head} ${value}`;
    const buckets = value.counts.flatMap((count, place) =>
      count === 0 ? [] : [`${value.bounds[place] ?? 'more'}:${count}`],
    );
    return [head, value.count, value.sum, ...buckets].join(' ');
  });
}
