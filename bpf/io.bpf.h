/*
 * Data calls: one record a call, or a chunk of a call.
 *
 * Exit is the right moment: only now is the length known and the reader's buffer filled, and the arguments still stand in the saved
 * registers. A send also needs its enter half: the time, because the peer may have read the bytes before the call returns, and write_seq,
 * because another thread may write meanwhile.
 *
 * A full ring loses the record but not the stream: positions come from the socket, so user space sees the hole.
 */
#pragma once

#include "payload.bpf.h"

/* One data call at its exit, as far as it is the same for all its messages. */
struct transfer {
	struct sock *sk;
	struct conn *conn;
	__u64 position; /* of the next message */
	__u64 enter_ns;
	__u32 budget;	/* payload bytes left */
	__u8 direction;
	__u8 datagram;
	__u8 no_payload;
	__u8 urgent; /* a long run on a connection without verdict: user space should look now */
};

static __always_inline bool keep_call(struct call *call)
{
	if (have_task_storage) {
		struct call *slot = bpf_task_storage_get(&calls, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

		if (slot)
			*slot = *call;
		return slot;
	}
	__u32 tid = bpf_get_current_pid_tgid();

	return !bpf_map_update_elem(&calls_by_tid, &tid, call, BPF_ANY);
}

static __always_inline struct call *kept_call(void)
{
	if (have_task_storage)
		return bpf_task_storage_get(&calls, bpf_get_current_task_btf(), 0, 0);
	__u32 tid = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&calls_by_tid, &tid);
}

/* The agent itself, and processes that the filters exclude. */
static __always_inline bool is_excluded(__u32 tgid)
{
	if (tgid == own_tgid)
		return true;
	return process_filters && bpf_map_lookup_elem(&processes, &tgid);
}

static __always_inline __u32 send_fd(struct pt_regs *regs, long nr)
{
	return nr == nr_splice ? SYSCALL_ARG3(regs) : SYSCALL_ARG1(regs);
}

/*
 * Enter of a data call: the socket, the time, and where the stream stands. The socket is taken now because the descriptor may name another
 * one when the call returns (dup2 or close and reuse by another thread under a blocked read).
 */
static __always_inline void begin_call(struct pt_regs *regs, long nr, bool send)
{
	struct call call = { .nr = nr };
	struct sock *sk;

	sk = sock_of_fd(send_fd(regs, nr), &call.inode);
	if (!sk)
		return; /* a file: no enter half tells the exit so */
	if (is_excluded(bpf_get_current_pid_tgid() >> 32))
		return;
	call.sock = number(sk, 0);
	if (is_tcp(sk)) {
		struct tcp_sock *tp = TYPED(struct tcp_sock, sk);

		call.seq = send ? GET(tp, write_seq) : GET(tp, copied_seq);
	}
	call.enter_ns = bpf_ktime_get_ns();
	if (!keep_call(&call))
		add(counter_state_lost, 1);
}

/* 64-bit offset whose low half is known exactly: the one next to an estimate that may be torn. */
static __always_inline __u64 widen(__u32 exact, __u64 estimate)
{
	return estimate + (__s32)(exact - (__u32)estimate);
}

/* Position of the first of `bytes` sent bytes. */
static __always_inline __u64 sent_position(struct data_record *r, struct conn *conn, struct tcp_sock *tp, struct call *call, __u32 bytes)
{
	__u32 end = GET(tp, write_seq), start = end - bytes;
	__u64 estimate = GET(tp, bytes_acked) + (__u32)(end - GET(tp, snd_una)) - bytes;

	/* Somebody else wrote between enter and exit: where our bytes went is a guess. A SYN in between (fast open) is not that. */
	if (call && call->seq != start && call->seq + 1 != start) {
		r->flags |= flag_unsure;
		start = call->seq;
	}
	return widen(start - conn->tx_first, estimate);
}

