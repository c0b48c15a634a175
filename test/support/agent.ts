/** The agent as a child process: started, ready, asked, stopped. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AgentStatus } from '../../src/serve/status.ts';
import { freePorts } from './collector.ts';
import type { ReceivedSpan } from './otlp-proto.ts';
import { OtlpSink } from './otlp-sink.ts';
import { inCheckout } from './programs.ts';

const FIRST_SCREEN = /^Undertrace \S+ on Linux .*\n {2}traces /m;
const READY_MS = 20_000;
const POLL_MS = 20;
const RUN = /^\/w\/[^/]+\//;

export interface AgentOptions {
  /** Keys of receivers.undertrace. */
  receiver?: Record<string, unknown>;
  args?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Command in front of its own, such as one that takes rights away. */
  wrap?: readonly string[];
  /** Other exporters than the sink, by id; the pipeline names them all. */
  exporters?: Record<string, unknown>;
}

export interface Ended {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  /** Lines of the ledger that was printed at the end; `loud` if it did not balance. */
  ledger: { stages: Record<string, Books>; balanced: boolean };
}

/** One stage of the printed ledger. */
export interface Books {
  in: number;
  out: number;
  held: number;
  lost: Record<string, number>;
}

export class Agent {
  readonly sink: OtlpSink;
  readonly port: number;
  /** Base URL of the sink, which others may export to, too. */
  readonly collector: string;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  /** It has ended, and all that it wrote has been read. */
  readonly #closed: Promise<unknown>;
  readonly #runs = new Map<string, ReceivedSpan[]>();
  /** Runs whose spans have been asked for. */
  readonly #given = new Set<string>();

  private constructor(child: ChildProcess, sink: OtlpSink, port: number, collector: string) {
    this.collector = collector;
    this.#child = child;
    this.#closed = once(child, 'close');
    Agent.running.add(this);
    child.once('exit', () => Agent.running.delete(this));
    this.sink = sink;
    this.port = port;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  static readonly running = new Set<Agent>();

  /** Resolves when everything is attached and the ring is being drained. */
  static async start(options: AgentOptions = {}): Promise<Agent> {
    const sink = new OtlpSink();
    const collector = `http://127.0.0.1:${await sink.listenHttp()}`;
    const [port] = await freePorts(1);
    const exporters = options.exporters ?? {
      otlp_http: {
        endpoint: collector,
        sending_queue: { batch: { flush_timeout: '50ms' } },
      },
    };
    const { limits, ...receiver } = (options.receiver ?? {}) as { limits?: object };
    const config = {
      // What is tested is seldom what the agent does not do on a machine that is busy with tests.
      receivers: { undertrace: { ...receiver, limits: { cpu: 100, memory: '4GiB', ...limits } } },
      exporters: { ...exporters, prometheus: { endpoint: `127.0.0.1:${port}` } },
      service: {
        pipelines: {
          traces: { receivers: ['undertrace'], exporters: Object.keys(exporters) },
          metrics: { receivers: ['undertrace'], exporters: ['prometheus'] },
        },
      },
    };
    // JSON is YAML.
    const [command, ...args] = [
      ...(options.wrap ?? []),
      ...[process.execPath, inCheckout('dist', 'main.js'), 'run'],
      ...['--config', `yaml:${JSON.stringify(config)}`, ...(options.args ?? [])],
    ];
    const child = spawn(command!, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    const agent = new Agent(child, sink, port!, collector);
    await agent.#ready();
    return agent;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The first screen says that everything is attached. */
  async #ready(): Promise<void> {
    const child = this.#child;
    let watch: (() => void) | undefined;
    const shown = new Promise<void>((resolve) => {
      watch = () => {
        if (FIRST_SCREEN.test(this.stderr)) resolve();
      };
      child.stderr?.on('data', watch);
    });
    const ended = once(child, 'exit').then(([code]) => `ended with ${code}`);
    const late = sleep(READY_MS).then(() => `is not ready after ${READY_MS} ms`);
    const problem = await Promise.race([shown, ended, late]);
    child.stderr?.off('data', watch!);
    if (problem === undefined) return;
    child.kill('SIGKILL');
    await this.sink.close();
    throw new Error(`the agent ${problem}:\n${this.stdout}\n${this.stderr}`);
  }

  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, { signal: AbortSignal.timeout(5000) });
  }

