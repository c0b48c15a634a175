/* Every map but those of known.bpf.h, with its key, its bound, who writes and who deletes; and the settings of user space. */
#pragma once

#include "registers.bpf.h"
#include "records.gen.h"

char LICENSE[] SEC("license") = "GPL";

/* What one record may carry, and one iovec walk may visit. */
#define PAYLOAD_MAX 8192
#define CHUNKS_MAX 8
#define EXEC_PAYLOAD_MAX 12288
#define WORK_PAYLOAD_MAX 20480

/* Slots of `unrecognised`. The last one is of connections that are shed. */
#define PORT_SLOTS 1024
#define SHED_SLOT (PORT_SLOTS - 1)
#define CONNECTIONS_ALL (1U << 16)

/* ---- settings, fixed at load ---- */
const volatile bool have_task_storage;	 /* 5.11; without it `threads_by_tid` takes the place of `threads` */
const volatile bool turn_borders;	 /* count the turns of event loops */
const volatile __u32 default_budget = PAYLOAD_MAX; /* payload bytes a run may carry */
const volatile __u32 wake_mark = 4 << 20; /* bytes in the ring above which the drain is woken */
const volatile __u32 full_mark = (16 << 20) - (64 << 10); /* above which data calls are counted as lost, see `shedding` */

/* ---- settings, changed while running ---- */
__u32 own_tgid;		   /* the agent: never traced */
__u32 own_netns;	   /* of the agent's listeners */
__u16 own_ports[4];	   /* that the agent listens on; 0 = none */
__u32 process_filters;	   /* 1: consult `processes` */
__u32 pool_count;	   /* of `pools`: 0 keeps futex(2) out of sight */
__u32 compat_tasks;	   /* 1: 32-bit programs run here, look for their calls; set by user space for those that are older than the agent */
__u64 last_wake_ns;	   /* at most one wake-up a millisecond */
__u32 asleep;		   /* 1: the drain looks seldom, and the next record wakes it */
__u32 budget_cap = ~0U;	   /* payload bytes a run may carry at most, whatever its connection may */
__u32 connections_kept = CONNECTIONS_ALL; /* of so many new connections; the others are dropped as shed, see shed.bpf.h */

/*
 * The ring is full: until user space has made room and clears this, a data call costs no more than counting it. A call that began meanwhile has no
 * enter half, and is lost as well; `shed_rounds`, which moves each time, tells it from a call on a file, and what was kept before from what is
 * true now.
 */
__u32 shedding;
__u32 shed_rounds;

/* Structs that live on the stack only would be missing in BTF, which the layout is tested against. */
struct fork_record *in_btf_fork;
struct exit_record *in_btf_exit;
struct uring_record *in_btf_uring;
struct wake_record *in_btf_wake;

/* ---- state ---- */

/* Records on their way to user space. Consumer: the agent's drain. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} ring SEC(".maps");

struct counts {
	__u64 of[counter_count]; /* by enum counter */
};

/* One entry. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counts);
} counters SEC(".maps");

/* What a socket is known by: its address as a number, which the verifier does not make of a pointer, and its inode. */
struct socket_id {
	__u64 sock, inode;
};

/* The enter half of a data call. A thread is inside at most one system call. */
struct call {
	__u64 enter_ns;
	struct socket_id id;
	__u32 seq; /* where the stream stood. TCP: write_seq of a send, copied_seq of a receive; else low half of the count */
	__s32 nr; /* -1: taken */
	__u32 kind;  /* enum position_kind; a counter's call is in conn.in_flight */
	__u32 round; /* shed_rounds when it began */
};

/* A thread that has been in a data call on a socket. */
struct thread {
	struct call call; /* first, so that one is as good as the other */
	__u64 read_from;  /* the socket that it received from last */
	__u64 read_ns;	  /* when it did, while there are pools; 0 once it has waited at a futex */
	__u16 turn, step; /* as in records.toml */
	__u16 woken_turn;
	__u32 woken;	  /* the thread that waits for the futex(2) call that it is in, 0 if there is none */
};

