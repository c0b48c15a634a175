/* From a descriptor to a socket, and what a socket says about itself. */
#pragma once

#include "shed.bpf.h"

/* How a socket is named to user space and in `conns`: its address cut to what a JavaScript number holds exactly; the rest is constant. */
#define SOCK_NAME_MASK ((1ULL << 53) - 1)

static __always_inline __u64 name_of(const void *sk, __u32 slot)
{
	return number(sk, slot) & SOCK_NAME_MASK;
}

/* The file behind a descriptor of the current task, or 0. */
static __always_inline struct file *file_of(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = GET2(task, files, fdt);
	struct list_head *slot;
	void *file;

	if (fd >= GET(table, max_fds))
		return 0;
	slot = TYPED(struct list_head, GET(table, fd) + fd);
	file = GET(slot, next);
	return file ? TYPED(struct file, file) : 0;
}

/* Names the socket behind a file; false where there is none. */
static __always_inline bool name_socket(struct file *file, struct socket_id *id)
{
	struct inode *node = GET(file, f_inode);
	struct socket *socket;

	if ((GET(node, i_mode) & S_IFMT) != S_IFSOCK)
		return false;
	socket = TYPED(struct socket, GET(file, private_data));
	id->inode = GET(node, i_ino);
	id->sock = have_typed ? TYPED(struct timespec64, &socket->sk)->tv_sec : number(GET(socket, sk), 0);
	return id->sock != 0;
}

/* The sock that was named, or 0 where it is of a family that is not traced. */
static __always_inline struct sock *traced_sock(struct socket_id *id)
{
	struct sock *sk = TYPED(struct sock, id->sock);
	__u16 family = GET(sk, __sk_common.skc_family);

	return family == AF_INET || family == AF_INET6 || family == AF_UNIX ? sk : 0;
}

static __always_inline struct sock *sock_of_file(struct file *file, struct socket_id *id)
{
	return name_socket(file, id) ? traced_sock(id) : 0;
}

static __always_inline struct sock *sock_of_fd(struct task_struct *task, __u32 fd, struct socket_id *id)
{
	struct file *file = file_of(task, fd);

	return file ? sock_of_file(file, id) : 0;
}

/* One holder left: closing it ends the socket. */
static __always_inline bool is_last_reference(struct file *file)
{
	struct file___before_6_13 *old = (void *)file;

	if (bpf_core_field_exists(file->f_ref))
		return BPF_CORE_READ(file, f_ref.refcnt.counter) == 0;
	return BPF_CORE_READ(old, f_count.counter) == 1;
}

static __always_inline bool is_tcp(struct sock *sk)
{
	__u16 family = GET(sk, __sk_common.skc_family);

	return family != AF_UNIX && GET(sk, sk_protocol) == IPPROTO_TCP;
}

/* Sequence numbers count what the application wrote: not with kTLS, whose records have headers of their own. */
static __always_inline bool has_sequence(struct sock *sk)
{
	return is_tcp(sk) && !GET(TYPED(struct tcp_sock, sk), inet_conn.icsk_ulp_ops);
}

/* What tells positions in the streams of a socket. */
static __always_inline enum position_kind position_kind_of(struct sock *sk)
{
	if (has_sequence(sk))
		return position_kind_tcp;
	return GET(sk, sk_type) == SOCK_STREAM ? position_kind_counter : position_kind_datagram;
}

/* A sequence number and the counter that moves with it, from one look; false when another CPU was moving them. */
static __always_inline bool read_sent(struct tcp_sock *tp, __u32 *una, __u64 *acked)
{
	*una = GET(tp, snd_una);
	*acked = GET(tp, bytes_acked);
	barrier();
	return *una == GET(tp, snd_una) && *acked == GET(tp, bytes_acked);
}

static __always_inline bool read_received(struct tcp_sock *tp, __u32 *next, __u64 *received)
{
	*next = GET(tp, rcv_nxt);
	*received = GET(tp, bytes_received);
	barrier();
	return *next == GET(tp, rcv_nxt) && *received == GET(tp, bytes_received);
}

/*
 * The first sequence number of each direction, from counters that another CPU may be moving: looked at until they stand still (thrice at
 * most; written out, because 5.10 refuses the loop), then kept for the life of the connection. The SYN counts as acknowledged on the
 * connecting end, hence the one.
 */
