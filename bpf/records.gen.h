/* Generated from records.toml by `npm run gen`. Do not edit. */
#pragma once

#define RECORD_VERSION 3

/* What a record is. */
enum kind {
	kind_data = 1, /* one data call on a socket, or one chunk of a call with a long payload */
	kind_connection = 2, /* an event in the life of a socket */
	kind_exec = 3, /* kernel only: a process image started; capture/ turns it into a `process` record */
	kind_fork = 4, /* a new process (not a thread) */
	kind_exit = 5, /* the last thread of a process ended */
	kind_uring = 6, /* a process set up io_uring: what it does there is not seen */
	kind_wake = 7, /* a thread of a pool has woken another thread that waited for it */
	kind_process = 16, /* agent: facts about a process, JSON */
	kind_clock = 17, /* agent: an instant on all clocks, up to which all records have gone before; the only source of time for the pipeline */
	kind_counters = 18, /* agent: the kernel's cumulative counters, 64-bit each, in the order of the enum `counter` */
	kind_host = 19, /* agent: facts about the host and the agent, JSON; first record of a recording */
	kind_filter = 20, /* agent: the filters in force from here on, JSON */
	kind_elision = 21, /* progress of an elided run, read from the kernel while the connection is idle, or told by it when the socket is gone */
	kind_directory = 22, /* agent: what the directory answered, JSON; the first one says that there is a directory, and has no answers */
	kind_pool = 23, /* agent: from here on the kernel side tells whom the threads of a process wake, or does so no more */
	kind_pause = 24, /* agent: the kernel side has stopped looking at system calls: what goes on from here on is not told, until connections are met anew in mid-traffic */
};

/* Bits of head.flags. */
enum flag {
	flag_accepted = 1, /* this socket is the accepting (server) end */
	flag_fresh = 2, /* the socket was seen from its creation, so counted positions start at its first byte */
	flag_truncated = 4, /* length > captured */
	flag_unsure = 8, /* another thread used the socket meanwhile: position is a guess */
	flag_fault = 16, /* the payload could not be read (page not present, bad pointer) */
	flag_drained = 32, /* the receive queue was empty after this read */
	flag_more = 64, /* another chunk of the same call follows */
	flag_eof = 128, /* the read consumed the peer's FIN */
};

/* Seen from the socket. */
enum direction {
	direction_receive = 0, /* bytes came in */
	direction_send = 1, /* bytes went out */
};

/* What data.position counts. */
enum position_kind {
	position_kind_tcp = 1, /* offset from the first data byte of the direction, by sequence numbers */
	position_kind_counter = 2, /* bytes counted by the agent since it first saw the socket */
	position_kind_datagram = 3, /* messages; position is the ordinal within the socket and direction */
};

/* counters.in_ring, where it is no number. */
enum in_ring {
	in_ring_unknown = 4294967295, /* the kernel did not stand still for as long as it takes to tell */
};

/* connection.event. */
enum event {
	event_connect = 1, /* connect(2) returned; result 0, -EINPROGRESS or an error */
	event_accept = 2, /* accept(2) returned a connection */
	event_established = 3, /* TCP handshake done */
	event_shutdown = 4, /* shutdown(2) returned */
	event_close = 5, /* close(2) was entered for a socket that nobody else held; the payload is how far its streams went */
	event_destroyed = 6, /* TCP state CLOSE: the socket is over whoever holds it; result is the negative errno, 0 for an orderly end; the payload as of close */
	event_failed = 7, /* a data call or the handshake failed; result is the negative errno */
	event_seen = 8, /* first data on a unix socket; the payload is its name */
	event_scan = 9, /* found open when the agent started */
	event_listen = 10, /* the socket listens */
};

/* What user space wants of a connection. */
enum verdict {
	verdict_full = 0, /* payload up to the budget of the run, then header only */
	verdict_elide = 1, /* as full, but beyond the budget records of the run are only summed up */
	verdict_header = 2, /* no payload, and of a run only the first record: the rest is summed up */
	verdict_drop = 3, /* nothing; counted as unrecognised */
	verdict_own = 4, /* nothing: one end of the agent's own traffic */
	verdict_filtered = 5, /* nothing: outside the filters */
};

