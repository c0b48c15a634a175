import type { Ledger } from './base/ledger.ts';
import type { ReceiverSettings } from './base/settings.ts';
import type { HostFacts, ProcessFacts } from './capture/facts.ts';
import {
  ClockRecord,
  ConnectionRecord,
  CountersRecord,
  DataRecord,
  DirectoryRecord,
  ElisionRecord,
  Event,
  ExitRecord,
  ForkRecord,
  HostRecord,
  Kind,
  PoolRecord,
  ProcessRecord,
  RECORD_VERSION,
  UringRecord,
  WakeRecord,
} from './capture/records.gen.ts';
import type { ServiceSocket } from './capture/unrecognised-ports.ts';
import { DecodeStage } from './decode/decode-stage.ts';
import type { ContextHeaders } from './decode/context-headers.ts';
import type { Description, Exchange } from './decode/exchange.ts';
import { createAllDecoders } from './decoders.ts';
import type { DirectoryEntry } from './directory/directory.ts';
import { Filters, type SpanFacts } from './enrich/filters.ts';
import { ProcessTable } from './enrich/process-table.ts';
import type { ServiceResource } from './enrich/resource.ts';
import { type RouteMatch, RouteTable } from './enrich/route.ts';
import { handsOverTraces, isTaken } from './enrich/trace-export.ts';
import { KernelBooks } from './kernel-books.ts';
import { Observations } from './observations.ts';
import { UnixClock } from './link/clock.ts';
import { limitAttributes } from './link/limits.ts';
import { Linker } from './link/linker.ts';
import { noteOf } from './link/pending.ts';
import type { RemoteMail } from './link/remote-ends.ts';
import { Sampler } from './link/sampler.ts';
import type { Span } from './link/span.ts';
import type { RequestMetrics } from './metrics/request/request-metrics.ts';
import type { LinkFigures, PipelineCounts } from './metrics/self-sources.ts';

/** What the pipeline tells the kernel side; a replay has none. */
export interface KernelControl {
  setVerdict(socket: ServiceSocket, verdict: number, budget: number): void;
  setProcess(tgid: number, excluded: boolean): void;
  forgetProcess(tgid: number): void;
  /** Whether it is to be told whom the threads of a process wake. */
  setPool(tgid: number, isPool: boolean): void;
  pollElided(sockets: Iterable<{ sock: number; inode: number }>): void;
  /** Asks for the facts about a process that no record has told of; they come as a record, if it is there. */
  describe(tgid: number): void;
}

export interface PipelineOptions {
  receiver: ReceiverSettings;
  ledger: Ledger;
  onTrace: (spans: Span[]) => void;
  /** What is measured of requests; undefined: nothing. */
  requestMetrics?: RequestMetrics | undefined;
  kernel?: KernelControl;
  /** Where client spans are told of, and asked for, whose server, or for whose server, is on another host; a replay has none. */
  remoteMail?: RemoteMail;
}

/** How often the kernel is asked for the progress of elided runs whose end somebody waits for. */
const ELISION_POLL_NS = 50_000_000;
/** Processes that set up io_uring are remembered up to this many. */
const URING_MAX = 1000;

/**
 * Records in, finished traces out. Everything it knows came in as records, time too: a recording gives the same spans on any machine.
 */
