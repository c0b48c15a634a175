/* Sockets of no known protocol: their calls are counted with as little work as can be, since on a busy host they are most. */
#pragma once

#include "socket.bpf.h"

/* A socket whose verdict is drop. */
struct dropped {
	__u64 sock;
	__u32 inode, port_slot;
};

#define DROPPED_BITS 14

/* The dropped sockets, so that their calls need no look-up in `conns`. Of two that fall on one place it is the later one. Written by set_verdict. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << DROPPED_BITS);
	__type(key, __u32);
	__type(value, struct dropped);
} dropped_socks SEC(".maps");

/* Where a socket is in dropped_socks if it is there. */
static __always_inline struct dropped *dropped_place(__u64 sock)
{
	__u32 key = (__u32)(sock >> 6) * 0x9e3779b1 >> (32 - DROPPED_BITS);

	return bpf_map_lookup_elem(&dropped_socks, &key);
}

static __always_inline struct dropped *dropped_of(__u64 sock, __u64 inode)
{
	struct dropped *dropped = dropped_place(sock);

	return dropped && dropped->sock == (sock & SOCK_NAME_MASK) && dropped->inode == inode ? dropped : 0;
}

/* A connection was given a verdict: takes its socket in or out. */
static __always_inline void note_dropped(__u64 name, struct conn *conn)
{
	struct dropped *dropped = dropped_place(name);

	if (!dropped)
		return;
	if (conn->verdict == verdict_drop) {
		*(volatile __u64 *)&dropped->sock = 0; /* while the rest changes */
		dropped->inode = conn->inode;
		dropped->port_slot = conn->port_slot;
		*(volatile __u64 *)&dropped->sock = name;
	} else if (dropped->sock == name) {
		dropped->sock = 0;
	}
}
