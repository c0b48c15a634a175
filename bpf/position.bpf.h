/* Where the bytes of a call stand in their stream. Positions come from the socket itself, so a lost record is a hole that user space sees. */
#pragma once

#include "call.bpf.h"

/* One data call at its exit, as far as it is the same for all its messages. */
struct transfer {
	struct sock *sk;
	struct conn *conn;
	struct counts *counts;
	__u32 budget;	/* payload bytes left */
	__u8 direction;
	__u8 kind; /* enum position_kind */
	__u8 has_buffer;
	__u8 run_on; /* not the first of its run */
	__u8 urgent; /* a long run on a connection without verdict: user space should look now */
};

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

/* Position of a call that moved `bytes` on a socket with sequence numbers. */
static __always_inline void locate_sequence(struct data_record *r, struct transfer *t, struct call *call, __u64 bytes)
{
	struct tcp_sock *tp = TYPED(struct tcp_sock, t->sk);

	r->position = t->direction == direction_send ? sent_position(r, t->conn, tp, call, bytes) :
						       received_position(r, t->conn, tp, call, bytes);
}

/* The same on the other sockets, in `messages` messages; moves their counters. */
static __always_inline void locate_counted(struct data_record *r, struct transfer *t, struct call *call, __u64 bytes, __u32 messages)
{
	struct conn *conn = t->conn;
	struct sock *sk = t->sk;
	__u64 *count = t->direction == direction_send ? &conn->tx_count : &conn->rx_count;

	if (t->kind == position_kind_datagram) {
		r->position = *count;
		__sync_fetch_and_add(count, messages);
		return;
	}
	/* Either another call is inside still, or it has moved the count before it left. */
	if (call && conn->in_flight[t->direction & 1] > 1)
		r->flags |= flag_unsure;
	barrier();
	r->position = *count;
	__sync_fetch_and_add(count, bytes);
	if (call && call->seq != (__u32)r->position)
		r->flags |= flag_unsure;
	if (t->direction == direction_receive && !GET(sk, sk_receive_queue.qlen))
		r->flags |= flag_drained;
}
