/* Scenarios about which socket a call belongs to, who uses it, and how it ends. */
#define _GNU_SOURCE
#include "play.h"
#include "scenarios.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct reader {
	struct end *end;
	int fd;
};

static void *read_on(void *argument)
{
	struct reader *r = argument;

	play_on(r->fd, CALL_READ, r->end, 100, 0, whole);
	return NULL;
}

/* Copies of a descriptor; and dup2 onto the descriptor of a read that is blocked: the bytes belong to the old socket. */
void scenario_dup(int argc, char **argv)
{
	const char *transport = argc ? argv[0] : "tcp4";
	struct pair p = open_pair(transport), other = open_pair(transport);
	int copy = dup(p.a->fd), at = dup2(p.b->fd, 400);
	struct reader reader = {p.b, at};
	pthread_t thread;

	play(CALL_WRITE, p.a, 100, 0, whole);
	play_on(copy, CALL_WRITE, p.a, 100, 0, whole);
	play_on(at, CALL_READ, p.b, 150, 0, whole);
	play(CALL_READ, p.b, 50, 0, whole);
	/* The descriptor is given back; the socket lives on in its copy. */
	close(p.a->fd);
	play_on(copy, CALL_SENDTO, p.a, 70, 0, whole);
	play(CALL_RECVFROM, p.b, 70, 0, whole);

	pthread_create(&thread, NULL, read_on, &reader);
	usleep(20000);
	dup2(other.b->fd, at);
	play_on(copy, CALL_WRITE, p.a, 100, 0, whole);
	pthread_join(thread, NULL);
	play(CALL_WRITE, other.a, 40, 0, whole);
	play_on(at, CALL_READ, other.b, 40, 0, whole);
}

/* A socket that parent and child use in turn. */
void scenario_fork(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");

	for (int i = 0; i < 5; i++) {
		play(CALL_WRITE, p.a, 200, 0, whole);
		if (!fork()) {
			play(CALL_READ, p.b, 120, 0, whole);
			play(CALL_WRITE, p.b, 30, 0, whole);
			_exit(0);
		}
		wait(NULL);
		play(CALL_READ, p.b, 80, 0, whole);
		play(CALL_READ, p.a, 30, 0, whole);
	}
	close_end(p.a);
	close_end(p.b);
}

static void pass_descriptor(int over, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 'x';
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(over, &m, 0) != 1)
		die("sendmsg");
}

static int take_descriptor(int over)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(over, &m, 0) != 1)
		die("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* A socket that is passed to another process, which never opened it. */
void scenario_rights(int argc, char **argv)
{
	int control[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, control))
		die("socketpair");
	/* The child exists before the socket does, so it inherits nothing. */
	struct end *slot = shared(sizeof(*slot));
	pid_t child = fork();
	if (!child) {
		int fd = take_descriptor(control[1]);

		play_on(fd, CALL_READ, slot, 300, 0, whole);
		play_on(fd, CALL_WRITE, slot, 60, 0, whole);
		_exit(0);
	}
	struct pair p = open_pair(argc ? argv[0] : "tcp4");
	*slot = *p.b;
	play(CALL_WRITE, p.a, 300, 0, whole);
	pass_descriptor(control[0], p.b->fd);
	close(p.b->fd);
	waitpid(child, NULL, 0);
	play(CALL_READ, p.a, 60, 0, whole);
	close_end(p.a);
}

/* The same descriptor numbers and, soon, the same kernel addresses, over and over, on changing transports. */
void scenario_reuse(int argc, char **argv)
{
	static const char *const transports[] = {"tcp4", "unix", "tcp6", "socketpair", "mapped"};
	int count = argc ? atoi(argv[0]) : 2000;

	for (int i = 0; i < count; i++) {
		struct pair p = open_pair(transports[i % 5]);

		play(CALL_WRITE, p.a, 1 + i % 50, 0, whole);
		drain(CALL_READ, p.b, 1 + i % 50);
		play(CALL_SENDTO, p.b, 1 + i % 30, 0, whole);
		drain(CALL_RECVFROM, p.a, 1 + i % 30);
		close_end(p.a);
		close_end(p.b);
	}
}

#define MARK_WORDS 16

struct writer {
	struct end *end;
	uint64_t first;
	int count;
};

/* Writes `count` messages, each its own number repeated. */
static void *write_marks(void *argument)
{
	struct writer *w = argument;

	for (int i = 0; i < w->count; i++) {
		uint64_t words[MARK_WORDS], mark = w->first + i;

		for (int k = 0; k < MARK_WORDS; k++)
			words[k] = mark;
		long long t0 = now_ns();
		ssize_t n = write(w->end->fd, words, sizeof(words));
		log_note("\"mark\":%llu,\"inode\":%llu,\"ret\":%zd,\"t0\":%lld,\"t1\":%lld", (unsigned long long)mark,
			 (unsigned long long)w->end->inode, n, t0, now_ns());
	}
	return NULL;
}

/*
 * Two threads write on one socket. Which came first is known to nobody but the stream, so each write carries a number, and the reader
 * notes where it found it: {"found":7,"inode":1,"pos":512}.
 */
void scenario_writers(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");
	int count = argc > 1 ? atoi(argv[1]) : 2000;
	struct writer writers[2] = {{p.a, 1, count}, {p.a, 1000000, count}};
	size_t total = 2UL * count * MARK_WORDS * 8, have = 0;
	uint64_t *words = malloc(total);
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		pthread_create(threads + i, NULL, write_marks, writers + i);
	while (have < total) {
		ssize_t n = read(p.b->fd, (char *)words + have, total - have);

		if (n <= 0)
			die("writers");
		have += n;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < total / 8; i += MARK_WORDS)
		log_note("\"found\":%llu,\"inode\":%llu,\"pos\":%zu", (unsigned long long)words[i], (unsigned long long)p.a->inode, i * 8);
}

