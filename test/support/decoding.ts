import { Ledger } from '../../src/base/ledger.ts';
import {
  ClockRecord,
  ConnectionRecord,
  DataRecord,
  ElisionRecord,
  ExitRecord,
  Kind,
} from '../../src/capture/records.gen.ts';
import type { ReceiverSettings } from '../../src/base/settings.ts';
import type { TableOptions } from '../../src/connection/connection-table.ts';
import type { TrackedConnection } from '../../src/connection/tracked-connection.ts';
import { DecodeStage } from '../../src/decode/decode-stage.ts';
import type { Description, Exchange } from '../../src/decode/exchange.ts';
import { createAllDecoders } from '../../src/decoders.ts';
import type { Session } from '../../src/decode/session.ts';
import { DEFAULTS } from './defaults.ts';
import type { RecordWriter } from './records.ts';

export interface VerdictCall {
  connection: TrackedConnection<Session>;
  verdict: number;
  budget: number;
}

export interface DecodingOptions extends TableOptions {
  exchangeTimeoutNs?: number;
  maxOpen?: number;
  protocolsOff?: ReceiverSettings['protocolsOff'];
}

/** Decoders have no state, and there are many connections in these tests. */
const made = new Map<string, ReturnType<typeof createAllDecoders>>();

function decodersWithout(
  protocolsOff: ReceiverSettings['protocolsOff'],
): ReturnType<typeof createAllDecoders> {
  const key = protocolsOff.join();
  const known = made.get(key) ?? createAllDecoders({ ...DEFAULTS, protocolsOff });
  made.set(key, known);
  return known;
}

/** Connection table and decoders behind drained buffers, with what comes out of them. Closed exchanges count as spans in the books. */
export class Decoding {
  readonly ledger = new Ledger();
  readonly opened: Exchange[] = [];
  readonly closed: Exchange[] = [];
  readonly dropped: Exchange[] = [];
  readonly verdicts: VerdictCall[] = [];
  readonly stage: DecodeStage;
  /** Check the books after every record. */
  strict = true;
  readonly #data = new DataRecord();
  readonly #connection = new ConnectionRecord();
  readonly #elision = new ElisionRecord();
  readonly #clock = new ClockRecord();
  readonly #exit = new ExitRecord();

  constructor(options: DecodingOptions = {}) {
    this.stage = new DecodeStage({
      ...options,
      ...decodersWithout(options.protocolsOff ?? []),
      ledger: this.ledger,
      sink: {
        opened: (exchange) => this.opened.push(exchange),
        closed: (exchange) => {
          this.closed.push(exchange);
          this.ledger.exchanges.out++;
        },
        dropped: (exchange) => this.dropped.push(exchange),
      },
      onVerdict: (connection, verdict, budget) => this.verdicts.push({ connection, verdict, budget }),
    });
  }

  /** Feeds what a writer has collected. As at the border it comes in a Node Buffer, whose slice() copies nothing, and is overwritten afterwards. */
  feed(writer: RecordWriter): this {
    const { buffer, byteOffset, byteLength } = writer.take();
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    this.drain(bytes);
    bytes.fill(0xee);
    return this;
  }

  drain(bytes: Uint8Array): void {
    const records = [this.#data, this.#connection, this.#elision, this.#clock, this.#exit];
    for (const record of records) record.over(bytes);
    for (let offset = 0; offset < bytes.length;) {
      this.one(offset);
      if (this.strict) this.check();
      offset += Math.ceil(this.#data.at(offset).size / 8) * 8;
    }
  }

  one(offset: number): void {
    const { stage } = this;
    switch (this.#data.at(offset).kind) {
      case Kind.data:
        return stage.onData(this.#data);
      case Kind.connection:
        return stage.onConnection(this.#connection.at(offset));
      case Kind.elision:
        return stage.onElision(this.#elision.at(offset));
      case Kind.clock:
        return stage.onClock(this.#clock.at(offset).timeNs);
      case Kind.exit:
        return stage.onProcessExit(this.#exit.at(offset).tgid);
      default:
        throw new Error(`unexpected kind ${this.#data.kind}`);
    }
  }

  check(): void {
    const imbalances = this.ledger.imbalances();
    if (imbalances.length > 0) throw new Error(`books do not balance: ${JSON.stringify(imbalances)}`);
  }

  describe(exchange: Exchange): Description {
    return this.stage.describe(exchange);
  }

  /** Closed exchanges as plain attributes with the kind, in order of closing. */
  spans(): Array<Record<string, unknown>> {
    return this.closed.map((exchange) => ({
      kind: exchange.role,
      ...this.describe(exchange).attributes,
    }));
  }
}
