/*
 * TCP connections by service and, where the other end belongs to a service of the same network namespace, by that one. Who a connection belongs to is
 * told by calls in the process's own name: connect(2), listen(2), close(2), and now and then a receive.
 */
#pragma once

#include "host.bpf.h"

/* Since when it is known, and what of it has been counted. */
struct tcp_socket {
	__u64 start_ns;
	__u64 received, sent;
	__u32 retransmits; /* segments */
	__u32 owner;	   /* key of `peers` */
	__u32 connecting;  /* made by connect(2) */
	__u32 pad;
};

/* By address. Written when a connection is made or first looked at, deleted when it ends. User space sets the bound. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct tcp_socket);
} sockets SEC(".maps");

/*
 * The connection that was closed last on this CPU, and not by its peer's reset. A program that ends one by a reset closes it first (__tcp_close,
 * tcp_disconnect), and the reset is told of when it has been sent, which on a loopback means received. Where the thread has moved in between, the reset
 * counts for everybody else.
 */
struct closed_socket {
	__u64 sock;
	__u32 owner; /* key of `peers` */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct closed_socket);
} closed_sockets SEC(".maps");

static __always_inline struct closed_socket *closed_socket(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&closed_sockets, &zero);
}

struct listener_id {
	__u32 netns, port;
};

/* Who has called listen(2) last: tgid. Written by listen(2) and, for older ones, by scan_listeners; what is out of use ages out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener_id);
	__type(value, __u32);
} listeners SEC(".maps");

/* src/host/probe/tcp.ts reads these by place. */
struct peer_stat {
	__u64 opened, accepted, received, sent, retransmits, resets_received, resets_sent;
	struct histogram connect, rtt;
};

static const struct peer_stat no_peer_stat;

/* By slot of the service << 16 | slot of the peer, 0 where it is not known. Never deleted; entry 0 is made by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct peer_stat);
} peers SEC(".maps");

struct failure_id {
	__u32 owner; /* key of `peers` */
	__u32 error; /* errno; 0: given up by the process itself */
};

/* Connections that were not established. Never deleted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct failure_id);
	__type(value, __u64);
} failures SEC(".maps");

/* One receive in so many is looked at. */
#define SAMPLE_MASK 15

static __always_inline struct peer_stat *peer_stat(__u32 owner)
{
	struct peer_stat *stat = bpf_map_lookup_elem(&peers, &owner);

	if (stat)
		return stat;
	bpf_map_update_elem(&peers, &owner, &no_peer_stat, BPF_NOEXIST);
	stat = bpf_map_lookup_elem(&peers, &owner);
	if (stat)
		return stat;
	overflowed(overflow_peers);
	owner = 0;
	return bpf_map_lookup_elem(&peers, &owner);
}