/* Since 5.11. Freed with the task, so a killed thread leaves nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
} threads SEC(".maps");

/* 5.10. Deleted at thread exit; LRU covers what that misses. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, struct thread);
} threads_by_tid SEC(".maps");

/* What is remembered of a socket. */
struct conn {
	__u64 inode;		  /* another inode under the same address is another socket */
	__u64 tx_count, rx_count; /* bytes (counter) or messages (datagram) so far; TCP: unused */
	__u64 gap_start, gap_end, gap_ns; /* elided since the last record, in one piece */
	__u32 gap_records;
	union {
		__u32 budget;	 /* payload bytes a run may carry, 0: default */
		__u32 port_slot; /* verdict_drop: where it is counted in `unrecognised` */
	};
	__u32 run_bytes; /* of the current run, captured or not, saturating */
	__u32 tx_first, rx_first; /* as in records.toml */
	__u32 in_flight[2];	  /* streams that are counted: calls inside, by enum direction */
	__u32 tgid;		  /* that connected, for events that happen outside any process */
	__u64 start_ns;
	__u32 round;		  /* shed_rounds when the current run began */
	__u8 run_direction; /* enum direction */
	__u8 gap_direction;
	__u8 verdict;	    /* enum verdict */
	__u8 state;	    /* CONN_* */
};

#define CONN_SEQ_KNOWN 1 /* tx_first and rx_first are those of the TCP connection */
#define CONN_FRESH 2	 /* seen from its creation */
#define CONN_ACCEPTED 4
#define CONN_NAMED 8	 /* unix: its `seen` record went out */
#define CONN_OURS 16	 /* the agent's own connection, until it is established */
#define CONN_TOLD 32	 /* user space was told of it before it could be decided whether it is shed */

/* Key: name_of the sock. Written here, verdicts by set_verdict. Deleted when the socket ends; LRU covers what that misses. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct conn);
} conns SEC(".maps");

/* The agent's own TCP connections by their two first sequence numbers, smaller first: the same key at both ends. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u8);
} own_conns SEC(".maps");

/* Processes outside the filters, by tgid. Written and deleted by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, __u32);
} processes SEC(".maps");

/* Processes whose calls are made by a pool, by tgid, with a number that is another one each time. Written and deleted by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} pools SEC(".maps");

/* futex(2) knows a private futex by its address. */
struct futex_id {
	__u64 address;
	__u32 tgid, pad;
};

/* Who waits there, for long. */
struct futex {
	__u64 since;
	__u32 waiter;
	__u32 round; /* as in `pools` */
	__u16 turn;  /* of the waiter */
	__u8 waiting;
	__u8 shared; /* several were seen to wait at once: a lock, which says nothing of who works for whom */
};

/* Of the processes in `pools`. LRU keeps it small: what is lost is a lock's mark, or a wait that has lasted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct futex_id);
	__type(value, struct futex);
} futexes SEC(".maps");

/* The first four bytes of messages in the protocols that user space decodes. Written by user space before anything is attached. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u8);
} message_starts SEC(".maps");

struct port_count {
	__u64 records, bytes;
};

/*
 * Traffic dropped as unrecognised, or shed, counted here alone. Key: port_slot << 1 | enum direction. User space gives every server port a slot with its first
 * verdict, and reads.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * PORT_SLOTS);
	__type(key, __u32);
	__type(value, struct port_count);
} unrecognised SEC(".maps");

/* Where the bytes of one message are in user memory. */
struct message {
	__u64 base;   /* flat: the buffer; else the iovec array */
	__u64 name;   /* address of the peer's address, or 0 */
	__u32 count;  /* iovecs, 0: flat */
	__u32 length; /* true bytes of the message */
};

/*
 * Working memory: too large for the stack. Slot 0: system calls; 1: state changes, which may interrupt them; 2: processes; 3: the scan, which
 * may be preempted.
 */
struct work {
	__u64 address; /* for number() */
	struct message message;
	union {
		struct data_record data;
		struct connection_record connection;
		struct exec_record exec;
	};
	/* Room for the largest offset plus the largest length, which the verifier bounds apart. A per-CPU value ends at 32 KiB. */
	__u8 payload[WORK_PAYLOAD_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct work);
} works SEC(".maps");