/* Kernel counters, one slot each in a per-CPU array. Never decreased. Data calls that are dropped are counted by port alone: user space adds them to calls_*, bytes_* and unrecognised_*. */
enum counter {
	counter_produced = 0, /* records the kernel side set out to write */
	counter_lost_ring_full = 1, /* records lost because the ring was full */
	counter_calls_receive = 2, /* data calls that received bytes, whatever became of them; not those of the agent and of processes that the filters exclude, which are not looked at */
	counter_calls_send = 3, /* the same of data calls that sent bytes */
	counter_bytes_receive = 4, /* bytes of calls_receive */
	counter_bytes_send = 5, /* bytes of calls_send */
	counter_elided_records = 6, /* data calls summed up by an elide verdict */
	counter_elided_bytes = 7, /* bytes of elided_records */
	counter_unrecognised_records = 8, /* data calls not written because of a drop verdict */
	counter_unrecognised_bytes = 9, /* bytes of unrecognised_records */
	counter_own_records = 10, /* data calls not written because the connection is the agent's own: those of its other end */
	counter_filtered_records = 11, /* data calls not written because user space found the connection to be outside the filters */
	counter_payload_faults = 12, /* records whose payload could not be read */
	counter_truncated_records = 13, /* records with captured < length */
	counter_compat_calls = 14, /* data calls by 32-bit programs, not decoded */
	counter_state_lost = 15, /* per-connection or per-call kernel state that could not be kept */
	counter_messages_cut = 16, /* messages of a recvmmsg beyond its first 1024: they leave no record, and their bytes are not counted */
	counter_uring_setups = 17, /* io_uring instances set up */
	counter_wakeups = 18, /* times the kernel woke the drain */
	counter_exec_cut = 19, /* process images whose arguments or environment are longer than what is kept */
	counter_overruns = 20, /* times the ring filled up, after which data calls are lost until the agent has emptied it */
	counter_shed_connections = 21, /* new connections that were left out because the agent was above its limits, each of their ends by itself */
	counter_shed_records = 22, /* data calls not written because their connection was left out for that reason; user space fills it in */
	counter_shed_bytes = 23, /* bytes of shed_records */
	counter_capped_bytes = 24, /* payload bytes that were left out because the agent was above its limits */
	counter_count = 25,
};

/* Bytes that crossed one socket in one direction. */
struct data_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u64 sock; /* low 53 bits of the kernel address of the socket; identity together with inode and netns */
	__u64 inode; /* socket inode, as in ss and /proc */
	__u64 peer; /* unix: `sock` of the peer, else 0 */
	__u64 cgroup; /* cgroup v2 id of the calling thread */
	__u64 gap_start; /* position of the first elided byte of gap_direction; all of them up to gap_end were */
	__u64 gap_end; /* position after the last elided byte of gap_direction */
	__u64 gap_ns; /* time of the last elided call */
	__s64 result; /* return value of the system call */
	__u32 netns; /* inode of the network namespace */
	__u32 tx_first; /* what names this end at both ends. TCP: absolute sequence number of the first byte it sends; unix: low half of its inode */
	__u32 rx_first; /* the same of the peer, 0 while it is not known */
	__u32 gap_records; /* calls elided since the last record of this socket */
	__u16 local_port; /* host order */
	__u16 remote_port; /* host order */
	__u16 syscall; /* x86-64 or arm64 system call number */
	__u8 family; /* AF_UNIX 1, AF_INET 2, AF_INET6 10 */
	__u8 sock_type; /* SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5 */
	__u8 local[16]; /* own address */
	__u8 remote[16]; /* peer's address */
	__u8 protocol; /* IPPROTO_TCP 6, IPPROTO_UDP 17, 0 for unix */
	__u8 gap_direction; /* enum direction */
	__u8 tcp_state; /* TCP state after the call */
	__u8 direction; /* enum direction */
	__u32 length; /* bytes this record stands for */
	__u32 captured; /* payload bytes that follow */
	__u32 message; /* index within recvmmsg or sendmmsg */
	__u64 enter_ns; /* when the send was entered; 0 for receives */
	__u64 position; /* of the record's first byte in its stream */
	__u64 context_id; /* execution context (goroutine, virtual thread, task), 0 if unknown */
	__u64 context_parent; /* its parent */
	__u64 context_origin; /* where its work came from */
	__u8 position_kind; /* enum position_kind */
	__u8 layer; /* 0: what the socket carried; 1: plaintext from a library */
	__u8 context_kind; /* 0: none */
	__u8 pad; /* zero */
	__u16 turn; /* how often the thread came back from waiting for events of several descriptors, so that what it read before need not be why it goes on; wraps */
	__u16 step; /* how often the thread received bytes or the end of a stream, from any socket, or was woken through a descriptor that is none; this record's receive is counted; wraps */
};
_Static_assert(sizeof(struct data_record) == 216, "data layout");