static __always_inline __u32 netns_of(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline __u32 slot_of_listener(struct sock *sk, __u16 port)
{
	struct listener_id id = { .netns = netns_of(sk), .port = port };
	__u32 *tgid = slot_count ? bpf_map_lookup_elem(&listeners, &id) : 0;

	return tgid ? slot_of(*tgid) : 0;
}

/* The other end is in the same network namespace: its address is a loopback one, or our own. */
static __always_inline bool is_local_peer(struct sock *sk)
{
	__be32 own[4], other[4];

	if (sk->__sk_common.skc_family == AF_INET)
		return (sk->__sk_common.skc_daddr & 0xff) == 127 ||
		       sk->__sk_common.skc_daddr == sk->__sk_common.skc_rcv_saddr;
	BPF_CORE_READ_INTO(&own, sk, __sk_common.skc_v6_rcv_saddr);
	BPF_CORE_READ_INTO(&other, sk, __sk_common.skc_v6_daddr);
	if (!other[0] && !other[1] && other[2] == bpf_htonl(0xffff) && (other[3] & 0xff) == 127)
		return true; /* ::ffff:127.0.0.0/104 */
	if (!other[0] && !other[1] && !other[2] && other[3] == bpf_htonl(1))
		return true; /* ::1 */
	return own[0] == other[0] && own[1] == other[1] && own[2] == other[2] && own[3] == other[3];
}

/* Of a connecting socket. */
static __always_inline __u32 peer_of(struct sock *sk)
{
	return is_local_peer(sk) ? slot_of_listener(sk, bpf_ntohs(sk->__sk_common.skc_dport)) : 0;
}

static __always_inline struct tcp_socket *keep_socket(__u64 key, struct tcp_socket *fresh)
{
	if (bpf_map_update_elem(&sockets, &key, fresh, BPF_ANY)) {
		overflowed(overflow_sockets);
		return 0;
	}
	return bpf_map_lookup_elem(&sockets, &key);
}

/* Bytes of the application so far: what was sent twice counts once, and the peer's FIN not at all. */
static __always_inline __u64 sent_by(struct tcp_sock *tp)
{
	return tp->bytes_sent - tp->bytes_retrans;
}

static __always_inline __u64 received_by(struct sock *sk, struct tcp_sock *tp)
{
	return tp->bytes_received - (sk->__sk_common.skc_flags >> SK_FLAG_DONE & 1);
}

/* Counts what has come since the last time. */
static __always_inline void settle(struct sock *sk, struct tcp_sock *tp, struct tcp_socket *known, struct peer_stat *stat)
{
	__u64 received = received_by(sk, tp), sent = sent_by(tp);

	if (received > known->received)
		__sync_fetch_and_add(&stat->received, received - known->received);
	if (sent > known->sent)
		__sync_fetch_and_add(&stat->sent, sent - known->sent);
	if (tp->total_retrans != known->retransmits)
		__sync_fetch_and_add(&stat->retransmits, tp->total_retrans - known->retransmits);
	known->received = received;
	known->sent = sent;
	known->retransmits = tp->total_retrans;
}

/* One that is older than the programs: counted from here on. */
static __always_inline struct tcp_socket *keep_old_socket(struct sock *sk, struct tcp_sock *tp)
{
	struct tcp_socket fresh = { .received = received_by(sk, tp), .sent = sent_by(tp), .retransmits = tp->total_retrans };

	return keep_socket((__u64)sk, &fresh);
}

static __always_inline void observe_rtt(struct tcp_sock *tp, struct peer_stat *stat)
{
	if (tp->srtt_us)
		observe_shared(&stat->rtt, (__u64)(tp->srtt_us >> 3) * 1000);
}

/* In the name of the process that holds the socket: workers hold what another process listens on, and services become known late. */
static __always_inline void claim(struct sock *sk, struct tcp_socket *known)
{
	__u32 slot = current_slot(), peer = known->owner & 0xffff;

	if (!peer && known->connecting)
		peer = peer_of(sk);
	known->owner = (slot ? slot : known->owner >> 16) << 16 | peer;
}

static __always_inline void connect_began(struct sock *sk)
{
	struct tcp_socket fresh = { .start_ns = bpf_ktime_get_ns(), .connecting = 1 };

	fresh.owner = current_slot() << 16 | peer_of(sk);
	keep_socket((__u64)sk, &fresh);
}

static __always_inline void connect_failed(struct sock *sk, struct tcp_socket *known)
{
	struct failure_id id = { .owner = known->owner, .error = sk->sk_err };
	__u64 *count = bpf_map_lookup_elem(&failures, &id), none = 0;

	if (!count) {
		bpf_map_update_elem(&failures, &id, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&failures, &id);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		overflowed(overflow_failures);
}

static __always_inline void accepted(struct sock *sk)
{
	struct tcp_socket fresh = { .start_ns = bpf_ktime_get_ns() };
	struct peer_stat *stat;

	fresh.owner = slot_of_listener(sk, sk->__sk_common.skc_num) << 16;
	keep_socket((__u64)sk, &fresh);
	stat = peer_stat(fresh.owner);
	if (stat)
		__sync_fetch_and_add(&stat->accepted, 1);
}

static __always_inline void listening(struct sock *sk)
{
	struct listener_id id = { .netns = netns_of(sk), .port = sk->__sk_common.skc_num };
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	bpf_map_update_elem(&listeners, &id, &tgid, BPF_ANY);
}

/* An established connection is about to end, or has. Only close(2) and shutdown(2) go to FIN_WAIT1 and LAST_ACK. */
static __always_inline void ending(struct sock *sk, struct tcp_socket *known, int from, int to)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct peer_stat *stat;

	if (to != TCP_CLOSE)
		claim(sk, known);
	stat = peer_stat(known->owner);
	if (!tp || !stat)
		return;
	settle(sk, tp, known, stat);
	if (from == TCP_ESTABLISHED || from == TCP_CLOSE_WAIT)
		observe_rtt(tp, stat);
}

static __always_inline void tcp_state_changed(struct sock *sk, int from, int to)
{
	__u64 key = (__u64)sk;
	struct tcp_socket *known;
	struct peer_stat *stat;

	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	if (to == TCP_SYN_SENT)
		return connect_began(sk);
	if (to == TCP_LISTEN)
		return listening(sk);
	if (to == TCP_ESTABLISHED && from == TCP_SYN_RECV)
		return accepted(sk);
	known = bpf_map_lookup_elem(&sockets, &key);
	if (!known)
		return;
	if (to == TCP_ESTABLISHED) {
		stat = peer_stat(known->owner);
		if (!stat)
			return;
		__sync_fetch_and_add(&stat->opened, 1);
		observe_shared(&stat->connect, bpf_ktime_get_ns() - known->start_ns);
	} else if (from == TCP_SYN_SENT) {
		connect_failed(sk, known);
	} else if (to == TCP_FIN_WAIT1 || to == TCP_LAST_ACK || to == TCP_CLOSE) {
		ending(sk, known, from, to);
	}
	if (to == TCP_CLOSE) {
		struct closed_socket *closed = closed_socket();

		if (closed && !sk->sk_err)
			*closed = (struct closed_socket){ .sock = key, .owner = known->owner };
		bpf_map_delete_elem(&sockets, &key);
	}
}

/* A process has received from a connection. */
static __always_inline void tcp_received(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct tcp_socket *known;
	struct peer_stat *stat;
	struct tcp_sock *tp;

	if (bpf_get_prandom_u32() & SAMPLE_MASK)
		return;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return;
	known = bpf_map_lookup_elem(&sockets, &key);
	if (!known)
		known = keep_old_socket(sk, tp);
	if (!known)
		return;
	claim(sk, known);
	stat = peer_stat(known->owner);
	if (!stat)
		return;
	settle(sk, tp, known, stat);
	observe_rtt(tp, stat);
}

static __always_inline struct peer_stat *stat_of(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct tcp_socket *known = bpf_map_lookup_elem(&sockets, &key);
	struct closed_socket *closed = closed_socket();

	if (known)
		return peer_stat(known->owner);
	return peer_stat(key && closed && closed->sock == key ? closed->owner : 0);
}

/* The socket's own count is taken: newer kernels tell of attempts that came to nothing as well. */
static __always_inline void retransmitted(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct tcp_socket *known = bpf_map_lookup_elem(&sockets, &key);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct peer_stat *stat;

	if (!tp)
		return;
	if (!known)
		known = keep_old_socket(sk, tp);
	stat = known ? peer_stat(known->owner) : 0;
	if (stat)
		settle(sk, tp, known, stat);
}

/* The answer to a SYN, in the name of the listening socket. */
static __always_inline void synack_retransmitted(struct sock *sk)
{
	struct peer_stat *stat = peer_stat(slot_of_listener(sk, sk->__sk_common.skc_num) << 16);

	if (stat)
		__sync_fetch_and_add(&stat->retransmits, 1);
}

static __always_inline void reset_received(struct sock *sk)
{
	struct peer_stat *stat = stat_of(sk);

	if (stat)
		__sync_fetch_and_add(&stat->resets_received, 1);
}

/* `sk` is null where there is no socket. */
static __always_inline void reset_sent(struct sock *sk)
{
	struct peer_stat *stat = stat_of(sk);

	if (stat)
		__sync_fetch_and_add(&stat->resets_sent, 1);
}

/* Listening sockets that are older than the agent. */
static __always_inline void scan_listener(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct listener_id id = {};
	struct socket *socket;
	struct sock *sk;
	__u32 tgid;

	if (!task || !file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_LISTEN)
		return;
	id.netns = netns_of(sk);
	id.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	tgid = BPF_CORE_READ(task, tgid);
	bpf_map_update_elem(&listeners, &id, &tgid, BPF_NOEXIST);
}
