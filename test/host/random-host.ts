/** Each part of a random host: its files, and what they say. */
import type { TreeMaker } from './make-tree.ts';

const MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'interrupt', 'softirq', 'steal'];

export function makeCpu(tree: TreeMaker): void {
  const cpus = [0, 1, 2, 5, 11].filter((number) => number === 0 || tree.chance());
  const lines = cpus.map((number) => {
    const ticks = tree.numbers(10);
    for (const [place, mode] of MODES.entries())
      tree.expect('system.cpu.time', [`${number}`, mode], ticks[place]! / 100);
    return `cpu${number} ${ticks.join(' ')}`;
  });
  const [interrupts, switches, created, running, blocked] = tree.numbers(5);
  tree.expect('system.cpu.logical.count', [], cpus.length);
  tree.expect('system.cpu.interrupts', [], interrupts!);
  tree.expect('system.cpu.context_switches', [], switches!);
  tree.expect('system.process.created', [], created!);
  tree.expect('system.process.count', ['running'], running!);
  tree.expect('system.process.count', ['blocked'], blocked!);
  const rest = [
    `intr ${interrupts} ${tree.numbers(9).join(' ')}`,
    `ctxt ${switches}`,
    'btime 1700000000',
    `processes ${created}`,
    `procs_running ${running}`,
    `procs_blocked ${blocked}`,
    `softirq ${tree.numbers(11).join(' ')}`,
  ];
  tree.file('proc/stat', `${[`cpu  ${tree.numbers(10).join(' ')}`, ...lines, ...rest].join('\n')}\n`);
  const averages = tree.numbers(3, 100_000).map((value) => (value / 100).toFixed(2));
  for (const [place, time] of ['1m', '5m', '15m'].entries())
    tree.expect(`system.cpu.load_average.${time}`, [], Number(averages[place]));
  tree.file('proc/loadavg', `${averages.join(' ')} 3/412 22222\n`);
}

export function makePressure(tree: TreeMaker): void {
  for (const resource of ['cpu', 'io', 'memory']) {
    if (tree.chance()) continue;
    const lines = ['some', 'full'].map((type) => {
      const percents = tree.numbers(3, 10_001).map((value) => (value / 100).toFixed(2));
      const total = tree.number();
      for (const [place, window] of ['10s', '60s', '300s'].entries())
        tree.expect('system.linux.pressure.average', [resource, type, window], Number(percents[place]) / 100);
      tree.expect('system.linux.pressure.time', [resource, type], total / 1e6);
      const [ten, sixty, threeHundred] = percents;
      return `${type} avg10=${ten} avg60=${sixty} avg300=${threeHundred} total=${total}\n`;
    });
    tree.file(`proc/pressure/${resource}`, lines.join(''));
  }
}

export function makeMemory(tree: TreeMaker): void {
  const [total, free, available, buffers, cached] = [1, 0, 0, 0, 0].map((least) => least + tree.number());
  const [shared, reclaimable, fixed, pages, freePages, reserved, surplus, size] = tree.numbers(8);
  const keeps = tree.chance(); // a kernel before 3.14 does not
  const used = total! - (keeps ? available! : free! + buffers! + cached!);
  const states = Object.entries({ used, free: free!, buffers: buffers!, cached: cached! });
  for (const [state, value] of states) {
    tree.expect('system.memory.usage', [state], value * 1024);
    tree.expect('system.memory.utilization', [state], value / total!);
  }
  tree.expect('system.memory.limit', [], total! * 1024);
  if (keeps) tree.expect('system.memory.linux.available', [], available! * 1024);
  tree.expect('system.memory.linux.shared', [], shared! * 1024);
  tree.expect('system.memory.linux.slab.usage', ['reclaimable'], reclaimable! * 1024);
  tree.expect('system.memory.linux.slab.usage', ['unreclaimable'], fixed! * 1024);
  tree.expect('system.memory.linux.hugepages.limit', [], pages!);
  tree.expect('system.memory.linux.hugepages.page_size', [], size! * 1024);
  tree.expect('system.memory.linux.hugepages.reserved', [], reserved!);
  tree.expect('system.memory.linux.hugepages.surplus', [], surplus!);
  for (const [state, value] of Object.entries({ used: pages! - freePages!, free: freePages! })) {
    tree.expect('system.memory.linux.hugepages.usage', [state], value);
    if (pages! > 0) tree.expect('system.memory.linux.hugepages.utilization', [state], value / pages!);
  }
  const kib = {
    MemTotal: total,
    MemFree: free,
    ...(keeps && { MemAvailable: available }),
    Buffers: buffers,
    Cached: cached,
    SwapCached: tree.number(),
    Shmem: shared,
    Slab: reclaimable! + fixed!,
    SReclaimable: reclaimable,
    SUnreclaim: fixed,
  };
  const lines = Object.entries(kib).map(([key, value]) => `${key}:`.padEnd(16) + `${value} kB`.padStart(11));
  const huge = { Total: pages, Free: freePages, Rsvd: reserved, Surp: surplus };
  for (const [key, value] of Object.entries(huge)) lines.push(`HugePages_${key}:   ${value}`);
  lines.push(`Hugepagesize:       ${size} kB`);
  tree.file('proc/meminfo', `${lines.join('\n')}\n`);
}

