/*
 * Every program, its hook, and why it is there. The work is in the headers:
 *
 *   kernel, registers          what is read of the kernel and of the calling convention
 *   maps                       state and settings, emit()
 *   socket, dropped            from a descriptor to a socket, what a record says of it; the sockets that nothing is said of
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
	if (compat_tasks && is_compat(current_task()))
		return 0;
	if (is_send(nr) || is_receive(nr))
		begin_call(regs, nr, is_send(nr));
	else if (nr == nr_close)
		begin_close(current_task(), regs);
	else if (nr == nr_futex && pool_count)
		begin_futex(current_task(), regs);
	return 0;
}

/* sys_exit: results are known and buffers are filled. */
SEC("tp_btf/sys_exit")
int BPF_PROG(syscall_exit, struct pt_regs *regs, long ret)
{
	long nr = SYSCALL_NUMBER(regs);
	struct task_struct *task;

	if (compat_tasks && is_compat(current_task())) {
		count_compat(current_task(), regs, nr, ret);
		return 0;
	}
	if (is_send(nr) || is_receive(nr)) {
		task = current_task();
		if (ret > 0 || is_connection_error(ret)) {
			end_call(task, regs, nr, ret, is_send(nr));
			if (nr == nr_splice)
				end_splice(task, regs, ret);
		} else {
			forget_call(task, ret, is_send(nr));
		}
		return 0;
	}
	if (turn_borders && is_wait(nr)) {
		end_wait(current_task(), regs, nr);
		return 0;
	}
	if (nr == nr_futex) {
		if (pool_count)
			end_futex(regs, ret);
		return 0;
	}
	if (nr > nr_socketpair && nr != nr_accept4 && nr != nr_io_uring_setup && nr_socketpair < 64)
		return 0;
	if (nr != nr_connect && ret < 0)
		return 0;
	if (nr != nr_connect && nr != nr_accept && nr != nr_accept4 && nr != nr_shutdown && nr != nr_listen && nr != nr_socketpair &&
	    nr != nr_io_uring_setup)
		return 0;
	task = current_task();
	if (is_excluded(task) || is_compat(task))
		return 0;
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
	note_dropped(key, conn);
	return 1;
}
