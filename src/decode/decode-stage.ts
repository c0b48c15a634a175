import type { Ledger } from '../base/ledger.ts';
import type { LossReason } from '../base/losses.ts';
import {
  Verdict,
  type ConnectionRecord,
  type DataRecord,
  type ElisionRecord,
} from '../capture/records.gen.ts';
import { ConnectionTable, type StreamConsumer, type TableOptions } from '../connection/connection-table.ts';
import type { Stream } from '../connection/stream.ts';
import type { Reading } from '../connection/thread-table.ts';
import type { Ending, TrackedConnection } from '../connection/tracked-connection.ts';
import type { ByteClass } from './classifier.ts';
import type { DatagramDecoder, Decoder } from './decoder.ts';
import type { Description, Exchange } from './exchange.ts';
import type { LiveExchange, Touched } from './live-exchange.ts';
import { ConversationPool } from './conversation-pool.ts';
import { Session, type SessionContext } from './session.ts';
import { Unrecognised, type UnrecognisedEntry } from './unrecognised.ts';

/** Payload bytes of a run that the kernel copies unless told otherwise. */
export const RUN_BUDGET = 8192;
/** The same where several messages are in a run. */
export const PIPELINED_BUDGET = 65_536;

const DNS_PORT = 53;

/** Where exchanges go. */
export interface ExchangeSink {
  /** The request's head is decoded; `hop` is filled. Each opened exchange is closed or dropped later. */
  opened(exchange: Exchange): void;
  /** Nothing will be added to the exchange. */
  closed(exchange: Exchange): void;
  /** Its connection had to make room; counted already as `evicted`. */
  dropped(exchange: Exchange): void;
}

export interface DecodeOptions extends TableOptions {
  readonly decoders: readonly Decoder[];
  readonly datagramDecoders: readonly DatagramDecoder[];
  readonly ledger: Ledger;
  readonly sink: ExchangeSink;
  /** What the kernel is to do with the connection's further records. */
  readonly onVerdict: (connection: TrackedConnection<Session>, verdict: number, budgetBytes: number) => void;
  /** A connection with records is over, or evicted: the last that can be told of it. */
  readonly onForgotten?: (report: ConnectionReport) => void;
  /** An exchange without any record on its connection for so long is given up. */
  readonly exchangeTimeoutNs?: number;
  /** Requests that may wait for a response on one connection. */
  readonly maxOpen?: number;
}

/** What `why` and `status` show of a connection. */
export interface ConnectionReport {
  readonly connection: TrackedConnection<Session>;
  /** Name of the protocol, or undefined. */
  readonly protocol: string | undefined;
  readonly byteClass: ByteClass | undefined;
  readonly exchanges: number;
  readonly open: number;
}

/**
 * Records in, exchanges out: the connection table, and for each connection a session that finds the protocol and reads messages.
 *
 * Books: `delivered` is kept by the table. Of `exchanges`, `in` and what is held are kept here, and the losses `orphan_response`,
 * `head_cut` and `evicted`; `out` and the other losses are the sink's.
 */
export class DecodeStage implements StreamConsumer<Session> {
  readonly table: ConnectionTable<Session>;
  readonly unrecognised = new Unrecognised();
  /** Payload bytes of a run that the kernel copies at most, where that is less than what verdicts say. */
  budgetCap = RUN_BUDGET;
  readonly #options: DecodeOptions;
  readonly #decoders: ReadonlyMap<string, Pick<Decoder, 'describe'>>;
  readonly #context: SessionContext;
  readonly #timeoutNs: number;
  readonly #onRun = new Set<TrackedConnection<Session>>();
  readonly #entries = new WeakMap<Session, UnrecognisedEntry>();
  /** Processes that have served a request: what they ask others, in whatever protocol, may be why they go on. */
  readonly #serving = new Set<number>();

