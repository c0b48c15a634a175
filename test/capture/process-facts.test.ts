import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

import type { ProcessFacts } from '../../src/capture/facts.ts';
import {
  ENVIRONMENT_ALLOWLIST,
  ProcReader,
  lateFacts,
  parseExec,
  readProcess,
} from '../../src/capture/process-facts.ts';
import { ExecRecord } from '../../src/capture/records.gen.ts';
import { RecordWriter } from '../support/records.ts';

/** A zip archive of the given files. */
function makeZip(files: Record<string, string>, method: 0 | 8): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const plain = Buffer.from(text);
    const packed = method === 8 ? deflateRawSync(plain) : plain;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(typeof crc32 === 'function' ? crc32(plain) : 0, 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(plain.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed]);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, entry, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, central, Buffer.from('PK\x05\x06'), end]);
}

describe('capture/process-facts', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'undertrace-facts-'));
    mkdirSync(join(root, '7'));
    mkdirSync(join(root, '7/root/srv/app'), { recursive: true });
  });

  afterEach(() => rmSync(root, { recursive: true }));

  const facts = (change: Partial<ProcessFacts>): ProcessFacts => ({
    source: 'exec',
    cwd: '/srv/app',
    ...change,
  });
  const late = (change: Partial<ProcessFacts>) => lateFacts(7, facts(change), { procRoot: root });
  const node = { exe: '/usr/bin/node', argv: ['node', 'server.js'] };
  const java = { exe: '/usr/bin/java', argv: ['java', '-jar', 'app.jar'] };

  it('reads an exec record', () => {
    const parts = [
      'python3.11\0bin\0usr\0',
      'shop.service\0system.slice\0',
      'app\0srv\0',
      'python3\0-m\0shop\0\0',
      'PATH=/bin\0OTEL_SERVICE_NAME=shop\0AWS_SECRET_ACCESS_KEY=x\0HOSTNAME=h=1\0',
    ];
    const lengths = ['exe_length', 'cgroup_length', 'cwd_length', 'argv_length', 'environ_length'] as const;
    const fields = Object.fromEntries(lengths.map((name, n) => [name, parts[n]!.length]));
    const comm = Buffer.alloc(16);
    comm.write('python3');
    const bytes = new RecordWriter()
      .add('exec', { tgid: 10, parent: 9, uid: 33, netns: 4026531840, comm, ...fields }, parts.join(''))
      .take();
    assert.deepEqual(
      parseExec(new ExecRecord(bytes), (uid) => (uid === 33 ? 'www-data' : undefined)),
      {
        source: 'exec',
        parent: 9,
        uid: 33,
        user: 'www-data',
        comm: 'python3',
        exe: '/usr/bin/python3.11',
        cwd: '/srv/app',
        argv: ['python3', '-m', 'shop'],
        environ: { OTEL_SERVICE_NAME: 'shop', HOSTNAME: 'h=1' },
        cgroup: '/system.slice/shop.service',
        netns: 4026531840,
      },
    );
  });

  it('lets nothing secret through the allowlist', () => {
    for (const name of ENVIRONMENT_ALLOWLIST) assert.doesNotMatch(name, /KEY|SECRET|TOKEN|PASS|CRED|AUTH/i);
  });

  it('reads a process of this machine like the kernel would tell it', () => {
    const child = spawn('/bin/sleep', ['30'], {
      cwd: '/',
      env: { OTEL_SERVICE_NAME: 'sleeper', SECRET: 'x' },
      stdio: 'ignore',
    });
    try {
      const found = readProcess(child.pid!)!;
      assert.equal(found.tgid, child.pid);
      assert.equal(found.facts.source, 'scan');
      assert.equal(found.facts.parent, process.pid);
      assert.equal(found.facts.comm, 'sleep');
      assert.match(found.facts.exe!, /\/(?:sleep|busybox|coreutils)$/);
      assert.deepEqual(found.facts.argv, ['/bin/sleep', '30']);
      assert.deepEqual(found.facts.environ, { OTEL_SERVICE_NAME: 'sleeper' });
      assert.equal(found.facts.cwd, '/');
      assert.equal(found.facts.uid, process.getuid!());
      assert.equal(found.facts.user, execFileSync('id', ['-un'], { encoding: 'utf8' }).trim());
      assert.ok(found.facts.netns! > 0);
      assert.equal(found.startNs % 10_000_000, 0);
      const scanned = new ProcReader().scanProcesses();
      assert.ok(scanned.some(({ tgid, startNs }) => tgid === child.pid && startNs === found.startNs));
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('finds no process that is not there, nor the kernel’s own', () => {
    assert.equal(readProcess(2 ** 30), undefined);
    assert.equal(readProcess(7, { procRoot: root }), undefined);
  });

  it('reads names with parentheses and the cgroup that counts', () => {
    const stat = (start: number): string =>
      `7 (a) (b) S 3 7 7 0 -1 0 ${'0 '.repeat(12)}${start} 0 0`.replace(/ +/g, ' ');
    writeFileSync(join(root, '7/stat'), stat(4711));
    writeFileSync(join(root, '7/cmdline'), 'a\0');
    writeFileSync(join(root, '7/status'), 'Name:\ta\nUid:\t4242\t0\t0\t0\n');
    writeFileSync(join(root, '7/cgroup'), '9:memory,cpu:/docker/abc\n1:name=systemd:/other\n0::/\n');
    writeFileSync(join(root, 'passwd'), 'x:x:4242:1:::\n');
    const found = readProcess(7, { procRoot: root, passwdPath: join(root, 'passwd') })!;
    assert.equal(found.facts.comm, 'a) (b');
    assert.equal(found.facts.parent, 3);
    assert.equal(found.startNs, 47_110_000_000);
    assert.equal(found.facts.cgroup, '/docker/abc');
    assert.equal(found.facts.user, 'x');
  });

  it('wants no file of most processes', async () => {
    assert.equal(await late({ exe: '/usr/bin/curl', argv: ['curl'] }), undefined);
    assert.equal(await late({ exe: '/usr/bin/python3', argv: ['python3', 'x.py'] }), undefined);
  });

  it('answers even where there is no file, so that nobody waits', async () => {
    assert.deepEqual(await late(node), { source: 'late', files: {} });
    assert.deepEqual(await late(java), { source: 'late', files: {} });
  });

  it('finds the package.json that has a name, upward from the script', async () => {
    mkdirSync(join(root, '7/root/srv/app/dist'));
    writeFileSync(join(root, '7/root/srv/app/dist/package.json'), '{"type":"module"}');
    writeFileSync(join(root, '7/root/srv/app/package.json'), '{"name":"orders","version":"1.2.3","x":1}');
    assert.deepEqual(await late({ ...node, argv: ['node', 'dist/server.js'] }), {
      source: 'late',
      files: { 'package.name': 'orders', 'package.version': '1.2.3' },
    });
  });

  it('reads the manifest of a jar, stored or deflated', async () => {
    for (const method of [0, 8] as const) {
      const manifest =
        'Manifest-Version: 1.0\r\nMain-Class: com.shop.Lon\r\n gName\r\nImplementation-Title: Shop\r\n\r\nName: x\r\nMain-Class: no\r\n';
      const zip = makeZip({ 'META-INF/MANIFEST.MF': manifest, 'a/b.class': 'x'.repeat(1000) }, method);
      writeFileSync(join(root, '7/root/srv/app/app.jar'), zip);
      assert.deepEqual((await late(java))?.files, {
        'manifest.Main-Class': 'com.shop.LongName',
        'manifest.Implementation-Title': 'Shop',
      });
    }
  });

  it('survives archives that are damaged at any place', async () => {
    const zip = makeZip({ 'META-INF/MANIFEST.MF': 'Main-Class: a.B\n'.repeat(20) }, 8);
    for (let at = 0; at < zip.length; at += 3) {
      const damaged = Buffer.from(zip);
      damaged[at] = damaged[at]! ^ 0xff;
      writeFileSync(join(root, '7/root/srv/app/app.jar'), damaged.subarray(0, at % 2 ? at : zip.length));
      assert.equal((await late(java))?.source, 'late');
    }
  });

  it('follows links as the process would, never out of its root', async () => {
    mkdirSync(join(root, '7/root/opt'));
    writeFileSync(join(root, '7/root/opt/package.json'), '{"name":"inside"}');
    symlinkSync('/opt/package.json', join(root, '7/root/srv/app/package.json'));
    assert.equal((await late(node))?.files?.['package.name'], 'inside');
    // The same absolute link, where only the host has the file.
    writeFileSync(join(root, 'host.json'), '{"name":"host"}');
    rmSync(join(root, '7/root/srv/app/package.json'));
    symlinkSync(join(root, 'host.json'), join(root, '7/root/srv/app/package.json'));
    assert.deepEqual((await late(node))?.files, {});
    rmSync(join(root, '7/root/srv/app/package.json'));
    symlinkSync('package.json', join(root, '7/root/srv/app/package.json'));
    assert.deepEqual((await late(node))?.files, {});
  });

  it('looks into its own root for a process that is gone, unless that was in a container', async () => {
    const there = join(root, 'there');
    mkdirSync(there);
    writeFileSync(join(there, 'package.json'), '{"name":"there"}');
    const gone = (cgroup: string) => lateFacts(8, facts({ ...node, cwd: there, cgroup }), { procRoot: root });
    assert.equal((await gone('/system.slice/x.service'))?.files?.['package.name'], 'there');
    assert.deepEqual((await gone(`/docker/${'a1'.repeat(32)}`))?.files, {});
    assert.deepEqual((await late({ ...node, cwd: there }))?.files, {});
  });

  it('opens nothing but regular files of a fitting size', async () => {
    const path = join(root, '7/root/srv/app/package.json');
    execFileSync('mkfifo', [path]);
    assert.deepEqual((await late(node))?.files, {});
    rmSync(path);
    mkdirSync(path);
    assert.deepEqual((await late(node))?.files, {});
    rmSync(path, { recursive: true });
    writeFileSync(path, `{"name":"big","x":"${'x'.repeat(300_000)}"}`);
    assert.deepEqual((await late(node))?.files, {});
    writeFileSync(path, 'no json');
    assert.deepEqual((await late(node))?.files, {});
  });
});
