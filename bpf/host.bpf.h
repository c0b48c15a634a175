/* What all probes of the host share: whose a process is, and how a duration is counted. */
#pragma once

#include "kernel.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Slot 0 is everybody whose service is not known. */
#define SLOTS 128
#define SLOT_MASK (SLOTS - 1)

/* By tgid. Written and deleted by user space (src/host/service-slots.ts). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} slots SEC(".maps");

__u32 slot_count; /* entries of `slots`: 0 keeps everybody from looking there */

static __always_inline __u32 slot_of(__u32 tgid)
{
	__u32 *slot = slot_count ? bpf_map_lookup_elem(&slots, &tgid) : 0;

	return slot ? *slot & SLOT_MASK : 0;
}

static __always_inline __u32 current_slot(void)
{
	return slot_of(bpf_get_current_pid_tgid() >> 32);
}

/*
 * A histogram has a bucket for each power of two from 2^10 ns (about 1 us) to 2^34 ns (about 17 s), the bound included, and one for what is longer
 * (src/host/kernel-histogram.ts).
 */
#define BUCKETS 26

struct histogram {
	__u64 counts[BUCKETS];
	__u64 sum_ns;
};

static __always_inline __u32 bucket_of(__u64 ns)
{
	__u64 units = ns ? (ns - 1) >> 10 : 0;
	__u32 rest, bucket = 0;

	if (units >> (BUCKETS - 2))
		return BUCKETS - 1;
	rest = units;
	if (rest >> 16) {
		rest >>= 16;
		bucket += 16;
	}
	if (rest >> 8) {
		rest >>= 8;
		bucket += 8;
	}
	if (rest >> 4) {
		rest >>= 4;
		bucket += 4;
	}
	if (rest >> 2) {
		rest >>= 2;
		bucket += 2;
	}
	bucket += rest > 1 ? 2 : rest;
	/* The verifier does not follow the sum. */
	asm volatile("" : "+r"(bucket));
	return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* In a value that is this CPU's alone. */
static __always_inline void observe(struct histogram *histogram, __u64 ns)
{
	histogram->counts[bucket_of(ns)]++;
	histogram->sum_ns += ns;
}

/* In a value that all CPUs share. */
static __always_inline void observe_shared(struct histogram *histogram, __u64 ns)
{
	__sync_fetch_and_add(&histogram->counts[bucket_of(ns)], 1);
	__sync_fetch_and_add(&histogram->sum_ns, ns);
}

/* What did not fit into a table, by table (OVERFLOWS in src/host/kernel-tables.ts). */
enum overflow { overflow_threads, overflow_disks, overflow_sockets, overflow_peers, overflow_failures, overflow_count };

__u64 overflows[overflow_count];

static __always_inline void overflowed(enum overflow table)
{
	__sync_fetch_and_add(&overflows[table], 1);
}