static __always_inline void read_first_sequences(struct tcp_sock *tp, __u32 *tx_first, __u32 *rx_first, bool accepted)
{
	__u32 una, next;
	__u64 acked, received;

	if (!read_sent(tp, &una, &acked) && !read_sent(tp, &una, &acked))
		read_sent(tp, &una, &acked);
	if (!read_received(tp, &next, &received) && !read_received(tp, &next, &received))
		read_received(tp, &next, &received);
	*tx_first = una - (__u32)acked + !accepted;
	*rx_first = next - (__u32)received;
}

/* The same number at both ends of a connection. */
static __always_inline __u64 connection_key(__u32 tx_first, __u32 rx_first)
{
	return tx_first < rx_first ? (__u64)tx_first << 32 | rx_first : (__u64)rx_first << 32 | tx_first;
}

static __always_inline bool is_own_port(__u16 port)
{
	return port && (port == own_ports[0] || port == own_ports[1] || port == own_ports[2] || port == own_ports[3]);
}

/*
 * TCP: learns the hop fields, and whether this is one of the agent's own connections. `unused`: no application has read or written yet, so what
 * only those move still stands at the first byte, while the peer's first bytes are moving the counters. Two looks at those, a nanosecond
 * apart, do not tell a CPU that was stopped between moving the one and the other.
 */
static __always_inline void learn_sequences(struct conn *conn, struct sock *sk, bool unused)
{
	struct tcp_sock *tp = TYPED(struct tcp_sock, sk);
	__u64 key;

	if (GET(sk, sk_max_ack_backlog))
		conn->state |= CONN_ACCEPTED;
	if (unused) {
		conn->tx_first = GET(tp, write_seq);
		conn->rx_first = GET(tp, copied_seq);
	} else {
		read_first_sequences(tp, &conn->tx_first, &conn->rx_first, conn->state & CONN_ACCEPTED);
	}
	conn->state |= CONN_SEQ_KNOWN;
	key = connection_key(conn->tx_first, conn->rx_first);
	if (bpf_map_lookup_elem(&own_conns, &key))
		conn->verdict = verdict_own;
	else if (GET2(sk, __sk_common.skc_net.net, ns.inum) == own_netns &&
		 is_own_port(bpf_ntohs(GET(sk, __sk_common.skc_dport))))
		conn->verdict = verdict_own;
	else if (conn->verdict != verdict_own)
		shed_some(conn, key);
}

/*
 * hand_over_gap - another socket takes the address of one that ended unseen, with its process: what was elided of that goes out now, since
 * nobody can ask for it later. Global, to keep its frame off the others' stack.
 */
__attribute__((noinline)) int hand_over_gap(__u64 sock)
{
	__u64 key = sock & SOCK_NAME_MASK;
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);
	struct elision_record r = {};

	if (!conn || !conn->gap_records)
		return 0;
	head(&r, kind_elision, bpf_ktime_get_ns());
	r.size = sizeof(r);
	r.sock = key;
	r.inode = conn->inode;
	r.gap_start = conn->gap_start;
	r.gap_end = conn->gap_end;
	r.gap_ns = conn->gap_ns;
	r.gap_records = conn->gap_records;
	r.gap_direction = conn->gap_direction;
	emit(&r, sizeof(r), false);
	return 0;
}

/* Keeps the state of a socket; false, and counted, where the map refuses. */
static __always_inline bool keep_conn(__u64 *key, struct conn *conn)
{
	if (!bpf_map_update_elem(&conns, key, conn, BPF_ANY))
		return true;
	add(counter_state_lost, 1);
	return false;
}

/*
 * The state kept for a socket, by its address; made when missing, 0 only when the map refuses. `accepted`: the socket may be one that was made
 * known before accept(2), when it had no inode (born_peer).
 */
static __always_inline struct conn *conn_of(__u64 sock, __u64 inode, bool accepted)
{
	__u64 key = sock & SOCK_NAME_MASK;
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);

	if (conn && !conn->inode && accepted)
		conn->inode = inode;
	if (!conn || conn->inode != inode) {
		struct conn fresh = { .inode = inode };

		if (conn && conn->gap_records)
			hand_over_gap(key);
		return keep_conn(&key, &fresh) ? bpf_map_lookup_elem(&conns, &key) : 0;
	}
	return conn;
}

