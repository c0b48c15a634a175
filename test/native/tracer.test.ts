import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Tracer, TracerError } from '../../native/index.d.ts';
import { buildFixture, kernelSuite } from './fixture.ts';
import type { Fixture } from './fixture.ts';

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const words = (bytes: Buffer): number[] =>
  Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i));

kernelSuite('native/tracer', () => {
  let fixture: Fixture;
  let tracer: Tracer;

  before(() => (fixture = buildFixture()));
  after(() => fixture.remove());
  beforeEach(() => (tracer = new fixture.addon.Tracer({ object: fixture.object })));
  afterEach(() => tracer.close());

  /** `code` undefined: kernels differ in it. */
  const refused = (code: string | undefined, text: RegExp) => (error: unknown) => {
    const { code: found, errno, syscall, message } = error as TracerError;
    assert.ok(error instanceof Error);
    if (code !== undefined) assert.equal(found, code);
    assert.match(found, /^E[A-Z0-9]+$/);
    assert.ok(errno > 0 && typeof syscall === 'string' && syscall.length > 0);
    assert.match(message, text);
    return true;
  };

  it('lists programs in the order of the file', () => {
    assert.deepEqual(tracer.programs.slice(0, 3), ['on_call', 'add', 'ping']);
    assert.equal(tracer.programs.length, 7);
  });

  it('opens an object from memory', () => {
    const other = new fixture.addon.Tracer({ object: readFileSync(fixture.object) });
    assert.deepEqual(other.programs, tracer.programs);
    other.load();
    other.close();
  });

  it('sets constants of every integer kind before the load', () => {
    tracer.load();
    assert.equal(tracer.runOnce('add', [40, 2n]), 42 - 3 + 1 + 3);
    tracer.close();

    tracer = new fixture.addon.Tracer({ object: fixture.object });
    tracer.setConstant('loud', 1);
    tracer.setConstant('offset', -30000);
    tracer.setConstant('mood', 2n);
    tracer.setConstant('table[2]', 255);
    tracer.load();
    assert.equal(tracer.runOnce('add', [40000, 0]), 40000 + 1000 - 30000 + 2 + 255);
  });

  it('refuses constants that do not exist, do not fit or come too late', () => {
    assert.throws(() => tracer.setConstant('no_such', 1), refused('ENOENT', /no_such/));
    assert.throws(
      () => tracer.setConstant('sequence', 1),
      refused('ENOENT', /sequence/),
      'a global is no constant',
    );
    assert.throws(() => tracer.setConstant('loud', 2), refused('ERANGE', /loud/));
    assert.throws(() => tracer.setConstant('offset', 32768), refused('ERANGE', /offset/));
    assert.throws(() => tracer.setConstant('watched_nr', -1), refused('ERANGE', /watched_nr/));
    assert.throws(() => tracer.setConstant('watched_nr', 1.5), refused('ERANGE', /whole/));
    assert.throws(() => tracer.setConstant('watched_nr', 2n ** 70n), refused('ERANGE', /64 bits/));
    assert.throws(() => tracer.setConstant('table', 1), refused('EINVAL', /not an integer/));
    assert.throws(() => tracer.setConstant('table[4]', 1), refused('ERANGE', /past/));
    assert.throws(() => tracer.setConstant('table[', 1), refused('EINVAL', /table\[/));
    assert.throws(() => tracer.setConstant('loud', '1' as unknown as number), TypeError);
    tracer.load();
    assert.throws(() => tracer.setConstant('loud', 1), refused('EBUSY', /before load/));
  });

  it('reads and writes globals that programs see', () => {
    tracer.setGlobal('slots[1]', 600);
    tracer.load();
    assert.equal(tracer.getGlobal('signed_value'), -5n);
    assert.equal(tracer.runOnce('touch_globals'), 600);
    assert.equal(tracer.getGlobal('signed_value'), -6n);
    assert.equal(tracer.getGlobal('slots[2]'), 1n);
    assert.equal(tracer.getGlobal('flag'), 1n);
    tracer.setGlobal('signed_value', -(2 ** 31));
    tracer.setGlobal('slots[1]', 65535n);
    tracer.setGlobal('sequence', 2n ** 64n - 1n);
    assert.equal(tracer.runOnce('touch_globals'), 65535);
    assert.equal(tracer.getGlobal('signed_value'), 2n ** 31n - 1n, 'wrapped in the kernel');
    assert.equal(tracer.getGlobal('sequence'), 2n ** 64n - 1n);
    assert.throws(() => tracer.setGlobal('not_an_integer', 1), refused('EINVAL', /not an integer/));
    assert.throws(() => tracer.getGlobal('loud'), refused('ENOENT', /loud/));
  });

  it('tells the layout of a struct, anonymous members included', () => {
    const { size, members } = tracer.structLayout('record');
    assert.equal(size, 16 + 8 * 128);
    assert.deepEqual(members, {
      size: { offset: 0, size: 4 },
      producer: { offset: 4, size: 4 },
      sequence: { offset: 8, size: 8 },
      words: { offset: 16, size: 1024 },
      first: { offset: 16, size: 1 },
      second: { offset: 18, size: 2 },
    });
    assert.throws(() => tracer.structLayout('nothing'), refused('ENOENT', /nothing/));
  });

  it('fails to open what is no object, saying why', () => {
    assert.throws(
      () => new fixture.addon.Tracer({ object: '/no/such.o' }),
      refused('ENOENT', /\/no\/such\.o/),
    );
    assert.throws(
      () => new fixture.addon.Tracer({ object: Buffer.from('not an ELF file') }),
      refused('ENOEXEC', /memory/),
    );
    assert.throws(() => new fixture.addon.Tracer({ object: 3 as unknown as string }), TypeError);
  });

  it('carries the verifier log of a refused program, and closes', () => {
    const refusedTracer = new fixture.addon.Tracer({ object: fixture.rejected });
    assert.throws(
      () => refusedTracer.load(),
      (error: TracerError) => {
        assert.equal(error.code, 'EACCES');
        assert.equal(error.syscall, 'bpf_object__load');
        assert.match(error.message, /prog 'rejected': BPF program load failed/);
        assert.match(error.log ?? '', /invalid mem access/);
        assert.ok(!Object.keys(error).includes('log'));
        return true;
      },
    );
    assert.throws(() => refusedTracer.load(), TypeError);
  });

  it('loads without what is disabled', () => {
    const partial = new fixture.addon.Tracer({ object: fixture.rejected });
    partial.disableProgram('rejected');
    partial.disableProgram('count_here');
    partial.disableMap('by_cpu');
    partial.load();
    assert.throws(() => partial.lookup('by_cpu', u32(1)), refused('EBADF', /left out/));
    assert.throws(() => partial.attach('rejected'), refused('EBADF', /left out/));
    assert.ok(!partial.programStats().some(({ name }) => name === 'rejected'));
    partial.close();
  });

  it('looks up, updates and deletes', () => {
    tracer.load();
    assert.equal(tracer.lookup('producers', u32(1)), undefined);
    tracer.update('producers', u32(1), u32(11));
    assert.deepEqual(words(tracer.lookup('producers', u32(1))!), [11]);
    assert.equal(tracer.delete('producers', u32(1)), true);
    assert.equal(tracer.delete('producers', u32(1)), false);
    assert.throws(() => tracer.lookup('producers', new Uint8Array(3)), /key must have 4 bytes, not 3/);
    assert.throws(() => tracer.update('producers', u32(1), new Uint8Array(5)), TypeError);
    assert.throws(() => tracer.update('numbers', u32(7), u32(1)), refused('E2BIG', /numbers/));
    assert.throws(() => tracer.lookup('nothing', u32(1)), refused('ENOENT', /nothing/));
  });

  it('reads all entries of a hash that is larger than a batch', () => {
    tracer.load();
    for (let i = 0; i < 4900; i++) tracer.update('producers', u32(i), u32(i * 3));
    const { count, keySize, valueSize, keys, values } = tracer.dump('producers');
    assert.deepEqual([count, keySize, valueSize], [4900, 4, 4]);
    const found = new Map(words(keys).map((key, i) => [key, values.readUInt32LE(4 * i)]));
    assert.equal(found.size, 4900);
    for (const [key, value] of found) assert.equal(value, key * 3);
    assert.deepEqual(
      tracer.entries('producers').map(([key, value]) => [...words(key), ...words(value)]),
      words(keys).map((key) => [key, key * 3]),
    );
  });

  it('reads all entries of arrays and per-CPU maps', () => {
    tracer.load();
    tracer.update('numbers', u32(6), u32(66));
    assert.deepEqual(words(tracer.dump('numbers').values), [0, 0, 0, 0, 0, 0, 66]);
    for (let i = 0; i < 5; i++) tracer.runOnce('count_here');
    const [[key, value] = [], ...others] = tracer.entries('by_cpu');
    assert.deepEqual(words(key!), [9]);
    assert.equal(others.length, 0);
    assert.equal(value!.length % 8, 0, 'every CPU has 8 bytes');
    assert.equal(
      words(value!).reduce((sum, each) => sum + each, 0),
      5,
    );
    assert.throws(() => tracer.sumPerCpuArray('by_cpu'), refused('EINVAL', /by_cpu/));
    assert.throws(() => tracer.sumPerCpuArray('numbers'), refused('EINVAL', /numbers/));
  });

  it('sizes maps before the load and describes them after it', () => {
    tracer.setMaxEntries('producers', 33);
    tracer.setMaxEntries('ring', 100_000);
    tracer.load();
    const { bytes, ...rest } = tracer.mapInfo('producers');
    assert.deepEqual(rest, { type: 'hash', maxEntries: 33, keySize: 4, valueSize: 4 });
    assert.ok(bytes > 33 * 8);
    assert.deepEqual(tracer.ring(), { size: 131072, consumed: 0, used: 0, invalid: 0 });
    assert.throws(() => tracer.setMaxEntries('producers', 44), refused('EBUSY', /before load/));
  });

  it('attaches and detaches, and says when it cannot', () => {
    assert.throws(() => tracer.attach('on_call'), refused('EBADF', /after load/));
    tracer.load();
    tracer.attach('on_call');
    assert.equal(tracer.programStats().find(({ name }) => name === 'on_call')?.attached, true);
    assert.throws(() => tracer.attach('on_call'), refused('EEXIST', /on_call/));
    tracer.detach('on_call');
    assert.throws(() => tracer.detach('on_call'), refused('ENOENT', /on_call/));
    assert.throws(
      () => tracer.attach('add'),
      refused('EOPNOTSUPP', /add/),
      'its section names no tracepoint',
    );
    assert.throws(() => tracer.attach('nothing'), refused('ENOENT', /nothing/));
    assert.throws(() => tracer.runOnce('on_call'), refused(undefined, /on_call/), 'it is no raw_tp program');
  });

  it('runs an iterator to its end and returns what it wrote', () => {
    tracer.load();
    const pids = new Set(words(tracer.runIterator('list_tasks')));
    assert.ok(pids.has(process.pid) && pids.size > 1);
    assert.throws(() => tracer.runIterator('add'), refused('EINVAL', /add/));
  });

  it('counts runs and time while statistics are held', () => {
    tracer.load();
    const count = (): number => tracer.programStats().find(({ name }) => name === 'on_call')!.runCount;
    tracer.attach('on_call');
    tracer.holdStats(true);
    const before = count();
    for (let i = 0; i < 100; i++) readFileSync('/proc/self/stat');
    const during = count();
    assert.ok(during - before >= 300, `${during - before} runs`);
    const stats = tracer.programStats().find(({ name }) => name === 'on_call')!;
    assert.ok(stats.runTimeNs > 0 && stats.id > 0);
    tracer.holdStats(true);
    tracer.holdStats(false);
    tracer.holdStats(false);
  });

  it('is closed more than once without harm, and refuses every use after it', () => {
    tracer.load();
    tracer.attach('on_call');
    tracer.close();
    tracer.close();
    const uses: Array<() => unknown> = [
      () => tracer.programs,
      () => tracer.load(),
      () => tracer.attach('on_call'),
      () => tracer.drain(),
      () => tracer.pending(),
      () => tracer.ring(),
      () => tracer.onWakeup(() => undefined),
      () => tracer.entries('producers'),
      () => tracer.getGlobal('sequence'),
      () => tracer.holdStats(true),
      () => tracer.structLayout('record'),
    ];
    for (const use of uses) assert.throws(use, { name: 'TypeError', message: /closed Tracer/ });
  });

  it('knows the kernel and its clocks', () => {
    const features = fixture.addon.features();
    assert.equal(features.btf, true);
    assert.equal(features.hasTracepoint('sys_enter'), true);
    assert.equal(features.hasTracepoint('no_such_tracepoint'), false);
    assert.equal(features.hasStruct('tcp_sock'), true);
    assert.match(fixture.addon.libbpfVersion, /^1\.5\.\d+$/);
    const first = fixture.addon.clocks();
    const second = fixture.addon.clocks();
    assert.ok(second.monotonic > first.monotonic && second.boottime >= second.monotonic);
    assert.ok(Math.abs(Number(first.realtime / 1_000_000n) - Date.now()) < 60_000);
  });
});
