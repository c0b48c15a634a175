/**
 * The image of the Dockerfile, built and run as docker-compose.yml says, by a Docker engine of the test's own. It takes some ten minutes and a gigabyte, so it runs
 * where it is asked for: npm run test:image.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { sleep } from '../support/agent.ts';
import { freePorts } from '../support/collector.ts';
import { COMPOSE, readCompose } from '../support/deployment.ts';
import { Docker } from '../support/docker.ts';
import { findGoProgram } from '../support/go-program.ts';
import { inCheckout, lacking, needMachine, needRoot } from '../support/programs.ts';
import { ScenarioServer } from '../support/scenario.ts';

const PROJECT = `undertrace-test-${process.pid}`;
const AGENT = `${PROJECT}-agent-1`;
const HEALTHY_MS = 60_000;
const SEEN_MS = 180_000;
const POLL_MS = 500;
/** What the first stage needs and the second must not have. */
const TOOLS = ['clang', 'gcc', 'g++', 'make', 'tsc'];

describe('the image', function () {
  this.timeout(1_500_000);
  let docker: Docker | undefined;
  let compose: string;
  let files: string[];
  let server: ScenarioServer | undefined;
  let base: string;

  before(async function () {
    needMachine(this, process.env.UNDERTRACE_TEST_IMAGE === '1', 'takes ten minutes: npm run test:image');
    needRoot(this);
    const found = findGoProgram('build-compose.mjs', 'Docker Compose');
    if ('missing' in found) lacking(this, found.missing);
    compose = found.binary;
    docker = await Docker.start(this);
    docker.makeBase(this);
    docker.run('build', '--network', 'host', '--tag', readCompose().services.agent!.image, inCheckout());
    files = ['-f', COMPOSE, '-f', overrides(docker)];

    const [port] = (await freePorts(1)) as [number];
    base = `http://127.0.0.1:${port}`;
    const program = path.join(docker.folder, 'server.cjs');
    writeFileSync(program, `require('http').createServer((q, r) => r.end()).listen(${port}, '127.0.0.1');`);
    const place = { host: '127.0.0.1', port, folder: docker.folder, packages: {} };
    server = await ScenarioServer.start([process.execPath, program], place, {
      env: { OTEL_SERVICE_NAME: PROJECT },
    });
  });

  after(async () => {
    await server?.stop();
    if (docker && files) up('down', '--volumes');
    await docker?.stop();
  });

  /** Debian 12's engine knows no newer capabilities than CAP_SYS_ADMIN, and some machines may not raise limits: what stands in for it. */
  function overrides(engine: Docker): string {
    const file = path.join(engine.folder, 'overrides.yml');
    const [major] = engine.run('version', '--format', '{{.Server.Version}}').split('.');
    const capabilities =
      Number(major) >= 24 ? '' : '\n    cap_add: !override [SYS_ADMIN, SYS_PTRACE, DAC_READ_SEARCH]';
    writeFileSync(file, `services:\n  agent:\n    ulimits: !reset {}${capabilities}\n`);
    return file;
  }

  function up(...args: string[]): void {
    const { status, stderr } = spawnSync(compose, ['-p', PROJECT, ...files, ...args], {
      encoding: 'utf8',
      env: docker!.env,
    });
    assert.equal(status, 0, stderr);
  }

  async function until(what: string, ms: number, look: () => boolean): Promise<void> {
    const deadline = Date.now() + ms;
    while (!look()) {
      assert.ok(Date.now() < deadline, `${what}: not within ${ms} ms`);
      await sleep(POLL_MS);
    }
  }

  it('has nothing in it that builds', () => {
    const { image } = readCompose().services.agent!;
    const script = `command -v ${TOOLS.join(' ')}; ls node_modules | grep -x -e typescript -e mocha; true`;
    assert.equal(docker!.run('run', '--rm', '--entrypoint', 'sh', image, '-c', script), '');
  });

  it('traces the host, is healthy, and ends in order', async () => {
    up('up', '--detach', '--no-deps', 'agent');
    const health = (): string => docker!.run('inspect', '--format', '{{.State.Health.Status}}', AGENT).trim();
    await until('healthy', HEALTHY_MS, () => health() === 'healthy');
    docker!.run('exec', AGENT, 'undertrace', 'doctor');
    const ask = `fetch('http://127.0.0.1:9464/metrics').then(async (r) => console.log(await r.text()))`;
    const requests = setInterval(() => void fetch(base), POLL_MS);
    try {
      await until('a request to a service of the host', SEEN_MS, () =>
        docker!.run('exec', AGENT, 'node', '-e', ask).includes(`service_name="${PROJECT}"`),
      );
    } finally {
      clearInterval(requests);
    }
    docker!.run('stop', AGENT);
    assert.equal(docker!.run('inspect', '--format', '{{.State.ExitCode}}', AGENT).trim(), '0');
    const { stderr } = docker!.try('logs', AGENT);
    assert.match(stderr, /^ledger$/m);
    assert.doesNotMatch(stderr, /DOES NOT BALANCE/);
  });
});
