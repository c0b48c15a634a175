/**
 * A Docker engine of a test's own, on its own socket and with its own data, which needs no registry: the image that the Dockerfile begins with is made
 * of this distribution (debootstrap) and this Node.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sleep } from './agent.ts';
import { findCommand, inCheckout, needMachine } from './programs.ts';

const START_MS = 30_000;
const POLL_MS = 200;
const SUITE = 'bookworm';
/** What this machine trusts, where its registries are behind a certificate of somebody's own. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

/** Path of a command that nothing here installs: an engine is the machine's own affair. */
function needHere(context: Mocha.Context, name: string, ofPackage: string): string {
  const command = findCommand(name);
  needMachine(context, command !== undefined, `${name} is not installed: apt-get install ${ofPackage}`);
  return command!;
}

export class Docker {
  readonly folder: string;
  readonly #cli: string;
  readonly #engine: ChildProcess;

  private constructor(cli: string, folder: string, engine: ChildProcess) {
    this.#cli = cli;
    this.folder = folder;
    this.#engine = engine;
  }

  static async start(context: Mocha.Context): Promise<Docker> {
    const [cli, command] = ['docker', 'dockerd'].map((name) => needHere(context, name, 'docker.io')) as [
      string,
      string,
    ];
    const folder = mkdtempSync(path.join(tmpdir(), 'undertrace-docker-'));
    const engine = spawn(
      command,
      [
        ...['--host', `unix://${folder}/docker.sock`, '--data-root', path.join(folder, 'data')],
        ...['--exec-root', path.join(folder, 'exec'), '--pidfile', path.join(folder, 'pid')],
      ],
      { stdio: ['ignore', 'ignore', 'ignore'] },
    );
    const docker = new Docker(cli, folder, engine);
    const deadline = Date.now() + START_MS;
    while (docker.try('info').status !== 0) {
      if (engine.exitCode !== null || Date.now() > deadline) {
        await docker.stop();
        throw new Error(`dockerd does not start here: exit code ${engine.exitCode}`);
      }
      await sleep(POLL_MS);
    }
    return docker;
  }

  /** For programs that talk to it. */
  get env(): NodeJS.ProcessEnv {
    // Its older builder needs no plugin.
    return { ...process.env, DOCKER_HOST: `unix://${this.folder}/docker.sock`, DOCKER_BUILDKIT: '0' };
  }

  try(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(this.#cli, args, { encoding: 'utf8', env: this.env });
  }

  /** What it says on stdout; throws with all that it says where it fails. */
  run(...args: string[]): string {
    const { status, stdout, stderr } = this.try(...args);
    if (status !== 0) throw new Error(`docker ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Makes the image that the Dockerfile begins with. */
  makeBase(context: Mocha.Context): void {
    const debootstrap = needHere(context, 'debootstrap', 'debootstrap');
    const root = path.join(this.folder, 'base');
    const options = ['--variant=minbase', '--include=ca-certificates'];
    execFileSync(debootstrap, [...options, SUITE, root], { stdio: ['ignore', 'ignore', 'inherit'] });
    copyFileSync(process.execPath, path.join(root, 'usr/local/bin/node'));
    const modules = path.join(process.execPath, '../../lib/node_modules/npm');
    cpSync(modules, path.join(root, 'usr/local/lib/node_modules/npm'), { recursive: true });
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', path.join(root, 'usr/local/bin/npm'));
    if (existsSync(AUTHORITIES)) copyFileSync(AUTHORITIES, path.join(root, AUTHORITIES));
    writeFileSync(path.join(root, 'root/.npmrc'), `cafile=${AUTHORITIES}\n`);
    const [, name] = /NODE_IMAGE=(\S+)/.exec(readFileSync(inCheckout('Dockerfile'), 'utf8'))!;
    const archive = path.join(this.folder, 'base.tar');
    execFileSync('tar', ['-C', root, '-cf', archive, '.']);
    this.run('import', '-c', `ENV NODE_EXTRA_CA_CERTS=${AUTHORITIES}`, archive, name!);
    for (const done of [root, archive]) rmSync(done, { recursive: true });
  }

  async stop(): Promise<void> {
    if (this.#engine.exitCode === null) {
      const exited = once(this.#engine, 'exit');
      this.#engine.kill('SIGTERM');
      await exited;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