/* An event in the life of a socket. The payload is the unix socket name where there is one; where the socket ends, two u32: the low halves of the positions after the last byte sent and after the last one received, either of which may count a FIN as one more. */
struct connection_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u64 sock; /* low 53 bits of the kernel address of the socket; identity together with inode and netns */
	__u64 inode; /* socket inode, as in ss and /proc */
	__u64 peer; /* unix: `sock` of the peer, else 0 */
	__u64 cgroup; /* cgroup v2 id of the calling thread */
	__u64 gap_start; /* position of the first elided byte of gap_direction; all of them up to gap_end were */
	__u64 gap_end; /* position after the last elided byte of gap_direction */
	__u64 gap_ns; /* time of the last elided call */
	__s64 result; /* return value of the system call */
	__u32 netns; /* inode of the network namespace */
	__u32 tx_first; /* what names this end at both ends. TCP: absolute sequence number of the first byte it sends; unix: low half of its inode */
	__u32 rx_first; /* the same of the peer, 0 while it is not known */
	__u32 gap_records; /* calls elided since the last record of this socket */
	__u16 local_port; /* host order */
	__u16 remote_port; /* host order */
	__u16 syscall; /* x86-64 or arm64 system call number */
	__u8 family; /* AF_UNIX 1, AF_INET 2, AF_INET6 10 */
	__u8 sock_type; /* SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5 */
	__u8 local[16]; /* own address */
	__u8 remote[16]; /* peer's address */
	__u8 protocol; /* IPPROTO_TCP 6, IPPROTO_UDP 17, 0 for unix */
	__u8 gap_direction; /* enum direction */
	__u8 tcp_state; /* TCP state after the call */
	__u8 event; /* enum event */
	__u32 fd; /* descriptor in the calling process, 0xffffffff if there is none */
	__u32 captured; /* payload bytes that follow */
	__u16 turn; /* as in data; 0 where it is no thread's doing */
	__u16 step; /* as in data */
};
_Static_assert(sizeof(struct connection_record) == 168, "connection layout");

/* A process image started. Payload: executable path, cgroup path and working directory as components from the leaf up, each NUL-ended; then argv; then environ. */
struct exec_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u64 cgroup; /* cgroup v2 id */
	__u32 parent; /* tgid of the parent */
	__u32 uid; /* real user id */
	__u32 netns; /* inode of the network namespace */
	__u32 captured; /* payload bytes that follow */
	__u16 exe_length; /* bytes of the executable path */
	__u16 cgroup_length; /* bytes of the cgroup path */
	__u16 cwd_length; /* bytes of the working directory */
	__u16 argv_length; /* bytes of argv */
	__u16 environ_length; /* bytes of environ */
	__u16 pad[3]; /* zero */
	__u8 comm[16]; /* command name, NUL-padded */
};
_Static_assert(sizeof(struct exec_record) == 88, "exec layout");

/* A new process; tgid and start_ns are the child's. */
struct fork_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u64 parent_start_ns; /* start of the parent */
	__u32 parent; /* tgid of the parent */
	__u32 pad; /* zero */
};
_Static_assert(sizeof(struct fork_record) == 48, "fork layout");

/* The last thread of a process ended. */
struct exit_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u32 code; /* as in wait(2) */
	__u32 pad; /* zero */
};
_Static_assert(sizeof(struct exit_record) == 40, "exit layout");

