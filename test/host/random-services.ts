/** File systems, processes and cgroups of a random host. */
import type { ObservedProcess } from '../../src/host/probe/probe.ts';
import type { TreeMaker } from './make-tree.ts';

export function makeFileSystems(tree: TreeMaker): void {
  tree.file('proc/filesystems', 'nodev\tsysfs\nnodev\ttmpfs\nnodev\tnfs4\n\text4\n\txfs\n\tfuseblk\n');
  // What must not be asked for its size would have one.
  const size = { bsize: 4096, blocks: 9, bfree: 5, bavail: 5, files: 0, ffree: 0 };
  const sizes: Record<string, unknown> = Object.fromEntries(
    ['/tmp', '/far', '/far/near', '/usb', '/again', '/hidden', '/deep', '/deep/below'].map((at) => [
      `/proc/1/root${at}`,
      size,
    ]),
  );
  const lines = [
    '20 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw',
    '21 20 0:21 / /tmp rw - tmpfs tmpfs rw',
    '22 20 0:22 / /far rw - nfs4 far:/ rw',
    '23 22 8:2 / /far/near rw - ext4 /dev/sda2 rw',
    '24 20 8:3 / /usb rw - fuseblk /dev/sda3 rw',
    '25 21 8:4 / /tmp/a\\040b ro,relatime shared:9 master:1 - xfs /dev/sda4 ro',
    '26 20 8:1 /var /again rw - ext4 /dev/sda1 rw',
    '27 20 8:5 / /hidden rw - ext4 /dev/sda5 rw',
    '28 27 0:23 / /hidden rw - nfs4 far:/x rw',
    '29 20 8:6 / /deep/below rw - ext4 /dev/sda6 rw',
    '30 20 0:24 / /deep rw - nfs4 far:/y rw',
    '31 20 8:7 / /dee rw - ext4 /dev/sda7 rw',
  ];
  tree.file('proc/1/mountinfo', `${lines.join('\n')}\n`);
  const mounts = [
    ['/dev/sda1', '/', 'ext4', 'rw'],
    ['/dev/sda4', '/tmp/a b', 'xfs', 'ro'],
    ['/dev/sda7', '/dee', 'ext4', 'rw'],
  ] as const;
  for (const keys of mounts) {
    const [used, free, reserved, usedInodes, freeInodes] = [1, 0, 0, 0, 0].map(
      (least) => least + tree.number(1e9),
    ) as [number, number, number, number, number];
    const blocks = used + free + reserved;
    sizes[`/proc/1/root${keys[1]}`] = {
      bsize: 4096,
      blocks,
      bfree: free + reserved,
      bavail: free,
      files: usedInodes + freeInodes,
      ffree: freeInodes,
    };
    tree.expect('system.filesystem.limit', keys, blocks * 4096);
    for (const [state, value] of Object.entries({ used, free, reserved })) {
      tree.expect('system.filesystem.usage', [...keys, state], value * 4096);
      tree.expect('system.filesystem.utilization', [...keys, state], value / blocks);
    }
    if (usedInodes + freeInodes > 0)
      for (const [state, value] of Object.entries({ used: usedInodes, free: freeInodes }))
        tree.expect('system.filesystem.inodes.usage', [...keys, state], value);
  }
  tree.file('proc/1/x', '');
  tree.link('proc/1/root', '/');
  tree.file('statfs.json', JSON.stringify(sizes));
}

