/*
 * Data calls at their exit: only now is the length known and the reader's buffer filled, and the arguments still stand in the saved registers.
 * One record a call, or a chunk of a call.
 */
#pragma once

#include "message.bpf.h"

/* begins_message - whether a message of a protocol that user space decodes begins where find_message found one. Global, as it is. */
__attribute__((noinline)) int begins_message(void)
{
	struct user_iovec part = {};
	struct work *w = work(0);
	__u32 word = 0;

	if (!w)
		return 0;
	part.base = w->message.base;
	if (w->message.count && bpf_probe_read_user(&part, sizeof(part), (void *)part.base))
		return 0;
	if (bpf_probe_read_user(&word, sizeof(word), (void *)part.base))
		return 0;
	return bpf_map_lookup_elem(&message_starts, &word) != 0;
}

/* Whether the call's one message lies in a buffer that user space filled or reads. */
static __always_inline bool has_buffer(struct transfer *t, long nr, __u32 flags)
{
	if (nr == nr_sendfile || nr == nr_splice || nr == nr_recvmmsg || nr == nr_sendmmsg)
		return false;
	return t->kind == position_kind_datagram || !(flags & MSG_TRUNC);
}

/*
 * The payload bytes that this call may carry. A run begins with a turn of direction, or where the budget is spent and the call looks like
 * the start of a message: the next request behind a body that the server answered before it was there, say.
 */
static __always_inline __u32 take_budget(struct transfer *t, struct pt_regs *regs, long nr, __u64 bytes)
{
	struct conn *conn = t->conn;
	__u32 limit = conn->budget ? conn->budget : default_budget, end, left;
	bool bare = conn->verdict == verdict_header;

	end = limit > budget_cap ? budget_cap : limit;
	if (t->kind == position_kind_datagram)
		return bare ? 0 : end;
	if (conn->run_direction != t->direction || conn->round != shed_rounds) {
		conn->run_direction = t->direction;
		conn->round = shed_rounds; /* what was lost meanwhile may have been the head of another run */
		conn->run_bytes = 0;
	}
	if (!bare && conn->run_bytes >= end && t->has_buffer &&
	    find_message(nr, SYSCALL_ARG2(regs), SYSCALL_ARG3(regs), SYSCALL_ARG5(regs)) && begins_message())
		conn->run_bytes = 0;
	t->run_on = conn->run_bytes > 0;
	left = !bare && conn->run_bytes < end ? end - conn->run_bytes : 0;
	if (end < limit && !bare && bytes > left && conn->run_bytes < limit)
		t->counts->of[counter_capped_bytes] += (bytes < limit - conn->run_bytes ? bytes : limit - conn->run_bytes) - left;
	conn->run_bytes = bytes > 0x7fffffff - conn->run_bytes ? 0x7fffffff : conn->run_bytes + bytes;
	return left;
}

/* A data call that is not dropped. What nothing but the exit of system calls counts, which does not interrupt itself, needs no atomic addition. */
static __always_inline void count_call(struct counts *all, __u8 direction, __u64 bytes)
{
	if (direction == direction_send) {
		all->of[counter_calls_send]++;
		all->of[counter_bytes_send] += bytes;
	} else {
		all->of[counter_calls_receive]++;
		all->of[counter_bytes_receive] += bytes;
	}
}

/* A data call that is dropped: this is all that is done for most of them, so all counts of it are in one place. */
static __always_inline void count_unrecognised(__u32 slot, __u8 direction, __u64 bytes)
{
	__u32 key = slot << 1 | direction;
	struct port_count *count = bpf_map_lookup_elem(&unrecognised, &key);

	if (count) {
		count->records++;
		count->bytes += bytes;
	}
}

