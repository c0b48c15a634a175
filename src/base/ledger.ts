/**
 * The books: every stage's in = out + kept + lost(reason).
 *
 * A stage counts what came in, what it passed on, what it still holds and what it lost, each where it happens; none is computed from the
 * others, so that an imbalance shows a bug. `losses.ts` gives each reason its meaning and remedy.
 */
import { LOSSES, type LossReason, type StageName } from './losses.ts';

/** One stage's books. Hot code bumps the fields directly. */
export interface Stage<Reason extends string = string> {
  in: number;
  out: number;
  lost: Record<Reason, number>;
  /** What the stage holds right now, counted by looking at it. */
  held: () => number;
}

/** A stage whose sides do not meet. */
export interface Imbalance {
  stage: string;
  in: number;
  out: number;
  held: number;
  lost: number;
}

export function createStage<S extends StageName>(
  name: S,
  held: () => number = () => 0,
): Stage<LossReason<S>> {
  const lost = Object.fromEntries(Object.keys(LOSSES[name].reasons).map((reason) => [reason, 0]));
  return { in: 0, out: 0, lost: lost as Record<LossReason<S>, number>, held };
}

export class Ledger {
  /** Kernel: records set out to be written → delivered to user space. Held: in the ring. */
  readonly records = createStage('records');
  /** Delivered records → used. Held: bytes of them wait in a stream for the rest of their message. */
  readonly delivered = createStage('delivered');
  /** Exchanges opened → spans made. Held: open. */
  readonly exchanges = createStage('exchanges');
  /** Spans made → handed to every exporter. Held: waiting for the rest of their trace. */
  readonly spans = createStage('spans');
  /** Spans taken by an exporter → accepted by its destination. Held: queued or in flight. By exporter id. */
  readonly exporters = new Map<string, Stage<LossReason<'exporters'>>>();

  exporter(id: string, held: () => number): Stage<LossReason<'exporters'>> {
    const stage = createStage('exporters', held);
    this.exporters.set(id, stage);
    return stage;
  }

  /** Name and books of every stage; an exporter's name is `exporters/<id>`. */
  stages(): Array<[string, Stage]> {
    return [
      ['records', this.records],
      ['delivered', this.delivered],
      ['exchanges', this.exchanges],
      ['spans', this.spans],
      ...[...this.exporters].map(([id, stage]): [string, Stage] => [`exporters/${id}`, stage]),
    ];
  }

  /** Stages whose books do not balance at this moment. */
  imbalances(): Imbalance[] {
    return this.stages().flatMap(([name, stage]) => {
      const held = stage.held();
      const lost = Object.values(stage.lost).reduce((sum, n) => sum + n, 0);
      const balanced = stage.in === stage.out + held + lost;
      return balanced ? [] : [{ stage: name, in: stage.in, out: stage.out, held, lost }];
    });
  }
}