/** `processes.json` as well. */
export function makeServices(tree: TreeMaker): void {
  tree.file('proc/uptime', '1000000.50 9.00\n');
  const processes = ['cart', 'orders', 'cart'].map((service, place): ObservedProcess => {
    return { pid: 100 + place, service, namespace: service === 'cart' ? 'shop' : '' };
  });
  for (const process of processes) makeProcess(tree, process);
  tree.file('processes.json', JSON.stringify(processes));
  tree.expect('process.restarts', ['cart', 'shop'], 0);
  tree.expect('process.restarts', ['orders', ''], 0);
  // The first two share one of version 1; the last has one of version 2.
  const id = 'ab'.repeat(32);
  for (const { pid } of processes.slice(0, 2))
    tree.file(`proc/${pid}/cgroup`, `5:cpu,cpuacct:/docker/${id}\n4:memory:/docker/${id}/inner\n0::/\n`);
  tree.file(`proc/${processes[2]!.pid}/cgroup`, '0::/system.slice/cart.service\n');
  makeVersion1(tree, ['', '', id, `/docker/${id}`]);
  makeVersion2(tree, ['cart', 'shop', '', '/system.slice/cart.service']);
}

function makeProcess(tree: TreeMaker, { pid, service, namespace }: ObservedProcess): void {
  const keys = [service, namespace, `${pid}`];
  const [user, system, minor, major, resident, virtual, read, written] = tree.numbers(8);
  const start = tree.number(1e8);
  tree.expect('process.cpu.time', [...keys, 'user'], user! / 100);
  tree.expect('process.cpu.time', [...keys, 'system'], system! / 100);
  tree.expect('process.paging.faults', [...keys, 'minor'], minor!);
  tree.expect('process.paging.faults', [...keys, 'major'], major!);
  tree.expect('process.memory.usage', keys, resident! * 1024);
  tree.expect('process.memory.virtual', keys, virtual! * 1024);
  tree.expect('process.uptime', keys, 1_000_000.5 - start / 100);
  const threads = 1 + (tree.number() % 5);
  tree.expect('process.thread.count', keys, threads);
  const fields = [
    'S',
    1,
    1,
    1,
    0,
    -1,
    4194560,
    minor,
    7,
    major,
    8,
    user,
    system,
    9,
    9,
    20,
    0,
    threads,
    0,
    start,
  ];
  const rest = [virtual, resident, ...tree.numbers(28)];
  tree.file(`proc/${pid}/stat`, `${pid} (a) b (c) ${[...fields, ...rest].join(' ')}\n`);
  const sums = { voluntary: 0, involuntary: 0 };
  for (let thread = 0; thread < threads; thread++) {
    const [voluntary, involuntary] = tree.numbers(2) as [number, number];
    sums.voluntary += voluntary;
    sums.involuntary += involuntary;
    const text = `Name:\tx y\nVmSize:\t${virtual} kB\nVmRSS:\t  ${resident} kB\nThreads:\t${threads}\nvoluntary_ctxt_switches:\t${voluntary}\nnonvoluntary_ctxt_switches:\t${involuntary}\n`;
    if (thread === 0) tree.file(`proc/${pid}/status`, text);
    tree.file(`proc/${pid}/task/${pid + 1000 * thread}/status`, text);
  }
  for (const [type, sum] of Object.entries(sums))
    tree.expect('process.context_switches', [...keys, type], sum);
  const open = 1 + (tree.number() % 20);
  for (let file = 0; file < open; file++) tree.file(`proc/${pid}/fd/${file}`, '');
  tree.expect('process.unix.file_descriptor.count', keys, open);
  tree.file(`proc/${pid}/io`, `rchar: 1\nwchar: 2\nread_bytes: ${read}\nwrite_bytes: ${written}\n`);
  tree.expect('process.disk.io', [...keys, 'read'], read!);
  tree.expect('process.disk.io', [...keys, 'write'], written!);
}

