import type { ProbeName } from '../base/settings.ts';
import type { Program } from '../capture/attach-table.ts';

/** A program of the host's eBPF object. None is needed for traces. */
export interface KernelProgram extends Program {
  /** It is loaded where this probe is read. */
  readonly probe: ProbeName;
}

/** Run once rather than attached. */
export const SCAN_LISTENERS = 'scan_listeners';

export const KERNEL_PROGRAMS: readonly KernelProgram[] = [
  {
    program: 'run_queue',
    hook: 'tp_btf/sched_switch',
    probe: 'run_queue',
    purpose: 'how long threads wait for a CPU, and how long they have one',
    fallback: 'the sums of the host alone, from /proc',
  },
  {
    program: 'disk_insert',
    hook: 'tp_btf/block_rq_insert',
    probe: 'disk_requests',
    purpose: 'who has made a request to a disk with an I/O scheduler',
    fallback: 'such requests belong to no service',
  },
  {
    program: 'disk_issue',
    hook: 'tp_btf/block_rq_issue',
    probe: 'disk_requests',
    purpose: 'when a request goes to the driver',
    fallback: 'durations of requests are not measured; their sums come from /proc',
  },
  {
    program: 'disk_complete',
    hook: 'tp_btf/block_rq_complete',
    probe: 'disk_requests',
    purpose: 'when a request is done',
    fallback: 'durations of requests are not measured; their sums come from /proc',
  },
  {
    program: 'tcp_state',
    hook: 'tp_btf/inet_sock_set_state',
    probe: 'tcp',
    purpose: 'connections of services: made, accepted, failed, ended',
    fallback: 'connections of services are not counted; those of the host come from /proc',
  },
  {
    program: SCAN_LISTENERS,
    hook: 'iter/task_file',
    probe: 'tcp',
    purpose: 'who listens already when the agent starts; run once',
    fallback: 'connections to older services belong to nobody until bytes are received',
  },
  {
    program: 'tcp_receive',
    hook: 'tp_btf/tcp_rcv_space_adjust',
    probe: 'tcp',
    purpose: 'bytes and round trips of connections that stay open',
    fallback: 'they are counted when a connection ends',
  },
  {
    program: 'tcp_retransmit',
    hook: 'tp_btf/tcp_retransmit_skb',
    probe: 'tcp',
    purpose: 'segments that were sent again, at once',
    fallback: 'they are counted when a connection is looked at, or ends',
  },
  {
    program: 'tcp_synack',
    hook: 'tp_btf/tcp_retransmit_synack',
    probe: 'tcp',
    purpose: 'answers to new connections that were sent again',
    fallback: 'those of the host come from /proc',
  },
  {
    program: 'tcp_reset_in',
    hook: 'tp_btf/tcp_receive_reset',
    probe: 'tcp',
    purpose: 'connections that the peer has reset',
    fallback: 'those of the host come from /proc',
  },
  {
    program: 'tcp_reset_out',
    hook: 'tp_btf/tcp_send_reset',
    probe: 'tcp',
    purpose: 'resets that were sent',
    fallback: 'those of the host come from /proc',
  },
  {
    program: 'reclaim_begin',
    hook: 'tp_btf/mm_vmscan_direct_reclaim_begin',
    probe: 'reclaim',
    purpose: 'when a thread has to free memory itself',
    fallback: 'stalls are not measured; pressure comes from /proc',
  },
  {
    program: 'reclaim_end',
    hook: 'tp_btf/mm_vmscan_direct_reclaim_end',
    probe: 'reclaim',
    purpose: 'when it may go on',
    fallback: 'stalls are not measured; pressure comes from /proc',
  },
  {
    program: 'cgroup_begin',
    hook: 'tp_btf/mm_vmscan_memcg_reclaim_begin',
    probe: 'reclaim',
    purpose: 'when a thread has to free memory of its cgroup',
    fallback: 'stalls at the limit of a cgroup are not measured',
  },
  {
    program: 'cgroup_end',
    hook: 'tp_btf/mm_vmscan_memcg_reclaim_end',
    probe: 'reclaim',
    purpose: 'when it may go on',
    fallback: 'stalls at the limit of a cgroup are not measured',
  },
  {
    program: 'oom_mark',
    hook: 'tp_btf/mark_victim',
    probe: 'oom',
    purpose: 'processes that are killed for want of memory',
    fallback: 'their number alone, from /proc',
  },
  {
    program: 'oom_exit',
    hook: 'tp_btf/sched_process_exit',
    probe: 'oom',
    purpose: 'who that was, before Linux 6.9',
    fallback: 'before Linux 6.9 the killed have no names',
  },
];
