import type { ConnectionReport } from './decode/decode-stage.ts';

export const UNRECOGNISED = 'unrecognised';

interface Sums {
  readonly protocols: Iterable<string>;
  readonly records: number;
  readonly bytes: number;
  readonly unrecognised: { readonly records: number; readonly bytes: number };
  readonly lost: Readonly<Record<string, number>>;
}

const NOTHING = { records: 0, bytes: 0 };

/** What connections of one process or one port add up to. */
export class Traffic implements Sums {
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
    const unrecognised = opaque ? { records, bytes } : NOTHING;
    return this.merge({ protocols: [protocolOf(report)], records, bytes, unrecognised, lost: lost ?? {} });
  }

  merge({ protocols, records, bytes, unrecognised, lost }: Sums): this {
    for (const protocol of protocols) this.protocols.add(protocol);
    this.records += records;
    this.bytes += bytes;
    this.unrecognised.records += unrecognised.records;
    this.unrecognised.bytes += unrecognised.bytes;
    for (const reason in lost) this.lose(reason, lost[reason]!);
    return this;
  }

  lose(reason: string, count: number): this {
    if (count > 0) this.lost[reason] = (this.lost[reason] ?? 0) + count;
    return this;
  }
}

/** The traffic of `key`, made where there is none yet and room for another; else undefined. */
export function trafficOf(of: Map<number, Traffic>, key: number, bound = Infinity): Traffic | undefined {
  const known = of.get(key);
  if (known !== undefined || of.size >= bound) return known;
  const made = new Traffic();
  of.set(key, made);
  return made;
}

export function protocolOf({ connection, protocol }: ConnectionReport): string {
  return protocol ?? (connection.opaque ? UNRECOGNISED : 'undecided');
}