/* The peer's FIN is already there when its last data is read. */
void scenario_fin(int argc, char **argv)
{
	const char *transport = argc ? argv[0] : "tcp4";

	for (int i = 0; i < 20; i++) {
		struct pair p = open_pair(transport);

		play(CALL_WRITE, p.a, 100, 0, whole);
		play(CALL_READ, p.b, 60, 0, whole);
		play(CALL_WRITE, p.a, 500, 0, whole);
		if (i & 1)
			shut_end(p.a, SHUT_WR);
		else
			close_end(p.a);
		usleep(1000);
		play(CALL_READ, p.b, 1000, 0, whole);
		play(CALL_READ, p.b, 1000, 0, whole);
		close_end(p.b);
		if (i & 1)
			close_end(p.a);
	}
}

/* Each side closes its half in turn, and the other goes on. */
void scenario_half(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");

	play(CALL_WRITE, p.a, 100, 0, whole);
	shut_end(p.a, SHUT_WR);
	play(CALL_READ, p.b, 200, 0, whole);
	play(CALL_READ, p.b, 200, 0, whole);
	for (int i = 0; i < 5; i++) {
		play(CALL_WRITE, p.b, 300, 0, whole);
		play(CALL_READ, p.a, 300, 0, whole);
	}
	shut_end(p.b, SHUT_WR);
	play(CALL_READ, p.a, 300, 0, whole);
	play(CALL_WRITE, p.a, 10, 0, whole);
	close_end(p.a);
	close_end(p.b);
}

/* SO_LINGER 0: the peer reads ECONNRESET, and then writes EPIPE. */
void scenario_reset(int argc, char **argv)
{
	struct linger now = {1, 0};

	(void)argc;
	(void)argv;
	for (int i = 0; i < 10; i++) {
		struct pair p = open_pair(i & 1 ? "tcp6" : "tcp4");

		play(CALL_WRITE, p.a, 100, 0, whole);
		play(CALL_READ, p.b, 100, 0, whole);
		setsockopt(p.a->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close_end(p.a);
		play(CALL_READ, p.b, 100, 0, whole);
		play(CALL_WRITE, p.b, 100, 0, whole);
		close_end(p.b);
	}
}

static void try_connect(struct sockaddr_in *to, int nonblocking, int syn_count)
{
	struct end *e = new_end(socket(AF_INET, SOCK_STREAM | (nonblocking ? SOCK_NONBLOCK : 0), 0), 1, 2);
	long long t0 = now_ns();
	int result, error = 0;
	socklen_t size = sizeof(error);

	if (syn_count)
		setsockopt(e->fd, IPPROTO_TCP, TCP_SYNCNT, &syn_count, sizeof(syn_count));
	result = connect(e->fd, (void *)to, sizeof(*to));
	log_event("connect", e, result, result ? errno : 0, t0, now_ns());
	if (result && errno == EINPROGRESS) {
		struct pollfd p = {e->fd, POLLOUT, 0};

		poll(&p, 1, 10000);
		getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		log_event("connected", e, error ? -1 : 0, error, t0, now_ns());
	}
	close_end(e);
}

/* Nobody listens at a port that was bound and given back. */
void scenario_refused(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)argc;
	(void)argv;
	if (bind(fd, (void *)&to, size) || getsockname(fd, (void *)&to, &size))
		die("bind");
	close(fd);
	for (int i = 0; i < 10; i++)
		try_connect(&to, i & 1, 0);
}

/* The address drops what it gets: connect gives up after one retry, about three seconds. */
void scenario_timeout(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	if (argc < 2 || inet_pton(AF_INET, argv[0], &to.sin_addr) != 1)
		die("timeout: ADDRESS PORT");
	to.sin_port = htons(atoi(argv[1]));
	try_connect(&to, 0, 1);
}

static void *block(void *argument)
{
	char bytes[64] = {0};

	if (write((int)(long)argument, bytes, sizeof(bytes)) < 0)
		_exit(1);
	return NULL;
}

#define KILLED_THREADS 250

/*
 * Threads that wait in write(2) on a full socket and die there by SIGKILL: COUNT of them, in processes of 250. Whatever the kernel side
 * keeps for a call between its enter and its exit would be left behind.
 */
void scenario_killed(int argc, char **argv)
{
	int count = argc ? atoi(argv[0]) : 5000, fds[2];
	atomic_int *ready = shared(sizeof(*ready));
	char bytes[65536] = {0};

	for (int done = 0; done < count; done += KILLED_THREADS) {
		pid_t child = fork();

		if (!child) {
			pthread_attr_t attributes;
			pthread_t thread;

			if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
				die("socketpair");
			while (send(fds[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
				;
			while (send(fds[0], bytes, 1, MSG_DONTWAIT) > 0)
				;
			pthread_attr_init(&attributes);
			pthread_attr_setstacksize(&attributes, 65536);
			for (int i = 0; i < KILLED_THREADS; i++)
				if (pthread_create(&thread, &attributes, block, (void *)(long)fds[0]))
					die("pthread_create");
			atomic_store(ready, 1);
			for (;;)
				pause();
		}
		while (!atomic_load(ready))
			usleep(200);
		usleep(1000); /* the last threads reach their call */
		atomic_store(ready, 0);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	log_note("\"killed\":%d", count);
}
