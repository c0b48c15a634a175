/*
 * Who wakes whom, in processes whose calls are made by the threads of a pool: the thread that has received a response wakes the one that waits for
 * it. Both halves are seen at futex(2) itself, so that nothing is attached to the scheduler, and other processes pay no more than a comparison.
 *
 * Locks are futexes, too. A wait for a result differs from theirs in three ways: it has a long time limit or none (CPython's GIL is waited for in
 * steps of 5 ms), nobody else waits at the same address, and it began before the response came. A mutex of glibc waits with FUTEX_WAIT, and so does
 * Go's scheduler; conditions and semaphores, of which futures are made, with FUTEX_WAIT_BITSET.
 */
#pragma once

#include "process.bpf.h"

#define FUTEX_WAKE 1
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_COMMAND 127 /* without its flags */
#define LONG_WAIT_NS 100000000ULL

static __always_inline bool is_wait_at(struct pt_regs *regs)
{
	return (SYSCALL_ARG2(regs) & FUTEX_COMMAND) == FUTEX_WAIT_BITSET;
}

static __always_inline bool is_wake(struct pt_regs *regs)
{
	__u32 command = SYSCALL_ARG2(regs) & FUTEX_COMMAND;

	return command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET;
}

/* Whether a wait may be one for a result. Its limit is a point in time, by the monotonic clock, or by one that cannot be told here. */
static __always_inline bool is_long(__u64 limit, __u32 operation, __u64 now)
{
	struct user_timespec until;

	if (!limit)
		return true;
	if (operation & FUTEX_CLOCK_REALTIME || bpf_probe_read_user(&until, sizeof(until), (void *)limit))
		return false;
	return until.seconds * 1000000000 + until.nanoseconds >= now + LONG_WAIT_NS;
}

/*
 * begin_sleep - the current thread begins to wait. What it received before is no reason any more for what it does then. Global, to keep its frame
 * off the others' stack.
 */
__attribute__((noinline)) int begin_sleep(__u64 address, __u64 limit, __u32 operation, __u32 round)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 id = bpf_get_current_pid_tgid();
	struct futex_id key = { .address = address, .tgid = id >> 32 };
	struct thread *thread = thread_of(current_task());
	struct futex fresh = { .since = now, .waiter = id, .round = round, .waiting = 1 };
	struct futex *futex;

	if (!is_long(limit, operation, now))
		return 0;
	if (thread) {
		fresh.turn = thread->turn;
		thread->read_ns = 0;
	}
	futex = bpf_map_lookup_elem(&futexes, &key);
	if (!futex || futex->round != round) {
		if (bpf_map_update_elem(&futexes, &key, &fresh, BPF_ANY))
			add(counter_state_lost, 1);
		return 0;
	}
	if (futex->waiting && futex->waiter != fresh.waiter)
		futex->shared = 1;
	futex->waiter = fresh.waiter;
	futex->turn = fresh.turn;
	futex->since = fresh.since;
	barrier(); /* so that whoever sees that it waits sees who */
	futex->waiting = 1;
	return 0;
}

/* begin_wake - the current thread wakes who waits. Taken down now: when the call returns, the woken thread may wait for something else. */
__attribute__((noinline)) int begin_wake(__u64 address, __u32 round)
{
	struct futex_id key = { .address = address, .tgid = bpf_get_current_pid_tgid() >> 32 };
	struct thread *thread = thread_of(current_task());
	struct futex *futex;

	if (!thread)
		return 0;
	thread->woken = 0;
	futex = bpf_map_lookup_elem(&futexes, &key);
	if (!futex || futex->round != round || !futex->waiting || futex->shared || futex->since >= thread->read_ns)
		return 0;
	thread->woken = futex->waiter;
	thread->woken_turn = futex->turn;
	return 0;
}

static __always_inline void begin_futex(struct task_struct *task, struct pt_regs *regs)
{
	__u32 tgid = tgid_of(task), *round = bpf_map_lookup_elem(&pools, &tgid);

	if (!round)
		return;
	if (is_wait_at(regs))
		begin_sleep(SYSCALL_ARG1(regs), SYSCALL_ARG4(regs), SYSCALL_ARG2(regs), *round);
	else if (is_wake(regs))
		begin_wake(SYSCALL_ARG1(regs), *round);
}

/* end_sleep - the current thread has been woken. Where somebody else has begun to wait meanwhile, without either being seen by the other, it is a lock. */
__attribute__((noinline)) int end_sleep(__u64 address)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct futex_id key = { .address = address, .tgid = id >> 32 };
	struct futex *futex = bpf_map_lookup_elem(&futexes, &key);

	if (!futex)
		return 0;
	if (futex->waiter == (__u32)id)
		futex->waiting = 0;
	else if (futex->waiting)
		futex->shared = 1;
	return 0;
}

/* end_wake - the current thread has woken so many. */
__attribute__((noinline)) int end_wake(__u64 woken)
{
	struct thread *thread = thread_of(current_task());
	struct wake_record r = {};

	if (!thread || !thread->woken)
		return 0;
	r.woken = thread->woken;
	thread->woken = 0;
	if (woken != 1 || shedding)
		return 0;
	head(&r, kind_wake, bpf_ktime_get_ns());
	r.woken_turn = thread->woken_turn;
	r.turn = thread->turn;
	r.step = thread->step;
	r.size = sizeof(r);
	emit(&r, sizeof(r), false);
	return 0;
}

static __always_inline void end_futex(struct pt_regs *regs, long ret)
{
	if (is_wait_at(regs))
		end_sleep(SYSCALL_ARG1(regs));
	else if (is_wake(regs))
		end_wake(ret);
}
