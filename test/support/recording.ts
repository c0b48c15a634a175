/** `undertrace record` and `undertrace replay` as child processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { spanWithNumbers } from './agent.ts';
import type { ReceivedSpan } from './otlp-proto.ts';
import { OtlpSink } from './otlp-sink.ts';
import { inCheckout } from './programs.ts';

/** Without any capability, root is nobody to the kernel. */
const UNPRIVILEGED = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'];

export class Recorder {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when everything is attached. */
  static async start(file: string, ...args: string[]): Promise<Recorder> {
    const command = [inCheckout('dist', 'main.js'), 'record', ...args, file];
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'] });
    const lines = createInterface({ input: child.stderr });
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => line.includes('recording to') && resolve());
      lines.on('close', () => reject(new Error('the recorder ended before it recorded')));
    });
    return new Recorder(child);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGINT');
    const [code, signal] = (await once(this.#child, 'exit')) as [number | null, string | null];
    if (code !== 0) throw new Error(`the recorder ended with ${code ?? signal}`);
  }

  /** At the end of a test that failed. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** The spans of a replay by a process that may do nothing. */
export async function replay(file: string): Promise<ReceivedSpan[]> {
  const sink = new OtlpSink();
  const endpoint = `http://127.0.0.1:${await sink.listenHttp()}`;
  const pipelines = { traces: { receivers: ['undertrace'], exporters: ['otlp_http'] } };
  const config = `yaml:${JSON.stringify({ exporters: { otlp_http: { endpoint } }, service: { pipelines } })}`;
  const [command, ...args] = [
    ...UNPRIVILEGED,
    ...[process.execPath, inCheckout('dist', 'main.js'), 'replay', '--config', config, file],
  ];
  const child = spawn(command!, args, { stdio: 'ignore' });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  await sink.close();
  if (code !== 0) throw new Error(`the replay ended with ${code ?? signal}`);
  return sink.spans.map(spanWithNumbers);
}
