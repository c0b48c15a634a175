/*
 * The few kernel fields that are read, declared by hand. Offsets come from the running kernel's BTF (CO-RE), so only names and kinds
 * matter here. Where a field moved, the old shape stands beside the new one with the commit that moved it.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262
#define TCP_ESTABLISHED 1
#define TCP_CLOSE_WAIT 8
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_FIN_WAIT1 4
#define TCP_CLOSE 7
#define TCP_LAST_ACK 9
#define TCP_LISTEN 10
#define S_IFMT 00170000
#define S_IFREG 0100000
#define S_IFSOCK 0140000
#define SK_FLAG_DONE 1 /* enum sock_flags: the peer's FIN came in */
#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x20
#define MSG_ERRQUEUE 0x2000
#define UIO_MAXIOV 1024
#define UNIX_PATH_MAX 108

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long counter;
} atomic_long_t;

struct qstr {
	const unsigned char *name; /* one path component */
};

struct dentry {
	struct dentry *d_parent; /* itself at the root of its file system */
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root; /* root of the mounted tree */
};

struct mount {
	struct mount *mnt_parent;	/* itself at the root of the namespace */
	struct dentry *mnt_mountpoint; /* where it is mounted in its parent */
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct inode {
	unsigned short i_mode; /* S_IFSOCK tells a socket, S_IFREG a file */
	unsigned long i_ino;   /* the number that ss and /proc show */
};

/* Since 90ee6ed776c0 ("fs: port files to file_ref", 6.13) the count starts at 0 for one holder. */
typedef struct {
	atomic_long_t refcnt;
} file_ref_t;

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data; /* struct socket of a socket file */
	file_ref_t f_ref;
};

struct file___before_6_13 {
	atomic_long_t f_count; /* 1 for one holder */
};

struct rb_node {
	struct rb_node *rb_right, *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
};

struct eventpoll { /* private_data of an epoll file */
	struct rb_root_cached rbr; /* of the descriptors that it watches */
};

/* Stand for any pointer and any number in memory, where a typed read needs a struct to find it in. */
struct list_head {
	struct list_head *next;
};

struct timespec64 {
	__s64 tv_sec;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	struct path pwd;
};

struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start, arg_end, env_start, env_end; /* user addresses */
};

/* 5.10 to 6.14: parent. Since 741c10b096bc ("kernfs: Use RCU to access kernfs_node::parent", 6.15): __parent. */
struct kernfs_node {
	struct kernfs_node *__parent;
	const char *name;
	__u64 id;
};

struct kernfs_node___before_6_15 {
	struct kernfs_node *parent;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup_subsys_state *subsys[12];
	struct cgroup *dfl_cgrp; /* the cgroup v2 one */
};

enum cgroup_subsys_id {
	memory_cgrp_id = 4, /* relocated: differs between kernels */
	pids_cgrp_id = 10,
};

struct signal_struct {
	atomic_t live; /* threads that have not exited */
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct nsproxy {
	struct net *net_ns;
};

typedef struct {
	unsigned int val;
} kuid_t;

struct cred {
	kuid_t uid;
};

struct thread_info {
	unsigned long flags;
	__u32 status; /* x86: TS_COMPAT while a 32-bit system call runs */
};

struct rq { /* a run queue: one a CPU */
	__u64 clock;
};

struct cfs_rq {
	struct rq *rq; /* with CONFIG_FAIR_GROUP_SCHED */
};

struct sched_entity {
	__u64 nr_migrations; /* from one CPU to another */
	struct cfs_rq *cfs_rq; /* of the CPU that the thread belongs to, whatever its policy */
};

struct sched_info { /* with CONFIG_SCHED_INFO, in nanoseconds of the run queue's clock */
	unsigned long long run_delay;	 /* all waits that are over */
	unsigned long long last_arrival; /* onto the CPU */
	unsigned long long last_queued;	 /* 0 while it does not wait */
};

struct task_struct {
	struct thread_info thread_info;
	struct sched_entity se;
	struct sched_info sched_info;
	int pid, tgid;
	__u64 start_boottime;
	int exit_state; /* not 0: it will not run for much longer */
	int exit_code;
	char comm[16];
	struct task_struct *group_leader, *real_parent;
	struct mm_struct *mm;
	struct files_struct *files;
	struct fs_struct *fs;
	struct signal_struct *signal;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
	const struct cred *real_cred;
};

struct in6_addr {
	__u8 in6_u[16];
};

struct sock_common {
	unsigned short skc_family;
	unsigned char skc_state;
	__u16 skc_num;	   /* own port, host order */
	__be16 skc_dport;  /* peer's port, network order */
	__be32 skc_daddr, skc_rcv_saddr;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	possible_net_t skc_net;
	unsigned long skc_flags;
};

struct sk_buff_head {
	__u32 qlen;
};

struct socket {
	struct sock *sk;
};

struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type, sk_protocol;
	__u32 sk_max_ack_backlog; /* inherited from the listener by accepted TCP sockets, else 0 */
	int sk_err;
	struct socket *sk_socket;
	struct sk_buff_head sk_receive_queue;
};