export function makePaging(tree: TreeMaker): void {
  const [minor, major, into, out] = tree.numbers(4);
  tree.expect('system.paging.faults', ['minor'], minor!);
  tree.expect('system.paging.faults', ['major'], major!);
  tree.expect('system.paging.operations', ['major', 'in'], into!);
  tree.expect('system.paging.operations', ['major', 'out'], out!);
  const faults = `pgfault ${minor! + major!}\npgmajfault ${major}`;
  tree.file(
    'proc/vmstat',
    `nr_free_pages 9\npgpgin ${tree.number()}\npswpin ${into}\npswpout ${out}\n${faults}\n`,
  );
  const lines = ['Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority'];
  for (const device of ['/dev/dm-1', '/a swap']) {
    if (tree.chance()) continue;
    const [used, free] = [tree.number(), 1 + tree.number()];
    for (const [state, value] of Object.entries({ used, free })) {
      tree.expect('system.paging.usage', [device, state], value * 1024);
      tree.expect('system.paging.utilization', [device, state], value / (used + free));
    }
    lines.push(`${device.replace(' ', '\\040').padEnd(40)}file\t\t${used + free}\t\t${used}\t\t-2`);
  }
  tree.file('proc/swaps', `${lines.join('\n')}\n`);
}

export function makeDisks(tree: TreeMaker): void {
  const lines: string[] = [];
  const count = 1 + (tree.number() % 4);
  for (let number = 0; number < count; number++) {
    const name = tree.name('sd');
    // Of a kernel before 4.18, before 5.5, and now.
    const fields = tree.numbers([11, 15, 17][tree.number() % 3]!);
    const sectors = tree.number();
    tree.file(`sys/block/${name}/size`, `${sectors}\n`);
    lines.push(`   8  ${number * 16} ${name} ${fields.join(' ')}`);
    lines.push(`   8  ${number * 16 + 1} ${name}1 ${tree.numbers(fields.length).join(' ')}`);
    if (fields.every((field) => field === 0)) continue;
    tree.expect('system.disk.limit', [name], sectors * 512);
    for (const [direction, first] of Object.entries({ read: 0, write: 4, discard: 11 })) {
      if (first >= fields.length) continue;
      tree.expect('system.disk.operations', [name, direction], fields[first]!);
      tree.expect('system.disk.merged', [name, direction], fields[first + 1]!);
      tree.expect('system.disk.io', [name, direction], fields[first + 2]! * 512);
      tree.expect('system.disk.operation_time', [name, direction], fields[first + 3]! / 1000);
    }
    if (fields.length === 17) {
      tree.expect('system.disk.operations', [name, 'flush'], fields[15]!);
      tree.expect('system.disk.operation_time', [name, 'flush'], fields[16]! / 1000);
    }
    tree.expect('system.disk.pending_operations', [name], fields[8]!);
    tree.expect('system.disk.io_time', [name], fields[9]! / 1000);
    tree.expect('system.disk.weighted_io_time', [name], fields[10]! / 1000);
  }
  tree.file('proc/diskstats', `${lines.join('\n')}\n`);
}

export function makeNetwork(tree: TreeMaker): void {
  const lines = ['Inter-|   Receive  |  Transmit', ' face |bytes  packets |bytes  packets'];
  for (const name of ['lo', tree.name('enp'), tree.name('veth')]) {
    const columns = tree.numbers(16);
    lines.push(`${name.padStart(6)}:${tree.chance() ? ' ' : ''}${columns.join(' ')}`);
    for (const [direction, first] of Object.entries({ receive: 0, transmit: 8 })) {
      const names = ['io', 'packet.count', 'errors', 'packet.dropped'];
      for (const [place, each] of names.entries())
        tree.expect(`system.network.${each}`, [name, direction], columns[first + place]!);
    }
  }
  tree.file('proc/1/net/dev', `${lines.join('\n')}\n`);
}

