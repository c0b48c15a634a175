/*
 * A small object that uses everything the addon offers. Compiled by fixture.ts; with -DREJECTED it does not pass the verifier.
 * Needs Linux 5.12, for an atomic addition whose result is used.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define PAYLOAD_WORDS 128
#define SIZE_CLASS 256

enum mood { calm = 1, excited = 2 };

const volatile __u32 watched_nr = 0;
const volatile bool loud = false;
const volatile __s16 offset = -3;
const volatile enum mood mood = calm;
const volatile __u8 table[4] = { 1, 2, 3, 4 };

__u64 sequence;
__u64 lost, lost_sum;
__s32 signed_value = -5;
__u16 slots[4];
bool flag;
struct {
	int inner;
} not_an_integer;

/* size: of the whole record. What follows the words up to it stays in the ring. */
struct record {
	__u32 size;
	__u32 producer;
	__u64 sequence;
	union {
		__u64 words[PAYLOAD_WORDS];
		struct {
			__u8 first;
			__u16 second;
		};
	};
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 << 10);
} ring SEC(".maps");

/* Producers by tgid. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 5000);
	__type(key, __u32);
	__type(value, __u32);
} producers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} by_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 7);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct record);
} scratch SEC(".maps");

static __always_inline int produce(__u32 producer, __u64 flags)
{
	__u32 zero = 0, space;
	struct record *record = bpf_map_lookup_elem(&scratch, &zero);

	if (!record)
		return 0;
	record->sequence = __sync_fetch_and_add(&sequence, 1);
	record->size = 16 + (record->sequence * 7919 & 1023);
	record->producer = producer;
	for (int i = 0; i < PAYLOAD_WORDS; i++)
		record->words[i] = record->sequence << 8 | i;
	/* A size class is what a verifier that wants constants gets: the ring holds more than the record says. */
	space = record->size <= SIZE_CLASS ? SIZE_CLASS : sizeof(*record);
	if (bpf_ringbuf_output(&ring, record, space, flags)) {
		__sync_fetch_and_add(&lost, 1);
		__sync_fetch_and_add(&lost_sum, record->sequence);
		return 0;
	}
	return 1;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_call, void *regs, long nr)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, key = 1;
	__u32 *producer;
	__u64 *count;

	if (nr != watched_nr)
		return 0;
	producer = bpf_map_lookup_elem(&producers, &tgid);
	if (!producer)
		return 0;
	count = bpf_map_lookup_elem(&counts, &key);
	if (count)
		*count += 1;
	produce(*producer, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("raw_tp")
int add(struct bpf_raw_tracepoint_args *ctx)
{
	return ctx->args[0] + ctx->args[1] + (loud ? 1000 : 0) + offset + mood + table[2];
}

/* One record, and a wake-up for it. */
SEC("raw_tp")
int ping(void *ctx)
{
	return produce(77, BPF_RB_FORCE_WAKEUP);
}

/* A record whose size cannot be true, and one that is given back. */
SEC("raw_tp")
int spoil(void *ctx)
{
	__u32 wrong[4] = { 4096 };
	void *record;

	bpf_ringbuf_output(&ring, wrong, sizeof(wrong), BPF_RB_NO_WAKEUP);
	record = bpf_ringbuf_reserve(&ring, 40, 0);
	if (record)
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("raw_tp")
int touch_globals(void *ctx)
{
	signed_value -= 1;
	slots[2] += 1;
	flag = !flag;
	return slots[1] + not_an_integer.inner;
}

SEC("raw_tp")
int count_here(void *ctx)
{
	__u32 key = 9, one = 1, *there = bpf_map_lookup_elem(&by_cpu, &key);

	if (there)
		*there += 1;
	else
		bpf_map_update_elem(&by_cpu, &key, &one, BPF_ANY);
	return 0;
}

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct {
	int tgid;
};
struct bpf_iter_meta {
	void *seq;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
#pragma clang attribute pop

SEC("iter/task")
int list_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u32 tgid;

	if (!task)
		return 0;
	tgid = task->tgid;
	bpf_seq_write(ctx->meta->seq, &tgid, sizeof(tgid));
	return 0;
}

#ifdef REJECTED
SEC("raw_tp")
int rejected(struct bpf_raw_tracepoint_args *ctx)
{
	return *(volatile int *)(ctx->args[0]); /* a number taken for an address */
}
#endif
