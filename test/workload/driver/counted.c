/* Scenarios about what the kernel side counts beside its records. */
#define _GNU_SOURCE
#include "play.h"
#include "scenarios.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

static void both_ways(struct pair p, size_t length)
{
	play(CALL_WRITE, p.a, length, 0, whole);
	play(CALL_READ, p.b, length, 0, whole);
	play(CALL_WRITE, p.b, length, 0, whole);
	play(CALL_READ, p.a, length, 0, whole);
}

/* One end of an exchange, over and over; the same calls on a file in between. */
static void converse(struct end *e, int count, size_t first, size_t second, int asks)
{
	char bytes[64] = "a file";
	int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	for (int i = 0; i < count; i++) {
		if (asks)
			play(CALL_WRITE, e, first, 0, whole);
		drain(CALL_READ, e, asks ? second : first);
		if (!asks)
			play(CALL_WRITE, e, second, 0, whole);
		if (lseek(file, 0, SEEK_SET) || write(file, bytes, sizeof(bytes)) != sizeof(bytes) || lseek(file, 0, SEEK_SET) ||
		    read(file, bytes, sizeof(bytes)) != sizeof(bytes))
			die("file");
	}
	close(file);
}

/* COUNT exchanges of 6000 bytes and 100 between two processes. */
void scenario_exchanges(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");
	int count = argc > 1 ? atoi(argv[1]) : 1;

	if (!fork()) {
		converse(p.b, count, 6000, 100, 0);
		_exit(failed());
	}
	converse(p.a, count, 6000, 100, 1);
	wait(NULL);
	close_end(p.a);
	close_end(p.b);
}

/* A run of calls in one direction, longer than what is captured of a run. */
static void run_of(struct end *from, struct end *to)
{
	static const enum call outs[] = {CALL_WRITE, CALL_WRITEV, CALL_SENDTO, CALL_SENDMSG, CALL_SENDMMSG};
	static const enum call ins[] = {CALL_READ, CALL_READV, CALL_RECVFROM, CALL_RECVMSG, CALL_RECVMMSG};

	for (int i = 0; i < 20; i++) {
		play(outs[i % 5], from, 1000, 0, whole);
		play(ins[i / 2 % 5], to, 1000, 0, whole);
	}
}

#define MOST_PAIRS 400

static sigset_t block_usr1(void)
{
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	return usr1;
}

/*
 * On each of COUNT connections (default 1) a call of each end; then, after SIGUSR1, when the test has given its verdict on all their sockets, runs
 * of calls in both directions and a call of each end again. Notes tell the phases apart.
 */
void scenario_verdicts(int argc, char **argv)
{
	sigset_t wanted = block_usr1();
	int got;
	struct pair pairs[MOST_PAIRS];
	int count = argc > 1 ? atoi(argv[1]) : 1;

	if (count > MOST_PAIRS)
		die("COUNT");
	for (int i = 0; i < count; i++) {
		pairs[i] = open_pair(argc ? argv[0] : "tcp4");
		both_ways(pairs[i], 100);
	}
	sigwait(&wanted, &got);
	log_note("\"phase\":2,\"at\":%lld", now_ns());
	for (int i = 0; i < count; i++) {
		run_of(pairs[i].a, pairs[i].b);
		run_of(pairs[i].b, pairs[i].a);
		both_ways(pairs[i], 50);
		close_end(pairs[i].a);
		close_end(pairs[i].b);
	}
}

/* COUNT connections, one after the other: a call of each end, and, after SIGUSR1, when the test has given its verdict on both sockets, another one. */
void scenario_again(int argc, char **argv)
{
	sigset_t wanted = block_usr1();
	int count = argc ? atoi(argv[0]) : 50, got;

	for (int i = 0; i < count; i++) {
		struct pair p = open_pair("tcp4");

		both_ways(p, 100);
		sigwait(&wanted, &got);
		both_ways(p, 50);
		close_end(p.a);
		close_end(p.b);
	}
}

