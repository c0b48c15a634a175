/*
 * The probes of the host in the kernel: an object of its own, so that what a kernel refuses here never costs a trace. Everything is counted where it
 * happens, and a scrape reads the tables; nothing is sent. What each program is for: src/host/kernel-programs.ts.
 */
#include "scheduler.bpf.h"
#include "block.bpf.h"
#include "tcp.bpf.h"
#include "reclaim.bpf.h"

SEC("tp_btf/sched_switch")
int BPF_PROG(run_queue, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	switched(prev, next);
	return 0;
}

SEC("tp_btf/block_rq_insert")
int disk_insert(__u64 *ctx)
{
	if (bpf_core_type_exists(btf_trace_block_rq_insert___with_queue))
		request_inserted((struct request *)ctx[1]);
	else
		request_inserted((struct request *)ctx[0]);
	return 0;
}

SEC("tp_btf/block_rq_issue")
int disk_issue(__u64 *ctx)
{
	if (bpf_core_type_exists(btf_trace_block_rq_issue___with_queue))
		request_issued((struct request *)ctx[1]);
	else
		request_issued((struct request *)ctx[0]);
	return 0;
}

/* `error` is an errno, and since 5.16 a blk_status_t: only whether there is one matters. */
SEC("tp_btf/block_rq_complete")
int BPF_PROG(disk_complete, struct request *rq, int error, unsigned int bytes)
{
	request_completed(rq, error, bytes);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_state, struct sock *sk, int from, int to)
{
	tcp_state_changed(sk, from, to);
	return 0;
}

SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(tcp_receive, struct sock *sk)
{
	tcp_received(sk);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit, struct sock *sk)
{
	retransmitted(sk);
	return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(tcp_synack, struct sock *sk)
{
	synack_retransmitted(sk);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tcp_reset_in, struct sock *sk)
{
	reset_received(sk);
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tcp_reset_out, struct sock *sk)
{
	reset_sent(sk);
	return 0;
}

SEC("iter/task_file")
int scan_listeners(struct bpf_iter__task_file *ctx)
{
	scan_listener(ctx);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int reclaim_begin(void *ctx)
{
	reclaim_began(reclaim_host);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int reclaim_end(void *ctx)
{
	reclaim_ended(reclaim_host);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int cgroup_begin(void *ctx)
{
	reclaim_began(reclaim_cgroup);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int cgroup_end(void *ctx)
{
	reclaim_ended(reclaim_cgroup);
	return 0;
}

SEC("tp_btf/mark_victim")
int oom_mark(__u64 *ctx)
{
	if (bpf_core_type_exists(btf_trace_mark_victim___with_task))
		victim_marked((struct task_struct *)ctx[0]);
	else
		tid_marked(ctx[0]);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(oom_exit, struct task_struct *task)
{
	victim_exited(task);
	return 0;
}
