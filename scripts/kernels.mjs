#!/usr/bin/env node
// Loads the eBPF objects and traces real conversations on old and new kernels: each boots in an emulated machine (qemu, no KVM needed) from an
// initramfs that holds busybox, Node and the built agent, and runs scripts/kernels/guest.mjs. The host's own kernel is one of them.
//
//   node scripts/kernels.mjs [host 5.10 6.1 6.12]
//
// Kernels are Debian's cloud kernels, fetched by apt with a root of its own, so the machine's package lists stay untouched; they stay in
// ~/.cache/undertrace/kernels. The last line is `N passed, N failed, N skipped`. Needs a built checkout and root.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'undertrace', 'kernels');
const GUEST = join(ROOT, 'scripts/kernels/guest.mjs');
const BUSYBOX = '/bin/busybox';
const META = 'linux-image-cloud-amd64';
/** Kernel and the Debian release that has it. */
const KERNELS = [
  ['host', undefined],
  ['5.10', 'bullseye-security'],
  ['6.1', 'bookworm-security'],
  ['6.12', 'trixie-security'],
];
const BOOT_MS = 600_000;
const TRIES = 3;

const say = (text) => console.log(`kernels: ${text}`);

/** Mirrors that this machine's apt is set up with; the lists themselves are not used. */
function mirror() {
  const uris = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  const main = uris.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  return (main ?? 'http://deb.debian.org/debian').replace(/\/debian\/?$/, '');
}

/** An apt that knows one suite and nothing else. */
class IsolatedApt {
  #options;

  constructor(suite) {
    const root = join(CACHE, 'apt', suite);
    for (const folder of ['parts', 'lists/partial', 'archives/partial'])
      mkdirSync(join(root, folder), { recursive: true });
    const base = suite.endsWith('-security') ? 'debian-security' : 'debian';
    const key = '/usr/share/keyrings/debian-archive-keyring.gpg';
    writeFileSync(
      join(root, 'list'),
      `deb [arch=amd64${existsSync(key) ? ` signed-by=${key}` : ''}] ${mirror()}/${base} ${suite} main\n`,
    );
    const settings = {
      'Dir::Etc::sourcelist': join(root, 'list'),
      'Dir::Etc::sourceparts': join(root, 'parts'),
      'Dir::State::lists': join(root, 'lists'),
      'Dir::State::status': '/dev/null',
      'Dir::Cache': root,
      'Acquire::Languages': 'none',
      'Acquire::Retries': TRIES,
      'APT::Sandbox::User': 'root',
    };
    this.#options = ['-qq', ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])];
  }