const STATES =
  'established syn_sent syn_received fin_wait_1 fin_wait_2 time_wait closed close_wait last_ack listen closing syn_received';

export function makeSockets(tree: TreeMaker): void {
  const states = STATES.split(' ');
  const counts = new Map(states.map((state) => [state, 0]));
  for (const name of ['tcp', 'tcp6']) {
    const lines = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    ];
    const sockets = tree.number(50);
    for (let socket = 0; socket < Math.min(sockets, 50); socket++) {
      const place = tree.number() % states.length;
      counts.set(states[place]!, counts.get(states[place]!)! + 1);
      const state = (place + 1).toString(16).toUpperCase().padStart(2, '0');
      lines.push(
        `${String(socket).padStart(4)}: 0100007F:1F90 0100007F:0A0A ${state} 00000000:0000000A 00:0A`,
      );
    }
    tree.file(`proc/1/net/${name}`, `${lines.join('\n')}\n`);
  }
  for (const [state, count] of counts) tree.expect('system.network.connection.count', ['tcp', state], count);
  const [four, six] = tree.numbers(2);
  tree.expect('system.network.connection.count', ['udp', ''], four! + six!);
  tree.file(
    'proc/1/net/sockstat',
    `sockets: used 1\nTCP: inuse 7 orphan 0 tw 3 alloc 9 mem 1\nUDP: inuse ${four} mem 0\nUDPLITE: inuse 5\n`,
  );
  tree.file('proc/1/net/sockstat6', `TCP6: inuse 3\nUDP6: inuse ${six}\nUDPLITE6: inuse 6\n`);
}

export function makeTransport(tree: TreeMaker): void {
  const tcp: ReadonlyArray<[string, string, ...string[]]> = [
    ['ActiveOpens', 'tcp.connections.opened', 'transmit'],
    ['PassiveOpens', 'tcp.connections.opened', 'receive'],
    ['AttemptFails', 'tcp.connections.failed'],
    ['EstabResets', 'tcp.connections.reset'],
    ['InSegs', 'tcp.segments', 'receive'],
    ['OutSegs', 'tcp.segments', 'transmit'],
    ['RetransSegs', 'tcp.retransmissions'],
    ['InErrs', 'tcp.errors'],
    ['OutRsts', 'tcp.resets'],
  ];
  const udp: ReadonlyArray<[string, string, string]> = [
    ['InDatagrams', 'udp.datagrams', 'receive'],
    ['NoPorts', 'udp.errors', 'no_port'],
    ['OutDatagrams', 'udp.datagrams', 'transmit'],
    ['RcvbufErrors', 'udp.errors', 'receive_buffer'],
    ['SndbufErrors', 'udp.errors', 'send_buffer'],
    ['InCsumErrors', 'udp.errors', 'checksum'],
  ];
  const [tcps, udps, udp6s] = [tcp, udp, udp].map((all) => tree.numbers(all.length)) as [
    number[],
    number[],
    number[],
  ];
  for (const [place, [, name, ...attributes]] of tcp.entries())
    tree.expect(`system.network.${name}`, attributes, tcps[place]!);
  for (const [place, [, name, attribute]] of udp.entries()) {
    tree.expect(`system.network.${name}`, ['ipv4', attribute], udps[place]!);
    tree.expect(`system.network.${name}`, ['ipv6', attribute], udp6s[place]!);
  }
  const titles = (all: ReadonlyArray<readonly [string, ...unknown[]]>): string =>
    all.map(([title]) => title).join(' ');
  tree.file(
    'proc/1/net/snmp',
    `Tcp: RtoMin MaxConn ${titles(tcp)}\nTcp: 200 -1 ${tcps.join(' ')}\nUdp: ${titles(udp)}\nUdp: ${udps.join(' ')}\n`,
  );
  tree.file(
    'proc/1/net/snmp6',
    udp.map(([title], place) => `${`Udp6${title}`.padEnd(32)}\t${udp6s[place]}\n`).join(''),
  );
  const [overflows, drops, zero, probes] = tree.numbers(4);
  tree.expect('system.network.tcp.listen.overflows', [], overflows!);
  tree.expect('system.network.tcp.listen.drops', [], drops!);
  tree.expect('system.network.tcp.zero_windows', [], zero!);
  tree.expect('system.network.tcp.window_probes', [], probes!);
  tree.file(
    'proc/1/net/netstat',
    `TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPWinProbe TCPToZeroWindowAdv\nTcpExt: 5 ${overflows} ${drops} ${probes} ${zero}\nIpExt: InOctets\nIpExt: 3\n`,
  );
}
