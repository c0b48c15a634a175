/* System call numbers, arguments and the compat mark: all that depends on the architecture. */
#pragma once

#include "kernel.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)

struct pt_regs {
	unsigned long bx, di, si, dx, r10, r8, r9, orig_ax;
};

#define SYSCALL_NUMBER(regs) ((long)(regs)->orig_ax)
#define SYSCALL_ARG1(regs) ((regs)->di)
#define SYSCALL_ARG2(regs) ((regs)->si)
#define SYSCALL_ARG3(regs) ((regs)->dx)
#define SYSCALL_ARG4(regs) ((regs)->r10)
#define SYSCALL_ARG5(regs) ((regs)->r8)

enum {
	nr_read = 0, nr_write = 1, nr_close = 3, nr_readv = 19, nr_writev = 20, nr_sendfile = 40, nr_connect = 42, nr_accept = 43,
	nr_sendto = 44, nr_recvfrom = 45, nr_sendmsg = 46, nr_recvmsg = 47, nr_shutdown = 48, nr_listen = 50, nr_socketpair = 53,
	nr_splice = 275, nr_accept4 = 288, nr_recvmmsg = 299, nr_sendmmsg = 307, nr_io_uring_setup = 425, nr_futex = 202,
	nr_poll = 7, nr_select = 23, nr_epoll_wait = 232, nr_pselect6 = 270, nr_ppoll = 271, nr_epoll_pwait = 281, nr_epoll_pwait2 = 441,
};

#elif defined(__TARGET_ARCH_arm64)

struct pt_regs {
	__u64 regs[31];
	__u64 orig_x0; /* regs[0] holds the result at exit */
	__s32 syscallno;
};

#define SYSCALL_NUMBER(r) ((long)(r)->syscallno)
#define SYSCALL_ARG1(r) ((r)->orig_x0)
#define SYSCALL_ARG2(r) ((r)->regs[1])
#define SYSCALL_ARG3(r) ((r)->regs[2])
#define SYSCALL_ARG4(r) ((r)->regs[3])
#define SYSCALL_ARG5(r) ((r)->regs[4])

enum {
	nr_read = 63, nr_write = 64, nr_close = 57, nr_readv = 65, nr_writev = 66, nr_sendfile = 71, nr_connect = 203, nr_accept = 202,
	nr_sendto = 206, nr_recvfrom = 207, nr_sendmsg = 211, nr_recvmsg = 212, nr_shutdown = 210, nr_listen = 201, nr_socketpair = 199,
	nr_splice = 76, nr_accept4 = 242, nr_recvmmsg = 243, nr_sendmmsg = 269, nr_io_uring_setup = 425, nr_futex = 98,
	nr_pselect6 = 72, nr_ppoll = 73, nr_epoll_pwait = 22, nr_epoll_pwait2 = 441,
	nr_poll = 509, nr_select = 510, nr_epoll_wait = 511, /* not there */
};

#else
#error "no register access for this architecture"
#endif

#pragma clang attribute pop

/* A 32-bit task's call: its numbers mean something else, and int 0x80 from 64-bit code looks like another call altogether. */
static __always_inline bool is_compat(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	return GET(task, thread_info.status) & 2; /* TS_COMPAT */
#else
	return GET(task, thread_info.flags) & (1 << 22); /* TIF_32BIT */
#endif
}

/*
 * Whether a 32-bit task's call may move data on a socket, and its descriptor; -1 where the call does not have it in a register
 * (socketcall). Numbers are those of i386 and of 32-bit ARM.
 */
static __always_inline bool compat_data_call(struct pt_regs *regs, long nr, __s64 *fd)
{
	bool data = nr == 3 || nr == 4 || nr == 145 || nr == 146; /* read, write, readv, writev on both */

#if defined(__TARGET_ARCH_x86)
	*fd = (__s32)regs->bx;
	if (nr == 102) { /* socketcall: send, recv, sendto, recvfrom, sendmsg, recvmsg */
		data = (regs->bx >= 9 && regs->bx <= 12) || regs->bx == 16 || regs->bx == 17;
		*fd = -1;
	}
	return data || nr == 337 || nr == 345 || (nr >= 369 && nr <= 372);
#else
	*fd = (__s32)SYSCALL_ARG1(regs);
	return data || nr == 290 || nr == 292 || nr == 296 || nr == 297 || nr == 365 || nr == 374;
#endif
}

enum call_class {
	call_other,
	call_send,
	call_receive,
	call_wait, /* for events of descriptors */
	call_close,
	call_futex,
	call_event, /* in the life of a socket */
};

#define CALL_NUMBERS 512

/* What a call is, by its number: one look turns away nearly every system call of the machine. */
static const __u8 call_classes[CALL_NUMBERS] = {
	[nr_write] = call_send, [nr_writev] = call_send, [nr_sendto] = call_send, [nr_sendmsg] = call_send, [nr_sendmmsg] = call_send,
	[nr_sendfile] = call_send, [nr_splice] = call_send,
	[nr_read] = call_receive, [nr_readv] = call_receive, [nr_recvfrom] = call_receive, [nr_recvmsg] = call_receive,
	[nr_recvmmsg] = call_receive,
	[nr_poll] = call_wait, [nr_select] = call_wait, [nr_epoll_wait] = call_wait, [nr_pselect6] = call_wait, [nr_ppoll] = call_wait,
	[nr_epoll_pwait] = call_wait, [nr_epoll_pwait2] = call_wait,
	[nr_close] = call_close,
	[nr_futex] = call_futex,
	[nr_connect] = call_event, [nr_accept] = call_event, [nr_accept4] = call_event, [nr_shutdown] = call_event, [nr_listen] = call_event,
	[nr_socketpair] = call_event, [nr_io_uring_setup] = call_event,
};

static __always_inline enum call_class class_of(long nr)
{
	return (unsigned long)nr < CALL_NUMBERS ? call_classes[nr] : call_other;
}
