/*
 * How long threads wait for a CPU, and how long they have one. The scheduler notes in each task when it was queued and when it came onto its CPU
 * (struct sched_info), for /proc/PID/schedstat; here these times are only read, before it takes them in. So the sums are those of /proc, no wake-up
 * need be seen, and no clock is asked.
 *
 * A thread that waits and is moved to another CPU is queued anew: what it has waited before is in its run_delay, so that is kept as it was when the
 * thread got a CPU last.
 */
#pragma once

#include "host.bpf.h"

struct run {
	struct histogram waits;
	__u64 cpu_ns;
};

/* By slot. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct run);
} runs SEC(".maps");

/* One entry: the slot of the thread that this CPU runs, so that it is looked up once. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} running SEC(".maps");

/* run_delay by tid, when the thread had a CPU last. Written and deleted here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, __u64);
} delays SEC(".maps");

/* How long a thread has waited that is about to run; its last stretch began at `queued`. */
static __always_inline __u64 waited(struct task_struct *task, __u64 queued, __u64 now)
{
	__u64 stretch = now > queued ? now - queued : 0, total = task->sched_info.run_delay + stretch, before;
	__u32 tid = task->pid;
	__u64 *known = bpf_map_lookup_elem(&delays, &tid);

	if (!known) {
		if (bpf_map_update_elem(&delays, &tid, &total, BPF_ANY))
			overflowed(overflow_threads);
		return stretch;
	}
	before = *known;
	*known = total;
	return total > before ? total - before : stretch;
}

/* The clock of the run queue stands still from here until the scheduler has done its own sums. */
static __always_inline void switched(struct task_struct *prev, struct task_struct *next)
{
	__u64 now = prev->se.cfs_rq->rq->clock, queued;
	__u32 zero = 0, slot, tid;
	__u32 *of = bpf_map_lookup_elem(&running, &zero);
	struct run *run;

	if (!of)
		return;
	if (prev->pid) {
		slot = *of;
		run = bpf_map_lookup_elem(&runs, &slot);
		if (run)
			run->cpu_ns += now - prev->sched_info.last_arrival;
		if (prev->exit_state) {
			tid = prev->pid;
			bpf_map_delete_elem(&delays, &tid);
		}
	}
	if (!next->pid)
		return;
	if (next->tgid != prev->tgid)
		*of = slot_of(next->tgid);
	queued = next->sched_info.last_queued;
	slot = *of;
	run = queued ? bpf_map_lookup_elem(&runs, &slot) : 0;
	if (run)
		observe(&run->waits, waited(next, queued, now));
}
