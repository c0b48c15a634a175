/*
 * Put in front of the programs of bpf/ to play a kernel that is short of memory: every so often what is to be kept is not, from the first time on.
 * Nothing in the programs is otherwise than in the product's.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 asked_conns, asked_threads, asked_futexes, refused_conns, refused_threads, refused_futexes;

#define REFUSE(what, every) (asked_##what++ % (every) == 0 && (__sync_fetch_and_add(&refused_##what, 1), 1))

#define bpf_map_update_elem(map, key, value, flags) \
	(((void *)(map) == (void *)&conns && REFUSE(conns, 5)) || ((void *)(map) == (void *)&futexes && REFUSE(futexes, 2)) ? \
		 -12 : \
		 bpf_map_update_elem(map, key, value, flags))
#define bpf_task_storage_get(map, task, value, flags) \
	((flags) && REFUSE(threads, 2) ? (void *)0 : bpf_task_storage_get(map, task, value, flags))
