/* The life of a socket, between its data. */
#pragma once

#include "io.bpf.h"

static __always_inline bool is_silent(struct conn *conn)
{
	return conn->verdict == verdict_own || conn->verdict == verdict_filtered;
}

/* A socket that was just made: its streams start here. */
static __always_inline struct conn *born(struct socket_id *id, __u8 state)
{
	struct conn *conn = conn_of(id->sock, id->inode, state & CONN_ACCEPTED);

	if (conn)
		conn->state |= state | CONN_FRESH;
	return conn;
}

/*
 * The accepting end of a unix connection exists before accept(2): born here, its inode filled in by what is seen of it next. Where it has been
 * accepted already, accept(2) tells of it.
 */
static __always_inline void born_peer(struct sock *sk, __u64 inode)
{
	struct sock *peer = GET(TYPED(struct unix_sock, sk), peer);
	struct conn fresh = { .state = CONN_FRESH | CONN_ACCEPTED, .rx_first = inode };
	__u64 key = name_of(peer, 0);

	if (!peer || inode_of(peer))
		return;
	hand_over_gap(key); /* of a socket that was there before */
	shed_some(&fresh, inode);
	keep_conn(&key, &fresh);
}

/* connect(2): 0, -EINPROGRESS, or why not. */
static __always_inline void end_connect(struct task_struct *task, struct pt_regs *regs, long ret)
{
	__u32 fd = SYSCALL_ARG1(regs);
	struct socket_id id;
	struct sock *sk = sock_of_fd(task, fd, &id);
	struct conn *conn;

	if (!sk || (ret && ret != -115 /* EINPROGRESS */ && !is_connection_error(ret) && ret != -2 /* ENOENT */))
		return;
	conn = born(&id, 0);
	if (!conn)
		return;
	if (ret && !is_shed(conn))
		conn->state |= CONN_TOLD;
	if (!ret && GET(sk, __sk_common.skc_family) == AF_UNIX && GET(sk, sk_type) != SOCK_DGRAM) {
		born_peer(sk, id.inode);
		shed_some(conn, id.inode);
	}
	report(id.sock, id.inode, event_connect, ret, fd, nr_connect);
}

static __always_inline void end_accept(struct task_struct *task, long nr, long fd)
{
	struct socket_id id;
	struct sock *sk = fd >= 0 ? sock_of_fd(task, fd, &id) : 0;
	struct conn *conn;

	if (!sk)
		return;
	conn = born(&id, CONN_ACCEPTED);
	if (!conn)
		return;
	if (is_tcp(sk) && !(conn->state & CONN_SEQ_KNOWN)) {
		learn_sequences(conn, sk, true);
	} else if (GET(sk, __sk_common.skc_family) == AF_UNIX) {
		learn_inodes(conn, sk);
		if (conn->verdict == verdict_full)
			shed_some(conn, conn->rx_first);
	}
	report(id.sock, id.inode, event_accept, 0, fd, nr);
}

static __always_inline void end_socketpair(struct task_struct *task, struct pt_regs *regs)
{
	int fds[2] = {};
	struct socket_id id;
	struct conn *conn;
	__u64 pair = 0;

	if (bpf_probe_read_user(fds, sizeof(fds), (void *)SYSCALL_ARG4(regs)))
		return;
	for (int i = 0; i < 2; i++) {
		conn = sock_of_fd(task, fds[i], &id) ? born(&id, 0) : 0;
		if (!conn)
			continue;
		if (!pair)
			pair = id.inode;
		shed_some(conn, pair);
		report(id.sock, id.inode, event_connect, 0, fds[i], nr_socketpair);
	}
}

/* shutdown(2) and listen(2) that succeeded. */
static __always_inline void end_simple(struct task_struct *task, struct pt_regs *regs, enum event event, long nr)
{
	__u32 fd = SYSCALL_ARG1(regs);
	struct socket_id id;

	if (sock_of_fd(task, fd, &id) && conn_of(id.sock, id.inode, true))
		report(id.sock, id.inode, event, SYSCALL_ARG2(regs), fd, nr);
}

/*
 * close(2), at its enter: at exit the descriptor is gone. Only the last holder's close ends the socket; TCP sockets live on until state
 * CLOSE, the others are over.
 */
static __always_inline void begin_close(struct task_struct *task, struct pt_regs *regs)
{
	__u32 fd = SYSCALL_ARG1(regs);
	struct socket_id id;
	struct file *file;
	__u64 key;
	struct conn *conn;
	struct sock *sk;

	if (is_excluded(task))
		return;
	file = file_of(task, fd);
	if (!file)
		return;
	sk = sock_of_file(file, &id);
	if (!sk || !is_last_reference(file) || is_compat(task))
		return;
	key = id.sock & SOCK_NAME_MASK;
	conn = bpf_map_lookup_elem(&conns, &key);
	if (!conn || conn->inode != id.inode)
		return; /* never seen doing anything */
	if (conn->verdict != verdict_drop)
		report(id.sock, id.inode, event_close, 0, fd, nr_close);
	if (!is_tcp(sk))
		bpf_map_delete_elem(&conns, &key);
}