/* Position of the first of `bytes` received bytes. */
static __always_inline __u64 received_position(struct data_record *r, struct conn *conn, struct tcp_sock *tp, struct call *call, __u32 bytes)
{
	__u32 end = GET(tp, copied_seq), next = GET(tp, rcv_nxt), start;
	__u64 estimate = GET(tp, bytes_received) - (__u32)(next - end);

	/* A read that took the FIN along moved copied_seq over it. */
	if (end == next && GET(TYPED(struct sock, tp), __sk_common.skc_flags) & (1 << SK_FLAG_DONE)) {
		end--;
		estimate--;
		r->flags |= flag_eof;
	}
	start = end - bytes;
	/* Somebody else read between enter and exit, as Go's HTTP server does: most likely after us, since we were here first. */
	if (call && call->seq != start) {
		r->flags |= flag_unsure;
		start = call->seq;
	}
	return widen(start - conn->rx_first, estimate - bytes);
}

/* Fills r->position and its kind for a call that moved `bytes` in `messages` messages; moves the counters of counted sockets. */
static __always_inline __u64 locate(struct data_record *r, struct transfer *t, struct call *call, __u64 bytes, __u32 messages)
{
	struct conn *conn = t->conn;
	struct sock *sk = t->sk;
	__u64 *count = t->direction == direction_send ? &conn->tx_count : &conn->rx_count;
	__u64 position;

	if (t->datagram) {
		r->position_kind = position_kind_datagram;
		position = *count;
		__sync_fetch_and_add(count, messages);
		return position;
	}
	if (has_sequence(sk)) {
		r->position_kind = position_kind_tcp;
		if (t->direction == direction_send)
			return sent_position(r, conn, TYPED(struct tcp_sock, sk), call, bytes);
		return received_position(r, conn, TYPED(struct tcp_sock, sk), call, bytes);
	}
	r->position_kind = position_kind_counter;
	position = *count;
	__sync_fetch_and_add(count, bytes);
	if (t->direction == direction_receive && !GET(sk, sk_receive_queue.qlen))
		r->flags |= flag_drained;
	return position;
}

/* Turns of direction begin a new run with a full budget. Returns the payload bytes that this call may carry. */
static __always_inline __u32 take_budget(struct conn *conn, __u8 direction, __u64 bytes, bool datagram)
{
	__u32 limit = conn->budget ? conn->budget : default_budget, left;

	if (conn->verdict == verdict_header)
		return 0;
	if (datagram)
		return limit;
	if (conn->run_direction != direction) {
		conn->run_direction = direction;
		conn->run_bytes = 0;
	}
	left = conn->run_bytes < limit ? limit - conn->run_bytes : 0;
	conn->run_bytes = bytes > 0x7fffffff - conn->run_bytes ? 0x7fffffff : conn->run_bytes + bytes;
	return left;
}

static __always_inline void count_call(struct conn *conn, __u8 direction, __u64 bytes)
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

/*
 * Whether the call goes on to become records. What is elided is summed up in conn and rides on the connection's next record.
 */
static __always_inline bool passes(struct transfer *t, struct data_record *r, __u64 bytes, __u64 end)
{
	struct conn *conn = t->conn;

	switch (conn->verdict) {
	case verdict_own:
		add(counter_own_records, 1);
		return false;
	case verdict_filtered:
		add(counter_filtered_records, 1);
		return false;
	case verdict_drop:
		count_unrecognised(t->sk, conn, bytes);
		return false;
	case verdict_elide:
		if (t->budget)
			return true;
		conn->gap_end = end;
		conn->gap_ns = r->time_ns;
		conn->gap_direction = t->direction;
		conn->gap_records++;
		add(counter_elided_records, 1);
		add(counter_elided_bytes, bytes);
		return false;
	default:
		return true;
	}
}

#define CHUNK_MORE 1
#define CHUNK_URGENT 2

/*
 * emit_chunk - write the data record of slot 0 with `captured` bytes of payload from the message at `base` (`count` iovecs, 0: flat), `skip`
 * bytes into it, standing for `length` bytes. `count` carries CHUNK_* in its high half. Moves the record's position on.
 */
