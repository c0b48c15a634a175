/** What really called what: the ids that the load and the services of one run wrote down. The tracer never sees these files. */

/** Ids of one run. Every request has an id of its own, and each hop gives its calls fresh ones. */
export interface Truth {
  /** Ids of the load's requests. */
  readonly roots: readonly string[];
  /** The calls that each request caused, by its id; a request without an entry made none. */
  readonly calls: ReadonlyMap<string, readonly string[]>;
}

/** From the load's file (an id a line) and those of the services (`old new` a line). Throws where they are not what they must be. */
export function parseTruth(roots: string, services: readonly string[]): Truth {
  const calls = new Map<string, string[]>();
  const known = new Set<string>();
  const add = (id: string): void => {
    if (known.has(id)) throw new Error(`the id ${id} was given twice`);
    known.add(id);
  };
  const rootIds = linesOf(roots);
  rootIds.forEach(add);
  for (const text of services) {
    for (const line of linesOf(text)) {
      const [old, fresh, ...more] = line.split(' ');
      if (!old || !fresh || more.length > 0) throw new Error(`not a line of a truth file: "${line}"`);
      add(fresh);
      const of = calls.get(old);
      if (of) of.push(fresh);
      else calls.set(old, [fresh]);
    }
  }
  const stray = [...calls.keys()].find((id) => !known.has(id));
  if (stray !== undefined) throw new Error(`${stray} made calls but nobody sent it`);
  return { roots: rootIds, calls };
}

function linesOf(text: string): string[] {
  return text.split('\n').filter(Boolean);
}

/** The ids of a whole trace, from the id of the load's request on. */
export function* idsBelow(truth: Truth, id: string): Generator<string> {
  yield id;
  for (const call of truth.calls.get(id) ?? []) yield* idsBelow(truth, call);
}
