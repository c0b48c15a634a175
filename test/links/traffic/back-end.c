/*
 * The back ends of the laboratory: one process that answers every request of four ports after a delay of its own, 1 ms and an exponentially
 * distributed time of 6 ms in the mean. Prints {"ports":[A,B,C,D]} once it accepts; runs until it is ended.
 *
 * One thread, so that it costs little beside what is measured: connections that wait are kept in a heap by the time they are due, and one
 * timer is set for the first. A connection has one request at a time; the front ends do not pipeline.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "random.h"

#define PORTS 4
#define MAX_CONNECTIONS 65536
#define LEAST_NS 1e6
#define MEAN_NS 6e6
#define EVENTS 256

static const char RESPONSE[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

struct connection {
	int fd, listener;
	int at; /* place in the heap, or -1 */
	long long due;
	size_t used;
	char in[4096];
};

static struct connection *heap[MAX_CONNECTIONS];
static int waiting;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void put(int at, struct connection *c)
{
	heap[at] = c;
	c->at = at;
}

/* Moves `c`, for which the place `at` is free, up or down to where it belongs. */
static void settle(int at, struct connection *c)
{
	int child;

	for (; at > 0 && heap[(at - 1) / 2]->due > c->due; at = (at - 1) / 2)
		put(at, heap[(at - 1) / 2]);
	for (; (child = 2 * at + 1) < waiting; at = child) {
		if (child + 1 < waiting && heap[child + 1]->due < heap[child]->due)
			child++;
		if (heap[child]->due >= c->due)
			break;
		put(at, heap[child]);
	}
	put(at, c);
}

static void leave(struct connection *c)
{
	struct connection *last = heap[--waiting];

	if (last != c)
		settle(c->at, last);
	c->at = -1;
}

static void hang_up(struct connection *c)
{
	if (c->at >= 0)
		leave(c);
	close(c->fd);
	free(c);
}

static void await_answer(struct connection *c)
{
	char *end = memmem(c->in, c->used, "\r\n\r\n", 4);

	if (!end || c->at >= 0)
		return;
	c->used -= end + 4 - c->in;
	memmove(c->in, end + 4, c->used);
	c->due = now() + (long long)(LEAST_NS - MEAN_NS * log(random_unit()));
	settle(waiting++, c);
}

static void receive(struct connection *c)
{
	ssize_t got = recv(c->fd, c->in + c->used, sizeof(c->in) - c->used, 0);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		hang_up(c);
		return;
	}
	c->used += got;
	await_answer(c);
}

static void answer_due(void)
{
	while (waiting && heap[0]->due <= now()) {
		struct connection *c = heap[0];

		leave(c);
		/* The response is far smaller than a socket's buffer: it is sent whole, or the client is gone. */
		if (send(c->fd, RESPONSE, sizeof(RESPONSE) - 1, MSG_NOSIGNAL) != sizeof(RESPONSE) - 1)
			hang_up(c);
		else
			await_answer(c);
	}
}

static void set_timer(int timer)
{
	static long long set;
	long long due = waiting ? heap[0]->due : 0;
	struct itimerspec spec = {.it_value = {due / 1000000000, due % 1000000000}};

	if (due == set)
		return;
	set = due;
	if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
		fail("timerfd_settime");
}

static void watch(int epoll, struct connection *c)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		fail("epoll_ctl");
}

static struct connection *make_connection(int fd, int listener)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		fail("calloc");
	*c = (struct connection){.fd = fd, .listener = listener, .at = -1};
	return c;
}

static void accept_all(int epoll, int listener)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		watch(epoll, make_connection(fd, 0));
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		fail("accept4");
}

static int open_listener(int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (void *)&address, size) < 0 || listen(fd, 4096) < 0 ||
	    getsockname(fd, (void *)&address, &size) < 0)
		fail("listen");
	*port = ntohs(address.sin_port);
	return fd;
}

int main(void)
{
	struct epoll_event events[EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	int ports[PORTS];

	if (epoll < 0 || timer < 0)
		fail("epoll_create1, timerfd_create");
	for (int i = 0; i < PORTS; i++)
		watch(epoll, make_connection(open_listener(&ports[i]), 1));
	watch(epoll, make_connection(timer, 0));
	printf("{\"ports\":[%d,%d,%d,%d]}\n", ports[0], ports[1], ports[2], ports[3]);
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS, -1);

		if (count < 0 && errno != EINTR)
			fail("epoll_wait");
		for (int i = 0; i < count; i++) {
			struct connection *c = events[i].data.ptr;
			uint64_t expirations;

			if (c->listener)
				accept_all(epoll, c->fd);
			else if (c->fd != timer)
				receive(c);
			else if (read(timer, &expirations, sizeof(expirations)) < 0)
				fail("read");
		}
		answer_due();
		set_timer(timer);
	}
}