  constructor(options: DecodeOptions) {
    this.#options = options;
    this.#timeoutNs = options.exchangeTimeoutNs ?? 60e9;
    this.#decoders = new Map(
      [...options.decoders, ...options.datagramDecoders].map((decoder) => [decoder.name, decoder]),
    );
    this.table = new ConnectionTable<Session>(options.ledger.delivered, this, options);
    this.#context = this.#createContext(options);
    options.ledger.exchanges.held = () => this.#open();
  }

  onData(record: DataRecord): void {
    this.table.onData(record);
  }

  onConnection(record: ConnectionRecord): void {
    this.table.onConnection(record);
  }

  onElision(record: ElisionRecord): void {
    this.table.onElision(record);
  }

  onProcessExit(tgid: number): void {
    this.table.onProcessExit(tgid);
    this.#serving.delete(tgid);
  }

  /** The end of a drain. */
  onClock(nowNs: number): void {
    this.table.onClock(nowNs);
  }

  /** The capture is over: what is open is closed as it is (`incomplete: capture_ended`). */
  close(): void {
    this.table.close('shutdown');
  }

  /** Nothing is told of what goes on for a while (`incomplete: capture_paused`); what comes then is of connections that are joined in the middle. */
  pause(): void {
    this.table.close('paused');
  }

  /** Connections on which a message is under way whose rest the kernel sums up: the pipeline asks the kernel for their progress. */
  elidedWaiting(): Iterable<TrackedConnection<Session>> {
    return this.#onRun;
  }

  /** What the protocol says about an exchange. */
  describe(exchange: Exchange): Description {
    return this.#decoders.get(exchange.protocol)!.describe(exchange);
  }

  *reports(): IterableIterator<ConnectionReport> {
    for (const connection of this.table.connections()) yield reportOf(connection);
  }

  onBytes(connection: TrackedConnection<Session>, stream: Stream): Touched {
    const session = (connection.session ??= new Session(connection, this.#context));
    const exchange = session.onBytes(stream);
    if (session.waitsOnRun(this.budgetCap)) this.#onRun.add(connection);
    else if (this.#onRun.size > 0) this.#onRun.delete(connection);
    return exchange;
  }

  onDatagram(
    connection: TrackedConnection<Session>,
    record: DataRecord,
    reason: Reading | undefined,
  ): LiveExchange | LossReason<'delivered'> | undefined {
    const session = (connection.session ??= new Session(connection, this.#context));
    const found = session.onDatagram(record, reason);
    if (found === 'unrecognised') {
      session.byteClass = 'datagram';
      this.#unrecognise(connection, 'datagram', 1, record.length);
    }
    return found;
  }

  onOpaque(connection: TrackedConnection<Session>, record: DataRecord): void {
    const entry = connection.session && this.#entries.get(connection.session);
    if (!entry) return;
    entry.records += 1 + record.gapRecords;
    entry.bytes += record.length + record.gapEnd - record.gapStart;
  }

  onHole(connection: TrackedConnection<Session>, stream: Stream): void {
    (connection.session ??= new Session(connection, this.#context)).onHole(stream);
  }

  onTick(connection: TrackedConnection<Session>): boolean {
    return connection.session?.onTick() ?? false;
  }

  onStreamEnd(connection: TrackedConnection<Session>, stream: Stream): void {
    connection.session?.onStreamEnd(stream);
  }

  onEnd(connection: TrackedConnection<Session>, ending: Ending): void {
    connection.session?.onEnd(ending);
    this.#onRun.delete(connection);
  }

  onEvicted(connection: TrackedConnection<Session>): void {
    this.#onRun.delete(connection);
    for (const exchange of connection.session?.open ?? []) {
      this.#options.ledger.exchanges.lost.evicted++;
      this.#options.sink.dropped(exchange);
    }
  }

  onIdle(connection: TrackedConnection<Session>, nowNs: number): boolean {
    const busy = connection.session?.onIdle(nowNs, this.#timeoutNs) ?? false;
    if (!busy) this.#onRun.delete(connection);
    return busy;
  }

  onForgotten(connection: TrackedConnection<Session>): void {
    if (connection.records > 0) this.#options.onForgotten?.(reportOf(connection));
  }

  rest(connection: TrackedConnection<Session>): boolean {
    return connection.session?.rest() ?? true;
  }

  #createContext(options: DecodeOptions): SessionContext {
    const { sink, ledger, onVerdict } = options;
    const books = ledger.exchanges;
    return {
      decoders: options.decoders,
      datagramDecoders: options.datagramDecoders,
      conversations: new ConversationPool(),
      maxOpen: options.maxOpen ?? 1024,
      opened: (exchange: LiveExchange) => {
        books.in++;
        if (exchange.role === 'server') this.#serves(exchange.tgid);
        sink.opened(exchange);
      },
      closed: (exchange: LiveExchange) => sink.closed(exchange),
      withdrawn: (exchange: LiveExchange) => {
        books.lost.withdrawn++;
        sink.dropped(exchange);
      },
      orphan: (connection) => {
        books.in++;
        books.lost.orphan_response++;
        connection.lose('orphan_response', 1);
      },
      headCut: (connection) => {
        books.in++;
        books.lost.head_cut++;
        connection.lose('head_cut', 1);
      },
      lose: (connection, reason, records) => this.table.lose(connection, reason, records),
      awaitTick: (connection) => this.table.awaitTick(connection),
      tick: () => this.table.tick,
      nowNs: () => this.table.nowNs,
      exchangeTimeoutNs: this.#timeoutNs,
      recognisedDatagrams: (connection) => onVerdict(connection, Verdict.full, RUN_BUDGET),
      recognised: (connection, { capture: { budget, elide } }) =>
        onVerdict(connection, elide ? Verdict.elide : Verdict.full, budget ?? RUN_BUDGET),
      bulky: (connection, { bulk, elide }) =>
        onVerdict(connection, elide ? Verdict.elide : Verdict.full, bulk ?? RUN_BUDGET),
      pipelined: (connection, capture) =>
        onVerdict(
          connection,
          capture?.elide === true ? Verdict.elide : Verdict.full,
          capture?.pipelined ?? PIPELINED_BUDGET,
        ),
      unrecognised: (connection, byteClass, records, bytes) =>
        this.#unrecognise(connection, byteClass, records, bytes),
    };
  }

  #unrecognise(
    connection: TrackedConnection<Session>,
    byteClass: ByteClass,
    records: number,
    bytes: number,
  ): void {
    const entry = this.unrecognised.entry(connection, byteClass);
    entry.records += records;
    entry.bytes += bytes;
    if (connection.session) this.#entries.set(connection.session, entry);
    connection.opaque = true;
    this.#onRun.delete(connection);
    this.#giveVerdict(connection);
  }

  /** Nothing more is wanted of a connection that nobody decodes, but who sends and receives when where a process that serves asks another. */
  #giveVerdict(connection: TrackedConnection<Session>): void {
    const { accepted, transport, remotePort, tgid } = connection;
    // Of datagrams the question for an address is one; a stream of them would cost a record each.
    const asks =
      accepted !== true && (transport !== 'udp' || remotePort === DNS_PORT) && this.#serving.has(tgid);
    this.#options.onVerdict(connection, asks ? Verdict.header : Verdict.drop, 0);
  }

  #serves(tgid: number): void {
    if (this.#serving.has(tgid)) return;
    this.#serving.add(tgid);
    for (const connection of this.table.connections())
      if (connection.opaque && connection.tgid === tgid) this.#giveVerdict(connection);
  }

  #open(): number {
    let open = 0;
    for (const connection of this.table.connections()) open += connection.session?.open.length ?? 0;
    return open;
  }
}

function reportOf(connection: TrackedConnection<Session>): ConnectionReport {
  const { session } = connection;
  return {
    connection,
    protocol: session?.protocol,
    byteClass: session?.byteClass,
    exchanges: session?.exchanges ?? 0,
    open: session?.open.length ?? 0,
  };
}