  async status(): Promise<AgentStatus> {
    return (await (await this.get('/status')).json()) as AgentStatus;
  }

  async metrics(): Promise<string> {
    return (await this.get('/metrics')).text();
  }

  /**
   * Spans whose path begins with `prefix`, which begins with `/w/<run>/`; waits until there are `count`. They are given once; ended() looks for
   * more of such a run.
   */
  async spans(prefix: string, count: number, timeoutMs = 15_000): Promise<ReceivedSpan[]> {
    const run = RUN.exec(prefix)![0];
    const select = (): ReceivedSpan[] => this.#ofRun(run).filter((span) => pathOf(span)!.startsWith(prefix));
    const deadline = Date.now() + timeoutMs;
    while (select().length < count && Date.now() < deadline) await sleep(POLL_MS);
    const found = select();
    this.#runs.delete(run);
    this.#given.add(run);
    return found.map(spanWithNumbers);
  }

  /** Takes the spans of all runs out of the sink: there are hundreds of thousands in a whole matrix, and each is looked at once. */
  #ofRun(run: string): ReceivedSpan[] {
    const others: ReceivedSpan[] = [];
    for (const span of this.sink.spans) {
      const of = RUN.exec(pathOf(span) ?? '')?.[0];
      const group = of === undefined ? others : this.#runs.get(of);
      if (group) group.push(span);
      else this.#runs.set(of!, [span]);
    }
    this.sink.spans.splice(0, Infinity, ...others);
    return this.#runs.get(run) ?? [];
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it where nobody looks at how it ends. */
  async abandon(): Promise<void> {
    this.kill('SIGKILL');
    await this.#closed;
    await this.sink.close();
  }

  async ended(): Promise<Ended> {
    await this.#closed;
    await this.sink.close();
    const strays = [...this.#given].flatMap((run) => this.#ofRun(run));
    assert.deepEqual(strays.map(spanWithNumbers), [], `${strays.length} spans more than were waited for`);
    const { exitCode: code, signalCode: signal } = this.#child;
    return { code, signal, stdout: this.stdout, stderr: this.stderr, ledger: parseLedger(this.stderr) };
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.kill(signal);
    return this.ended();
  }
}

/** The sink keeps an integer's type in front of it (`int:200`), which matters to the exporters' tests alone. */
export function withNumbers(attributes: Record<string, unknown>): Record<string, unknown> {
  const plain = (value: unknown): unknown =>
    typeof value === 'string' && /^int:-?\d+$/.test(value) ? Number(value.slice(4)) : value;
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, plain(value)]));
}

export function spanWithNumbers(span: ReceivedSpan): ReceivedSpan {
  const links = span.links.map((link) => ({ ...link, attributes: withNumbers(link.attributes) }));
  return { ...span, attributes: withNumbers(span.attributes), links };
}

/** Reads `  records: in 131 = out 131 + held 0 + lost reason=3` and so on. */
function parseLedger(text: string): Ended['ledger'] {
  const stages: Record<string, Books> = {};
  for (const [, name, came, out, held, lost] of text.matchAll(
    /^ {2}(\S+): in (\d+) = out (\d+) \+ held (\d+) \+ lost (.*)$/gm,
  )) {
    const reasons = [...lost!.matchAll(/(\w+)=(\d+)/g)].map(
      ([, reason, count]) => [reason!, Number(count)] as const,
    );
    stages[name!] = {
      in: Number(came),
      out: Number(out),
      held: Number(held),
      lost: Object.fromEntries(reasons),
    };
  }
  return { stages, balanced: !text.includes('DOES NOT BALANCE') && Object.keys(stages).length > 0 };
}

/** Path of the request that a span is about, without the query. */
export function pathOf(span: ReceivedSpan): string | undefined {
  const { 'url.path': path, 'url.full': full } = span.attributes;
  if (typeof path === 'string') return path;
  return typeof full === 'string' ? /^[a-z]+:\/\/[^/]*(\/[^?#]*)/.exec(full)?.[1] : undefined;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