/* Whether user space wants anything of this connection. */
static __always_inline bool is_wanted(struct transfer *t, __u64 name, __u64 bytes)
{
	if (t->conn->verdict == verdict_drop) {
		note_known(name, t->conn);
		count_unrecognised(t->conn->port_slot, t->direction, bytes);
		return false;
	}
	count_call(t->counts, t->direction, bytes);
	switch (t->conn->verdict) {
	case verdict_own:
		t->counts->of[counter_own_records]++;
		return false;
	case verdict_filtered:
		t->counts->of[counter_filtered_records]++;
		return false;
	default:
		return true;
	}
}

/*
 * The call makes no record: it is summed up in conn, and the sum rides on the connection's next record. Two threads may come in another order than
 * their bytes.
 */
static __always_inline void elide(struct transfer *t, struct data_record *r, __u64 bytes)
{
	struct conn *conn = t->conn;
	__u64 start = r->position, end = start + bytes;

	if (!conn->gap_records) {
		conn->gap_start = start;
		conn->gap_end = end;
	}
	if (start < conn->gap_start)
		conn->gap_start = start;
	if (end > conn->gap_end)
		conn->gap_end = end;
	conn->gap_ns = bpf_ktime_get_ns();
	conn->gap_direction = t->direction;
	__sync_fetch_and_add(&conn->gap_records, 1); /* last, and so that a hand-over at the same time leaves it */
	t->counts->of[counter_elided_records]++;
	t->counts->of[counter_elided_bytes] += bytes;
}

/*
 * Whether the call is summed up: it has nothing to say that user space asked for, and continues what is summed up already. Where it does not,
 * behind bytes that were lost or because another thread moves bytes the other way, its record takes the sum along.
 */
static __always_inline bool is_rest_of_run(struct transfer *t, struct data_record *r, __u64 bytes)
{
	struct conn *conn = t->conn;

	if (conn->verdict == verdict_elide ? t->budget : conn->verdict != verdict_header || !t->run_on)
		return false;
	return !conn->gap_records || (conn->gap_direction == t->direction && r->position <= conn->gap_end &&
				      r->position + bytes >= conn->gap_start);
}

/* The thread has received from a socket. Whether from the same as before, so that nothing is missed where this call makes no record. */
static __always_inline bool take_step(struct thread *thread, __u64 sock)
{
	bool again;

	if (!thread)
		return false;
	again = thread->read_from == sock;
	thread->read_from = sock;
	thread->step++;
	if (pool_count)
		thread->read_ns = bpf_ktime_get_ns();
	return again;
}

/* A unix socket's name goes out once, before its first data. */
static __always_inline void introduce(__u64 sock, __u64 inode, struct conn *conn, long nr)
{
	if (conn->state & CONN_NAMED)
		return;
	conn->state |= CONN_NAMED;
	report(sock, inode, event_seen, 0, -1, nr);
}

#define LOOKS (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE) /* receives that leave the stream as it is */

/* A data call that moved `ret` on a socket that is known, see known.bpf.h; `use` as there, `thread` may be 0. */
static __always_inline void count_known(__u32 use, struct pt_regs *regs, long nr, long ret, struct thread *thread, __u64 sock, __u8 direction)
{
	bool many = nr == nr_recvmmsg || nr == nr_sendmmsg;
	struct counts *all;
	__u64 bytes;

	if (direction == direction_receive) {
		if (receive_flags(regs, nr) & LOOKS)
			return;
		take_step(thread, sock);
	}
	bytes = many ? sum_messages(SYSCALL_ARG2(regs), ret) : ret;
	if (use != KNOWN_WANTED) {
		count_unrecognised(use, direction, bytes);
		return;
	}
	all = counts();
	if (!all)
		return;
	count_call(all, direction, bytes);
	lose(all, many ? ret : 1);
}

/*
 * finish_transfer - a data call returned `ret` > 0 (bytes, or messages for the mmsg calls): its records. In the order of what may end the work
 * early. `missed`: it is lost.
 */
