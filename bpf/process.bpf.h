/*
 * Processes: their image, their parent, their end. What naming a service needs is taken at exec, so that a process of a few milliseconds is
 * known, and in the kernel, so that the file system need not be asked.
 */
#pragma once

#include "events.bpf.h"

#define PATH_COMPONENTS 24
#define COMPONENT_MAX 256
#define ARGV_MAX 4096
#define ENVIRON_MAX 6144

/* Appends one component, NUL included, at `at`; the offset behind it. */
static __always_inline __u32 append_component(__u8 *payload, __u32 at, const void *name)
{
	long n;

	if (at >= EXEC_PAYLOAD_MAX - COMPONENT_MAX)
		return at;
	asm volatile("%0 &= 0x3fff" : "+r"(at)); /* before 6.2 the verifier loses a bound over a spill */
	n = bpf_probe_read_kernel_str(payload + at, COMPONENT_MAX, name);
	return n > 0 ? at + n : at;
}

/* append_path - a path from its leaf up, across mount points, to the root of the mount namespace, behind the exec record of slot 2. */
__attribute__((noinline)) int append_path(__u64 vfsmount, __u64 leaf, __u32 at)
{
	struct dentry *dentry = (struct dentry *)leaf;
	struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
	struct work *w = work(2);

	if (!w)
		return at;
	for (int i = 0; i < PATH_COMPONENTS; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root) || dentry == parent) {
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);

			if (above == mount)
				break;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = above;
			continue;
		}
		at = append_component((__u8 *)(&w->exec + 1), at, BPF_CORE_READ(dentry, d_name.name));
		dentry = parent;
	}
	return at;
}

static __always_inline __u32 append(struct path *path, __u32 at)
{
	return append_path((__u64)BPF_CORE_READ(path, mnt), (__u64)BPF_CORE_READ(path, dentry), at);
}

static __always_inline struct kernfs_node *parent_node(struct kernfs_node *node)
{
	struct kernfs_node___before_6_15 *old = (void *)node;

	if (bpf_core_field_exists(node->__parent))
		return BPF_CORE_READ(node, __parent);
	return BPF_CORE_READ(old, parent);
}

/* append_cgroup - the current task's cgroup v2 path, or the memory controller's where v1 is in use, from the leaf up. */
__attribute__((noinline)) int append_cgroup(__u32 at)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct work *w = work(2);
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct kernfs_node *node = BPF_CORE_READ(set, dfl_cgrp, kn), *above;

	if (!w)
		return at;
	if (!parent_node(node)) {
		struct cgroup_subsys_state *css = 0;
		__u32 index = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);

		bpf_probe_read_kernel(&css, sizeof(css), (void *)set + bpf_core_field_offset(struct css_set, subsys) + index * sizeof(css));
		if (css)
			node = BPF_CORE_READ(css, cgroup, kn);
	}
	for (int i = 0; i < PATH_COMPONENTS; i++) {
		above = node ? parent_node(node) : 0;
		if (!above)
			break;
		at = append_component((__u8 *)(&w->exec + 1), at, BPF_CORE_READ(node, name));
		node = above;
	}
	return at;
}

/* A stretch of the new image's memory: argv or environ. */
static __always_inline __u32 append_memory(__u8 *payload, __u32 at, unsigned long start, unsigned long end, __u32 most)
{
	__u32 length = end - start > most ? most : end - start;

	asm volatile("" : "+r"(length));
	if (at >= EXEC_PAYLOAD_MAX || length > ENVIRON_MAX)
		return at;
	asm volatile("%0 &= 0x3fff" : "+r"(at));
	if (bpf_probe_read_user(payload + at, length, (void *)start))
		return at;
	return at + length;
}

static __always_inline void process_executed(struct task_struct *task)
{
	struct work *w = work(2);
	struct exec_record *r;
	struct fs_struct *fs;
	struct file *exe;
	__u8 *payload;
	__u32 at = 0, before;

	if (!w || BPF_CORE_READ(task, tgid) == own_tgid)
		return;
	if (is_compat(task)) /* the new image has set it */
		compat_tasks = 1;
	r = &w->exec;
	payload = (__u8 *)(r + 1);
	head(r, kind_exec, bpf_ktime_get_ns());
	r->cgroup = bpf_get_current_cgroup_id();
	r->parent = BPF_CORE_READ(task, real_parent, tgid);
	r->uid = BPF_CORE_READ(task, real_cred, uid.val);
	r->netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	__builtin_memset(r->pad, 0, sizeof(r->pad));
	bpf_get_current_comm(r->comm, sizeof(r->comm));

	exe = BPF_CORE_READ(task, mm, exe_file);
	if (exe)
		at = append(&exe->f_path, at);
	r->exe_length = at;
	before = at;
	at = append_cgroup(at);
	r->cgroup_length = at - before;
	before = at;
	fs = BPF_CORE_READ(task, fs);
	if (fs)
		at = append(&fs->pwd, at);
	r->cwd_length = at - before;
	before = at;
	at = append_memory(payload, at, BPF_CORE_READ(task, mm, arg_start), BPF_CORE_READ(task, mm, arg_end), ARGV_MAX);
	r->argv_length = at - before;
	before = at;
	at = append_memory(payload, at, BPF_CORE_READ(task, mm, env_start), BPF_CORE_READ(task, mm, env_end), ENVIRON_MAX);
	r->environ_length = at - before;
	if (r->argv_length < BPF_CORE_READ(task, mm, arg_end) - BPF_CORE_READ(task, mm, arg_start) ||
	    r->environ_length < BPF_CORE_READ(task, mm, env_end) - BPF_CORE_READ(task, mm, env_start))
		add(counter_exec_cut, 1);
	r->captured = at;
	r->size = sizeof(*r) + at;
	asm volatile("" : "+r"(at));
	if (at < WORK_PAYLOAD_MAX)
		/* An idle agent looks seldom, and a process may be over by then, with its files. */
		emit(r, sizeof(*r) + at, !bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA));
}

static __always_inline void process_forked(struct task_struct *parent, struct task_struct *child)
{
	struct fork_record r = {};

	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid))
		return; /* a thread */
	head(&r, kind_fork, bpf_ktime_get_ns());
	r.tgid = r.tid = BPF_CORE_READ(child, tgid);
	r.start_ns = BPF_CORE_READ(child, start_boottime);
	r.parent = BPF_CORE_READ(parent, tgid);
	r.parent_start_ns = BPF_CORE_READ(parent, group_leader, start_boottime);
	r.size = sizeof(r);
	emit(&r, sizeof(r), false);
}

static __always_inline void thread_exited(struct task_struct *task)
{
	struct exit_record r = {};
	__u32 tid = BPF_CORE_READ(task, pid);

	if (!have_task_storage)
		bpf_map_delete_elem(&threads_by_tid, &tid);
	if (BPF_CORE_READ(task, signal, live.counter))
		return;
	head(&r, kind_exit, bpf_ktime_get_ns());
	r.code = BPF_CORE_READ(task, exit_code);
	r.size = sizeof(r);
	emit(&r, sizeof(r), false);
}

static __always_inline void uring_made(struct pt_regs *regs)
{
	struct uring_record r = {};

	head(&r, kind_uring, bpf_ktime_get_ns());
	r.entries = SYSCALL_ARG1(regs);
	r.size = sizeof(r);
	add(counter_uring_setups, 1);
	emit(&r, sizeof(r), false);
}
