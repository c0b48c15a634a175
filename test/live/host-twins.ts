/** Figures of the host, and which of prometheus-node-exporter are the same. */

/** One family of series of ours: those with these labels, told apart by `by`, and theirs. */
export interface Twin {
  readonly ours: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Our label and theirs. */
  readonly by?: readonly [string, string];
  readonly theirs: string;
  readonly theirLabels?: Readonly<Record<string, string>>;
  /** Ours is theirs times this. */
  readonly factor?: number;
}

const MODES = {
  user: 'user',
  nice: 'nice',
  system: 'system',
  idle: 'idle',
  iowait: 'iowait',
  steal: 'steal',
};
const CPU: readonly Twin[] = Object.entries({ ...MODES, interrupt: 'irq', softirq: 'softirq' }).map(
  ([mode, theirs]): Twin => ({
    ours: 'system_cpu_time_seconds_total',
    labels: { cpu_mode: mode },
    by: ['cpu_logical_number', 'cpu'],
    theirs: 'node_cpu_seconds_total',
    theirLabels: { mode: theirs },
  }),
);

const PRESSURE: readonly Twin[] = [
  ['cpu', 'some', 'node_pressure_cpu_waiting_seconds_total'],
  ['io', 'some', 'node_pressure_io_waiting_seconds_total'],
  ['io', 'full', 'node_pressure_io_stalled_seconds_total'],
  ['memory', 'some', 'node_pressure_memory_waiting_seconds_total'],
  ['memory', 'full', 'node_pressure_memory_stalled_seconds_total'],
].map(([resource, type, theirs]) => ({
  ours: 'system_linux_pressure_time_seconds_total',
  labels: { system_linux_pressure_resource: resource!, system_linux_pressure_stall_type: type! },
  theirs: theirs!,
}));

export const PROCESSOR: readonly Twin[] = [
  ...CPU,
  ...PRESSURE,
  { ours: 'system_cpu_context_switches_total', theirs: 'node_context_switches_total' },
  { ours: 'system_cpu_interrupts_total', theirs: 'node_intr_total' },
  { ours: 'system_process_created_total', theirs: 'node_forks_total' },
];

const DISK_BY = ['system_device', 'device'] as const;
export const DISK: readonly Twin[] = [
  ...(
    [
      ['io_bytes', 'read', 'read_bytes'],
      ['io_bytes', 'write', 'written_bytes'],
      ['operations', 'read', 'reads_completed'],
      ['operations', 'write', 'writes_completed'],
      ['operations', 'discard', 'discards_completed'],
      ['operations', 'flush', 'flush_requests'],
      ['merged', 'read', 'reads_merged'],
      ['merged', 'write', 'writes_merged'],
      ['operation_time_seconds', 'read', 'read_time_seconds'],
      ['operation_time_seconds', 'write', 'write_time_seconds'],
      ['operation_time_seconds', 'discard', 'discard_time_seconds'],
      ['operation_time_seconds', 'flush', 'flush_requests_time_seconds'],
    ] as const
  ).map(([ours, direction, theirs]) => ({
    ours: `system_disk_${ours}_total`,
    labels: { disk_io_direction: direction },
    by: DISK_BY,
    theirs: `node_disk_${theirs}_total`,
  })),
  {
    ours: 'system_disk_io_bytes_total',
    labels: { disk_io_direction: 'discard' },
    by: DISK_BY,
    theirs: 'node_disk_discarded_sectors_total',
    factor: 512,
  },
  {
    ours: 'system_disk_io_time_seconds_total',
    by: DISK_BY,
    theirs: 'node_disk_io_time_seconds_total',
  },
  {
    ours: 'system_disk_weighted_io_time_seconds_total',
    by: DISK_BY,
    theirs: 'node_disk_io_time_weighted_seconds_total',
  },
];