/* learn_late - learn_sequences() of a socket that has carried data unseen. Global, to keep its frame off the others' stack. */
__attribute__((noinline)) int learn_late(__u64 sock)
{
	__u64 key = sock & SOCK_NAME_MASK;
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);

	if (conn)
		learn_sequences(conn, TYPED(struct sock, sock), false);
	return 0;
}

/* Low half of the inode, which is all of it: sockfs counts in 32 bits. 0 before accept(2) and after the last close. */
static __always_inline __u32 inode_of(struct sock *sk)
{
	struct socket *socket = sk ? GET(TYPED(struct sock, sk), sk_socket) : 0;

	return socket ? GET(TYPED(struct socket_alloc, socket), vfs_inode.i_ino) : 0;
}

/* Unix: the inodes name the two ends, since addresses of sockets are used again within milliseconds. */
static __always_inline void learn_inodes(struct conn *conn, struct sock *sk)
{
	conn->tx_first = conn->inode;
	if (!conn->rx_first)
		conn->rx_first = inode_of(GET(TYPED(struct unix_sock, sk), peer));
}

static __always_inline void mapped(__u8 *out, __u32 v4)
{
	*(__u64 *)out = 0;
	*(__u32 *)(out + 8) = 0xffff0000; /* ::ffff:0:0/96, as bytes 00 00 ff ff */
	*(__u32 *)(out + 12) = v4;
}

/* The fields of group `socket` that come from the socket itself. `record` is a data or a connection record: same layout. */
static __always_inline void describe_socket(struct connection_record *r, struct sock *sk, __u64 inode)
{
	__u16 family = GET(sk, __sk_common.skc_family);
	__u16 protocol = GET(sk, sk_protocol);

	r->sock = (__u64)sk;
	r->sock = *(volatile __u64 *)&r->sock & SOCK_NAME_MASK;
	r->inode = inode;
	r->peer = 0;
	r->cgroup = bpf_get_current_cgroup_id();
	r->gap_start = r->gap_end = r->gap_ns = 0;
	r->gap_records = 0;
	r->gap_direction = 0;
	r->netns = GET2(sk, __sk_common.skc_net.net, ns.inum);
	r->tx_first = r->rx_first = 0;
	r->family = family;
	r->sock_type = GET(sk, sk_type);
	r->tcp_state = 0;
	if (family == AF_UNIX) {
		r->protocol = 0;
		r->local_port = r->remote_port = 0;
		__builtin_memset(r->local, 0, 16);
		__builtin_memset(r->remote, 0, 16);
		r->peer = (__u64)GET(TYPED(struct unix_sock, sk), peer);
		r->peer = *(volatile __u64 *)&r->peer & SOCK_NAME_MASK;
		return;
	}
	r->protocol = protocol == IPPROTO_MPTCP ? IPPROTO_TCP : protocol;
	r->tcp_state = GET(sk, __sk_common.skc_state);
	r->local_port = GET(sk, __sk_common.skc_num);
	r->remote_port = bpf_ntohs(GET(sk, __sk_common.skc_dport));
	if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&r->local, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&r->remote, sk, __sk_common.skc_v6_daddr);
	} else {
		mapped(r->local, GET(sk, __sk_common.skc_rcv_saddr));
		mapped(r->remote, GET(sk, __sk_common.skc_daddr));
	}
}

/*
 * What the agent remembers of the socket goes with its next record; the gap is handed over once. What another thread adds to it meanwhile stays,
 * with the bytes before it once more.
 */
static __always_inline void describe_conn(struct connection_record *r, struct conn *conn)
{
	__u32 gap_records = conn->gap_records;

	r->tx_first = conn->tx_first;
	r->rx_first = conn->rx_first;
	if (conn->state & CONN_ACCEPTED)
		r->flags |= flag_accepted;
	if (conn->state & CONN_FRESH)
		r->flags |= flag_fresh;
	if (gap_records) {
		barrier();
		r->gap_start = conn->gap_start;
		r->gap_end = conn->gap_end;
		r->gap_ns = conn->gap_ns;
		r->gap_records = gap_records;
		r->gap_direction = conn->gap_direction;
		__sync_fetch_and_add(&conn->gap_records, -gap_records);
	}
}