static __always_inline void finish_transfer(struct pt_regs *regs, long nr, long ret, struct sock *sk, __u64 sock, __u64 inode,
					    struct call *call, __u8 direction, bool missed)
{
	struct transfer t = { .sk = sk, .counts = counts(), .direction = direction };
	struct thread *thread = (struct thread *)call;
	bool many = nr == nr_recvmmsg || nr == nr_sendmmsg, datagram, again;
	__u32 flags = direction == direction_receive ? receive_flags(regs, nr) : 0;
	__u32 messages = many ? ret : 1;
	struct work *w;
	struct data_record *r;
	struct message *m;
	__u64 bytes;
	__u16 place;

	if (flags & LOOKS)
		return;
	again = direction == direction_receive && take_step(thread, sock);
	bytes = many ? sum_messages(SYSCALL_ARG2(regs), messages) : ret;
	t.kind = call ? call->kind : position_kind_of(sk);
	datagram = t.kind == position_kind_datagram;
	w = work(0);
	t.conn = conn_of(sock, inode, !datagram);
	if (!w || !t.conn || !t.counts)
		return;
	if (t.kind == position_kind_tcp) {
		if (!(t.conn->state & CONN_SEQ_KNOWN))
			learn_late(sock);
	} else if (GET(sk, __sk_common.skc_family) == AF_UNIX) {
		learn_inodes(t.conn, sk);
		introduce(sock, inode, t.conn, nr);
	}

	r = &w->data;
	r->flags = 0;
	r->position_kind = t.kind;
	if (t.kind != position_kind_tcp)
		locate_counted(r, &t, call, bytes, messages);
	if (messages > UIO_MAXIOV) { /* recvmmsg(2) has no limit, unlike sendmmsg(2) */
		add(counter_messages_cut, messages - UIO_MAXIOV);
		messages = UIO_MAXIOV;
	}
	if (!is_wanted(&t, sock & SOCK_NAME_MASK, bytes))
		return;
	if (missed) {
		if (t.kind == position_kind_tcp)
			note_known(sock & SOCK_NAME_MASK, t.conn);
		lose(t.counts, messages);
		return;
	}
	t.has_buffer = has_buffer(&t, nr, flags);
	t.budget = take_budget(&t, regs, nr, bytes);
	if (t.kind == position_kind_tcp)
		locate_sequence(r, &t, call, bytes);
	if (is_rest_of_run(&t, r, bytes)) {
		elide(&t, r, bytes);
		if (again)
			thread->step--;
		return;
	}
	if (is_full()) {
		lose(t.counts, messages);
		return;
	}
	t.urgent = !t.budget && t.conn->verdict == verdict_full;

	place = r->flags;
	head(r, kind_data, bpf_ktime_get_ns());
	r->flags = place;
	describe(sock, inode);
	describe_conn((struct connection_record *)r, t.conn);
	r->syscall = nr;
	r->result = ret;
	r->direction = direction;
	r->message = 0;
	r->enter_ns = call && direction == direction_send ? call->enter_ns : 0;
	r->context_id = r->context_parent = r->context_origin = 0;
	r->layer = r->context_kind = r->pad = 0;
	r->turn = thread ? thread->turn : 0;
	r->step = thread ? thread->step : 0;

	if (many) {
		emit_many(SYSCALL_ARG2(regs), messages, t.budget, datagram);
		return;
	}
	m = &w->message;
	m->base = m->count = m->name = 0;
	m->length = ret;
	if (t.has_buffer)
		find_message(nr, SYSCALL_ARG2(regs), SYSCALL_ARG3(regs), SYSCALL_ARG5(regs));
	if (datagram)
		read_peer(m->name);
	if (datagram && flags & MSG_TRUNC && !m->count) {
		/* `ret` is the datagram's length, which may be more than the buffer's. */
		__u64 room = nr == nr_recvfrom ? SYSCALL_ARG3(regs) : 0;

		if (t.budget > room)
			t.budget = room;
	}
	emit_message(m, t.has_buffer ? t.budget : 0, t.urgent);
}