function makeVersion1(tree: TreeMaker, keys: readonly [string, string, string, string]): void {
  const [, , , path] = keys;
  const [user, system, periods, throttled, ns, usage, inactive, max, killed] = tree.numbers(9);
  const memory = `sys/fs/cgroup/memory${path}`;
  tree.file(`sys/fs/cgroup/cpuacct${path}/cpuacct.stat`, `user ${user}\nsystem ${system}\n`);
  tree.expect('container.cpu.time', [...keys, 'user'], user! / 100);
  tree.expect('container.cpu.time', [...keys, 'system'], system! / 100);
  const cpu = `sys/fs/cgroup/cpu${path}`;
  tree.file(`${cpu}/cpu.stat`, `nr_periods ${periods}\nnr_throttled ${throttled}\nthrottled_time ${ns}\n`);
  tree.expect('container.cpu.periods', keys, periods!);
  tree.expect('container.cpu.throttled.periods', keys, throttled!);
  tree.expect('container.cpu.throttled.time', keys, ns! / 1e9);
  const limited = tree.chance();
  tree.file(`${cpu}/cpu.cfs_quota_us`, limited ? '25000\n' : '-1\n');
  tree.file(`${cpu}/cpu.cfs_period_us`, '100000\n');
  if (limited) tree.expect('container.cpu.limit', keys, 0.25);
  tree.file(`${memory}/memory.usage_in_bytes`, `${usage}\n`);
  tree.file(`${memory}/memory.stat`, `inactive_file 5\ntotal_inactive_file ${inactive}\n`);
  tree.file(`${memory}/memory.failcnt`, `${max}\n`);
  tree.file(`${memory}/memory.oom_control`, `oom_kill_disable 0\nunder_oom 0\noom_kill ${killed}\n`);
  const limit = tree.number();
  tree.file(`${memory}/memory.limit_in_bytes`, limited ? `${limit}\n` : '9223372036854771712\n');
  if (limited) tree.expect('container.memory.limit', keys, limit);
  tree.expect('container.memory.usage', keys, usage!);
  tree.expect('container.memory.working_set', keys, Math.max(0, usage! - inactive!));
  tree.expect('container.memory.events', [...keys, 'max'], max!);
  tree.expect('container.memory.events', [...keys, 'oom_kill'], killed!);
}

function makeVersion2(tree: TreeMaker, keys: readonly [string, string, string, string]): void {
  const folder = `sys/fs/cgroup${keys[3]}`;
  const [user, system, periods, throttled, us, usage, inactive] = tree.numbers(7);
  const throttling = `nr_periods ${periods}\nnr_throttled ${throttled}\nthrottled_usec ${us}\n`;
  tree.file(`${folder}/cpu.stat`, `usage_usec 1\nuser_usec ${user}\nsystem_usec ${system}\n${throttling}`);
  tree.expect('container.cpu.time', [...keys, 'user'], user! / 1e6);
  tree.expect('container.cpu.time', [...keys, 'system'], system! / 1e6);
  tree.expect('container.cpu.periods', keys, periods!);
  tree.expect('container.cpu.throttled.periods', keys, throttled!);
  tree.expect('container.cpu.throttled.time', keys, us! / 1e6);
  const limited = tree.chance();
  tree.file(`${folder}/cpu.max`, limited ? '150000 100000\n' : 'max 100000\n');
  if (limited) tree.expect('container.cpu.limit', keys, 1.5);
  const limit = tree.number();
  tree.file(`${folder}/memory.max`, limited ? `${limit}\n` : 'max\n');
  if (limited) tree.expect('container.memory.limit', keys, limit);
  tree.file(`${folder}/memory.current`, `${usage}\n`);
  tree.file(`${folder}/memory.stat`, `anon 4\ninactive_file ${inactive}\n`);
  tree.expect('container.memory.usage', keys, usage!);
  tree.expect('container.memory.working_set', keys, Math.max(0, usage! - inactive!));
  const events = ['low', 'high', 'max', 'oom', 'oom_kill'];
  const counts = tree.numbers(events.length);
  tree.file(
    `${folder}/memory.events`,
    `${events.map((event, place) => `${event} ${counts[place]}`).join('\n')}\noom_group_kill 7\n`,
  );
  for (const [place, event] of events.entries())
    tree.expect('container.memory.events', [...keys, event], counts[place]!);
}
