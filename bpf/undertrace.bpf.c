/*
 * Every program, its hook, and why it is there. The work is in the headers:
 *
 *   kernel, registers          what is read of the kernel and of the calling convention
 *   maps                       state and settings, emit()
 *   shed                       connections that are given up above the agent's limits
 *   socket, known              from a descriptor to a socket, what a record says of it; the sockets whose calls are only counted
 *   payload                    copies of user memory
 *   call, position, message    the halves of a data call, where its bytes stand, what of them is copied
 *   io, events, process, futex when a record is made
 *
 * tp_btf on the raw system call tracepoints costs least of all ways to see them (one indirect call each, no argument copies), and
 * loads from Linux 5.10 on.
 */
#include "futex.bpf.h"

/* sys_enter: only for what is gone at exit: when a call began, on which socket, and the file behind a descriptor that is closed. */
SEC("tp_btf/sys_enter")
int BPF_PROG(syscall_enter, struct pt_regs *regs, long nr)
{
	enum call_class class = class_of(nr);

	if (!class || (compat_tasks && is_compat(current_task())))
		return 0;
	if (class == call_send || class == call_receive)
		begin_call(regs, nr, class == call_send);
	else if (class == call_close)
		begin_close(current_task(), regs);
	else if (class == call_futex && pool_count)
		begin_futex(current_task(), regs);
	return 0;
}

/* A call in the life of a socket, where it did what it was asked to; of connect(2) also what it did not. */
static __always_inline void end_event(struct pt_regs *regs, long nr, long ret)
{
	struct task_struct *task = current_task();

	if ((ret < 0 && nr != nr_connect) || is_excluded(task) || is_compat(task))
		return;
	if (nr == nr_connect)
		end_connect(task, regs, ret);
	else if (nr == nr_accept || nr == nr_accept4)
		end_accept(task, nr, ret);
	else if (nr == nr_shutdown)
		end_simple(task, regs, event_shutdown, nr);
	else if (nr == nr_listen)
		end_simple(task, regs, event_listen, nr);
	else if (nr == nr_socketpair)
		end_socketpair(task, regs);
	else
		uring_made(regs);
}

/* sys_exit: results are known and buffers are filled. */
SEC("tp_btf/sys_exit")
int BPF_PROG(syscall_exit, struct pt_regs *regs, long ret)
{
	long nr = SYSCALL_NUMBER(regs);
	enum call_class class = class_of(nr);

	if (compat_tasks && is_compat(current_task()))
		count_compat(current_task(), regs, nr, ret);
	else if (class == call_send || class == call_receive)
		end_call(current_task(), regs, nr, ret, class == call_send);
	else if (class == call_wait && turn_borders && !shedding) /* a thread that goes on after a full ring begins a turn anyway, see keep_call */
		end_wait(current_task(), regs, nr);
	else if (class == call_futex && pool_count)
		end_futex(regs, ret);
	else if (class == call_event)
		end_event(regs, nr, ret);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(socket_state, struct sock *sk, int from, int to)
{
	state_changed(sk, from, to);
	return 0;
}

/* After the new image is in place: its arguments can be read, its cgroup is final. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task)
{
	process_executed(task);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	process_forked(parent, child);
	return 0;
}

/* Runs once a thread, after its count went down: the last one ends the process. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	thread_exited(task);
	return 0;
}

SEC("iter/task_file")
int scan_sockets(struct bpf_iter__task_file *ctx)
{
	scan_file(ctx);
	return 0;
}

/* Run once by the agent itself (BPF_PROG_TEST_RUN): its process id as the kernel's programs see it, whatever namespace it is in. */
SEC("raw_tp")
int who_am_i(void *ctx)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/*
 * Run by the agent with (sock, inode, verdict, budget or, of a drop, port_slot): sets the verdict of one connection in place, leaving the rest of
 * its state to the kernel's side. 1 if the connection was there.
 */
SEC("raw_tp")
int set_verdict(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 key = ctx->args[0];
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);

	if (!conn || conn->inode != ctx->args[1])
		return 0;
	if (conn->verdict != verdict_own)
		conn->verdict = ctx->args[2];
	conn->budget = ctx->args[3];
	note_known(key, conn);
	return 1;
}
