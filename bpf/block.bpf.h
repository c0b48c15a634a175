/*
 * Requests to block devices: from when one was made until it was handed to the driver, and from then until it was done. A device without requests
 * (device mapper, zram, an NVMe multipath head) is seen by those below it, if at all.
 */
#pragma once

#include "host.bpf.h"

/* Slot 0 is all devices that found no slot. */
#define DISKS 32

/* enum req_op: the same numbers in all kernels. */
#define REQ_OP_MASK 0xff
#define REQ_OP_READ 0
#define REQ_OP_WRITE 1
#define REQ_OP_FLUSH 2
#define REQ_OP_DISCARD 3

/* KINDS in src/host/probe/disk-requests.ts. */
enum disk_kind { disk_read, disk_write, disk_flush, disk_discard, disk_kinds };

struct disk_kind_stat {
	struct histogram total, queued, served;
	__u64 errors;
};

struct disk_stat {
	struct disk_kind_stat kinds[disk_kinds];
};

/* By disk slot. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DISKS);
	__type(key, __u32);
	__type(value, struct disk_stat);
} disk_stats SEC(".maps");

/* By dev_t of the whole disk. Written here, when a disk is first used; never deleted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DISKS);
	__type(key, __u32);
	__type(value, __u32);
} disk_slots SEC(".maps");

struct disk_name {
	char name[32];
};

/* By disk slot. An entry claims the slot, since before 5.12 there is no atomic counter that gives back what it was. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DISKS);
	__type(key, __u32);
	__type(value, struct disk_name);
} disk_names SEC(".maps");

bool disks_full; /* every slot has been claimed */

struct service_io {
	struct histogram total;
	__u64 bytes;
};

struct service_disk {
	struct service_io directions[2]; /* disk_read, disk_write */
};

/* By slot of the service. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct service_disk);
} service_disks SEC(".maps");

struct disk_request {
	__u64 inserted_ns; /* into the queue of an I/O scheduler, or 0 */
	__u64 issued_ns;   /* to the driver, the last time */
	__u32 slot;	   /* of the service that made it */
};

/* By address of the request. Deleted when it is done; LRU covers those that were merged into another one. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64);
	__type(value, struct disk_request);
} disk_requests SEC(".maps");

/* Before a54895fa057c ("block: remove the request_queue to argument request based tracepoints", 5.11) the queue stood first. */
typedef void (*btf_trace_block_rq_issue___with_queue)(void *, struct request_queue *, struct request *);
typedef void (*btf_trace_block_rq_insert___with_queue)(void *, struct request_queue *, struct request *);

/* The disk is that of the queue since f3fa33acca9f ("block: remove the ->rq_disk field in struct request", 5.17). */
static __always_inline struct gendisk *disk_of(struct request *rq)
{
	struct request___before_5_17 *old = (void *)rq;

	if (bpf_core_field_exists(old->rq_disk))
		return BPF_CORE_READ(old, rq_disk);
	return BPF_CORE_READ(rq, q, disk);
}

/* A slot for a disk that is seen for the first time. */
static __always_inline __u32 claim_disk_slot(struct gendisk *disk, __u32 dev)
{
	struct disk_name name = {};
	__u32 *known;

	bpf_probe_read_kernel_str(name.name, sizeof(name.name), disk->disk_name);
	for (__u32 slot = 1; slot < DISKS; slot++) {
		__u32 claimed = slot;

		if (bpf_map_update_elem(&disk_names, &claimed, &name, BPF_NOEXIST))
			continue;
		if (!bpf_map_update_elem(&disk_slots, &dev, &claimed, BPF_NOEXIST))
			return claimed;
		bpf_map_delete_elem(&disk_names, &claimed); /* another CPU was first */
		known = bpf_map_lookup_elem(&disk_slots, &dev);
		return known ? *known : 0;
	}
	disks_full = true;
	return 0;
}

static __always_inline __u32 disk_slot(struct request *rq)
{
	struct gendisk *disk = disk_of(rq);
	__u32 dev, *known, slot = 0;

	if (!disk)
		return 0;
	dev = BPF_CORE_READ(disk, major) << 20 | BPF_CORE_READ(disk, first_minor);
	known = bpf_map_lookup_elem(&disk_slots, &dev);
	if (known)
		return *known;
	if (!disks_full)
		slot = claim_disk_slot(disk, dev);
	if (!slot)
		overflowed(overflow_disks);
	return slot;
}

static __always_inline int disk_kind_of(struct request *rq)
{
	switch (rq->cmd_flags & REQ_OP_MASK) {
	case REQ_OP_READ:
		return disk_read;
	case REQ_OP_WRITE:
		return disk_write;
	case REQ_OP_FLUSH:
		return disk_flush;
	case REQ_OP_DISCARD:
		return disk_discard;
	default:
		return -1;
	}
}

/* The task that inserts or issues is the one that has asked, unless the kernel writes on its own account or catches up. */
static __always_inline void request_inserted(struct request *rq)
{
	struct disk_request fresh = { .inserted_ns = bpf_ktime_get_ns(), .slot = current_slot() };
	__u64 key = (__u64)rq;

	bpf_map_update_elem(&disk_requests, &key, &fresh, BPF_ANY);
}

static __always_inline void request_issued(struct request *rq)
{
	__u64 key = (__u64)rq, now = bpf_ktime_get_ns();
	struct disk_request *known = bpf_map_lookup_elem(&disk_requests, &key), fresh = {};

	/* What is older than the request was one that has been merged. */
	if (known && known->inserted_ns >= rq->start_time_ns) {
		known->issued_ns = now;
		return;
	}
	fresh.issued_ns = now;
	fresh.slot = current_slot();
	bpf_map_update_elem(&disk_requests, &key, &fresh, BPF_ANY);
}

/* Some part of it, or all, is done. */
static __always_inline void request_completed(struct request *rq, int error, __u32 bytes)
{
	__u64 key = (__u64)rq, now = bpf_ktime_get_ns(), made = rq->start_time_ns;
	struct disk_request *known = bpf_map_lookup_elem(&disk_requests, &key);
	__u32 of_disk = disk_slot(rq), of_service;
	struct service_disk *service;
	struct disk_kind_stat *stat;
	struct disk_stat *disk;
	int kind = disk_kind_of(rq);

	if (!known || !known->issued_ns || kind < 0)
		return;
	disk = bpf_map_lookup_elem(&disk_stats, &of_disk);
	of_service = known->slot;
	service = bpf_map_lookup_elem(&service_disks, &of_service);
	if (!disk || !service)
		return;
	stat = &disk->kinds[kind & 3];
	if (error)
		stat->errors++;
	if (kind <= disk_write)
		service->directions[kind & 1].bytes += bytes;
	if (bytes < rq->__data_len)
		return;
	/* A request that the block layer keeps no times of was made when it was first seen. */
	if (!made || made > known->issued_ns)
		made = known->inserted_ns ? known->inserted_ns : known->issued_ns;
	observe(&stat->total, now - made);
	observe(&stat->queued, known->issued_ns - made);
	observe(&stat->served, now - known->issued_ns);
	if (kind <= disk_write)
		observe(&service->directions[kind & 1].total, now - made);
	bpf_map_delete_elem(&disk_requests, &key);
}
