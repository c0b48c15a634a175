/** The host: utilisation, saturation and errors of CPU, memory, disks and network, and which service takes how much. */
import { AGENTS, type Dashboard, FROM, type Panel } from './dashboard.ts';
import { quantile, rate } from './requests.ts';

/** Of one service, or of the rest where no service is named. */
const BY_SERVICE = '{{service_name}}';

function over(title: string, unit: string, expr: string, legend: string, more: Partial<Panel> = {}): Panel {
  return { title, kind: 'timeseries', unit, queries: [{ expr, legend }], ...more };
}

const direction = (metric: string, by: string, key: string): string =>
  rate(`${metric}{${FROM}}`, `instance, ${by}, ${key}`);

const CPU: readonly Panel[] = [
  over(
    'Utilisation by mode',
    'percentunit',
    `sum by (instance, cpu_mode) (rate(system_cpu_time_seconds_total{${FROM},cpu_mode!="idle"}[$__rate_interval])) / on (instance) group_left () sum by (instance) (system_cpu_logical_count{${FROM}})`,
    '{{instance}} {{cpu_mode}}',
    { stacked: true },
  ),
  over(
    'Saturation: waiting for a CPU, p99',
    's',
    quantile(0.99, 'system_cpu_run_queue_duration_seconds', FROM, 'instance'),
    '{{instance}}',
    { description: 'From when a thread could run until it ran.' },
  ),
  over(
    'Saturation: load by CPU',
    'short',
    `sum by (instance) (system_cpu_load_average_1m{${FROM}}) / sum by (instance) (system_cpu_logical_count{${FROM}})`,
    '{{instance}}',
  ),
  over(
    'Busiest CPU',
    'percentunit',
    `max by (instance) (1 - sum by (instance, cpu_logical_number) (rate(system_cpu_time_seconds_total{${FROM},cpu_mode=~"idle|iowait"}[$__rate_interval])))`,
    '{{instance}}',
  ),
  over(
    'On a CPU, by service',
    'percentunit',
    rate(`system_cpu_on_cpu_time_seconds_total{${FROM}}`, 'service_name'),
    BY_SERVICE,
    { stacked: true, description: 'As a share of one CPU.' },
  ),
  over(
    'Waiting for a CPU, p99 by service',
    's',
    quantile(0.99, 'system_cpu_run_queue_duration_seconds', FROM, 'service_name'),
    BY_SERVICE,
  ),
  over(
    'Context switches',
    'cps',
    rate(`system_cpu_context_switches_total{${FROM}}`, 'instance'),
    '{{instance}}',
  ),
  over(
    'Pressure: some task waited',
    'percentunit',
    `sum by (instance, system_linux_pressure_resource) (rate(system_linux_pressure_time_seconds_total{${FROM},system_linux_pressure_stall_type="some"}[$__rate_interval]))`,
    '{{instance}} {{system_linux_pressure_resource}}',
  ),
  over(
    'Containers stopped by their CPU limit',
    'percentunit',
    `sum by (service_name, container_id) (rate(container_cpu_throttled_periods_total{${FROM}}[$__rate_interval])) / (sum by (service_name, container_id) (rate(container_cpu_periods_total{${FROM}}[$__rate_interval])) > 0)`,
    '{{service_name}} {{container_id}}',
  ),
];

const MEMORY: readonly Panel[] = [
  over(
    'Usage by state',
    'bytes',
    `sum by (instance, system_memory_state) (system_memory_usage_bytes{${FROM}})`,
    '{{instance}} {{system_memory_state}}',
  ),
  over(
    'Utilisation: not available',
    'percentunit',
    `1 - sum by (instance) (system_memory_linux_available_bytes{${FROM}}) / sum by (instance) (system_memory_limit_bytes{${FROM}})`,
    '{{instance}}',
  ),
  over(
    'Saturation: page faults',
    'cps',
    rate(`system_paging_faults_total{${FROM}}`, 'instance, system_paging_fault_type'),
    '{{instance}} {{system_paging_fault_type}}',
  ),
  over(
    'Saturation: swapped',
    'cps',
    rate(`system_paging_operations_total{${FROM}}`, 'instance, system_paging_direction'),
    '{{instance}} {{system_paging_direction}}',
  ),
  over(
    'Saturation: freeing memory first, p99',
    's',
    quantile(0.99, 'system_memory_reclaim_duration_seconds', FROM, 'service_name'),
    BY_SERVICE,
  ),
  over(
    'Errors: killed for want of memory',
    'short',
    `sum by (service_name, process_executable_name) (increase(system_memory_oom_kills_total{${FROM}}[1h]))`,
    '{{service_name}} {{process_executable_name}}',
  ),
  over(
    'Resident, by service',
    'bytes',
    `sum by (service_name) (process_memory_usage_bytes{${FROM}})`,
    BY_SERVICE,
    { stacked: true },
  ),
];

