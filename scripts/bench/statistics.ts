/** Figures of interleaved rounds. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))]!;
}

/** A row of the table in docs/benchmarks.md. */
export interface Row {
  what: string;
  without: string;
  with: string;
  change: string;
  /** The same as `change`, of programs that return at once on the agent's hooks. */
  hooks?: string;
  bound: string;
  /** Of `bound`; where there is one. */
  met?: boolean;
}

/** Not lost by the agent: what no decoder knows, and what nobody wants. */
const NO_LOSSES = new Set(['unrecognised', 'filtered']);

/** Of what an agent tells at its end (`stage: reason=count reason=count`, or `stage: 0`) what a load that it knows must not lose. */
export function lossesIn(told: readonly string[]): string[] {
  return told.flatMap((line) => {
    const [stage, reasons] = line.split(': ') as [string, string];
    const lost = reasons.split(' ').filter((each) => each !== '0' && !NO_LOSSES.has(each.split('=')[0]!));
    return lost.length === 0 ? [] : [`${stage}: ${lost.join(' ')}`];
  });
}