/* Errors of a data call that tell of the connection's end; the others (EAGAIN, EINTR, ...) say nothing about it. */
static __always_inline bool is_connection_error(long ret)
{
	return ret == -32 /* EPIPE */ || ret == -101 /* ENETUNREACH */ || ret == -103 /* ECONNABORTED */ || ret == -104 /* ECONNRESET */ ||
	       ret == -110 /* ETIMEDOUT */ || ret == -111 /* ECONNREFUSED */ || ret == -112 /* EHOSTDOWN */ || ret == -113 /* EHOSTUNREACH */;
}

static __always_inline void fail_transfer(struct sock *sk, __u64 sock, __u64 inode, long nr, long ret, __u32 fd)
{
	struct conn *conn;

	conn = conn_of(sock, inode, GET(sk, sk_type) != SOCK_DGRAM);
	if (conn && conn->verdict != verdict_drop)
		report(sock, inode, event_failed, ret, fd, nr);
}

/*
 * A call that moved nothing and says nothing: its enter half must not meet the exit of a later one on a file. A receive at the end of the
 * stream may be why a thread goes on.
 */
static __always_inline void forget_call(struct task_struct *task, long ret, bool send)
{
	struct thread *thread = thread_of(task);

	if (!thread || thread->call.nr == -1)
		return;
	if (!ret && !send)
		thread->step++;
	thread->call.nr = -1;
	leave_call(&thread->call, send);
}

/* A few bytes read from a pipe, an eventfd or a timerfd: an event loop is woken by another thread, or by a timer. */
static __always_inline bool is_wakeup(struct file *file, long nr, long ret)
{
	return file && nr == nr_read && ret > 0 && ret <= 8 && (GET2(file, f_inode, i_mode) & S_IFMT) != S_IFREG;
}

static __always_inline void end_on(struct task_struct *task, struct pt_regs *regs, long nr, long ret, struct sock *sk,
				   struct socket_id *id, struct call *call, __u8 direction, __u32 fd, bool missed)
{
	if (is_compat(task))
		return; /* int 0x80 from 64-bit code: another call altogether, since no number of a data call is one in both tables */
	if (ret > 0)
		finish_transfer(regs, nr, ret, sk, id->sock, id->inode, call, direction, missed);
	else
		fail_transfer(sk, id->sock, id->inode, nr, ret, fd);
}

/* remember_thread - this thread has been seen. Global, to keep its frame off the others' stack. */
__attribute__((noinline)) int remember_thread(void)
{
	struct call none = { .nr = -1, .round = shed_rounds };

	keep_call(current_task(), &none);
	return 0;
}

/* Exit of a splice out of a socket, whose enter half, if there is one, is of the socket at its other end. */
static __always_inline void end_splice(struct task_struct *task, struct pt_regs *regs, long ret)
{
	__u32 fd = SYSCALL_ARG1(regs);
	struct socket_id id;
	struct sock *sk = sock_of_fd(task, fd, &id);

	if (sk && !is_excluded(task))
		end_on(task, regs, nr_splice, ret, sk, &id, 0, direction_receive, fd, false);
}

/* The enter half of the call that returns, or 0. */
static __always_inline struct call *begun(struct thread *thread, long nr)
{
	return thread && thread->call.nr == nr && thread->call.round == shed_rounds ? &thread->call : 0;
}

/*
 * The enter half of the send that returns, or 0, where its descriptor names `id` now, or no socket (`sk` is 0). A half that is left of an earlier
 * send, whose socket had been dropped when it returned, goes away: it is of another socket, and of one that is dropped or gone, while a send keeps
 * its own.
 */
static __always_inline struct call *begun_send(struct thread *thread, long nr, struct sock *sk, struct socket_id *id)
{
	struct call *call = begun(thread, nr);
	struct conn *conn;
	__u64 key;

	if (!call || (sk && call->id.sock == id->sock && call->id.inode == id->inode))
		return call;
	key = call->id.sock & SOCK_NAME_MASK;
	conn = bpf_map_lookup_elem(&conns, &key);
	if (conn && conn->inode == call->id.inode && conn->verdict != verdict_drop)
		return call;
	call->nr = -1;
	leave_call(call, true);
	return 0;
}