/* The name of a unix socket, or of its peer's where it has none (the connecting end), as payload; its length. */
static __always_inline __u32 unix_name(struct sock *sk, __u8 *out)
{
	struct unix_address *address = GET(TYPED(struct unix_sock, sk), addr);
	struct sock *peer;
	__u32 length;

	if (!address) {
		peer = GET(TYPED(struct unix_sock, sk), peer);
		if (peer)
			address = GET(TYPED(struct unix_sock, peer), addr);
	}
	if (!address)
		return 0;
	length = GET(address, len);
	if (length <= sizeof(__u16))
		return 0;
	length -= sizeof(__u16);
	asm volatile("" : "+r"(length)); /* keep the clamp: clang folds it away otherwise */
	if (length > UNIX_PATH_MAX)
		length = UNIX_PATH_MAX;
	if (bpf_probe_read_kernel(out, length, (void *)address + bpf_core_field_offset(address->name[0]) + sizeof(__u16)))
		return 0;
	return length;
}

/* Puts the name of a unix socket behind an event's record and sets its size, which is returned; 0 for what cannot be. */
static __always_inline __u32 append_name(struct connection_record *r, struct sock *sk)
{
	__u32 length = r->family == AF_UNIX ? unix_name(sk, (__u8 *)(r + 1)) : 0;

	r->captured = length;
	r->size = sizeof(*r) + length;
	asm volatile("" : "+r"(length));
	return length > UNIX_PATH_MAX ? 0 : sizeof(*r) + length;
}

/*
 * Puts behind the record of a socket's end how far its streams went, so that it shows when the last records before it were lost; sets the size,
 * which is returned.
 */
static __always_inline __u32 append_ends(struct connection_record *r, struct sock *sk, struct conn *conn)
{
	__u32 *ends = (__u32 *)(r + 1), length = 0;

	if (!has_sequence(sk)) {
		ends[0] = conn->tx_count;
		ends[1] = conn->rx_count;
		length = 2 * sizeof(*ends);
	} else if (conn->state & CONN_SEQ_KNOWN) {
		struct tcp_sock *tp = TYPED(struct tcp_sock, sk);

		ends[0] = GET(tp, write_seq) - conn->tx_first;
		ends[1] = GET(tp, copied_seq) - conn->rx_first;
		length = 2 * sizeof(*ends);
	}
	r->captured = length;
	r->size = sizeof(*r) + length;
	return sizeof(*r) + length;
}

/* Emits an event whose head is filled. */
static __always_inline void emit_event(struct work *w, struct sock *sk, __u64 inode, struct conn *conn, enum event event, __s64 result,
				       __u32 fd, long nr)
{
	struct connection_record *r = &w->connection;
	__u32 size;

	describe_socket(r, sk, inode);
	r->syscall = nr;
	r->result = result;
	r->event = event;
	r->fd = fd;
	describe_conn(r, conn);
	size = event == event_close || event == event_destroyed ? append_ends(r, sk, conn) : append_name(r, sk);
	if (size)
		emit(r, size, false);
}

/*
 * send_event - an event from a system call of the current task, on a socket whose state is kept.
 *
 * Global functions are verified once each, apart from their callers: that is what keeps the verifier's work linear (5.10 gives up
 * at a million instructions). They take numbers only; what they need of the call is in the work memory of slot 0.
 */
__attribute__((noinline)) int send_event(__u64 sock, __u64 inode, __s64 result, __u64 event_nr, __u32 fd)
{
	__u64 key = sock & SOCK_NAME_MASK;
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);
	struct thread *thread = thread_of(current_task());
	struct work *w = work(0);

	if (!conn || !w || conn->verdict == verdict_own || conn->verdict == verdict_filtered || is_shed(conn))
		return 0;
	head(&w->connection, kind_connection, bpf_ktime_get_ns());
	w->connection.turn = thread ? thread->turn : 0;
	w->connection.step = thread ? thread->step : 0;
	emit_event(w, TYPED(struct sock, sock), inode, conn, event_nr >> 32, result, fd, (__u32)event_nr);
	return 0;
}

static __always_inline void report(__u64 sock, __u64 inode, enum event event, __s64 result, __u32 fd, long nr)
{
	send_event(sock, inode, result, (__u64)event << 32 | (__u32)nr, fd);
}

/* describe - the socket fields of the data record of slot 0. */
__attribute__((noinline)) int describe(__u64 sock, __u64 inode)
{
	struct work *w = work(0);

	if (w)
		describe_socket((struct connection_record *)&w->data, TYPED(struct sock, sock), inode);
	return 0;
}
