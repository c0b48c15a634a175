/* From the arguments of a data call to its messages, and from messages to data records. */
#pragma once

#include "position.bpf.h"

/* Flags of a receive; a peek moves nothing, out-of-band and error-queue data is not part of the stream. */
static __always_inline __u32 receive_flags(struct pt_regs *regs, long nr)
{
	if (nr == nr_recvfrom || nr == nr_recvmmsg)
		return SYSCALL_ARG4(regs);
	return nr == nr_recvmsg ? SYSCALL_ARG3(regs) : 0;
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
 * find_message - where the message of a call with one message is: into the work memory of slot 0, from the second, third and fifth argument.
 * 0 where its header cannot be read. Global, to keep its frame off the others' stack.
 */
__attribute__((noinline)) int find_message(__u64 nr, __u64 second, __u64 third, __u64 fifth)
{
	struct user_message header = {};
	struct work *w = work(0);
	struct message *m;

	if (!w)
		return 0;
	m = &w->message;
	m->base = second;
	m->name = 0;
	m->count = 0;
	if (nr == nr_readv || nr == nr_writev) {
		header.iov = second;
		header.iov_count = third;
		locate_message(m, &header);
	} else if (nr == nr_recvmsg || nr == nr_sendmsg) {
		if (bpf_probe_read_user(&header, sizeof(header), (void *)second)) {
			m->base = 0;
			return 0;
		}
		locate_message(m, &header);
		m->name = header.name;
	} else if (nr == nr_recvfrom || nr == nr_sendto) {
		m->name = fifth;
	}
	return 1;
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

	if (!w)
		return 0;
	r = &w->data;
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
	r->flags &= ~(flag_fault | flag_truncated | flag_more); /* these were of this record alone */
	return 0;
}

/* One message with at most `budget` bytes of it: a record, or several when its payload is longer than one record carries. */
static __always_inline void emit_message(struct message *m, __u32 budget, bool urgent)
{
	__u32 want = m->length < budget ? m->length : budget, skip = 0;
	__u64 count = m->count | (urgent ? (__u64)CHUNK_URGENT << 32 : 0);

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

/*
 * read_peer - the peer of an unconnected datagram into the record of slot 0, from the address that the caller gave or received, if any. Global, to
 * keep its frame off the others' stack.
 */
__attribute__((noinline)) int read_peer(__u64 name)
{
	struct {
		__u16 family;
		__be16 port;
		__u32 v4;
		__u8 v6[16];
	} address = {};
	struct work *w = work(0);
	struct data_record *r;

	if (!w || !name || bpf_probe_read_user(&address, 8, (void *)name))
		return 0;
	r = &w->data;
	if (address.family == AF_INET)
		mapped(r->remote, address.v4);
	else if (address.family != AF_INET6 || bpf_probe_read_user(r->remote, 16, (void *)(name + 8)))
		return 0;
	r->remote_port = bpf_ntohs(address.port);
	return 0;
}

/* emit_nth - one message of a recvmmsg or sendmmsg, in the record of slot 0. Global, so that it is verified once and the loop stays cheap. */
__attribute__((noinline)) int emit_nth(__u64 vector, __u32 index, __u32 budget, __u32 datagram)
{
	struct user_mmessage *of = (struct user_mmessage *)(vector + (__u64)index * sizeof(*of));
	struct work *w = work(0);

	if (!w || !find_message(nr_recvmsg, (__u64)&of->header, 0, 0) ||
	    bpf_probe_read_user(&w->message.length, sizeof(w->message.length), &of->length))
		return 0;
	w->data.message = index;
	if (datagram)
		read_peer(w->message.name);
	emit_message(&w->message, budget, false);
	if (datagram)
		w->data.position += 1 - (__u64)w->message.length; /* positions are ordinals */
	return w->message.length;
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
		bpf_probe_read_user(&length, sizeof(length), &((struct user_mmessage *)vector)[i].length);
		sum += length;
	}
	return sum;
}
