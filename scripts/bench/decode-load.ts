/** Real conversations as the records that the kernel would write of them, at the server's end, for `npm run bench:decode`. */
import { RecordWriter, TestEnd } from '../../test/support/records.ts';
import { readWire, readWires, type Step, type Wire } from '../../test/support/wire.ts';

/** Connections of a steady load, their exchanges in turn. */
const CONNECTIONS = 64;
/** As the agent drains them. */
const RECORDS_OF_A_DRAIN = 512;
const FIXTURES = new URL('../../test/fixtures/decode/', import.meta.url);

export interface Load {
  readonly drains: readonly Uint8Array[];
  /** Of payload, in both directions. */
  readonly bytes: number;
}

export class LoadWriter {
  records = 0;
  #bytes = 0;
  #pending = 0;
  readonly #writer = new RecordWriter();
  readonly #drains: Uint8Array[] = [];

  open({ transport, port }: Wire): TestEnd {
    const ports = transport === 'unix' ? {} : { localPort: port, remotePort: 40_000 };
    return new TestEnd(this.#writer, { accepted: true, transport, ...ports });
  }

  /** Ends are left out. */
  steps(end: TestEnd, steps: readonly Step[]): void {
    for (const { from, bytes } of steps) {
      if (!bytes) continue;
      if (from === 'server') end.send(bytes);
      else end.receive(bytes);
      this.#bytes += bytes.length;
      this.records++;
      if (++this.#pending === RECORDS_OF_A_DRAIN) this.#drain();
    }
  }

  close(end: TestEnd): void {
    end.event('close', { tcp_state: 4 });
  }

  /** Time passes without a record. */
  wait(ns: number): void {
    this.#writer.nowNs += ns;
    this.#drain();
  }

  finish(): Load {
    this.#drain();
    return { drains: this.#drains, bytes: this.#bytes };
  }

  #drain(): void {
    this.#drains.push(Uint8Array.from(this.#writer.clock().take()));
    this.#pending = 0;
  }
}

/** Fixtures of a protocol that are in it from their first byte. */
export function wiresOf(protocol: string): Wire[] {
  return readWires(new URL(`${protocol}/`, FIXTURES)).filter(({ before }) => before === undefined);
}

/** Everything that was recorded of a protocol again and again, each time on new connections, until there are so many records. */
export function wholeConversations(protocol: string, records: number): Load {
  const wires = wiresOf(protocol);
  const writer = new LoadWriter();
  while (writer.records < records)
    for (const wire of wires) {
      const end = writer.open(wire);
      writer.steps(end, wire.steps);
      writer.close(end);
    }
  return writer.finish();
}

/** Connections of which one exchange goes on and on. */
export interface Steady {
  readonly protocol: string;
  readonly file: string;
  /** Indices of the steps that come once on each connection: from 0 to this one. */
  readonly once: number;
  /** Indices of the exchange's steps: the request's, and the end. */
  readonly exchange: readonly [from: number, to: number];
  /** So many requests in one call, and so many responses. */
  readonly pipelined?: number;
  /** What is another in each exchange. */
  readonly rewrite?: (bytes: Uint8Array, ordinal: number) => void;
}

export function steadyConversations(steady: Steady, records: number): Load {
  const { protocol, file, once, exchange, pipelined = 1, rewrite } = steady;
  const wire = readWire(new URL(`${protocol}/`, FIXTURES), file);
  const writer = new LoadWriter();
  const ends = Array.from({ length: CONNECTIONS }, () => writer.open(wire));
  for (const end of ends) writer.steps(end, wire.steps.slice(0, once));
  const steps = wire.steps.slice(...exchange).map(({ from, bytes }) => ({
    ...{ from, bytes: Buffer.concat(Array.from({ length: pipelined }, () => bytes!)) },
  }));
  for (let ordinal = 0; writer.records < records; ordinal++) {
    if (rewrite) for (const { bytes } of steps) rewrite(bytes, ordinal);
    for (const end of ends) writer.steps(end, steps.slice(0, 1));
    for (const end of ends) writer.steps(end, steps.slice(1));
  }
  for (const end of ends) writer.close(end);
  return writer.finish();
}
