/*
 * Data calls at their exit: only now is the length known and the reader's buffer filled, and the arguments still stand in the saved registers.
 * One record a call, or a chunk of a call.
 */
#pragma once

#include "message.bpf.h"

/* begins_message - whether a message of a protocol that user space decodes begins here. Global, to keep its frame off the others' stack. */
__attribute__((noinline)) int begins_message(__u64 base, __u32 count)
{
	struct user_iovec part = { .base = base };
	__u32 word = 0;

	if (count && bpf_probe_read_user(&part, sizeof(part), (void *)base))
		return 0;
	if (!part.base || bpf_probe_read_user(&word, sizeof(word), (void *)part.base))
		return 0;
	return bpf_map_lookup_elem(&message_starts, &word) != 0;
}

/*
 * The payload bytes that this call may carry. A run begins with a turn of direction, or where the budget is spent and the call looks like
 * the start of a message: the next request behind a body that the server answered before it was there, say.
 */
static __always_inline __u32 take_budget(struct transfer *t, struct message *m, __u64 bytes)
{
	struct conn *conn = t->conn;
	__u32 limit = conn->budget ? conn->budget : default_budget, left;

	if (conn->verdict == verdict_header)
		return 0;
	if (t->datagram)
		return limit;
	if (conn->run_direction != t->direction) {
		conn->run_direction = t->direction;
		conn->run_bytes = 0;
	}
	if (conn->run_bytes >= limit && begins_message(m->base, m->count))
		conn->run_bytes = 0;
	left = conn->run_bytes < limit ? limit - conn->run_bytes : 0;
	conn->run_bytes = bytes > 0x7fffffff - conn->run_bytes ? 0x7fffffff : conn->run_bytes + bytes;
	return left;
}

static __always_inline void count_call(__u8 direction, __u64 bytes)
{
	if (direction == direction_send) {
		add(counter_calls_send, 1);
		add(counter_bytes_send, bytes);
	} else {
		add(counter_calls_receive, 1);
		add(counter_bytes_receive, bytes);
	}
}

/* By the server's port: the local one where this end accepted. */
static __always_inline void count_unrecognised(struct sock *sk, struct conn *conn, __u64 bytes)
{
	__u32 protocol = GET(sk, sk_protocol) & 0xffff, key;
	struct port_count *count, first = { 1, bytes };

	add(counter_unrecognised_records, 1);
	add(counter_unrecognised_bytes, bytes);
	if (GET(sk, __sk_common.skc_family) == AF_UNIX)
		key = 0;
	else if (conn->state & CONN_ACCEPTED)
		key = protocol << 16 | GET(sk, __sk_common.skc_num);
	else
		key = protocol << 16 | bpf_ntohs(GET(sk, __sk_common.skc_dport));
	count = bpf_map_lookup_elem(&unrecognised, &key);
	if (count) {
		count->records++;
		count->bytes += bytes;
	} else {
		bpf_map_update_elem(&unrecognised, &key, &first, BPF_NOEXIST);
	}
}

/* Whether user space wants anything of this connection. */
static __always_inline bool is_wanted(struct transfer *t, __u64 bytes)
{
	switch (t->conn->verdict) {
	case verdict_own:
		add(counter_own_records, 1);
		return false;
	case verdict_filtered:
		add(counter_filtered_records, 1);
		return false;
	case verdict_drop:
		count_unrecognised(t->sk, t->conn, bytes);
		return false;
	default:
		return true;
	}
}

/* The call makes no record: it is summed up in conn, and the sum rides on the connection's next record. */
static __always_inline void elide(struct transfer *t, struct data_record *r, __u64 bytes)
{
	struct conn *conn = t->conn;

	conn->gap_end = r->position + bytes;
	conn->gap_ns = r->time_ns;
	conn->gap_direction = t->direction;
	conn->gap_records++;
	add(counter_elided_records, 1);
	add(counter_elided_bytes, bytes);
}

/* A unix socket's name goes out once, before its first data. */
static __always_inline void introduce(struct sock *sk, __u64 inode, struct conn *conn, long nr)
{
	if (conn->state & CONN_NAMED)
		return;
	conn->state |= CONN_NAMED;
	report(sk, inode, event_seen, 0, -1, nr);
}

