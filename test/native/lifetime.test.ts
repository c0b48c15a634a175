import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import type { TracerError } from '../../native/index.d.ts';
import { addonPath, buildFixture, kernelSuite } from './fixture.ts';
import type { Fixture } from './fixture.ts';

const descriptors = (): number => readdirSync('/proc/self/fd').length;
const threads = (): number => readdirSync('/proc/self/task').length;

kernelSuite('native/lifetime', () => {
  let fixture: Fixture;

  before(() => (fixture = buildFixture()));
  after(() => fixture.remove());

  /** Runs JavaScript in a process of its own, with `addon` and `object` in scope. */
  function runApart(script: string): { status: number | null; output: string } {
    const head = `const addon = require(${JSON.stringify(addonPath)}); const object = ${JSON.stringify(fixture.object)};`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', head + script], {
      timeout: 15_000,
    });
    return { status, output: String(stdout) + String(stderr) };
  }

  it('goes on as another program in the same process, or says why not', () => {
    const { status, output } = runApart(`
      console.log(process.pid);
      try { addon.replaceProcess(['/nonexistent']); } catch (error) { console.log(error.code, error.syscall); }
      addon.replaceProcess([process.execPath, '-e', 'console.log(process.pid, process.argv[1])', 'word']);`);
    const [before, failed, after] = output.trim().split('\n');
    assert.deepEqual([status, failed, after], [0, 'ENOENT execv', `${before} word`]);
  });

  it('leaves no descriptor and no thread behind 1000 openings', function () {
    this.timeout(60_000);
    const { Tracer } = fixture.addon;
    new Tracer({ object: fixture.object }).close();
    const before = [descriptors(), threads()];
    for (let i = 0; i < 1000; i++) {
      const tracer = new Tracer({ object: fixture.object });
      if (i % 5 === 0) {
        tracer.load();
        tracer.attach('on_call');
        tracer.onWakeup(() => undefined);
        tracer.holdStats(true);
        tracer.drain();
      }
      tracer.close();
    }
    assert.deepEqual([descriptors(), threads()], before);
  });

  it('leaves nothing behind what failed', function () {
    this.timeout(60_000);
    const { Tracer } = fixture.addon;
    const fail = (action: () => void, code: string): void =>
      assert.throws(action, (error: TracerError) => error.code === code);
    const before = descriptors();
    for (let i = 0; i < 100; i++) {
      fail(() => new Tracer({ object: '/no/such.o' }), 'ENOENT');
      fail(() => new Tracer({ object: new Uint8Array(64) }), 'ENOEXEC');
      const rejected = new Tracer({ object: fixture.rejected });
      fail(() => rejected.load(), 'EACCES');
    }
    assert.equal(descriptors(), before, 'without a close()');
  });

  it('gives everything back when it is collected unclosed', () => {
    const { status, output } = runApart(`
      const count = () => require('fs').readdirSync('/proc/self/fd').length;
      (async () => {
        (() => { const t = new addon.Tracer({ object }); t.load(); t.attach('on_call'); t.onWakeup(() => {}); })();
        const held = count();
        for (let i = 0; i < 50 && count() >= held; i++) { gc(); await new Promise((done) => setTimeout(done, 10)); }
        process.exitCode = count() < held ? 0 : 1;
      })();`);
    assert.deepEqual({ status, output }, { status: 0, output: '' });
  });

  it('does not keep the process alive, and lets it end unclosed', () => {
    const { status, output } = runApart(`
      globalThis.held = new addon.Tracer({ object });
      held.load(); held.attach('on_call'); held.onWakeup(() => console.log('called'));
      setTimeout(() => console.log('over'), 20);`);
    assert.deepEqual({ status, output }, { status: 0, output: 'over\n' });
  });

  it('ends with the worker it lives in', () => {
    const { status, output } = runApart(`
      const { Worker } = require('worker_threads');
      const body = 'const addon = require(' + JSON.stringify(${JSON.stringify(addonPath)}) + ');' +
        'globalThis.held = new addon.Tracer({ object: ' + JSON.stringify(object) + ' });' +
        'held.load(); held.attach("on_call"); held.onWakeup(() => {}); setInterval(() => held.runOnce("ping"), 1);' +
        'require("worker_threads").parentPort.postMessage("up");';
      (async () => {
        for (let i = 0; i < 10; i++) {
          const worker = new Worker(body, { eval: true });
          await new Promise((up) => worker.once('message', up));
          await worker.terminate();
        }
        const links = require('fs').readdirSync('/proc/self/fd').filter((fd) => {
          try { return require('fs').readlinkSync('/proc/self/fd/' + fd).includes('bpf'); } catch { return false; }
        });
        console.log(links.length);
      })();`);
    assert.deepEqual({ status, output }, { status: 0, output: '0\n' });
  });

  it('keeps the symbols of libbpf to itself', () => {
    const { stdout } = spawnSync('llvm-nm', ['-D', '--defined-only', addonPath]);
    assert.match(String(stdout), /napi_register_module_v1/);
    assert.doesNotMatch(String(stdout), /\b(bpf|btf|libbpf|ring_buffer|perf_buffer)_/);
  });
});