  run(command, args, cwd) {
    return execFileSync(command, [...this.#options, ...args], {
      encoding: 'utf8',
      cwd,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  /** First dependency of a package whose name begins so. */
  dependency(name, beginning) {
    const lines = this.run('apt-cache', ['depends', name]).split('\n');
    return lines
      .map((line) => /^ *Depends: (\S+)/.exec(line)?.[1])
      .find((found) => found?.startsWith(beginning));
  }
}

/** Path of the suite's newest kernel image: asked for at most once a day, then taken from the cache. */
function fetchKernel(suite) {
  const link = join(CACHE, `${suite}.vmlinuz`);
  const fresh =
    existsSync(link) && Date.now() - statSync(dirname(realpathSync(link))).mtimeMs < 30 * 24 * 3600 * 1000;
  if (fresh) return link;
  const apt = new IsolatedApt(suite);
  apt.run('apt-get', ['update']);
  const name = apt.dependency(META, 'linux-image-');
  const folder = join(CACHE, name);
  if (!existsSync(join(folder, 'vmlinuz'))) {
    say(`fetching ${name} of ${suite}`);
    const aside = mkdtempSync(join(CACHE, 'fetch.'));
    apt.run('apt-get', ['download', name], aside);
    const deb = readdirSync(aside).find((file) => file.endsWith('.deb'));
    execFileSync('dpkg-deb', ['-x', deb, 'x'], { cwd: aside });
    const image = readdirSync(join(aside, 'x/boot')).find((file) => file.startsWith('vmlinuz-'));
    mkdirSync(folder, { recursive: true });
    renameSync(join(aside, 'x/boot', image), join(folder, 'vmlinuz'));
    rmSync(aside, { recursive: true });
  }
  rmSync(link, { force: true });
  symlinkSync(join(name, 'vmlinuz'), link);
  return link;
}

/** Shared libraries of a program, by the dynamic linker's own account. */
function libraries(program) {
  return execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
}

/** Production dependencies, without what is only for reading and compiling. */
function copyDependencies(target) {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  for (const [path, { dev, optional }] of Object.entries(packages)) {
    if (!path || dev || (optional && !existsSync(join(ROOT, path)))) continue;
    cpSync(join(ROOT, path), join(target, path), {
      recursive: true,
      filter: (file) => !/(\.(ts|map|md)|\/(esm|esnext|docs|test|tests))$/.test(file),
    });
  }
}

const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin HOME=/tmp
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
mount -t tracefs tracefs /sys/kernel/tracing; mount -t bpf bpf /sys/fs/bpf; mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
hostname guest
node /agent/scripts/kernels/guest.mjs /agent /bin/busybox
poweroff -f
`;

/** Makes the initramfs: busybox, Node with its libraries, the agent, and what the guest plays. */
function makeInitramfs(work) {
  const root = join(work, 'root');
  for (const folder of ['bin', 'dev', 'proc', 'sys', 'tmp', 'run', 'etc', 'usr/bin'])
    mkdirSync(join(root, folder), { recursive: true });
  cpSync(BUSYBOX, join(root, 'bin/busybox'), { dereference: true });
  cpSync(process.execPath, join(root, 'usr/bin/node'), { dereference: true });
  const addon = join(ROOT, 'build/undertrace.node');
  for (const library of new Set([...libraries(process.execPath), ...libraries(addon)])) {
    cpSync(library, join(root, library), { dereference: true });
  }
  for (const part of [
    'dist',
    'config',
    'package.json',
    'build/undertrace.node',
    'build/bpf',
    'test/workload/node',
    'scripts/kernels',
  ]) {
    cpSync(join(ROOT, part), join(root, 'agent', part), { recursive: true });
  }
  copyDependencies(join(root, 'agent'));
  writeFileSync(join(root, 'init'), INIT, { mode: 0o755 });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost guest\n::1 localhost\n');
  const image = join(work, 'initramfs');
  execFileSync('sh', ['-c', `cd "$1" && find . | ${BUSYBOX} cpio -o -H newc > "$2"`, 'sh', root, image], {
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  rmSync(root, { recursive: true });
  return image;
}

/** Boots a kernel and gives back what the guest printed. */
async function boot(vmlinuz, initramfs) {
  const megabytes = 768 + Math.ceil((3 * statSync(initramfs).size) / 2 ** 20);
  const machine = [
    '-nodefaults',
    '-no-user-config',
    '-no-reboot',
    '-display',
    'none',
    '-monitor',
    'none',
    '-machine',
    'q35',
  ];
  // One thread for both CPUs: with one each, an emulated CPU can run on over code that the other one patches, and the kernel stumbles over it.
  const cpu = ['-accel', 'tcg,thread=single', '-cpu', 'max', '-smp', '2', '-m', String(megabytes)];
  const kernel = [
    '-kernel',
    vmlinuz,
    '-initrd',
    initramfs,
    '-serial',
    'stdio',
    '-append',
    'console=ttyS0 quiet panic=-1 tsc=unstable',
  ];
  const qemu = spawn('qemu-system-x86_64', [...machine, ...cpu, ...kernel], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => qemu.kill('SIGKILL'), BOOT_MS);
  let output = '';
  for (const stream of [qemu.stdout, qemu.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  await once(qemu, 'close');
  clearTimeout(timer);
  return output.replaceAll('\r', '');
}

async function onHost() {
  const child = spawn(process.execPath, [GUEST, ROOT, BUSYBOX], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  await once(child, 'close');
  return output;
}

function report(name, output, startedAt) {
  const result = /^RESULT (.*)$/m.exec(output)?.[1] ?? 'fail: the guest ended without a result';
  const linux = /^guest: (.*)$/m.exec(output)?.[1] ?? 'unknown';
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0);
  say(`${name} (${linux}): ${result} (${seconds} s)`);
  if (result !== 'pass') console.log(output.split('\n').slice(-60).join('\n'));
  return result === 'pass';
}

/** Why guests cannot run here, or undefined. */
function obstacle() {
  for (const command of ['qemu-system-x86_64', 'apt-get', 'dpkg-deb']) {
    if (spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0) return `${command} is not installed`;
  }
  if (process.arch !== 'x64') return 'the guests are x86-64';
  return existsSync(BUSYBOX) ? undefined : `${BUSYBOX} is not there (busybox-static)`;
}

async function main(wanted) {
  const chosen = KERNELS.filter(([name]) => wanted.length === 0 || wanted.includes(name));
  const guests = chosen.filter(([, suite]) => suite);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const count = (name, output, startedAt) => counts[report(name, output, startedAt) ? 'passed' : 'failed']++;
  if (guests.length < chosen.length) {
    const startedAt = Date.now();
    count('host', await onHost(), startedAt);
  }
  const reason = obstacle();
  if (reason) {
    for (const [name] of guests) say(`${name}: skipped, ${reason}`);
    counts[process.env.CI === 'true' ? 'failed' : 'skipped'] += guests.length;
  } else if (guests.length > 0) {
    mkdirSync(CACHE, { recursive: true });
    const work = mkdtempSync(join(CACHE, 'work.'));
    const initramfs = makeInitramfs(work);
    say(`initramfs of ${Math.round(statSync(initramfs).size / 2 ** 20)} MiB`);
    const kernels = guests.map(([name, suite]) => [name, fetchKernel(suite)]); // one after the other: apt has locks
    const worker = async () => {
      for (let next = kernels.shift(); next; next = kernels.shift()) {
        const startedAt = Date.now();
        count(next[0], await boot(next[1], initramfs), startedAt);
      }
    };
    await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
    rmSync(work, { recursive: true, force: true });
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = counts.failed ? 1 : 0;
}

await main(process.argv.slice(2));
