import { uptime } from 'node:os';
import { Ledger } from './base/ledger.ts';
import type { RootLog } from './base/log.ts';
import type { Log } from './base/log-shape.ts';
import type { ReceiverSettings, Settings } from './base/settings.ts';
import { cpuClocks } from './capture/cpu-budget.ts';
import { KernelCapture, type CaptureOptions } from './capture/kernel-capture.ts';
import { loadNative, type Tracer } from './capture/native.ts';
import { ProgramMeasure } from './capture/program-measure.ts';
import type { DirectoryMail } from './directory/directory-mail.ts';
import { openDirectory } from './directory/open-directory.ts';
import { Governor } from './governor.ts';
import { MESSAGE_STARTS } from './decode/protocol/index.ts';
import { HostFiles } from './host/host-files.ts';
import { HostProbes } from './host/host-probes.ts';
import { KernelProbes } from './host/kernel-probes.ts';
import { probesBut } from './host/probe/index.ts';
import type { HostSource, ObservedProcess } from './host/probe/probe.ts';
import { RequestMetrics } from './metrics/request/request-metrics.ts';
import { createExporterQueue, findExporterType } from './output/exporter/index.ts';
import { TracesOutput } from './output/traces-output.ts';
import { Pipeline } from './pipeline.ts';
import { VERSION } from './base/version.ts';

/** A server on another host does not wait for longer. */
const DIRECTORY_CLOSE_MS = 500;

/** The exporters of the traces pipeline with their queues, on the ledger's books. Rejects with a UserError. */
export async function createOutput(settings: Settings, ledger: Ledger, log: Log): Promise<TracesOutput> {
  const queues = [];
  for (const { id, type, settings: section } of settings.exporters) {
    const exporterType = findExporterType(type);
    if (exporterType === undefined)
      throw new Error(`exporter type ${type} passed validation and is not built in`);
    queues.push(await createExporterQueue(exporterType, id, section, { ledger, log }));
  }
  return new TracesOutput(ledger, queues);
}

/** How often the kernel's side of the host's probes is told which processes belong to which service. */
const OBSERVE_MS = 1000;

/** How the live capture is to be opened for these settings. */
export function captureOptions(receiver: ReceiverSettings): CaptureOptions {
  return {
    version: VERSION,
    ringBytes: receiver.ringBytes,
    drainIntervalMs: receiver.drainIntervalMs,
    payloadBudget: receiver.payloadBytes,
    messageStarts: MESSAGE_STARTS,
    turns: receiver.link.turns,
    connections: receiver.limits.connections,
    scan: receiver.scan,
    directory: receiver.link.directory !== undefined,
    cpuLimit: receiver.limits.cpu,
  };
}

/** Processes of which requests were seen, and that live. */
function* observedProcesses({ observations, processes }: Pipeline): Iterable<ObservedProcess> {
  yield* identified(processes, observations.processes.keys());
}

/** The same, and those that listen for what their workers serve. */
function* servingProcesses({ observations, processes }: Pipeline): Iterable<ObservedProcess> {
  yield* identified(processes, new Set([...observations.processes.keys(), ...observations.listening.keys()]));
}

function* identified(processes: Pipeline['processes'], pids: Iterable<number>): Iterable<ObservedProcess> {
  for (const pid of pids) {
    const resource = processes.identifyLatest(pid);
    if (resource === undefined || resource === 'pending') continue;
    const { serviceName: service, attributes } = resource;
    yield { pid, service, namespace: String(attributes['service.namespace'] ?? '') };
  }
}

/** The whole service on one kernel: capture, pipeline and exporters, started and stopped together. */
export class Agent {
  readonly ledger: Ledger;
  readonly capture: KernelCapture;
  readonly pipeline: Pipeline;
  readonly output: TracesOutput;
  readonly measure: ProgramMeasure;
  readonly governor: Governor;
  /** Undefined where none is configured. */
  readonly directory: DirectoryMail | undefined;
  /** Undefined where receivers.undertrace.metrics.requests is off. */
  readonly requestMetrics: RequestMetrics | undefined;
  readonly host: HostProbes;
  /** Undefined before start(). */
  kernelProbes: KernelProbes | undefined;
  readonly startedAt = new Date();
  /** Attached and draining. */
  ready = false;
  settings: Settings;
  readonly reloads: {
    succeeded: number;
    failed: number;
    lastSucceeded: boolean;
    lastAt: Date;
    lastError?: string;
  } = {
    succeeded: 0,
    failed: 0,
    lastSucceeded: true,
    lastAt: this.startedAt,
  };

  readonly #log: Log;
  #observeDueMs = 0;

