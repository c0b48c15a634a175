/* Bounded copies out of flat buffers and iovecs. */
#pragma once

#include "known.bpf.h"

/* Copies `want` bytes at `from` to payload[at]; false when the page is not there. Both clamped to what the verifier can follow. */
static __always_inline bool copy_part(__u8 *payload, __u32 at, __u64 from, __u32 want)
{
	asm volatile("" : "+r"(at));
	asm volatile("" : "+r"(want));
	if (at >= PAYLOAD_MAX || want > PAYLOAD_MAX)
		return false;
	return !bpf_probe_read_user(payload + at, want, (void *)from);
}

/*
 * gather - copy bytes [skip, skip + want) of an iovec array behind the data record of slot 0.
 *
 * A global function: verified once, on its own. Returns the bytes copied, which is less than `want` when a page is missing or the array is
 * longer than what is walked.
 */
__attribute__((noinline)) int gather(__u64 iov, __u32 count, __u32 skip, __u32 want)
{
	struct work *w = work(0);
	__u32 done = 0;

	if (!w)
		return 0;
	for (__u32 i = 0; i < UIO_MAXIOV; i++) {
		struct user_iovec part;
		__u32 take;

		if (i >= count || done >= want)
			break;
		if (bpf_probe_read_user(&part, sizeof(part), (void *)(iov + i * sizeof(part))))
			break;
		if (part.length <= skip) {
			skip -= part.length;
			continue;
		}
		take = part.length - skip > want - done ? want - done : part.length - skip;
		if (!copy_part((__u8 *)(&w->data + 1), done, part.base + skip, take))
			break;
		skip = 0;
		done += take;
	}
	return done;
}
