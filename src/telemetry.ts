import type { Agent } from './agent.ts';
import type { RootLog } from './base/log.ts';
import { VERSION } from './base/version.ts';
import { defineHostMetrics } from './metrics/host-metrics.ts';
import { GcTime } from './metrics/gc-time.ts';
import type { Definer } from './metrics/pull.ts';
import { SelfMetrics } from './metrics/self-metrics.ts';
import type { SelfSources } from './metrics/self-sources.ts';
import { openMetricsExporters } from './output/exporter/index.ts';
import { MetricsPush, type PushStats } from './output/metrics-push.ts';
import { statusOf, whyOf } from './reports.ts';
import { type Readiness, createAgentListener } from './serve/agent-listener.ts';
import { createHealthCheck } from './serve/health-check.ts';

/** Entries of kernel maps are counted by walking them: not more often than this. */
const MAP_COUNT_MS = 10_000;
/** How often it is looked for series to which nothing happens. */
const SWEEP_MS = 10_000;
const COUNTED_MAPS = ['conns', 'own_conns', 'processes', 'pools'];

/** What the agent tells about itself: its listener, and the Collector's health check where it is asked for. */
export class Telemetry {
  readonly #close: Array<() => Promise<void>> = [];
  readonly #gc = new GcTime();
  #push: MetricsPush | undefined;
  #sweep: NodeJS.Timeout | undefined;

  /** Resolves when the listeners were tried; a busy port is logged and tried again. */
  async start(agent: Agent, log: RootLog): Promise<void> {
    const { settings, capture } = agent;
    const readiness = (): Readiness =>
      agent.ready ? { ready: true } : { ready: false, reason: 'not attached, or stopping' };
    const ports: number[] = [];
    const { requestMetrics, host } = agent;
    const metrics = new SelfMetrics(
      settings.telemetry.metrics.level === 'none' ? undefined : this.#sources(agent),
      [
        ...(requestMetrics ? [(define: Definer) => requestMetrics.define(define)] : []),
        (define) => defineHostMetrics(define, host, () => agent.kernelProbes),
      ],
      () => host.refresh(),
    );
    this.#push = await openPush(agent, metrics, log);
    if (requestMetrics) this.#sweep = setInterval(() => requestMetrics.sweep(Date.now()), SWEEP_MS).unref();
    if (settings.listener !== undefined) {
      const listener = createAgentListener({
        endpoint: settings.listener,
        log: log.component('listener'),
        metrics: (openMetrics) => metrics.render(openMetrics),
        readiness,
        status: () => statusOf(agent),
        why: (asked) => whyOf(agent, asked),
        logLevel: {
          get: () => log.level,
          set: (level) => {
            log.level = level;
          },
        },
      });
      await listener.start();
      this.#close.push(() => listener.close());
      ports.push(listener.port);
    }
    if (settings.healthCheck !== undefined) {
      const { startedAt } = agent;
      const health = createHealthCheck({
        settings: settings.healthCheck,
        log: log.component('health_check'),
        readiness,
        startedAt,
      });
      await health.start();
      this.#close.push(() => health.close());
      ports.push(health.port);
    }
    capture.setOwnPorts(ports);
  }

  /** Where metrics are pushed to, and what came of it. */
  get pushes(): readonly PushStats[] {
    return this.#push?.stats() ?? [];
  }

  async close(deadlineMs: number): Promise<void> {
    this.#gc.stop();
    clearInterval(this.#sweep);
    await Promise.all([this.#push?.stop(deadlineMs), ...this.#close.map((close) => close())]);
  }

  #sources(agent: Agent): SelfSources {
    const { pipeline, capture, settings } = agent;
    let maps: ReturnType<SelfSources['maps']> = [];
    let countedAt = -Infinity;
    return {
      version: VERSION,
      resource: settings.telemetry.resource,
      ledger: agent.ledger,
      startedAt: agent.startedAt,
      backend: () => capture.host.backend,
      kernel: () => capture.host.kernel,
      ready: () => agent.ready,
      exporters: () => agent.output.stats(),
      pushes: () => this.pushes,
      reloads: () => agent.reloads,
      kernelCounters: () => pipeline.books.counters,
      ring: () =>
        agent.ready ? { ...capture.tracer.ring(), highWater: capture.figures.highWater } : undefined,
      maps: () => {
        if (agent.ready && performance.now() - countedAt > MAP_COUNT_MS) {
          countedAt = performance.now();
          maps = COUNTED_MAPS.map((name) => ({
            name,
            entries: capture.tracer.dump(name).count,
            maxEntries: capture.tracer.mapInfo(name).maxEntries,
          }));
        }
        return maps;
      },
      measuredSeconds: () => agent.measure.seconds,
      programCost: () => agent.measure.cost,
      governor: () => agent.governor.figures,
      gcSeconds: () => this.#gc.seconds,
      programs: () => (agent.ready ? agent.programStats() : []),
      drainBatch: capture.drainBatch,
      eventLoopLag: capture.lag,
      connections: () => pipeline.decode.table.size,
      counts: () => pipeline.counts(),
      links: () => pipeline.linkFigures(),
      directory: () => agent.directory?.figures,
      rulesOff: () => pipeline.rulesOff(),
    };
  }
}

/** Pushes the metrics where the metrics pipeline names exporters that take them. Rejects with a UserError. */
async function openPush(
  { settings, startedAt }: Agent,
  all: SelfMetrics,
  log: RootLog,
): Promise<MetricsPush | undefined> {
  const exporters = await openMetricsExporters(settings.metricExporters);
  if (exporters.length === 0) return undefined;
  return new MetricsPush({
    exporters,
    metrics: all.metrics,
    refresh: () => all.refresh(),
    resource: settings.telemetry.resource,
    startedMs: startedAt.getTime(),
    intervalMs: settings.receiver.metrics.pushIntervalMs,
    log: log.component('metrics'),
  });
}
