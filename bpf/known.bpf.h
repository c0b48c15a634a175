/*
 * Sockets whose calls are only counted, with as little work as can be: on a busy host they are most. Those of no known protocol, and, while the ring
 * is full, TCP sockets of which everything is lost.
 */
#pragma once

#include "socket.bpf.h"

#define KNOWN_BITS 14
#define KNOWN_WANTED (~0U)

struct known {
	__u64 sock;
	__u64 what; /* inode << 32 | port_slot of a dropped one, else KNOWN_WANTED; as one, so that it is of one socket */
};

/* Of two sockets that fall on one place the one that was noted later, and noted anew when it is used. Deleted by nobody: the inode tells. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << KNOWN_BITS);
	__type(key, __u32);
	__type(value, struct known);
} known_socks SEC(".maps");

/* Where a socket is in known_socks if it is there. */
static __always_inline struct known *known_place(__u64 sock)
{
	__u32 key = (__u32)(sock >> 6) * 0x9e3779b1 >> (32 - KNOWN_BITS);

	return bpf_map_lookup_elem(&known_socks, &key);
}

/* What is known of a socket: false, or its port_slot or KNOWN_WANTED in `use`. */
static __always_inline bool is_known(__u64 sock, __u64 inode, __u32 *use)
{
	struct known *known = known_place(sock);
	__u64 what;

	if (!known || *(volatile __u64 *)&known->sock != (sock & SOCK_NAME_MASK))
		return false;
	what = *(volatile __u64 *)&known->what;
	*use = what;
	return what >> 32 == inode;
}

static __always_inline void note_known(__u64 name, struct conn *conn)
{
	struct known *known = known_place(name);
	__u32 use = conn->verdict == verdict_drop ? conn->port_slot : KNOWN_WANTED;

	if (!known)
		return;
	*(volatile __u64 *)&known->sock = 0; /* while the rest changes */
	*(volatile __u64 *)&known->what = conn->inode << 32 | use;
	*(volatile __u64 *)&known->sock = name;
}

/* A data call on a dropped socket that this CPU saw begin. */
struct dropped_call {
	__u64 sock;
	__u64 migrations; /* of its thread until then */
	__u32 tid;	  /* 0: the last data call that began here is none */
	__u32 port_slot;
};

/*
 * One entry, which every data call that begins on this CPU overwrites: it is of the call that returns if the thread is the same and has not
 * moved to another CPU since. Else the exit finds out again what it is about.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dropped_call);
} dropped_calls SEC(".maps");

static __always_inline struct dropped_call *dropped_call(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&dropped_calls, &key);
}

/* The data call that begins is of a dropped socket. */
static __always_inline void keep_dropped(struct task_struct *task, __u64 sock, __u32 port_slot)
{
	struct dropped_call *here = dropped_call();

	if (!here)
		return;
	here->sock = sock;
	here->migrations = GET(task, se.nr_migrations);
	here->tid = GET(task, pid);
	here->port_slot = port_slot;
}

/* The data call that begins is of none. */
static __always_inline void forget_dropped(void)
{
	struct dropped_call *here = dropped_call();

	if (here)
		here->tid = 0;
}

/* Whether the call that returns is the one in `here`. */
static __always_inline bool is_kept(struct dropped_call *here, struct task_struct *task)
{
	return here->tid == (__u32)GET(task, pid) && here->migrations == GET(task, se.nr_migrations);
}