const DISKS: readonly Panel[] = [
  over(
    'Utilisation',
    'percentunit',
    rate(`system_disk_io_time_seconds_total{${FROM}}`, 'instance, system_device'),
    '{{instance}} {{system_device}}',
  ),
  over(
    'Bytes',
    'Bps',
    direction('system_disk_io_bytes_total', 'system_device', 'disk_io_direction'),
    '{{instance}} {{system_device}} {{disk_io_direction}}',
  ),
  over(
    'Operations',
    'iops',
    direction('system_disk_operations_total', 'system_device', 'disk_io_direction'),
    '{{instance}} {{system_device}} {{disk_io_direction}}',
  ),
  over(
    'A request takes, p99',
    's',
    quantile(
      0.99,
      'system_disk_request_duration_seconds',
      FROM,
      'instance, system_device, disk_io_direction',
    ),
    '{{instance}} {{system_device}} {{disk_io_direction}}',
  ),
  over(
    'Saturation: waits for the driver, p99',
    's',
    quantile(0.99, 'system_disk_request_queue_duration_seconds', FROM, 'instance, system_device'),
    '{{instance}} {{system_device}}',
  ),
  over(
    'Errors',
    'cps',
    rate(`system_disk_request_errors_total{${FROM}}`, 'instance, system_device'),
    '{{instance}} {{system_device}}',
  ),
  over(
    'Bytes, by service',
    'Bps',
    rate(`process_disk_request_io_bytes_total{${FROM}}`, 'service_name, disk_io_direction'),
    '{{service_name}} {{disk_io_direction}}',
  ),
  over(
    'File systems: used',
    'percentunit',
    `sum by (instance, system_filesystem_mountpoint) (system_filesystem_utilization_ratio{${FROM},system_filesystem_state="used"})`,
    '{{instance}} {{system_filesystem_mountpoint}}',
  ),
];

const NETWORK: readonly Panel[] = [
  over(
    'Bytes',
    'Bps',
    direction('system_network_io_bytes_total', 'network_interface_name', 'network_io_direction'),
    '{{instance}} {{network_interface_name}} {{network_io_direction}}',
  ),
  over(
    'Packets',
    'pps',
    direction('system_network_packet_count_total', 'network_interface_name', 'network_io_direction'),
    '{{instance}} {{network_interface_name}} {{network_io_direction}}',
  ),
  over(
    'Saturation: dropped',
    'pps',
    direction('system_network_packet_dropped_total', 'network_interface_name', 'network_io_direction'),
    '{{instance}} {{network_interface_name}} {{network_io_direction}}',
  ),
  over(
    'Errors',
    'pps',
    direction('system_network_errors_total', 'network_interface_name', 'network_io_direction'),
    '{{instance}} {{network_interface_name}} {{network_io_direction}}',
  ),
  over(
    'Sockets',
    'short',
    `sum by (instance, network_transport, network_connection_state) (system_network_connection_count{${FROM}})`,
    '{{instance}} {{network_transport}} {{network_connection_state}}',
  ),
  over(
    'TCP: sent again',
    'percentunit',
    `sum by (instance) (rate(system_network_tcp_retransmissions_total{${FROM}}[$__rate_interval])) / (sum by (instance) (rate(system_network_tcp_segments_total{${FROM},network_io_direction="transmit"}[$__rate_interval])) > 0)`,
    '{{instance}}',
  ),
  over(
    'Saturation: no room to be accepted',
    'cps',
    rate(`system_network_tcp_listen_overflows_total{${FROM}}`, 'instance'),
    '{{instance}}',
  ),
  over(
    'Bytes, by service',
    'Bps',
    rate(`system_network_connection_io_bytes_total{${FROM}}`, 'service_name, network_io_direction'),
    '{{service_name}} {{network_io_direction}}',
  ),
  over(
    'Round trip, p99 by service',
    's',
    quantile(0.99, 'system_network_connection_round_trip_duration_seconds', FROM, 'service_name'),
    BY_SERVICE,
  ),
  over(
    'Connections that failed, by service',
    'cps',
    rate(`system_network_connection_failed_total{${FROM}}`, 'service_name, error_type'),
    '{{service_name}} {{error_type}}',
  ),
];

export const host: Dashboard = {
  name: 'host',
  title: 'Undertrace: hosts',
  description: 'Utilisation, saturation and errors of each host, and which service takes how much.',
  variables: AGENTS,
  rows: [
    { title: 'CPU', panels: CPU },
    { title: 'Memory', panels: MEMORY },
    { title: 'Disks', panels: DISKS },
    { title: 'Network', panels: NETWORK },
  ],
};
