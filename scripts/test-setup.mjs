#!/usr/bin/env node
// Installs what the tests need beyond what the product needs (scripts/setup.mjs): programs to trace, tools to compare with, compilers.
// Idempotent; under a second when there is nothing to do. Nothing is started: the tests run their own copies on their own ports.
// Without root or apt it says what is missing and goes on: the tests that need it are skipped by name.
//
//   node scripts/test-setup.mjs            everything
//   node scripts/test-setup.mjs --check    says what is missing, installs nothing, exit 1 if anything is
//
// Node built-ins only.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What is looked for, and the Debian package that has it. */
const NEEDED = [
  { command: 'gcc', packages: ['gcc', 'libc6-dev'] },
  { command: 'python3', packages: ['python3'] },
  { file: '/usr/lib/python3/dist-packages/requests', packages: ['python3-requests'] },
  { file: '/usr/lib/python3/dist-packages/flask', packages: ['python3-flask'] },
  { file: '/usr/lib/python3/dist-packages/aiohttp', packages: ['python3-aiohttp'] },
  { file: '/usr/lib/python3/dist-packages/uvloop', packages: ['python3-uvloop'] },
  { command: 'curl', packages: ['curl'] },
  { command: 'nginx', packages: ['nginx'] },
  { command: 'haproxy', packages: ['haproxy'] },
  { command: 'redis-server', packages: ['redis-server'] },
  { command: 'prometheus', packages: ['prometheus'] },
  { command: 'prometheus-node-exporter', packages: ['prometheus-node-exporter'] },
  { command: 'stress-ng', packages: ['stress-ng'] },
  { command: 'fio', packages: ['fio'] },
  { command: 'iperf3', packages: ['iperf3'] },
  { command: 'javac', packages: ['default-jdk-headless'] },
  { command: 'mvn', packages: ['maven'] },
  { command: 'go', packages: ['golang-go'] },
  { command: 'ip', packages: ['iproute2'] },
  { command: 'nft', packages: ['nftables'] },
  { command: 'tcpdump', packages: ['tcpdump'] },
  { command: 'wrk', packages: ['wrk'] },
  { command: 'h2load', packages: ['nghttp2-client'] },
  { command: 'time', packages: ['time'] },
  { command: 'ab', packages: ['apache2-utils'] },
  { command: 'bpftool', packages: ['bpftool'] },
  { command: 'fio', packages: ['fio'] },
  { command: 'qemu-system-x86_64', packages: ['qemu-system-x86'] },
  { file: '/bin/busybox', packages: ['busybox-static'] },
];
/** What the live tests of protocols need of Debian. */
const SCENARIOS = fileURLToPath(new URL('../test/protocols/', import.meta.url));
for (const name of readdirSync(SCENARIOS)) {
  const path = join(SCENARIOS, name, 'packages.json');
  if (existsSync(path)) NEEDED.push(...(JSON.parse(readFileSync(path, 'utf8')).apt ?? []));
}
const FOLDERS = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin'];
const POLICY = '/usr/sbin/policy-rc.d';

function isThere({ command, file }) {
  return file ? existsSync(file) : FOLDERS.some((folder) => existsSync(join(folder, command)));
}

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
  return !error && status === 0;
}

/** Debian starts what it installs unless this file says no; one that is already there stays. */
function withoutStartingServices(action) {
  const ours = !existsSync(POLICY);
  if (ours) {
    writeFileSync(POLICY, '#!/bin/sh\nexit 101\n');
    chmodSync(POLICY, 0o755);
  }
  try {
    return action();
  } finally {
    if (ours) rmSync(POLICY);
  }
}

function install(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=600', ...args], { env });
  return withoutStartingServices(() => {
    const args = ['install', '-y', '--no-install-recommends'];
    // The lists may be old or absent; one package that a distribution lacks must not cost the others.
    if (apt(...args, ...packages) || (apt('update') && apt(...args, ...packages))) return true;
    return packages.map((name) => apt(...args, name)).every(Boolean);
  });
}

const missing = NEEDED.filter((need) => !isThere(need));
const packages = [...new Set(missing.flatMap((need) => need.packages))];
if (process.argv.includes('--check')) {
  for (const name of packages) console.log(`missing: ${name}`);
  process.exit(packages.length ? 1 : 0);
}
if (packages.length) {
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (process.getuid() === 0 && isThere({ command: 'apt-get' })) {
    console.error(`tests: installing ${packages.join(' ')}`);
    if (!install(packages)) console.error(`tests: not everything could be installed; tried: ${command}`);
  } else {
    console.error(`tests: missing programs, whose tests are skipped; to install them, as root: ${command}`);
  }
}
for (const script of ['workload.mjs', 'build-collector.mjs']) {
  if (script === 'build-collector.mjs' && !isThere({ command: 'go' })) continue;
  const path = fileURLToPath(new URL(script, import.meta.url));
  if (!run(process.execPath, [path])) process.exit(1);
}
// What one test each needs, and not every machine can have: that test says so.
for (const [script, command] of [
  ['python-sdk.mjs', 'python3'],
  ['protocol-packages.mjs', 'npm'],
  ['build-jaeger.mjs', 'go'],
  ['build-compose.mjs', 'go'],
])
  if (isThere({ command })) run(process.execPath, [fileURLToPath(new URL(script, import.meta.url))]);
