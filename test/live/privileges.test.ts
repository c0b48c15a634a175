/**
 * The agent with exactly the capabilities that deploy/undertrace.service and docker-compose.yml give it, and with each of them taken away: the list is
 * neither too small nor too large.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Agent, pathOf, sleep } from '../support/agent.ts';
import { freePorts } from '../support/collector.ts';
import { unitCapabilities } from '../support/deployment.ts';
import { inCheckout, needCommand, needRoot } from '../support/programs.ts';
import { ScenarioServer } from '../support/scenario.ts';

/** Somebody else's service: not root's, as services are, in a folder that only its user may enter. */
const NOBODY = { uid: 65534, gid: 65534 };
const PROGRAM = `require('http').createServer((q, r) => r.end('hi')).listen(+process.argv[2], '127.0.0.1');`;
/** It measures what programs cost, or is refused that, after so long. */
const MEASURED_MS = 12_000;
/** SpanKind in OTLP. */
const SERVER = 2;
let runs = 0;

describe('live/privileges', function () {
  this.timeout(90_000);
  let folder: string;
  let setpriv: string;
  const servers: ScenarioServer[] = [];
  const bases: Record<'byPackage' | 'byEnvironment', string> = { byPackage: '', byEnvironment: '' };

  before(async function () {
    needRoot(this);
    setpriv = needCommand(this, 'setpriv', 'it takes capabilities away');
    folder = mkdtempSync(path.join(tmpdir(), 'undertrace-privileges-'));
    chmodSync(folder, 0o711);
    for (const [how, env] of [
      ['byPackage', {}],
      ['byEnvironment', { OTEL_SERVICE_NAME: 'named' }],
    ] as const) {
      const home = path.join(folder, how);
      mkdirSync(home);
      writeFileSync(path.join(home, 'server.cjs'), PROGRAM);
      writeFileSync(path.join(home, 'package.json'), '{"name": "packaged"}');
      chownSync(home, NOBODY.uid, NOBODY.gid);
      chmodSync(home, 0o700);
      const [port] = (await freePorts(1)) as [number];
      const as = [setpriv, '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups'];
      const command = [...as, process.execPath, path.join(home, 'server.cjs'), String(port)];
      const place = { host: '127.0.0.1', port, folder, packages: {} };
      servers.push(
        await ScenarioServer.start(command, place, { env: { OTEL_SERVICE_NAME: undefined, ...env } }),
      );
      bases[how] = `http://127.0.0.1:${port}`;
    }
  });

  after(async () => {
    for (const server of servers) await server.stop();
    if (folder) rmSync(folder, { recursive: true });
  });

  /** Root with these capabilities and no other, as systemd and Docker make it. */
  const only = (capabilities: readonly string[]): string[] => {
    const set = ['-all', ...capabilities.map((name) => `+${name.replace('CAP_', '').toLowerCase()}`)];
    return [setpriv, '--bounding-set', set.join(','), '--inh-caps', '-all', '--no-new-privs'];
  };

  /** What the agent calls both services. */
  async function namesWith(capabilities: readonly string[]): Promise<{ names: string[]; agent: Agent }> {
    const agent = await Agent.start({ wrap: only(capabilities) });
    const run = `/w/privileges-${process.pid}-${runs++}/`;
    for (const [how, base] of Object.entries(bases)) await (await fetch(`${base}${run}${how}`)).text();
    const spans = (await agent.spans(run, 4, 60_000)).filter(({ kind }) => kind === SERVER);
    const nameOf = (how: string): string =>
      String(spans.find((span) => pathOf(span) === run + how)?.resource['service.name']);
    return { names: ['byPackage', 'byEnvironment'].map(nameOf), agent };
  }

  it('traces, and names services, with those of the unit', async () => {
    const { names, agent } = await namesWith(unitCapabilities());
    assert.deepEqual(names, ['packaged', 'named']);
    await sleep(MEASURED_MS);
    const { ledger, code, stderr } = await agent.stop();
    assert.equal(code, 0);
    assert.ok(ledger.balanced);
    assert.match(stderr, /warn .*CAP_SYS_ADMIN/);
  });

  for (const [capability, names] of [
    ['CAP_SYS_PTRACE', ['server', 'named']],
    ['CAP_DAC_READ_SEARCH', ['server', 'server']],
  ] as const)
    it(`names services less well without ${capability}`, async () => {
      const others = unitCapabilities().filter((name) => name !== capability);
      const { names: found, agent } = await namesWith(others);
      assert.deepEqual(found, names);
      assert.equal((await agent.stop()).code, 0);
    });

  for (const capability of ['CAP_BPF', 'CAP_PERFMON'])
    it(`does not start without ${capability}, and says so`, async () => {
      const others = unitCapabilities().filter((name) => name !== capability);
      await assert.rejects(
        Agent.start({ wrap: only(others) }),
        /not permitted \(EPERM\).*CAP_BPF and CAP_PERFMON/s,
      );
    });

  /** What `doctor` says of file systems where it has mounts of its own, as in a container, and the first process can be looked at. */
  function fileSystems(context: Mocha.Context, capabilities: readonly string[]): string {
    const unshare = needCommand(context, 'unshare', 'it makes what a container is made of');
    const inner = 'mount -t tmpfs none "$0" && exec "$@"';
    const outer = `unshare --mount sh -c '${inner}' "$@"; exit $?`; // stays as the first process
    const doctor = [...only(capabilities), process.execPath, inCheckout('dist', 'main.js'), 'doctor'];
    const { stdout } = spawnSync(
      unshare,
      [
        ...['--pid', '--mount', '--fork', '--mount-proc'],
        ...['sh', '-c', outer, 'sh', path.join(folder, 'byPackage'), ...doctor],
      ],
      { encoding: 'utf8' },
    );
    return /^.* probe filesystem: .*$/m.exec(stdout)?.[0] ?? stdout;
  }

  it('measures the file systems of the host from within a container, with CAP_SYS_PTRACE', function () {
    assert.match(fileSystems(this, unitCapabilities()), /^pass .* \(\d+ figures\)$/);
    const others = unitCapabilities().filter((name) => name !== 'CAP_SYS_PTRACE');
    assert.match(fileSystems(this, others), /^n\/a .* \/proc\/1\/root: not permitted/);
  });

  it('has tried every one that the unit names', () => {
    assert.deepEqual(unitCapabilities().sort(), [
      'CAP_BPF',
      'CAP_DAC_READ_SEARCH',
      'CAP_PERFMON',
      'CAP_SYS_PTRACE',
    ]);
  });
});
