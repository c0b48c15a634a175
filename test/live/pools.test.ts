/** Pools of threads on a real kernel: which processes are watched for whom their threads wake, and that none is any more once they have ended. */
import assert from 'node:assert/strict';
import { captureOptions } from '../../src/agent.ts';
import { Ledger } from '../../src/base/ledger.ts';
import { KernelCapture } from '../../src/capture/kernel-capture.ts';
import { loadNative } from '../../src/capture/native.ts';
import { loadSettings } from '../../src/config.ts';
import { Pipeline } from '../../src/pipeline.ts';
import { CELLS, lackOf } from '../links/cells.ts';
import { makeTraffic } from '../links/traffic.ts';
import { sleep } from '../support/agent.ts';
import { lacking, needRoot } from '../support/programs.ts';
import { Scratch } from '../support/workload.ts';

const WAIT_MS = 10_000;

describe('processes with a pool', function () {
  this.timeout(60_000);
  const scratch = new Scratch();
  let capture: KernelCapture | undefined;
  let pipeline: Pipeline;

  before(function () {
    needRoot(this);
    const { receiver } = loadSettings({
      configs: [
        `yaml:${JSON.stringify({ receivers: { undertrace: { filters: { include: [{ pid: process.pid, children: true }] } } } })}`,
      ],
      env: {},
      isTty: false,
    });
    const ledger = new Ledger();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    capture = new KernelCapture(loadNative(), captureOptions(receiver), log, (batch) =>
      pipeline.process(batch),
    );
    const onTrace = (spans: readonly unknown[]): void => void (ledger.spans.out += spans.length);
    pipeline = new Pipeline({ receiver, ledger, kernel: capture, onTrace });
    capture.start();
  });

  after(() => {
    capture?.stop();
    scratch.remove();
  });

  /** What the kernel has been told by now. The capture may rest for long where the CPU is busy: it is not waited for. */
  const watched = (): number => {
    const { tracer } = capture!;
    capture!.drain();
    const entries = tracer.entries('pools').length;
    assert.equal(tracer.getGlobal('pool_count'), BigInt(entries));
    return entries;
  };

  /** Processes that are watched once the load has been answered, and once the service has ended. */
  async function runCell(context: Mocha.Context, name: string, atMost: number): Promise<[number, number]> {
    const cell = CELLS.find((each) => each.name === name)!;
    const lack = lackOf(cell);
    if (lack !== undefined) lacking(context, lack);
    const traffic = await makeTraffic(cell, {
      ...{ clients: 8, requests: 200, run: `pools-${process.pid}-${name}`, folder: scratch.folder },
    });
    const deadline = Date.now() + (atMost > 0 ? WAIT_MS : 500);
    while (watched() < atMost && Date.now() < deadline) await sleep(20);
    const during = watched();
    await traffic.stop();
    const end = Date.now() + WAIT_MS;
    while (watched() > 0 && Date.now() < end) await sleep(20);
    return [during, watched()];
  }

  it('are watched as long as they live', async function () {
    assert.deepEqual(await runCell(this, 'java-executor-pool', 1), [1, 0]);
    assert.deepEqual(await runCell(this, 'python-flask-executor', 1), [1, 0]);
  });

  it('are the only ones', async function () {
    assert.deepEqual(await runCell(this, 'java-thread-per-request', 0), [0, 0]);
    assert.deepEqual(await runCell(this, 'node-async-await', 0), [0, 0]);
  });
});