/* Why a TCP socket went to CLOSE: its error, a reset that it sent itself (which leaves none yet), or 0 for an orderly end. */
static __always_inline int close_errno(struct sock *sk, int from)
{
	int error = GET(sk, sk_err);

	if (!error && (from == TCP_ESTABLISHED || from == TCP_CLOSE_WAIT))
		error = 104; /* ECONNRESET */
	return -error;
}

/*
 * inet_sock_set_state: the only hook that sees a connection end whoever holds it, and establish before the first byte.
 * It runs in softirq as well, in the name of any task: tgid and thread are those of the connecting process, or 0.
 */
static __always_inline void state_changed(struct sock *sk, int from, int to)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, tx_first, rx_first;
	struct work *w = work(1);
	__u64 key = name_of(sk, 1), own;
	struct conn *conn, fresh = {};
	__u8 one = 1;

	if (!w || GET(sk, sk_protocol) != IPPROTO_TCP)
		return;
	if (to == TCP_SYN_SENT) {
		struct task_struct *task = current_task();

		fresh.tgid = tgid;
		fresh.start_ns = GET2(task, group_leader, start_boottime);
		fresh.state = CONN_FRESH | (tgid == own_tgid ? CONN_OURS : 0);
		fresh.inode = inode_of(sk);
		if (tgid == own_tgid)
			fresh.verdict = verdict_own;
		keep_conn(&key, &fresh);
		return;
	}
	if (to != TCP_ESTABLISHED && to != TCP_CLOSE)
		return;
	conn = bpf_map_lookup_elem(&conns, &key);
	if (!conn)
		return;
	if (to == TCP_ESTABLISHED) {
		/* Under the socket's lock: nothing moves. */
		if (from == TCP_SYN_SENT)
			learn_sequences(conn, sk, false);
		if (conn->state & CONN_OURS) {
			read_first_sequences(TYPED(struct tcp_sock, sk), &tx_first, &rx_first, false);
			own = connection_key(tx_first, rx_first);
			bpf_map_update_elem(&own_conns, &own, &one, BPF_ANY);
		}
		return;
	}
	if (!is_silent(conn) && (conn->verdict != verdict_drop || (is_shed(conn) && conn->state & CONN_TOLD))) {
		struct connection_record *r = &w->connection;

		r->kind = kind_connection;
		r->version = RECORD_VERSION;
		r->flags = 0;
		r->time_ns = bpf_ktime_get_ns();
		r->start_ns = conn->start_ns;
		r->tgid = r->tid = conn->tgid;
		r->turn = r->step = 0;
		emit_event(w, sk, conn->inode, conn, from == TCP_SYN_SENT ? event_failed : event_destroyed,
			   close_errno(sk, from), -1, 0);
		r->cgroup = 0;
	}
	bpf_map_delete_elem(&conns, &key);
}

/* Sockets that were open before the agent, of all network namespaces: one record each, through the iterator's file. */
static __always_inline void scan_file(struct bpf_iter__task_file *ctx)
{
	struct work *w = work(3);
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct connection_record *r;
	struct socket_id id;
	__u32 size;
	struct sock *sk;

	if (!w || !task || !file)
		return;
	sk = sock_of_file(file, &id);
	if (!sk)
		return;
	r = &w->connection;
	head(r, kind_connection, bpf_ktime_get_ns());
	describe_socket(r, sk, id.inode);
	r->tgid = BPF_CORE_READ(task, tgid);
	r->tid = BPF_CORE_READ(task, pid);
	r->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	r->cgroup = 0;
	r->syscall = 0;
	r->result = 0;
	r->event = r->tcp_state == TCP_LISTEN ? event_listen : event_scan;
	r->fd = ctx->fd;
	r->turn = r->step = 0;
	if (is_tcp(sk) && r->tcp_state != TCP_LISTEN) {
		bool accepted = GET(sk, sk_max_ack_backlog);

		r->flags = accepted ? flag_accepted : 0;
		read_first_sequences(TYPED(struct tcp_sock, sk), &r->tx_first, &r->rx_first, accepted);
	}
	size = append_name(r, sk);
	if (size)
		bpf_seq_write(ctx->meta->seq, r, (size + 7) & ~7); /* records are padded to 8 bytes */
}