/* finish_transfer - a data call returned `ret` > 0 (bytes, or messages for the mmsg calls): its records. */
static __always_inline void finish_transfer(struct pt_regs *regs, long nr, long ret, struct sock *sk, __u64 inode, struct call *call,
					    __u8 direction)
{
	bool many = nr == nr_recvmmsg || nr == nr_sendmmsg;
	struct transfer t = { .sk = sk, .direction = direction };
	__u32 flags = direction == direction_receive ? receive_flags(regs, nr) : 0;
	__u64 bytes, now = bpf_ktime_get_ns();
	__u32 messages = many ? ret : 1;
	struct work *w = work(0);
	struct data_record *r;
	struct message *m;

	if (!w || flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))
		return;
	t.conn = conn_of(sk, inode);
	if (!t.conn)
		return;
	t.datagram = GET(sk, sk_type) != SOCK_STREAM;
	if (!(t.conn->state & CONN_SEQ_KNOWN) && has_sequence(sk))
		learn_sequences(t.conn, sk, false);
	if (GET(sk, __sk_common.skc_family) == AF_UNIX) {
		learn_inodes(t.conn, sk);
		introduce(sk, inode, t.conn, nr);
	}

	r = &w->data;
	head(r, kind_data, now);
	bytes = many ? sum_messages(SYSCALL_ARG2(regs), messages) : ret;
	r->position = locate(r, &t, call, bytes, messages);
	if (messages > UIO_MAXIOV) { /* recvmmsg(2) has no limit, unlike sendmmsg(2) */
		add(counter_messages_cut, messages - UIO_MAXIOV);
		messages = UIO_MAXIOV;
	}
	count_call(direction, bytes);
	if (!is_wanted(&t, bytes))
		return;
	m = &w->message;
	m->base = m->count = 0;
	if (nr == nr_sendfile || nr == nr_splice || (flags & MSG_TRUNC && !t.datagram))
		t.no_payload = 1; /* no user buffer, or one that was left untouched */
	else if (!many)
		find_message(nr, SYSCALL_ARG2(regs), SYSCALL_ARG3(regs), SYSCALL_ARG5(regs));
	m->length = ret;
	t.budget = take_budget(&t, m, bytes);
	if (!t.budget && t.conn->verdict == verdict_elide) {
		elide(&t, r, bytes);
		return;
	}
	if (lost_beforehand(messages))
		return;
	t.urgent = !t.budget && t.conn->verdict == verdict_full;

	describe(number(sk, 0), inode);
	describe_conn((struct connection_record *)r, t.conn);
	r->syscall = nr;
	r->result = ret;
	r->direction = direction;
	r->message = 0;
	r->enter_ns = call && direction == direction_send ? call->enter_ns : 0;
	r->context_id = r->context_parent = r->context_origin = 0;
	r->layer = r->context_kind = 0;
	__builtin_memset(r->pad, 0, sizeof(r->pad));

	if (many) {
		emit_many(SYSCALL_ARG2(regs), messages, t.budget, t.datagram);
		return;
	}
	if (t.datagram)
		read_peer(r, m->name);
	if (t.datagram && flags & MSG_TRUNC && !m->count) {
		/* `ret` is the datagram's length, which may be more than the buffer's. */
		__u64 room = nr == nr_recvfrom ? SYSCALL_ARG3(regs) : 0;

		if (t.budget > room)
			t.budget = room;
	}
	emit_message(m, t.no_payload ? 0 : t.budget, t.urgent);
}

/* Errors of a data call that tell of the connection's end; the others (EAGAIN, EINTR, ...) say nothing about it. */
static __always_inline bool is_connection_error(long ret)
{
	return ret == -32 /* EPIPE */ || ret == -101 /* ENETUNREACH */ || ret == -103 /* ECONNABORTED */ || ret == -104 /* ECONNRESET */ ||
	       ret == -110 /* ETIMEDOUT */ || ret == -111 /* ECONNREFUSED */ || ret == -112 /* EHOSTDOWN */ || ret == -113 /* EHOSTUNREACH */;
}

static __always_inline void fail_transfer(struct sock *sk, __u64 inode, long nr, long ret, __u32 fd)
{
	struct conn *conn = conn_of(sk, inode);

	if (conn && conn->verdict != verdict_drop)
		report(sk, inode, event_failed, ret, fd, nr);
}

static __always_inline void end_on(struct pt_regs *regs, long nr, long ret, struct sock *sk, __u64 inode, struct call *call, __u8 direction,
				   __u32 fd)
{
	if (is_compat())
		return; /* int 0x80 from 64-bit code: another call altogether, since no number of a data call is one in both tables */
	if (ret > 0)
		finish_transfer(regs, nr, ret, sk, inode, call, direction);
	else
		fail_transfer(sk, inode, nr, ret, fd);
}

/* remember_thread - this thread has been seen. Global, to keep its frame off the others' stack. */
__attribute__((noinline)) int remember_thread(void)
{
	struct call none = { .nr = -1 };

	return keep_call(&none);
}

/* Exit of a receive whose enter half is not there: it was under way when the agent attached, or is a splice out of a socket. */
static __always_inline void end_late_receive(struct pt_regs *regs, long nr, long ret)
{
	__u32 fd = SYSCALL_ARG1(regs);
	__u64 inode = 0;
	struct sock *sk = sock_of_fd(fd, &inode);

	if (sk && !is_excluded(bpf_get_current_pid_tgid() >> 32))
		end_on(regs, nr, ret, sk, inode, 0, direction_receive, fd);
}

/*
 * Exit of a data call. Without an enter half the descriptor was no socket, or not in scope. Only a thread that was never seen entering may
 * have been inside the call since before the agent: its receive is resolved now, and remembered as seen. (A send that was under way then is a
 * hole in its stream.)
 */
static __always_inline void end_call(struct pt_regs *regs, long nr, long ret, bool send)
{
	struct call *call = kept_call();

	if (!call) {
		if (!send) {
			remember_thread();
			end_late_receive(regs, nr, ret);
		}
		return;
	}
	if (call->nr != nr)
		return;
	call->nr = -1;
	end_on(regs, nr, ret, TYPED(struct sock, call->sock), call->inode, call, send ? direction_send : direction_receive, send_fd(regs, nr));
	if (call->counted)
		leave_counted(call->sock, call->inode, send ? direction_send : direction_receive);
}

/* A call that moved nothing and says nothing: its enter half must not meet the exit of a later one on a file. */
static __always_inline void forget_call(bool send)
{
	struct call *call = kept_call();

	if (!call || call->nr == -1)
		return;
	call->nr = -1;
	if (call->counted)
		leave_counted(call->sock, call->inode, send ? direction_send : direction_receive);
}

/* A 32-bit task's data call: its arguments have another layout, so it is counted, not read. */
static __always_inline void count_compat(struct pt_regs *regs, long nr, long ret)
{
	__u64 inode;
	__s64 fd;

	if (ret > 0 && compat_data_call(regs, nr, &fd) && (fd < 0 || sock_of_fd(fd, &inode)))
		add(counter_compat_calls, 1);
}
