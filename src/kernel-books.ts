import type { Stage } from './base/ledger.ts';
import type { LossReason } from './base/losses.ts';
import { Counter, type CountersRecord, InRing } from './capture/records.gen.ts';

export type CounterName = keyof typeof Counter;

/** Traffic of no known protocol that the kernel dropped, by the port that serves it. */
export interface UnrecognisedPort {
  protocol: number;
  port: number;
  records: number;
  bytes: number;
}

const COUNTER_BYTES = 8;
const PORT_BYTES = 24;

/** The kernel's own counts, as the last `counters` record had them. */
export class KernelBooks {
  readonly counters: Record<CounterName, number>;
  ports: UnrecognisedPort[] = [];
  inRing = 0;

  constructor() {
    this.counters = Object.fromEntries(Object.keys(Counter).map((name) => [name, 0])) as Record<
      CounterName,
      number
    >;
  }

  /** Takes over a `counters` record; the stage's figures are of one instant, and stay as they are where they cannot be. */
  update(record: CountersRecord, stage: Stage<LossReason<'records'>>): void {
    const { payload } = record;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const u64 = (at: number): number => Number(view.getBigUint64(at, true));
    for (const [name, index] of Object.entries(Counter)) {
      if (index < record.counters) this.counters[name as CounterName] = u64(index * COUNTER_BYTES);
    }
    this.ports = [];
    for (let i = 0; i < record.ports; i++) {
      const at = record.counters * COUNTER_BYTES + i * PORT_BYTES;
      const key = u64(at);
      this.ports.push({
        protocol: key >>> 16,
        port: key & 0xffff,
        records: u64(at + 8),
        bytes: u64(at + 16),
      });
    }
    if (record.inRing === InRing.unknown) return;
    this.inRing = record.inRing;
    stage.in = this.counters.produced;
    stage.out = record.delivered;
    stage.lost.ring_full = this.counters.lost_ring_full;
  }
}