#define BLOCKING (16 << 20) /* more than the buffers of a connection take */

static void *send_across(void *argument)
{
	char bytes[64] = "a file";
	int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	play(CALL_WRITE, argument, 100, 0, whole);
	play(CALL_WRITE, argument, BLOCKING, 0, whole);
	for (int i = 0; i < 10; i++)
		if (write(file, bytes, sizeof(bytes)) != sizeof(bytes))
			die("file");
	play(CALL_WRITE, argument, 100, 0, whole);
	close(file);
	return NULL;
}

/* A send that is under way when the test, told by the one before it, gives its verdict; then the same call on a file. It goes on after SIGUSR1. */
void scenario_across(int argc, char **argv)
{
	sigset_t wanted = block_usr1();
	struct pair p = open_pair(argc ? argv[0] : "tcp4");
	pthread_t sender;
	int got;

	pthread_create(&sender, NULL, send_across, p.a);
	sigwait(&wanted, &got);
	drain(CALL_READ, p.b, 100 + BLOCKING + 100);
	pthread_join(sender, NULL);
	close_end(p.a);
	close_end(p.b);
}

#define MOVES 40

struct receiver {
	struct end *ends[2];
	pid_t tid;
	sem_t next; /* posted for each receive */
};

static void *receive_in_turn(void *argument)
{
	struct receiver *r = argument;

	r->tid = gettid();
	for (int i = 0; i < MOVES; i++) {
		while (sem_wait(&r->next))
			;
		play(CALL_READ, r->ends[i % 2], 100 << i % 2, 0, whole);
	}
	return NULL;
}

/* Until the thread is inside read(2) and waits there. */
static void until_it_reads(pid_t tid)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	do {
		int fd = open(path, O_RDONLY);
		ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

		if (n < 0)
			die(path);
		close(fd);
		text[n] = 0;
	} while (!strncmp(text, "running", 7) || atol(text) != SYS_read);
}

static void move_to(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(tid, sizeof(set), &set))
		die("sched_setaffinity");
}

/* The first two CPUs that may be used. */
static void two_cpus(int cpus[2])
{
	cpu_set_t set;
	int found = 0;

	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) < 2)
		die("two CPUs");
	for (int i = 0; found < 2; i++)
		if (CPU_ISSET(i, &set))
			cpus[found++] = i;
}

/*
 * Two connections, a call of each end; after SIGUSR1, when the test has given its verdict on all sockets, one thread receives from the two in turn,
 * and each time it waits it is moved to the other one of two CPUs. All else happens on the second, so that what the kernel side keeps of a call that
 * began on the first is still there when the thread comes back.
 */
void scenario_moved(int argc, char **argv)
{
	sigset_t wanted = block_usr1();
	struct pair pairs[2] = {open_pair("tcp4"), open_pair("tcp4")};
	struct receiver r = {.ends = {pairs[0].b, pairs[1].b}};
	pthread_t thread;
	int got, cpus[2];

	(void)argc;
	(void)argv;
	two_cpus(cpus);
	for (int i = 0; i < 2; i++)
		both_ways(pairs[i], 100);
	sigwait(&wanted, &got);
	sem_init(&r.next, 0, 0);
	move_to(0, cpus[0]);
	pthread_create(&thread, NULL, receive_in_turn, &r);
	move_to(0, cpus[1]);
	for (int i = 0; i < MOVES; i++) {
		sem_post(&r.next);
		while (!__atomic_load_n(&r.tid, __ATOMIC_ACQUIRE))
			sched_yield();
		until_it_reads(r.tid);
		move_to(r.tid, cpus[(i + 1) % 2]);
		play(CALL_WRITE, pairs[i % 2].a, 100 << i % 2, 0, whole);
	}
	pthread_join(thread, NULL);
	for (int i = 0; i < 2; i++) {
		close_end(pairs[i].a);
		close_end(pairs[i].b);
	}
}