/*
 * Exit of a data call that moved bytes or says something of the connection. Without an enter half the descriptor was no socket then, or a dropped
 * one, or not in scope; or the ring was full when the call began, or the thread has never been seen and may have been inside since before the
 * agent. Then the socket is resolved now. (A send that was under way when the agent came is a hole in its stream.) Sends on dropped sockets have
 * nothing to ask of their thread, and looking it up is a fifth of what they cost.
 */
static __always_inline void end_moved(struct task_struct *task, struct pt_regs *regs, long nr, long ret, bool send)
{
	__u8 direction = send ? direction_send : direction_receive;
	__u32 fd = send ? send_fd(regs, nr) : SYSCALL_ARG1(regs), use = KNOWN_WANTED;
	bool missed = shedding, named, known = false;
	struct thread *thread = missed || send ? 0 : thread_of(task);
	struct call *call = begun(thread, nr);
	struct socket_id id = {};
	struct file *file = 0;
	struct sock *sk = 0;

	if (!call) {
		file = file_of(task, fd);
		named = file && name_socket(file, &id);
		known = named && is_known(id.sock, id.inode, &use);
		if (known && use != KNOWN_WANTED) {
			if (ret > 0 && !is_excluded(task) && !is_compat(task))
				count_known(use, regs, nr, ret, thread, id.sock, direction);
			return;
		}
		sk = named ? traced_sock(&id) : 0;
		if (send && !missed) {
			thread = thread_of(task);
			call = begun_send(thread, nr, sk, &id);
		}
	}
	if (call) {
		call->nr = -1;
		id = call->id;
		sk = TYPED(struct sock, id.sock);
	} else {
		if (!missed && !thread) {
			remember_thread();
			missed = send;
		} else {
			missed = true;
		}
		if (!sk && thread && is_wakeup(file, nr, ret))
			thread->step++;
		if (!sk || is_excluded(task) || is_compat(task))
			return;
		if (known && missed && ret > 0) {
			count_known(use, regs, nr, ret, thread, id.sock, direction);
			return;
		}
		if (missed && !has_sequence(sk))
			forget_call(task, ret, send); /* it may have begun before, and be counted in conn.in_flight */
	}
	end_on(task, regs, nr, ret, sk, &id, call, direction, fd, missed);
	if (call)
		leave_call(call, send);
}

/* Exit of a data call that is known to be of a dropped socket. */
static __always_inline void end_dropped(struct task_struct *task, struct pt_regs *regs, long nr, long ret, struct dropped_call *call, bool send)
{
	struct thread *thread = send ? 0 : thread_of(task);

	if (ret > 0 && !is_excluded(task) && !is_compat(task))
		count_known(call->port_slot, regs, nr, ret, thread, call->sock, send ? direction_send : direction_receive);
}

static __always_inline void end_call(struct task_struct *task, struct pt_regs *regs, long nr, long ret, bool send)
{
	struct dropped_call *here;

	if (ret <= 0 && !is_connection_error(ret)) {
		forget_call(task, ret, send);
		return;
	}
	here = dropped_call();
	if (here && is_kept(here, task))
		end_dropped(task, regs, nr, ret, here, send);
	else
		end_moved(task, regs, nr, ret, send);
	if (nr == nr_splice)
		end_splice(task, regs, ret);
}

/* A 32-bit task's data call: its arguments have another layout, so it is counted, not read. */
static __always_inline void count_compat(struct task_struct *task, struct pt_regs *regs, long nr, long ret)
{
	struct socket_id id;
	__s64 fd;

	if (ret > 0 && compat_data_call(regs, nr, &fd) && (fd < 0 || sock_of_fd(task, fd, &id)))
		add(counter_compat_calls, 1);
}