  /** Loads the programs; nothing is traced before start(). */
  static async create(settings: Settings, log: RootLog): Promise<Agent> {
    const ledger = new Ledger();
    const output = await createOutput(settings, ledger, log);
    const directory = await openDirectory(settings.receiver.link.directory, log, (entries) =>
      agent.capture.answered(entries),
    );
    const agent: Agent = new Agent(settings, ledger, output, directory, log);
    return agent;
  }

  private constructor(
    settings: Settings,
    ledger: Ledger,
    output: TracesOutput,
    directory: DirectoryMail | undefined,
    log: RootLog,
  ) {
    this.#log = log;
    this.settings = settings;
    this.ledger = ledger;
    this.output = output;
    this.directory = directory;
    const { metrics } = settings.receiver;
    this.requestMetrics = metrics.requests
      ? new RequestMetrics(metrics, (tgid, startNs) => this.pipeline.processes.identifyNow(tgid, startNs))
      : undefined;
    this.capture = new KernelCapture(
      loadNative(),
      {
        ...captureOptions(settings.receiver),
        onTurn: () => this.#onTurn(),
        isClockAwaited: () => this.pipeline.linker.held > 0,
      },
      log,
      (batch) => this.pipeline.process(batch),
    );
    this.pipeline = new Pipeline({
      receiver: settings.receiver,
      ledger,
      kernel: this.capture,
      remoteMail: directory,
      onTrace: (spans) => this.output.push(spans),
      requestMetrics: this.requestMetrics,
    });
    const { rootPath, off } = settings.receiver.host;
    this.host = new HostProbes({
      probes: probesBut(off),
      source: this.#hostSource(rootPath),
      bootMs: Math.round(Date.now() - uptime() * 1000),
      onChange: ({ name, status, lastError }) =>
        status === 'failed'
          ? log.warn({ probe: name, error: lastError }, 'a probe of the host cannot be read')
          : log.info({ probe: name }, 'a probe of the host can be read again'),
    });
    const { tracer } = this.capture;
    this.measure = new ProgramMeasure(
      {
        holdStats: (on) => tracer.holdStats(on),
        sumPerCpuArray: (map) => tracer.sumPerCpuArray(map),
        programStats: () => this.programStats(),
      },
      log.component('capture'),
    );
    this.governor = new Governor({
      capture: this.capture,
      pipeline: this.pipeline,
      measure: this.measure,
      limits: settings.receiver.limits,
      log: log.component('governor'),
      clocks: cpuClocks(),
      rss: () => process.memoryUsage.rss(),
    });
  }

  start(): void {
    this.capture.start();
    this.#startKernelProbes();
    this.measure.start();
    this.ready = true;
  }

  /** Of all programs that are loaded, those of the host's probes included. */
  programStats(): ReturnType<Tracer['programStats']> {
    return [...this.capture.tracer.programStats(), ...(this.kernelProbes?.programStats() ?? [])];
  }

  /** Filters, names, routes, sampling and limits of another configuration take over; the rest needs a restart. */
  reconfigure(settings: Settings): void {
    this.settings = settings;
    this.capture.announceFilters(settings.receiver.filters);
    this.pipeline.reconfigure(settings.receiver);
    this.governor.limits = settings.receiver.limits;
  }

  /** Detaches, lets what is under way become spans, delivers what can be delivered within `deadlineMs`. */
  async stop(deadlineMs: number): Promise<void> {
    this.ready = false;
    this.measure.stop();
    this.kernelProbes?.close();
    this.capture.stop();
    this.pipeline.finish();
    await Promise.all([this.output.shutdown(deadlineMs), this.directory?.close(DIRECTORY_CLOSE_MS)]);
  }

  #hostSource(rootPath: string): HostSource {
    const kernel = (): KernelProbes | undefined => this.kernelProbes;
    return {
      files: new HostFiles(rootPath),
      processes: () => observedProcesses(this.pipeline),
      get kernel() {
        return kernel();
      },
    };
  }

  #startKernelProbes(): void {
    const { host, limits } = this.settings.receiver;
    const kernel = new KernelProbes(loadNative(), {
      off: host.off,
      connections: limits.connections,
      onKill: ({ pid, comm }, [service]) =>
        this.#log.warn({ pid, comm, service }, 'the kernel has killed a process for want of memory'),
    });
    this.kernelProbes = kernel;
  }

  /** What is done every so often, without a timer of its own. */
  #onTurn(): void {
    if (!this.ready) return;
    this.governor.onTurn();
    const now = performance.now();
    if (now < this.#observeDueMs) return;
    this.#observeDueMs = now + OBSERVE_MS;
    this.kernelProbes?.observe(servingProcesses(this.pipeline));
  }
}