struct inet_connection_sock {
	const void *icsk_ulp_ops; /* kTLS: sequence numbers no longer count what the application wrote */
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 copied_seq; /* next byte the application will read */
	__u32 rcv_nxt;	  /* next byte expected from the peer */
	__u32 write_seq;  /* next byte the application will write */
	__u32 snd_una;	  /* first byte not yet acknowledged */
	__u64 bytes_received, bytes_acked;
	__u64 bytes_sent, bytes_retrans; /* payload, what was sent again included; payload sent again */
	__u32 total_retrans;		 /* segments */
	__u32 srtt_us;			 /* smoothed round trip time, eighths of a microsecond */
};

struct sockaddr_un_name {
	unsigned short sun_family;
	char sun_path[UNIX_PATH_MAX];
};

struct unix_address {
	int len; /* of name, family included */
	struct sockaddr_un_name name[0];
};

struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct sock *peer;
};

struct seq_file;

struct request_queue {
	struct gendisk *disk; /* since d152c682f03c ("block: add an explicit ->disk backpointer to the request_queue", 5.15) */
};

struct gendisk {
	int major, first_minor;
	char disk_name[32];
};

struct request {
	struct request_queue *q;
	unsigned int cmd_flags; /* the operation, and flags above it */
	unsigned int __data_len; /* bytes that are not done yet */
	__u64 start_time_ns;	 /* CLOCK_MONOTONIC; 0 where no times are kept */
};

struct request___before_5_17 {
	struct gendisk *rq_disk;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

/*
 * Reading kernel memory. With typed pointers (bpf_rdonly_cast, a35b9af4ec2c, 6.2) a field is one plain load; before, each is a call of
 * bpf_probe_read_kernel, several times the price. `have_typed` is constant, so the verifier drops the other branch.
 */
const volatile bool have_typed;

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#define TYPED(type, pointer) \
	((type *)(have_typed ? bpf_rdonly_cast((const void *)(pointer), bpf_core_type_id_kernel(type)) : (void *)(pointer)))
/* One field of a TYPED object. */
#define GET(object, field) \
	({                                                            \
		typeof((object)->field) _value;                       \
		if (have_typed)                                       \
			_value = (object)->field;                     \
		else                                                  \
			_value = BPF_CORE_READ(object, field);        \
		_value;                                               \
	})
/* A field behind a pointer in it. */
#define GET2(object, pointer, field) \
	({                                                            \
		typeof((object)->pointer->field) _value;              \
		if (have_typed)                                       \
			_value = (object)->pointer->field;            \
		else                                                  \
			_value = BPF_CORE_READ(object, pointer, field); \
		_value;                                               \
	})

static __always_inline struct task_struct *current_task(void)
{
	return have_typed ? (void *)bpf_get_current_task_btf() : (void *)bpf_get_current_task();
}

/* Of the current task, which callers hold: a helper saved with every call. */
static __always_inline __u32 tgid_of(struct task_struct *task)
{
	return have_typed ? task->tgid : bpf_get_current_pid_tgid() >> 32;
}

/* User-space layouts of system call arguments (fixed by the ABI, 64-bit tasks). */
struct user_iovec {
	__u64 base, length;
};

struct user_timespec {
	__u64 seconds, nanoseconds;
};

/* The head of struct msghdr: as much of it as is needed. */
struct user_message {
	__u64 name;
	__u32 name_length, pad;
	__u64 iov, iov_count;
};

/* struct mmsghdr */
struct user_mmessage {
	struct user_message header;
	__u64 control, control_length;
	__u32 flags, pad0;
	__u32 length, pad1;
};
