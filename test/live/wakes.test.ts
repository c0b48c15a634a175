/** Whom the kernel side tells to have been woken: threads that waited for a result, in processes that are watched, and no others. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { attachAll, openTracer } from '../../src/capture/load.ts';
import { u32 } from '../../src/capture/map-values.ts';
import { loadNative, type Tracer } from '../../src/capture/native.ts';
import { Counter, DataRecord, Direction, Kind, WakeRecord } from '../../src/capture/records.gen.ts';
import { compileRefusing } from '../support/driver.ts';
import { needCompiled, needRoot } from '../support/programs.ts';
import { Scratch } from '../support/workload.ts';

interface Note {
  wait: string;
  woken: number;
}

describe('wake-ups on a real kernel', function () {
  this.timeout(60_000);
  const scratch = new Scratch();
  let driver: string;

  before(function () {
    needRoot(this);
    driver = needCompiled(this, 'c', 'driver');
  });

  after(() => scratch.remove());

  /**
   * Plays all waits under a tracer, of `object` where that is given, and gives the records of the driver's threads with what the driver says of them.
   * `meanwhile` sees the tracer before it is closed.
   */
  async function playWaits(isWatched: boolean, object?: string, meanwhile?: (tracer: Tracer) => void) {
    const addon = loadNative();
    class Other extends addon.Tracer {
      constructor(options: ConstructorParameters<typeof addon.Tracer>[0]) {
        super({ ...options, ...(object && { object }) });
      }
    }
    const tracer = openTracer(
      { ...addon, Tracer: Other },
      {
        ...{ ringBytes: 16 << 20, payloadBudget: 8192, messageStarts: [], turns: true, connections: 1024 },
      },
    );
    try {
      attachAll(tracer);
      const log = scratch.file(`log-${isWatched}`);
      const child = spawn(driver, [log, 'wakes'], { stdio: ['pipe', 'inherit', 'inherit'] });
      const watched = isWatched ? child.pid! : process.pid;
      tracer.update('pools', u32(watched), u32(1));
      tracer.setGlobal('pool_count', 1);
      child.stdin.end('\n');
      const [code] = (await once(child, 'exit')) as [number | null];
      assert.equal(code, 0);
      const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean);
      const notes = lines.map((line) => JSON.parse(line) as Note).filter(({ wait }) => wait !== undefined);
      meanwhile?.(tracer);
      return { notes, ...recordsOf(tracer, child.pid!) };
    } finally {
      tracer.close();
    }
  }

  it('are told where a thread has waited for what the waker received', async () => {
    const { notes, wakes, steps } = await playWaits(true);
    assert.equal(notes.length, 9);
    const told = notes.filter(({ woken }) => wakes.some((wake) => wake.woken === woken));
    assert.deepEqual(
      told.map(({ wait }) => wait),
      ['without a limit', 'with a long limit', 'woken with all'],
    );
    assert.equal(wakes.length, told.length);
    // Of what the waker received last, by which the pipeline knows what it was.
    for (const { step } of wakes) assert.ok(steps.has(step), String(step));
  });

  it('are missed, and counted, where the kernel does not keep who waits', async () => {
    const counts = { refused: 0, lost: 0, futexes: 0 };
    await playWaits(true, compileRefusing(scratch.file('bpf')), (tracer) => {
      const refusedOf = (what: string): number => Number(tracer.getGlobal(`refused_${what}`));
      const sum = (): number => refusedOf('conns') + refusedOf('threads') + refusedOf('futexes');
      counts.futexes = refusedOf('futexes');
      // Other programs go on meanwhile.
      do {
        counts.refused = sum();
        counts.lost = Number(tracer.sumPerCpuArray('counters')[Counter.state_lost]);
      } while (sum() !== counts.refused);
    });
    assert.ok(counts.futexes > 0);
    assert.equal(counts.lost, counts.refused);
  });

  it('are not told of other processes', async () => {
    const { notes, wakes } = await playWaits(false);
    assert.equal(notes.length, 9);
    assert.deepEqual(wakes, []);
  });
});

/** Who was woken, and the steps at which the main thread received something. */
function recordsOf(tracer: Tracer, pid: number) {
  const wakes: Array<{ woken: number; step: number }> = [];
  const steps = new Set<number>();
  const batch = tracer.drain();
  const [data, wake] = [new DataRecord(batch), new WakeRecord(batch)];
  for (let at = 0; at < batch.length; at += (data.at(at).size + 7) & ~7) {
    const { tid, step, direction } = data.at(at);
    if (batch[at + 4] === Kind.data && tid === pid && direction === Direction.receive) steps.add(step);
    if (batch[at + 4] === Kind.wake && data.tgid === pid)
      wakes.push({ woken: wake.at(at).woken, step: wake.step });
  }
  return { wakes, steps };
}
