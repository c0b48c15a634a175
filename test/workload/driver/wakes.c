/* Threads that wait for each other at futexes, as those that wait for results do, and as others do. */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "play.h"
#include "scenarios.h"

struct wait {
	uint32_t *word;
	int operation;
	int limit_ms; /* 0: none */
	pid_t tid;
	pthread_t thread;
};

static long futex(uint32_t *word, int operation, uint32_t value, struct timespec *limit)
{
	return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, limit, NULL, FUTEX_BITSET_MATCH_ANY);
}

static void *wait_there(void *argument)
{
	struct wait *w = argument;
	struct timespec limit;

	/* A relative limit for FUTEX_WAIT, which no case has. */
	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += w->limit_ms / 1000;
	limit.tv_nsec += w->limit_ms % 1000 * 1000000L;
	if (limit.tv_nsec >= 1000000000) {
		limit.tv_sec++;
		limit.tv_nsec -= 1000000000;
	}
	__atomic_store_n(&w->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	while (!__atomic_load_n(w->word, __ATOMIC_ACQUIRE))
		if (futex(w->word, w->operation, 0, w->limit_ms ? &limit : NULL) && w->limit_ms)
			break; /* its time is over */
	return NULL;
}

static char state_of(pid_t tid)
{
	char path[64], text[256] = "", *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	if (!file || !fgets(text, sizeof(text), file))
		die(path);
	fclose(file);
	end = strrchr(text, ')');
	return end ? end[2] : '?';
}

/* Returns when the other thread sleeps, which it does nowhere else. */
static void begin(struct wait *w)
{
	if (pthread_create(&w->thread, NULL, wait_there, w))
		die("pthread_create");
	while (!__atomic_load_n(&w->tid, __ATOMIC_ACQUIRE) || state_of(w->tid) != 'S')
		usleep(100);
}

static void receive(struct pair p)
{
	play(CALL_WRITE, p.a, 1, 0, whole);
	play(CALL_READ, p.b, 1, 0, whole);
}

static void wake(struct wait *w, int count)
{
	__atomic_store_n(w->word, 1, __ATOMIC_RELEASE);
	futex(w->word, FUTEX_WAKE, count, NULL);
	/* Whoever is left of several. */
	futex(w->word, FUTEX_WAKE_BITSET, INT_MAX, NULL);
	pthread_join(w->thread, NULL);
}

/* One thread waits, this one receives and wakes it. */
static void wait_for_result(struct pair p, const char *name, int operation, int limit_ms, int count)
{
	uint32_t word = 0;
	struct wait w = {.word = &word, .operation = operation, .limit_ms = limit_ms};

	begin(&w);
	receive(p);
	wake(&w, count);
	log_note("\"wait\":\"%s\",\"waker\":%d,\"woken\":%d", name, getpid(), w.tid);
}

/* Waits that are for a result, and such as are not; begins when there is something to read on standard input. */
void scenario_wakes(int argc, char **argv)
{
	struct pair p = open_pair("tcp4");
	uint32_t words[4] = {0};
	struct wait early = {.word = &words[0], .operation = FUTEX_WAIT_BITSET}, slept = {.word = &words[1], .operation = FUTEX_WAIT_BITSET};
	struct wait one = {.word = &words[2], .operation = FUTEX_WAIT_BITSET}, other = one;
	char byte;

	(void)argc;
	(void)argv;
	if (read(0, &byte, 1) != 1)
		die("standard input");
	receive(p);
	wait_for_result(p, "without a limit", FUTEX_WAIT_BITSET, 0, 1);
	wait_for_result(p, "with a long limit", FUTEX_WAIT_BITSET, 60000, 1);
	wait_for_result(p, "woken with all", FUTEX_WAIT_BITSET, 0, INT_MAX);
	wait_for_result(p, "with a short limit", FUTEX_WAIT_BITSET, 90, 1);
	wait_for_result(p, "at a mutex", FUTEX_WAIT, 0, 1);

	receive(p);
	begin(&early);
	wake(&early, 1);
	log_note("\"wait\":\"begun after the bytes came\",\"woken\":%d", early.tid);

	begin(&slept);
	receive(p);
	futex(&words[3], FUTEX_WAIT_BITSET, 1, NULL); /* returns at once: it is another value */
	wake(&slept, 1);
	log_note("\"wait\":\"of whom a thread wakes that has waited itself\",\"woken\":%d", slept.tid);

	begin(&one);
	begin(&other);
	receive(p);
	wake(&one, 1);
	pthread_join(other.thread, NULL);
	log_note("\"wait\":\"of two at one place\",\"woken\":%d", one.tid);
	log_note("\"wait\":\"of two at one place\",\"woken\":%d", other.tid);
}