export class Pipeline {
  readonly decode: DecodeStage;
  readonly linker: Linker;
  readonly processes: ProcessTable;
  readonly filters: Filters;
  readonly routes: RouteTable;
  readonly books = new KernelBooks();
  readonly observations = new Observations();
  readonly clock = new UnixClock();
  /** Of the host record, which comes first. */
  host: HostFacts | undefined;
  nowNs = 0;
  /** io_uring instances by process: traffic there is not seen. */
  readonly uring = new Map<number, number>();
  readonly #ledger: Ledger;
  readonly #kernel: KernelControl | undefined;
  #instrumented: ReceiverSettings['link']['instrumented'];
  #pollDueNs = 0;
  /** What span rules look at, filled anew for every span. */
  readonly #spanFacts: { -readonly [K in keyof SpanFacts]: SpanFacts[K] } = {
    path: undefined,
    route: undefined,
    method: undefined,
    userAgent: undefined,
    status: undefined,
    service: '',
  };
  readonly #data = new DataRecord();
  readonly #connection = new ConnectionRecord();

  constructor(options: PipelineOptions) {
    const { receiver, ledger, kernel, requestMetrics } = options;
    this.#ledger = ledger;
    this.#kernel = kernel;
    this.filters = new Filters(receiver.filters);
    this.routes = new RouteTable({ patterns: receiver.http.routes });
    this.processes = new ProcessTable({
      overrides: receiver.services,
      onStranger: (tgid) => kernel?.describe(tgid),
    });
    this.#instrumented = receiver.link.instrumented;
    this.linker = this.#createLinker(options);
    this.decode = new DecodeStage({
      ...createAllDecoders(receiver),
      ledger,
      maxConnections: receiver.limits.connections,
      connectionBuffer: receiver.limits.connectionBufferBytes,
      idleNs: receiver.idleTimeoutMs * 1e6,
      exchangeTimeoutNs: receiver.http.exchangeTimeoutMs * 1e6,
      sink: {
        opened: (exchange) => {
          this.observations.opened(exchange);
          requestMetrics?.active.opened(exchange);
          if (exchange.role === 'server') this.#noteTraces(exchange, 'relays');
          this.linker.opened(exchange);
        },
        closed: (exchange) => {
          if (exchange.role === 'client' && isTaken(exchange)) this.#noteTraces(exchange, 'exports');
          requestMetrics?.active.ended(exchange);
          this.linker.closed(exchange);
        },
        dropped: (exchange) => {
          requestMetrics?.active.ended(exchange);
          this.linker.dropped(exchange);
        },
      },
      onForgotten: (report) =>
        this.observations.forgotten(report, this.processes.lives(report.connection.tgid)),
      onVerdict: (connection, verdict, budget) => kernel?.setVerdict(connection, verdict, budget),
    });
    ledger.exchanges.held = () => this.linker.held;
    ledger.records.held = () => this.books.inRing;
  }

  /** One batch: whole records, each padded to 8 bytes. The buffer may be reused after the call. */
  process(batch: Uint8Array): void {
    const data = this.#data.over(batch);
    for (let at = 0; at < batch.length;) {
      const size = data.u32[at >>> 2]!;
      if (batch[at + 5] !== RECORD_VERSION) this.#discard();
      else if (batch[at + 4] === Kind.data) this.decode.onData(data.at(at));
      else this.#event(batch, at);
      at += (size + 7) & ~7;
    }
  }

  /** Filters, names, routes and the sampler of another configuration take over. */
  reconfigure(receiver: ReceiverSettings): void {
    this.filters.replace(receiver.filters);
    this.processes.overrides = receiver.services;
    this.routes.patterns = receiver.http.routes;
    this.#instrumented = receiver.link.instrumented;
    this.linker.sampler = new Sampler(receiver.sampler.name, receiver.sampler.ratio);
    for (const tgid of this.processes.living()) this.#judge(tgid, 0);
  }

  counts(): PipelineCounts {
    const { counters } = this.decode.table;
    const { hops, inbound, assembler, remoteEnds, residual } = this.linker;
    return {
      connectionsOpened: counters.opened,
      connectionsEvicted: counters.evicted,
      connectionsExpired: counters.expired,
      connectFailures: counters.connectFailures,
      hopsEvicted: hops.evicted,
      hopDuplicates: hops.duplicates,
      inboundEvicted: inbound.evicted,
      matchesAmbiguous: inbound.ambiguous,
      tracesCutShort: assembler.cutShort,
      tracesOverdue: assembler.overdue,
      processesEvicted: this.processes.evicted,
      servicesGuessed: this.processes.guessed,
      routeOverflows: this.routes.overflows,
      linkConflicts: this.linker.origins.counts.conflicts,
      residualOverflows: residual.counts.overflows,
      directoryLate: remoteEnds.counts.late,
      directoryInvalid: remoteEnds.counts.invalid,
      remoteOverflows: remoteEnds.counts.overflows,
    };
  }

  linkFigures(): LinkFigures[] {
    return [...this.linker.links.byService].map(
      ([service, { byMethod, confidence, candidates, orphans }]) => {
        const linked = [...byMethod.values()].reduce((sum, count) => sum + count, 0);
        return {
          service,
          byMethod,
          candidates,
          orphans,
          meanConfidence: linked > 0 ? confidence / linked : undefined,
        };
      },
    );
  }

  /** Processes of a service in which a rule that finds parents is switched off. */
  rulesOff(): Array<{ service: string; rule: string; processes: number }> {
    const found = new Map<string, { service: string; rule: string; processes: number }>();
    for (const { tgid, startNs, rule } of this.linker.origins.switchedOff()) {
      const service = this.processes.identifyNow(tgid, startNs).serviceName;
      const key = `${rule} ${service}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { service, rule, processes: 1 });
      else known.processes++;
    }
    return [...found.values()];
  }

  /** Whether the spans of a process are left out because it makes its own; `startNs` 0: of the latest of that number. */
  suppresses(tgid: number, startNs: number): boolean {
    return this.#instrumented === 'suppress' && this.processes.exportsTraces(tgid, startNs);
  }

  /** The end: what is open is closed as it is, what is closed goes out. */
  finish(): void {
    this.decode.close();
    this.linker.flush();
  }

  #createLinker({ receiver, ledger, onTrace, requestMetrics, remoteMail }: PipelineOptions): Linker {
    const { attributeLength } = receiver.limits;
    return new Linker({
      describe: (exchange) => this.decode.describe(exchange),
      // A decoded request holds these headers itself; describing it is left until a span is made of it.
      contextHeadersOf: ({ request }) => (request as { contextHeaders?: ContextHeaders }).contextHeaders,
      identify: (tgid, startNs) => this.processes.identify(tgid, startNs),
      identifyNow: (tgid, startNs) => this.processes.identifyNow(tgid, startNs),
      routeOf: (exchange, description, service) => this.#routeOf(exchange, description, service),
      drops: (exchange, description, service, route) => this.#drops(exchange, description, service, route),
      keepsOpen: (exchange) => this.#keepsOpen(exchange),
      completions: receiver.link.completions,
      onPool: (tgid, isPool) => this.#kernel?.setPool(tgid, isPool),
      remoteMail,
      suppresses: ({ tgid, processStartNs }) => this.suppresses(tgid, processStartNs),
      onRequest: (request) => {
        this.observations.ended(request.exchange, request.suppressed ? 'instrumented' : 'spans');
        requestMetrics?.observe(request);
      },
      onTrace: (spans) => {
        if (attributeLength !== undefined) limitAttributes(spans, attributeLength);
        onTrace(spans);
      },
      clock: this.clock,
      sampler: new Sampler(receiver.sampler.name, receiver.sampler.ratio),
      minConfidence: receiver.link.minConfidence,
      exchanges: ledger.exchanges,
      spans: ledger.spans,
      assembler: { traceWaitNs: receiver.traceWaitMs * 1e6 },
    });
  }

  /** Everything but data, by kind. Rare beside data. */
  #event(batch: Uint8Array, at: number): void {
    switch (batch[at + 4]) {
      case Kind.connection:
        return this.#onConnection(this.#connection.over(batch).at(at));
      case Kind.clock:
        return this.#onClock(new ClockRecord(batch).at(at));
      case Kind.elision:
        return this.decode.onElision(new ElisionRecord(batch).at(at));
      case Kind.process:
        return this.#onProcess(new ProcessRecord(batch).at(at));
      case Kind.fork:
        return this.#onFork(new ForkRecord(batch).at(at));
      case Kind.exit:
        return this.#onExit(new ExitRecord(batch).at(at));
      case Kind.uring:
        return this.#onUring(new UringRecord(batch).at(at));
      case Kind.wake:
        return this.#onWake(new WakeRecord(batch).at(at));
      case Kind.pool:
        return this.#onPool(new PoolRecord(batch).at(at));
      case Kind.counters:
        return this.books.update(new CountersRecord(batch).at(at), this.#ledger.records);
      case Kind.host:
        return this.#onHost(new HostRecord(batch).at(at));
      case Kind.directory:
        return this.linker.answered(parseJson<DirectoryEntry[]>(new DirectoryRecord(batch).at(at).payload));
      case Kind.pause:
        return this.decode.pause();
      case Kind.filter:
        return; // for the reader of a recording; a replay has filters of its own
      default:
        return this.#discard();
    }
  }

  #onConnection(record: ConnectionRecord): void {
    const scanned = record.syscall === 0 && (record.event === Event.scan || record.event === Event.listen);
    if (!scanned) this.#use();
    this.observations.onConnection(record);
    this.decode.onConnection(record);
  }

  #onClock(record: ClockRecord): void {
    const { timeNs } = record;
    this.nowNs = timeNs;
    this.clock.update(timeNs, record.realtimeS, record.realtimeNs, record.boottimeNs);
    this.processes.clock(timeNs, record.realtimeS, record.realtimeNs, record.boottimeNs);
    this.decode.onClock(timeNs);
    this.linker.clock(timeNs);
    if (this.#kernel !== undefined && timeNs >= this.#pollDueNs) {
      this.#pollDueNs = timeNs + ELISION_POLL_NS;
      this.#kernel.pollElided(this.decode.elidedWaiting());
    }
  }

  #onProcess(record: ProcessRecord): void {
    const facts = parseJson<ProcessFacts>(record.payload);
    const { tgid, startNs } = record;
    if (facts.source === 'exec') this.#use();
    this.processes.onProcess(tgid, startNs, facts);
    if (facts.source !== 'late') this.#judge(tgid, startNs);
  }

  #onFork(record: ForkRecord): void {
    this.#use();
    const { tgid, startNs, parent, parentStartNs } = record;
    this.processes.onFork(tgid, startNs, parent, parentStartNs);
    this.#judge(tgid, startNs);
  }

  #onExit(record: ExitRecord): void {
    this.#use();
    const { tgid, startNs, timeNs } = record;
    this.processes.onExit(tgid, startNs, timeNs);
    this.decode.onProcessExit(tgid);
    this.linker.origins.onProcessExit(tgid);
    this.observations.onExit(tgid);
    this.#kernel?.forgetProcess(tgid);
    this.uring.delete(tgid);
  }

  #onUring(record: UringRecord): void {
    this.#use();
    if (this.uring.size < URING_MAX || this.uring.has(record.tgid))
      this.uring.set(record.tgid, (this.uring.get(record.tgid) ?? 0) + 1);
  }

  #onWake(record: WakeRecord): void {
    this.#use();
    const call = noteOf(this.decode.table.reasonOf(record)?.exchange);
    if (call?.exchange.role !== 'client') return;
    this.linker.woke(call, { tid: record.woken, turn: record.wokenTurn });
  }

  #onPool({ tgid, watched, timeNs }: PoolRecord): void {
    this.linker.origins.onWatched(tgid, watched === 1 ? timeNs : undefined);
  }

  #onHost(record: HostRecord): void {
    const host = parseJson<HostFacts>(record.payload);
    this.host = host;
    this.processes.onHost(host);
    this.linker.bootId = host.bootId;
  }

  /** Tells the kernel whether a process is worth a record. */
  #judge(tgid: number, startNs: number): void {
    if (this.#kernel === undefined) return;
    const view = this.processes.view(tgid, startNs);
    if (view !== undefined) this.#kernel.setProcess(tgid, !this.filters.process(view).traced);
  }

  #noteTraces(exchange: Exchange, how: 'exports' | 'relays'): void {
    if (handsOverTraces(exchange)) this.processes.onTraces(exchange.tgid, exchange.processStartNs, how);
  }

  #routeOf(exchange: Exchange, description: Description, service: ServiceResource): RouteMatch | undefined {
    const { path, isRoute } = description;
    if (path === undefined || isRoute === true) return undefined;
    if (exchange.role === 'client') return this.routes.configured(path);
    const status = description.attributes['http.response.status_code'];
    const known = typeof status === 'number' && status !== 404 && status !== 405 && status !== 400;
    return this.routes.route(service.serviceName, path, known);
  }

  #drops(
    exchange: Exchange,
    description: Description,
    service: ServiceResource,
    route: string | undefined,
  ): 'end' | 'request' | undefined {
    const verdict = this.#filter(exchange, description, service, route);
    if (verdict !== undefined) this.observations.ended(exchange, 'filtered');
    return verdict;
  }

  /** A rule about processes drops its own end only; a rule about requests drops both. */
  #filter(
    exchange: Exchange,
    description: Description,
    service: ServiceResource,
    route: string | undefined,
  ): 'end' | 'request' | undefined {
    const facts = this.#factsOf(description, service, route);
    if (this.filters.dropsSpan(facts) !== undefined) return 'request';
    return this.#isTraced(exchange) === false ? 'end' : undefined;
  }

  #factsOf(description: Description, service: ServiceResource, route: string | undefined): SpanFacts {
    const { attributes } = description;
    const facts = this.#spanFacts;
    facts.path = description.path;
    facts.route = route;
    facts.method = attributes['http.request.method'] as string | undefined;
    facts.userAgent = attributes['user_agent.original'] as string | undefined;
    facts.status = attributes['http.response.status_code'] as number | undefined;
    facts.service = service.serviceName;
    return facts;
  }

  /** Of a request that is under way not everything is known that a rule may be about. */
  #keepsOpen(exchange: Exchange): boolean {
    if (this.#isTraced(exchange) !== true) return false;
    const service = this.processes.identify(exchange.tgid, exchange.processStartNs);
    if (service === 'pending') return false;
    return !this.filters.mayDropSpan(this.#factsOf(this.decode.describe(exchange), service, undefined));
  }

  /** Whether the rules about processes let an exchange pass; undefined where nothing is known of the process. */
  #isTraced({ tgid, processStartNs, connection, role }: Exchange): boolean | undefined {
    const view = this.processes.view(tgid, processStartNs);
    if (view === undefined) return undefined;
    const port = role === 'server' ? connection.localPort : connection.remotePort;
    return this.filters.connection(view, port).traced;
  }

  /** A record of the kernel that is no data has done its work. */
  #use(): void {
    this.#ledger.delivered.in++;
    this.#ledger.delivered.out++;
  }

  #discard(): void {
    this.#ledger.delivered.in++;
    this.#ledger.delivered.lost.unknown_kind++;
  }
}

function parseJson<T>(payload: Uint8Array): T {
  return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8')) as T;
}