/* A process set up io_uring. */
struct uring_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u32 entries; /* submission queue entries */
	__u32 pad; /* zero */
};
_Static_assert(sizeof(struct uring_record) == 40, "uring layout");

/* The kernel side has stopped looking at system calls: what is open now ends unseen. */
struct pause_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
};
_Static_assert(sizeof(struct pause_record) == 32, "pause layout");

/* In a process whose calls are made by a pool: a thread has woken the one thread that waited at a futex, and had done so since before the waker received something last. */
struct wake_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u32 woken; /* id of the woken thread in the initial namespace */
	__u16 woken_turn; /* its turn, as in data */
	__u16 turn; /* of the waker, as in data */
	__u16 step; /* of the waker, as in data */
	__u16 pad[3]; /* zero */
};
_Static_assert(sizeof(struct wake_record) == 48, "wake layout");

/* Facts about a process as JSON (type ProcessFacts). */
struct process_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u32 captured; /* payload bytes that follow */
	__u32 pad; /* zero */
};
_Static_assert(sizeof(struct process_record) == 40, "process layout");

/* An instant on all clocks, up to which all records have gone before; time_ns is the monotonic one. */
struct clock_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u64 realtime_s; /* Unix time, whole seconds */
	__u64 boottime_ns; /* CLOCK_BOOTTIME */
	__u32 realtime_ns; /* Unix time, nanoseconds within the second */
	__u32 pad; /* zero */
};
_Static_assert(sizeof(struct clock_record) == 56, "clock layout");

/* The kernel's cumulative counters; payload: one u64 a counter, then per port (u32 protocol<<16|port, u32 0, u64 records, u64 bytes) of unrecognised traffic. */
struct counters_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u64 delivered; /* records taken out of the ring so far */
	__u32 in_ring; /* records in the ring, not yet delivered, of the same instant as what was produced and lost; or enum in_ring */
	__u32 counters; /* u64 counters in the payload */
	__u32 ports; /* port entries in the payload */
	__u32 captured; /* payload bytes that follow */
};
_Static_assert(sizeof(struct counters_record) == 56, "counters layout");

/* Facts about the host and the agent as JSON (type HostFacts). */
struct host_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u32 captured; /* payload bytes that follow */
	__u32 pad; /* zero */
};
_Static_assert(sizeof(struct host_record) == 40, "host layout");

/* The filters in force from here on, as JSON. */
struct filter_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u32 captured; /* payload bytes that follow */
	__u32 pad; /* zero */
};
_Static_assert(sizeof(struct filter_record) == 40, "filter layout");

/* Trace contexts of client spans that other hosts published, as JSON (type DirectoryEntry[]). */
struct directory_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u32 captured; /* payload bytes that follow */
	__u32 pad; /* zero */
};
_Static_assert(sizeof(struct directory_record) == 40, "directory layout");

/* From here on the kernel side tells whom the threads of a process wake, or does so no more. */
struct pool_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u32 watched; /* 1 or 0 */
	__u32 pad; /* zero */
};
_Static_assert(sizeof(struct pool_record) == 40, "pool layout");

/* Progress of an elided run of a connection. */
struct elision_record {
	__u32 size; /* bytes of this record with payload, without the alignment to 8 that follows */
	__u8 kind; /* enum kind */
	__u8 version; /* schema version */
	__u16 flags; /* enum flag, or-ed */
	__u64 time_ns; /* when the call returned or the event happened */
	__u64 start_ns; /* start of the process on CLOCK_BOOTTIME; with tgid its identity */
	__u32 tgid; /* process id in the initial namespace */
	__u32 tid; /* thread id in the initial namespace */
	__u64 sock; /* as in socket */
	__u64 inode; /* as in socket */
	__u64 gap_start; /* as in socket */
	__u64 gap_end; /* as in socket */
	__u64 gap_ns; /* as in socket */
	__u32 gap_records; /* as in socket */
	__u32 gap_direction; /* enum direction */
};
_Static_assert(sizeof(struct elision_record) == 80, "elision layout");
