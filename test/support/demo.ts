/** The demo of docker-compose.yml as processes on loopback: nginx, an application, Redis, and who visits them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from './collector.ts';
import { inCheckout, needCommand } from './programs.ts';
import { ScenarioServer } from './scenario.ts';

const HOST = '127.0.0.1';

export class Demo {
  /** Base URL of the first service. */
  readonly base: string;
  readonly #folder: string;
  readonly #servers: ScenarioServer[];
  #visitor: ScenarioServer | undefined;

  private constructor(base: string, folder: string, servers: ScenarioServer[]) {
    this.base = base;
    this.#folder = folder;
    this.#servers = servers;
  }

  static async start(context: Mocha.Context): Promise<Demo> {
    const redis = needCommand(context, 'redis-server', 'the third service of the demo');
    const nginx = needCommand(context, 'nginx', 'the first service of the demo');
    const folder = mkdtempSync(path.join(tmpdir(), 'undertrace-demo-'));
    const [web, app, store] = (await freePorts(3)) as [number, number, number];
    const servers: ScenarioServer[] = [];
    const start = async (port: number, command: string[], env: NodeJS.ProcessEnv = {}): Promise<void> => {
      servers.push(await ScenarioServer.start(command, { host: HOST, port, folder, packages: {} }, { env }));
    };
    await start(store, [redis, '--port', String(store), '--save', '', '--appendonly', 'no']);
    await start(app, [process.execPath, inCheckout('config', 'demo', 'app.mjs')], {
      ...{ OTEL_SERVICE_NAME: 'app', REDIS_HOST: HOST, REDIS_PORT: String(store), PORT: String(app) },
    });
    await start(web, [nginx, ...nginxArguments(folder, web, app)]);
    return new Demo(`http://${HOST}:${web}`, folder, servers);
  }

  /** Somebody visits it until it stops. */
  async visit(): Promise<void> {
    const port = Number(new URL(this.base).port);
    this.#visitor = await ScenarioServer.start(
      [process.execPath, inCheckout('config', 'demo', 'visitor.mjs'), this.base],
      { host: HOST, port, folder: this.#folder, packages: {} },
      { env: { OTEL_SERVICE_NAME: 'visitor' } },
    );
  }

  async stop(): Promise<void> {
    await this.#visitor?.stop();
    for (const server of this.#servers.splice(0).reverse()) await server.stop();
    rmSync(this.#folder, { recursive: true });
  }
}

/** The demo's own configuration at other addresses, in a folder of its own. */
function nginxArguments(folder: string, port: number, app: number): string[] {
  const config = path.join(folder, 'nginx.conf');
  const text = readFileSync(inCheckout('config', 'demo', 'nginx.conf'), 'utf8');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => {
    mkdirSync(path.join(folder, name));
    return `${name}_temp_path ${path.join(folder, name)};`;
  });
  const here = text
    .replace('listen 80;', `listen ${HOST}:${port};`)
    .replace('server app:3000;', `server ${HOST}:${app};`)
    .replace('http {', `http {\n  ${temporary.join('\n  ')}`);
  writeFileSync(config, here);
  return ['-e', 'stderr', '-c', config, '-g', `daemon off; pid ${path.join(folder, 'nginx.pid')};`];
}