struct scattered {
	struct end *end;
	void *page; /* of the iovecs alone */
	int message; /* recvmsg; else readv */
	uint8_t bytes[2][50];
};

static void *receive_scattered(void *argument)
{
	struct scattered *s = argument;
	struct iovec *iovecs = s->page;
	struct msghdr header = {.msg_iov = iovecs, .msg_iovlen = 2};
	long long t0 = now_ns();
	ssize_t n;

	for (int i = 0; i < 2; i++)
		iovecs[i] = (struct iovec){s->bytes[i], sizeof(s->bytes[i])};
	n = s->message ? recvmsg(s->end->fd, &header, 0) : readv(s->end->fd, iovecs, 2);
	log_transfer(s->message ? "recvmsg" : "readv", s->end, 0, 100, n, errno, 0, 0, t0, now_ns(), n == 100);
	s->end->rx += n;
	return NULL;
}

/* The iovecs of a blocked receive are unmapped by another thread: the kernel has its copy of them, and nobody else can read them any more. */
void scenario_faults(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");

	for (int message = 0; message < 2; message++) {
		struct scattered s = {.end = p.b, .message = message};
		pthread_t thread;

		s.page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		pthread_create(&thread, NULL, receive_scattered, &s);
		usleep(100000);
		munmap(s.page, 4096);
		play(CALL_WRITE, p.a, 100, 0, whole);
		pthread_join(thread, NULL);
	}
	close_end(p.a);
	close_end(p.b);
}

/* More datagrams with one recvmmsg than one sendmmsg may send (1024), and one more afterwards. */
void scenario_many(int argc, char **argv)
{
	int count = argc ? atoi(argv[0]) : 1500, room = 16 << 20;
	struct pair p = open_pair("udp");
	struct mmsghdr *messages = calloc(count, sizeof(*messages));
	struct iovec *iovecs = calloc(count, sizeof(*iovecs));
	char *bytes = calloc(count, 1);

	if (setsockopt(p.b->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		die("SO_RCVBUFFORCE");
	for (int i = 0; i < count; i++) {
		iovecs[i] = (struct iovec){bytes + i, 1};
		messages[i].msg_hdr.msg_iov = iovecs + i;
		messages[i].msg_hdr.msg_iovlen = 1;
		play(CALL_WRITE, p.a, 1, 0, whole);
	}
	log_note("\"inode\":%llu,\"received\":%d", (unsigned long long)p.b->inode, recvmmsg(p.b->fd, messages, count, MSG_DONTWAIT, NULL));
	p.b->rx += count;
	play(CALL_WRITE, p.a, 1, 0, whole);
	play(CALL_READ, p.b, 1, 0, whole);
}

/* io_uring instances, and one that cannot be. */
void scenario_uring(int argc, char **argv)
{
	int count = argc ? atoi(argv[0]) : 3;

	for (int i = 0; i <= count; i++) {
		uint32_t parameters[30] = {0}; /* struct io_uring_params */
		long fd = syscall(SYS_io_uring_setup, i == count ? 0 : 8, parameters);

		log_note("\"uring\":%d", fd < 0 ? -errno : 1);
	}
}

static char *text_of(const char *start, size_t length)
{
	char *text = calloc(1, length + 1);

	memset(text, 'x', length);
	return memcpy(text, start, strlen(start)), text;
}

/* Processes whose arguments, environment, both or neither are longer than what is kept. */
void scenario_images(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (int i = 0; i < 4; i++) {
		char *arguments[] = {"true", text_of("", i & 1 ? 5000 : 3000), NULL};
		char *environment[] = {text_of("A=", i & 2 ? 7000 : 4000), NULL};
		pid_t child = fork();

		if (!child) {
			execve("/bin/true", arguments, environment);
			die("/bin/true");
		}
		log_note("\"image\":%d,\"cut\":%d", child, i > 0);
		waitpid(child, NULL, 0);
	}
}
