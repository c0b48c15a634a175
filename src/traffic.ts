import type { ConnectionReport } from './decode/decode-stage.ts';

export const UNRECOGNISED = 'unrecognised';

/** What connections of one process or one port add up to. */
export class Traffic {
  /** `undecided` and `unrecognised` among them. */
  readonly protocols = new Set<string>();
  records = 0;
  bytes = 0;
  /** Of these, on connections whose protocol nobody knows. */
  readonly unrecognised = { records: 0, bytes: 0 };
  /** By reason. */
  readonly lost: Record<string, number> = {};

  add(report: ConnectionReport): this {
    const { records, bytes, opaque, lost } = report.connection;
    this.protocols.add(protocolOf(report));
    this.records += records;
    this.bytes += bytes;
    if (opaque) {
      this.unrecognised.records += records;
      this.unrecognised.bytes += bytes;
    }
    for (const reason in lost) this.lose(reason, lost[reason]!);
    return this;
  }

  merge(other: Traffic | undefined): this {
    if (other === undefined) return this;
    for (const protocol of other.protocols) this.protocols.add(protocol);
    this.records += other.records;
    this.bytes += other.bytes;
    this.unrecognised.records += other.unrecognised.records;
    this.unrecognised.bytes += other.unrecognised.bytes;
    for (const reason in other.lost) this.lose(reason, other.lost[reason]!);
    return this;
  }

  lose(reason: string, count: number): void {
    if (count > 0) this.lost[reason] = (this.lost[reason] ?? 0) + count;
  }
}

export function protocolOf({ connection, protocol }: ConnectionReport): string {
  return protocol ?? (connection.opaque ? UNRECOGNISED : 'undecided');
}
