/*
 * Connections that are given up because the agent is above its limits: some of the new ones, for as long as they last. They are dropped like those of
 * no known protocol, which costs least, and counted in a slot of their own. What decides is the same at both ends.
 */
#pragma once

#include "maps.bpf.h"

static __always_inline bool is_shed(struct conn *conn)
{
	return conn->verdict == verdict_drop && conn->port_slot == SHED_SLOT;
}

/* Sheds a connection that is new to the agent, or not. `key`: TCP, both first sequence numbers; unix, the inode of the connecting end. */
static __always_inline void shed_some(struct conn *conn, __u64 key)
{
	__u32 hash = ((__u32)key ^ (__u32)(key >> 32)) * 0x9e3779b1;

	if (hash >> 16 < connections_kept)
		return;
	conn->verdict = verdict_drop;
	conn->port_slot = SHED_SLOT;
	add(counter_shed_connections, 1);
}
