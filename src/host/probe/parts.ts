import { SourceMissing } from '../host-files.ts';
import { type HostSource, Omitted, type Told } from './probe.ts';

type Part = (source: HostSource) => Iterable<Told>;

/** Parts of a probe one after the other; one that this host has not got what it reads leaves the others alone. */
export function* readParts(source: HostSource, ...parts: readonly Part[]): Iterable<Told> {
  for (const part of parts) {
    try {
      yield* part(source);
    } catch (error) {
      if (!(error instanceof SourceMissing)) throw error;
      yield error;
    }
  }
}

/** The first `most` of a list, and how many more there are. */
export function firstOf<T>(all: readonly T[], most: number): { read: readonly T[]; omitted: Omitted[] } {
  if (all.length <= most) return { read: all, omitted: [] };
  return { read: all.slice(0, most), omitted: [new Omitted(all.length - most)] };
}

/** What is missing for many things alike is told once. */
export function* eachOnce(all: Iterable<Told>): Iterable<Told> {
  const missing = new Set<string>();
  for (const told of all) {
    if (told instanceof SourceMissing) {
      if (missing.has(told.message)) continue;
      missing.add(told.message);
    }
    yield told;
  }
}