__attribute__((noinline)) int emit_chunk(__u64 base, __u64 count, __u32 skip, __u32 length, __u32 captured)
{
	struct work *w = work(0);
	struct data_record *r;
	bool complete = true;
	__u16 flags;

	if (!w)
		return 0;
	r = &w->data;
	flags = r->flags;
	if (captured) {
		if (!(__u32)count)
			complete = copy_part((__u8 *)(r + 1), 0, base + skip, captured);
		else
			complete = gather(base, count, skip, captured) == captured;
	}
	if (!complete) {
		add(counter_payload_faults, 1);
		r->flags |= flag_fault;
		captured = 0; /* still sent: times and position are true */
	}
	if (captured < length) {
		r->flags |= flag_truncated;
		add(counter_truncated_records, 1);
	}
	if (count >> 32 & CHUNK_MORE)
		r->flags |= flag_more;
	asm volatile("" : "+r"(captured));
	if (captured > PAYLOAD_MAX)
		captured = PAYLOAD_MAX;
	r->length = length;
	r->captured = captured;
	r->size = sizeof(*r) + captured;
	emit(r, sizeof(*r) + captured, count >> 32 & CHUNK_URGENT);
	r->gap_records = 0; /* handed over */
	r->position += length;
	r->flags = flags;
	return 0;
}

/* One message: a record, or several when its payload is longer than one record carries. */
static __always_inline void emit_message(struct transfer *t, struct message *m)
{
	__u32 want = m->length < t->budget ? m->length : t->budget, skip = 0;
	__u64 count = m->count | (t->urgent ? (__u64)CHUNK_URGENT << 32 : 0);

	if (t->no_payload)
		want = 0;
	if (want <= PAYLOAD_MAX) { /* nearly always */
		emit_chunk(m->base, count, 0, m->length, want);
		return;
	}
	for (int i = 0; i < CHUNKS_MAX; i++) {
		__u32 captured = want - skip > PAYLOAD_MAX ? PAYLOAD_MAX : want - skip;
		bool last = i == CHUNKS_MAX - 1 || skip + captured >= want;

		emit_chunk(m->base, last ? count : count | (__u64)CHUNK_MORE << 32, skip, last ? m->length - skip : captured, captured);
		skip += captured;
		if (last)
			break;
	}
}

/* The peer of an unconnected datagram, from the address the caller gave or received. */
static __always_inline void read_peer(struct data_record *r, __u64 name)
{
	struct {
		__u16 family;
		__be16 port;
		__u32 v4;
		__u8 v6[16];
	} address = {};

	if (!name || bpf_probe_read_user(&address, 8, (void *)name))
		return;
	if (address.family == AF_INET) {
		mapped(r->remote, address.v4);
	} else if (address.family == AF_INET6) {
		if (bpf_probe_read_user(r->remote, 16, (void *)(name + 8)))
			return;
	} else {
		return;
	}
	r->remote_port = bpf_ntohs(address.port);
}

static __always_inline void locate_message(struct message *m, struct user_message *header)
{
	m->base = header->iov;
	m->count = header->iov_count > UIO_MAXIOV ? UIO_MAXIOV : header->iov_count;
	if (m->count == 1) { /* flat is cheaper */
		struct user_iovec part;

		if (!bpf_probe_read_user(&part, sizeof(part), (void *)m->base)) {
			m->base = part.base;
			m->count = 0;
		}
	}
}

/*
 * emit_nth - one message of a recvmmsg or sendmmsg. Global, so that it is verified once and the loop around it stays cheap; what it needs of
 * the call it finds in the record of slot 0 and in the arguments.
 */
__attribute__((noinline)) int emit_nth(__u64 vector, __u32 index, __u32 budget, __u32 datagram)
{
	struct work *w = work(0);
	struct transfer t = { .budget = budget, .datagram = datagram };
	struct user_mmessage mm;
	struct message m;

	if (!w || bpf_probe_read_user(&mm, sizeof(mm), (void *)(vector + (__u64)index * sizeof(mm))))
		return 0;
	locate_message(&m, &mm.header);
	m.length = mm.length;
	w->data.message = index;
	if (datagram) {
		read_peer(&w->data, mm.header.name);
		emit_message(&t, &m);
		w->data.position -= m.length; /* positions are ordinals */
		w->data.position++;
	} else {
		emit_message(&t, &m);
	}
	return m.length;
}

/* emit_many - all messages of a recvmmsg or sendmmsg. Global, so that its loop is verified once. */
__attribute__((noinline)) int emit_many(__u64 vector, __u32 count, __u32 budget, __u32 datagram)
{
	for (__u32 i = 0; i < UIO_MAXIOV; i++) {
		__u32 took;

		if (i >= count)
			break;
		took = emit_nth(vector, i, budget, datagram);
		if (!datagram)
			budget = took < budget ? budget - took : 0;
	}
	return 0;
}

