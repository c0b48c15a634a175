/* Threads that had to free memory themselves before they got some, and processes that were killed since there was none. */
#pragma once

#include "host.bpf.h"

/* For the host, or for a cgroup at its limit (CAUSES in src/host/probe/reclaim.ts). */
enum reclaim_cause { reclaim_host, reclaim_cgroup, reclaim_causes };

struct reclaim_stat {
	struct histogram stalls[reclaim_causes];
};

/* By slot. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct reclaim_stat);
} reclaim_stats SEC(".maps");

/* When threads began, by tid and cause. Deleted at the end; LRU covers threads that were killed meanwhile. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, __u64);
	__type(value, __u64);
} reclaims SEC(".maps");

static __always_inline __u64 reclaim_key(enum reclaim_cause cause)
{
	return bpf_get_current_pid_tgid() << 32 | cause;
}

static __always_inline void reclaim_began(enum reclaim_cause cause)
{
	__u64 key = reclaim_key(cause), now = bpf_ktime_get_ns();

	bpf_map_update_elem(&reclaims, &key, &now, BPF_ANY);
}

static __always_inline void reclaim_ended(enum reclaim_cause cause)
{
	__u64 key = reclaim_key(cause), *began = bpf_map_lookup_elem(&reclaims, &key);
	__u32 slot = current_slot();
	struct reclaim_stat *stat = bpf_map_lookup_elem(&reclaim_stats, &slot);

	if (!began || !stat)
		return;
	observe(&stat->stalls[cause], bpf_ktime_get_ns() - *began);
	bpf_map_delete_elem(&reclaims, &key);
}

#define VICTIMS 64

struct victim {
	__u64 number; /* from 1 */
	__u32 tid, tgid;
	__u32 slot;
	__u32 pad;
	char comm[16]; /* empty until it is known */
};

/* The last victims, by number modulo VICTIMS. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VICTIMS);
	__type(key, __u32);
	__type(value, struct victim);
} victims SEC(".maps");

__u64 oom_kills;

/*
 * Since 72ba14deb40a ("mm: update mark_victim tracepoints fields", 6.9) the victim itself is told of; before, its tid alone, and who that was shows
 * when it exits.
 */
typedef void (*btf_trace_mark_victim___with_task)(void *, struct task_struct *, unsigned int);

/* By tid: numbers of victims that are not known yet. Deleted when they exit. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, VICTIMS);
	__type(key, __u32);
	__type(value, __u64);
} victims_by_tid SEC(".maps");

static __always_inline struct victim *victim_of(__u64 number)
{
	__u32 place = number % VICTIMS;

	return bpf_map_lookup_elem(&victims, &place);
}

static __always_inline void identify_victim(struct victim *victim, struct task_struct *task)
{
	victim->tgid = task->tgid;
	victim->slot = slot_of(victim->tgid);
	bpf_probe_read_kernel(victim->comm, sizeof(victim->comm), task->comm);
}

static __always_inline struct victim *fresh_victim(__u32 tid)
{
	__u64 number = ++oom_kills; /* under the kernel's oom_lock */
	struct victim *victim = victim_of(number);

	if (!victim)
		return 0;
	__builtin_memset(victim, 0, sizeof(*victim));
	victim->tid = tid;
	victim->number = number;
	return victim;
}

static __always_inline void victim_marked(struct task_struct *task)
{
	struct victim *victim = fresh_victim(task->pid);

	if (victim)
		identify_victim(victim, task);
}

static __always_inline void tid_marked(__u32 tid)
{
	struct victim *victim = fresh_victim(tid);

	if (victim)
		bpf_map_update_elem(&victims_by_tid, &tid, &victim->number, BPF_ANY);
}

static __always_inline void victim_exited(struct task_struct *task)
{
	__u32 tid = task->pid;
	__u64 *number = oom_kills && !bpf_core_type_exists(btf_trace_mark_victim___with_task) ? bpf_map_lookup_elem(&victims_by_tid, &tid) : 0;
	struct victim *victim = number ? victim_of(*number) : 0;

	if (!victim || victim->tid != tid)
		return;
	identify_victim(victim, task);
	bpf_map_delete_elem(&victims_by_tid, &tid);
}