const INTERFACES: readonly Twin[] = ['receive', 'transmit'].flatMap((direction) =>
  Object.entries({
    io_bytes: 'bytes',
    packet_count: 'packets',
    packet_dropped: 'drop',
    errors: 'errs',
  }).map(([ours, theirs]): Twin => ({
    ours: `system_network_${ours}_total`,
    labels: { network_io_direction: direction },
    by: ['network_interface_name', 'device'],
    theirs: `node_network_${direction}_${theirs}_total`,
  })),
);
export const NETWORK: readonly Twin[] = [
  ...INTERFACES,
  ...(
    [
      ['tcp_segments', { network_io_direction: 'receive' }, 'Tcp_InSegs'],
      ['tcp_segments', { network_io_direction: 'transmit' }, 'Tcp_OutSegs'],
      ['tcp_retransmissions', {}, 'Tcp_RetransSegs'],
      ['tcp_resets', {}, 'Tcp_OutRsts'],
      ['tcp_connections_opened', { network_io_direction: 'receive' }, 'Tcp_PassiveOpens'],
      ['tcp_connections_opened', { network_io_direction: 'transmit' }, 'Tcp_ActiveOpens'],
      ['tcp_errors', {}, 'Tcp_InErrs'],
      ['tcp_listen_overflows', {}, 'TcpExt_ListenOverflows'],
      ['tcp_listen_drops', {}, 'TcpExt_ListenDrops'],
      ['udp_datagrams', { network_type: 'ipv4', network_io_direction: 'receive' }, 'Udp_InDatagrams'],
      ['udp_datagrams', { network_type: 'ipv4', network_io_direction: 'transmit' }, 'Udp_OutDatagrams'],
      ['udp_errors', { network_type: 'ipv4', error_type: 'no_port' }, 'Udp_NoPorts'],
      ['udp_errors', { network_type: 'ipv4', error_type: 'receive_buffer' }, 'Udp_RcvbufErrors'],
    ] as Array<[string, Record<string, string>, string]>
  ).map(([ours, labels, theirs]) => ({
    ours: `system_network_${ours}_total`,
    labels,
    theirs: `node_netstat_${theirs}`,
  })),
];

export const PAGING: readonly Twin[] = [
  {
    ours: 'system_paging_faults_total',
    labels: { system_paging_fault_type: 'major' },
    theirs: 'node_vmstat_pgmajfault',
  },
  {
    ours: 'system_paging_operations_total',
    labels: { system_paging_direction: 'in' },
    theirs: 'node_vmstat_pswpin',
  },
];

const FILE_SYSTEM_BY = ['system_filesystem_mountpoint', 'mountpoint'] as const;
/** Gauges of bytes. */
export const MEMORY: readonly Twin[] = [
  { ours: 'system_memory_limit_bytes', theirs: 'node_memory_MemTotal_bytes' },
  { ours: 'system_memory_linux_available_bytes', theirs: 'node_memory_MemAvailable_bytes' },
  { ours: 'system_memory_linux_shared_bytes', theirs: 'node_memory_Shmem_bytes' },
  ...Object.entries({ free: 'MemFree', buffers: 'Buffers', cached: 'Cached' }).map(
    ([state, theirs]): Twin => ({
      ours: 'system_memory_usage_bytes',
      labels: { system_memory_state: state },
      theirs: `node_memory_${theirs}_bytes`,
    }),
  ),
  ...Object.entries({ reclaimable: 'SReclaimable', unreclaimable: 'SUnreclaim' }).map(
    ([state, theirs]): Twin => ({
      ours: 'system_memory_linux_slab_usage_bytes',
      labels: { system_memory_linux_slab_state: state },
      theirs: `node_memory_${theirs}_bytes`,
    }),
  ),
];
export const FILE_SYSTEMS: readonly Twin[] = [
  { ours: 'system_filesystem_limit_bytes', by: FILE_SYSTEM_BY, theirs: 'node_filesystem_size_bytes' },
  {
    ours: 'system_filesystem_usage_bytes',
    labels: { system_filesystem_state: 'free' },
    by: FILE_SYSTEM_BY,
    theirs: 'node_filesystem_avail_bytes',
  },
];

/** What node-exporter tells of its own process. */
export const PROCESS: readonly Twin[] = [
  { ours: 'process_memory_usage_bytes', theirs: 'process_resident_memory_bytes' },
  { ours: 'process_memory_virtual_bytes', theirs: 'process_virtual_memory_bytes' },
  { ours: 'process_unix_file_descriptor_count', theirs: 'process_open_fds' },
];
