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
