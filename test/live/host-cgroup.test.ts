/** What the probe of cgroups says of one that its CPU limit stops, beside the kernel and the process itself. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { HostFiles } from '../../src/host/host-files.ts';
import { container } from '../../src/host/probe/container.ts';
import type { HostSource } from '../../src/host/probe/probe.ts';
import { sleep } from '../support/agent.ts';
import { needMachine, needRoot } from '../support/programs.ts';

const CPU_V1 = '/sys/fs/cgroup/cpu';
/** Of one CPU, so little that it comes to its limit on the busiest machine. */
const QUOTA_US = 5000;
const PERIOD_US = 100_000;
const THROTTLED_PERIODS = 10;
const LATEST_MS = 40_000;

describe('the host’s probe of cgroups', function () {
  this.timeout(60_000);
  const isV1 = existsSync(`${CPU_V1}/cpu.cfs_quota_us`);
  const folder = `${isV1 ? CPU_V1 : '/sys/fs/cgroup'}/undertrace-${process.pid}`;
  let busy: ChildProcess | undefined;

  before(function () {
    needRoot(this);
    try {
      mkdirSync(folder);
      if (isV1) writeFileSync(`${folder}/cpu.cfs_period_us`, String(PERIOD_US));
      if (isV1) writeFileSync(`${folder}/cpu.cfs_quota_us`, String(QUOTA_US));
      else writeFileSync(`${folder}/cpu.max`, `${QUOTA_US} ${PERIOD_US}`);
    } catch (error) {
      needMachine(this, false, `no cgroup with a CPU limit: ${String(error)}`);
    }
  });

  after(async () => {
    if (busy?.exitCode === null) {
      busy.kill('SIGKILL');
      await once(busy, 'exit');
    }
    if (existsSync(folder)) rmdirSync(folder);
  });

  /** Figures of the service, by their name without `container.cpu.`. */
  function read(): Record<string, number> {
    const source: HostSource = {
      files: new HostFiles('/'),
      processes: () => [{ pid: busy!.pid!, service: 'busy', namespace: '' }],
    };
    const found: Record<string, number> = {};
    for (const told of container.read(source))
      if ('instrument' in told && told.attributes[0] === 'busy')
        found[told.instrument.name.replace('container.cpu.', '')] = told.value as number;
    return found;
  }

  it('counts the periods in which its limit stops one, and how long', async () => {
    const from = performance.now();
    busy = spawn('sh', ['-c', `echo $$ > ${folder}/cgroup.procs; while :; do :; done`], { stdio: 'inherit' });
    await once(busy, 'spawn');
    while ((read()['throttled.periods'] ?? 0) < THROTTLED_PERIODS) {
      assert.ok(performance.now() - from < LATEST_MS, JSON.stringify(read()));
      await sleep(100);
    }
    busy.kill('SIGSTOP');
    const stat = (): string => readFileSync(`${folder}/cpu.stat`, 'utf8');
    // It stops when it may run the next time, and its last period ends after that.
    for (let before = ''; before !== stat(); await sleep((3 * PERIOD_US) / 1000)) before = stat();
    const seconds = (performance.now() - from) / 1000;
    const figures = read();
    const kernel = new Map(
      [...stat().matchAll(/^(\S+) (\d+)$/gm)].map(([, key, value]) => [key!, Number(value)]),
    );
    assert.equal(figures.limit, QUOTA_US / PERIOD_US);
    assert.equal(figures.periods, kernel.get('nr_periods'));
    assert.equal(figures['throttled.periods'], kernel.get('nr_throttled'));
    const throttled = kernel.get('throttled_time') ?? kernel.get('throttled_usec')! * 1000;
    assert.ok(Math.abs(figures['throttled.time']! - throttled / 1e9) < 1e-6);

    const ran = Number(readFileSync(`/proc/${busy.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
    const shown = JSON.stringify({ ...figures, ran, seconds });
    assert.ok(figures['throttled.periods']! <= figures.periods!, shown);
    assert.ok(figures.periods! <= (seconds * 1e6) / PERIOD_US + 1, shown);
    assert.ok(figures['throttled.time']! > 0.1 && figures['throttled.time']! <= seconds - ran + 0.1, shown);
  });
});