static __always_inline struct counts *counts(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&counters, &key);
}

/* In one step: a state change in softirq interrupts a system call's program between the load and the store of an addition. */
static __always_inline void add(enum counter which, __u64 n)
{
	struct counts *all = counts();

	if (all)
		__sync_fetch_and_add(&all->of[which], n);
}

static __always_inline struct work *work(__u32 slot)
{
	return bpf_map_lookup_elem(&works, &slot);
}

/*
 * The address in a typed pointer as a plain number, which is all that a global function takes. The verifier forgets a pointer's type
 * only across map memory. `slot` as in works.
 */
static __always_inline __u64 number(const void *pointer, __u32 slot)
{
	struct work *w = work(slot);

	if (!w)
		return 0;
	*(volatile __u64 *)&w->address = (__u64)pointer;
	return *(volatile __u64 *)&w->address;
}

/* As task storage takes it. */
static __always_inline struct task_struct *owner_of_storage(struct task_struct *task)
{
	return have_typed ? task : bpf_get_current_task_btf();
}

/* What is kept of the current thread, or 0. */
static __always_inline struct thread *thread_of(struct task_struct *task)
{
	if (have_task_storage)
		return bpf_task_storage_get(&threads, owner_of_storage(task), 0, 0);
	__u32 tid = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&threads_by_tid, &tid);
}

/* The same, made when missing; 0 only when the map refuses. */
static __always_inline struct thread *make_thread(struct task_struct *task)
{
	struct thread fresh = { .call.nr = -1 }, *thread;

	if (have_task_storage)
		return bpf_task_storage_get(&threads, owner_of_storage(task), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	__u32 tid = bpf_get_current_pid_tgid();

	thread = bpf_map_lookup_elem(&threads_by_tid, &tid);
	if (!thread) {
		bpf_map_update_elem(&threads_by_tid, &tid, &fresh, BPF_ANY);
		thread = bpf_map_lookup_elem(&threads_by_tid, &tid);
	}
	return thread;
}

/* Whether there is no room for data records. Begins to shed where there is none. */
static __always_inline bool is_full(void)
{
	if (shedding)
		return true;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < full_mark)
		return false;
	add(counter_overruns, 1);
	shedding = 1;
	__sync_fetch_and_add(&shed_rounds, 1); /* after it, so that no call of this round is kept unless the ring has room again */
	return true;
}

static __always_inline void lose(struct counts *all, __u64 records)
{
	__sync_fetch_and_add(&all->of[counter_produced], records);
	__sync_fetch_and_add(&all->of[counter_lost_ring_full], records);
}

/* must_wake - whether the drain has to be woken for a record. Global, to keep its frame off the others' stack. */
__attribute__((noinline)) int must_wake(__u32 urgent)
{
	__u64 now;

	if (asleep) {
		asleep = 0;
		return 1;
	}
	if (!urgent && bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) <= wake_mark)
		return 0;
	now = bpf_ktime_get_ns();
	if (now - last_wake_ns <= 1000000)
		return 0;
	last_wake_ns = now;
	return 1;
}

/* Writes one finished record to the ring. */
static __always_inline void emit(void *record, __u64 size, bool urgent)
{
	__u64 flags = BPF_RB_NO_WAKEUP;

	add(counter_produced, 1);
	if (must_wake(urgent)) {
		flags = BPF_RB_FORCE_WAKEUP;
		add(counter_wakeups, 1);
	}
	if (bpf_ringbuf_output(&ring, record, size, flags))
		add(counter_lost_ring_full, 1);
}

/* enum record kinds share their head; every field of it is written. */
static __always_inline void head(void *record, __u8 kind, __u64 now)
{
	struct exit_record *head = record;
	__u64 id = bpf_get_current_pid_tgid();
	struct task_struct *task = current_task();

	head->kind = kind;
	head->version = RECORD_VERSION;
	head->flags = 0;
	head->time_ns = now;
	head->tgid = id >> 32;
	head->tid = id;
	head->start_ns = GET2(task, group_leader, start_boottime);
}
