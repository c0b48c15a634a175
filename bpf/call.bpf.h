/*
 * The enter half of a data call: what is gone, or has changed, when it returns.
 *
 * A send needs the time, because the peer may have read the bytes before the call returns. Both directions need the socket, because the
 * descriptor may name another one by then, and where the stream stood, because another thread may use it meanwhile.
 */
#pragma once

#include "payload.bpf.h"

static __always_inline void keep_call(struct task_struct *task, struct call *call)
{
	struct thread *thread = make_thread(task);

	if (!thread) {
		add(counter_state_lost, 1);
		return;
	}
	if (thread->call.round != call->round)
		thread->turn++; /* what it did while the ring was full is not known */
	thread->call = *call;
}

/* Of one descriptor: how blocking programs wait with a time limit. An epoll file may be another one by now: then any answer will do. */
static __always_inline bool waits_for_one(struct task_struct *task, struct pt_regs *regs, long nr)
{
	struct eventpoll *epoll;
	struct rb_node *node;
	struct file *file;

	if (nr == nr_poll || nr == nr_ppoll)
		return SYSCALL_ARG2(regs) < 2;
	if (nr == nr_select || nr == nr_pselect6 || !bpf_core_type_exists(struct eventpoll))
		return false;
	file = file_of(task, SYSCALL_ARG1(regs));
	if (!file)
		return false;
	epoll = TYPED(struct eventpoll, GET(file, private_data));
	node = GET(epoll, rbr.rb_root.rb_node);
	if (!node)
		return true;
	node = TYPED(struct rb_node, node);
	return !GET(node, rb_left) && !GET(node, rb_right);
}

/* end_wait - the thread comes back from waiting for events of several descriptors: what it does next need not follow from what it read before. */
static __always_inline void end_wait(struct task_struct *task, struct pt_regs *regs, long nr)
{
	struct thread *thread;

	thread = thread_of(task);
	if (thread && !waits_for_one(task, regs, nr))
		thread->turn++;
}

/* The agent itself, and processes that the filters exclude. */
static __always_inline bool is_excluded(struct task_struct *task)
{
	__u32 tgid = tgid_of(task);

	if (tgid == own_tgid)
		return true;
	return process_filters && bpf_map_lookup_elem(&processes, &tgid);
}

static __always_inline __u32 send_fd(struct pt_regs *regs, long nr)
{
	return nr == nr_splice ? SYSCALL_ARG3(regs) : SYSCALL_ARG1(regs);
}

/*
 * enter_counted - a call begins on a stream whose bytes are counted at exit. Returns the low half of the count so far. With leave_counted it
 * tells calls that overlap, whose order in the stream is not known.
 */
__attribute__((noinline)) int enter_counted(__u64 sock, __u64 inode, __u32 direction)
{
	struct conn *conn = conn_of(sock, inode, true);

	if (!conn)
		return 0;
	__sync_fetch_and_add(&conn->in_flight[direction & 1], 1);
	return direction & 1 ? conn->tx_count : conn->rx_count;
}

/* leave_counted - the call is over, and its bytes are counted. */
__attribute__((noinline)) int leave_counted(__u64 sock, __u64 inode, __u32 direction)
{
	__u64 key = sock & SOCK_NAME_MASK;
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);

	if (conn && conn->inode == inode && conn->in_flight[direction & 1])
		__sync_fetch_and_add(&conn->in_flight[direction & 1], -1);
	return 0;
}

static __always_inline void leave_call(struct call *call, bool send)
{
	if (call->kind == position_kind_counter)
		leave_counted(call->id.sock, call->id.inode, send ? direction_send : direction_receive);
}

static __always_inline void look_at_stream(struct call *call, struct sock *sk, bool send)
{
	struct tcp_sock *tp = TYPED(struct tcp_sock, sk);

	call->kind = position_kind_of(sk);
	if (call->kind == position_kind_tcp)
		call->seq = send ? GET(tp, write_seq) : GET(tp, copied_seq);
	else if (call->kind == position_kind_counter)
		call->seq = enter_counted(call->id.sock, call->id.inode, send ? direction_send : direction_receive);
	if (send)
		call->enter_ns = bpf_ktime_get_ns();
}

/*
 * Enter of a data call: the socket, the time, and where the stream stands. The socket is taken now because the descriptor may name another
 * one when the call returns (dup2 or close and reuse by another thread under a blocked read).
 */
static __always_inline void begin_call(struct pt_regs *regs, long nr, bool send)
{
	struct call call = { .nr = nr, .round = *(volatile __u32 *)&shed_rounds };
	bool seen = !*(volatile __u32 *)&shedding, named;
	struct task_struct *task = current_task();
	struct file *file = seen ? file_of(task, send_fd(regs, nr)) : 0;
	struct sock *sk;
	__u32 use;

	named = file && name_socket(file, &call.id);
	if (named && is_known(call.id.sock, call.id.inode, &use) && use != KNOWN_WANTED) {
		keep_dropped(task, call.id.sock, use);
		return;
	}
	forget_dropped();
	if (!named || is_excluded(task))
		return;
	sk = traced_sock(&call.id);
	if (!sk)
		return;
	look_at_stream(&call, sk, send);
	keep_call(task, &call);
}