/* sum_messages - bytes of all messages. Global for the same reason. */
__attribute__((noinline)) __u64 sum_messages(__u64 vector, __u32 count)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < UIO_MAXIOV; i++) {
		__u32 length = 0;

		if (i >= count)
			break;
		bpf_probe_read_user(&length, sizeof(length), (void *)(vector + i * sizeof(struct user_mmessage) +
								     sizeof(struct user_message)));
		sum += length;
	}
	return sum;
}

/* Flags of a receive; a peek moves nothing, out-of-band and error-queue data is not part of the stream. */
static __always_inline __u32 receive_flags(struct pt_regs *regs, long nr)
{
	if (nr == nr_recvfrom || nr == nr_recvmmsg)
		return SYSCALL_ARG4(regs);
	return nr == nr_recvmsg ? SYSCALL_ARG3(regs) : 0;
}

/* Where the message of a call with one message is. */
static __always_inline void find_message(struct pt_regs *regs, long nr, struct message *m, __u64 *name)
{
	*name = 0;
	m->base = SYSCALL_ARG2(regs);
	m->count = 0;
	if (nr == nr_readv || nr == nr_writev) {
		struct user_message header = { .iov = m->base, .iov_count = SYSCALL_ARG3(regs) };

		locate_message(m, &header);
	} else if (nr == nr_recvmsg || nr == nr_sendmsg) {
		struct user_message header = {};

		if (bpf_probe_read_user(&header, sizeof(header), (void *)m->base))
			return;
		locate_message(m, &header);
		*name = header.name;
	} else if (nr == nr_recvfrom || nr == nr_sendto) {
		*name = SYSCALL_ARG5(regs);
	}
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
	__u64 bytes, name = 0, now = bpf_ktime_get_ns();
	struct message m = {};
	struct work *w = work(0);
	struct data_record *r;

	if (!w || flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))
		return;
	t.conn = conn_of(sk, inode);
	if (!t.conn)
		return;
	t.datagram = GET(sk, sk_type) != SOCK_STREAM;
	if (!(t.conn->state & CONN_SEQ_KNOWN) && has_sequence(sk))
		learn_sequences(t.conn, sk, false);
	if (GET(sk, __sk_common.skc_family) == AF_UNIX)
		introduce(sk, inode, t.conn, nr);

	r = &w->data;
	head(r, kind_data, now);
	bytes = many ? sum_messages(SYSCALL_ARG2(regs), ret) : ret;
	r->position = locate(r, &t, call, bytes, many ? ret : 1);
	count_call(t.conn, direction, bytes);
	t.budget = take_budget(t.conn, direction, bytes, t.datagram);
	if (!passes(&t, r, bytes, r->position + bytes) || lost_beforehand(many ? ret : 1))
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
		emit_many(SYSCALL_ARG2(regs), ret, t.budget, t.datagram);
		return;
	}
	m.length = ret;
	if (nr == nr_sendfile || nr == nr_splice || (flags & MSG_TRUNC && !t.datagram))
		t.no_payload = 1; /* no user buffer, or one that was left untouched */
	else
		find_message(regs, nr, &m, &name);
	if (t.datagram)
		read_peer(r, name);
	if (t.datagram && flags & MSG_TRUNC && !m.count) {
		/* `ret` is the datagram's length, which may be more than the buffer's. */
		__u64 room = nr == nr_recvfrom ? SYSCALL_ARG3(regs) : 0;

		if (t.budget > room)
			t.budget = room;
	}
	emit_message(&t, &m);
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
		add(counter_compat_calls, 1); /* int 0x80 from 64-bit code */
	else if (ret > 0)
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
}

/* A call that moved nothing and says nothing: its enter half must not meet the exit of a later one on a file. */
static __always_inline void forget_call(void)
{
	struct call *call = kept_call();

	if (call)
		call->nr = -1;
}

/* A 32-bit task's data call: its arguments have another layout, so it is counted, not read. */
static __always_inline void count_compat(struct pt_regs *regs, long nr, long ret)
{
	__u64 inode;
	__s64 fd;

	if (ret > 0 && compat_data_call(regs, nr, &fd) && (fd < 0 || sock_of_fd(fd, &inode)))
		add(counter_compat_calls, 1);
}
