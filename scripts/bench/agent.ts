/** The built agent as a child process of a benchmark, exporting to nowhere or to a given exporter. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { endWithUs } from './children.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const SWITCH = fileURLToPath(new URL('switch.mjs', import.meta.url));
const CLOCK_TICKS = 100;
/** Of its listener. */
export const METRICS_PORT = 19_464;

export interface AgentFigures {
  cpuSeconds: number;
  peakRssMb: number;
}

export class BenchAgent {
  readonly #child: ChildProcess;
  stderr = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  /** Resolves once everything is attached. `exporters`: as in the configuration; default: none of them keeps anything. `receiver`: keys of receivers.undertrace. */
  static async start(
    exporters: Record<string, unknown> = { nop: {} },
    receiver: Record<string, unknown> = {},
  ): Promise<BenchAgent> {
    const config = {
      // What is measured is what capturing all of it costs.
      receivers: { undertrace: { limits: { cpu: 100, memory: '4GiB' }, ...receiver } },
      exporters: { ...exporters, prometheus: { endpoint: `127.0.0.1:${METRICS_PORT}` } },
      service: {
        pipelines: {
          traces: { receivers: ['undertrace'], exporters: Object.keys(exporters) },
          metrics: { receivers: ['undertrace'], exporters: ['prometheus'] },
        },
      },
    };
    const args = ['--import', SWITCH, MAIN, 'run', '--config', `yaml:${JSON.stringify(config)}`];
    const child = endWithUs(spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] }));
    const agent = new BenchAgent(child);
    await agent.#says('  traces ');
    return agent;
  }

  async #says(text: string, from = 0): Promise<void> {
    while (!this.stderr.includes(text, from)) {
      if (this.#child.exitCode !== null) throw new Error(`the agent ended: ${this.stderr}`);
      const heard = new AbortController();
      const { signal } = heard;
      await Promise.race([
        once(this.#child.stderr!, 'data', { signal }),
        once(this.#child, 'exit', { signal }),
      ]);
      heard.abort();
    }
  }

  /** Its programs leave the system calls, and it stands still. */
  async switchOff(): Promise<void> {
    const from = this.stderr.length;
    this.#child.kill('SIGUSR2');
    await this.#says('switched off', from);
    this.#child.kill('SIGSTOP');
  }

  async switchOn(): Promise<void> {
    const from = this.stderr.length;
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGUSR2');
    await this.#says('switched on', from);
  }

  /** From /proc, while it runs. */
  figures(): AgentFigures {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8'))![1]!;
    return {
      cpuSeconds: (Number(stat[11]) + Number(stat[12])) / CLOCK_TICKS,
      peakRssMb: Number(peak) / 1024,
    };
  }

  /** Stops it; resolves with `stage: reason=count` of everything that was lost. */
  async stop(): Promise<string[]> {
    this.#child.kill('SIGTERM');
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    return [...this.stderr.matchAll(/^ {2}(\S+): in \d+ = .* lost (.*)$/gm)].map(
      ([, stage, lost]) => `${stage}: ${lost}`,
    );
  }
}
