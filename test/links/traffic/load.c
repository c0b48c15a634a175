/*
 * The load of the laboratory: load <port> <path before the id> <connections> <requests> <file for the ids>
 *
 * A closed loop: each connection sends its next request when it has read the response to the one before. Every request has an id of its own
 * at the end of its path, written to the file, one a line. Ends after so many requests and prints {"requests":N,"seconds":S}; a status other
 * than 200, or a connection that the server closes without having said so, ends it with an error. Reads responses with a Content-Length only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "random.h"

#define EVENTS 256

struct connection {
	int fd, closing;
	size_t used;
	char in[16384];
};

static int port, epoll;
static const char *prefix;
static FILE *ids;
static long unsent;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void open_connection(struct connection *c)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	address.sin_port = htons(port);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (void *)&address, sizeof(address)) < 0)
		fail("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		fail("epoll_ctl");
}

static void send_next(struct connection *c)
{
	char id[ID_SIZE], request[512];
	int size;

	if (unsent == 0)
		return;
	unsent--;
	random_id(id);
	fprintf(ids, "%s\n", id);
	size = snprintf(request, sizeof(request), "GET %s%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", prefix, id);
	if (send(c->fd, request, size, MSG_NOSIGNAL) != size)
		fail("send");
}

/* Size of the response at the start of the buffer, or 0 while it is not complete. */
static size_t response_size(struct connection *c)
{
	char *end, *length, *closing;

	c->in[c->used] = 0;
	end = strstr(c->in, "\r\n\r\n");
	if (!end)
		return 0;
	length = strcasestr(c->in, "\r\ncontent-length:");
	if (strncmp(c->in, "HTTP/1.1 200 ", 13) || !length || length > end) {
		fprintf(stderr, "the server answered:\n%s\n", c->in);
		exit(1);
	}
	closing = strcasestr(c->in, "\r\nconnection: close\r\n");
	c->closing = closing && closing < end;
	return end + 4 - c->in + atol(length + 17);
}

/* Gives back how many responses came to their end. */
static int receive(struct connection *c)
{
	ssize_t got = recv(c->fd, c->in + c->used, sizeof(c->in) - 1 - c->used, 0);
	size_t size;

	if (got < 0)
		fail("recv");
	if (got == 0) {
		fprintf(stderr, "the server closed a connection\n");
		exit(1);
	}
	c->used += got;
	size = response_size(c);
	if (!size || size > c->used)
		return 0;
	if (size != c->used) {
		fprintf(stderr, "the server sent more than a response\n");
		exit(1);
	}
	c->used = 0;
	if (c->closing) {
		close(c->fd);
		open_connection(c);
	}
	send_next(c);
	return 1;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	long connections, requests, done = 0;
	double started;

	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (argc != 6 || epoll < 0) {
		fprintf(stderr, "usage: load <port> <path before the id> <connections> <requests> <file for the ids>\n");
		return 2;
	}
	port = atoi(argv[1]);
	prefix = argv[2];
	connections = atol(argv[3]);
	requests = unsent = atol(argv[4]);
	ids = fopen(argv[5], "w");
	if (!ids)
		fail(argv[5]);
	started = now();
	for (long i = 0; i < connections; i++) {
		struct connection *c = calloc(1, sizeof(*c));

		if (!c)
			fail("calloc");
		open_connection(c);
		send_next(c);
	}
	while (done < requests) {
		int count = epoll_wait(epoll, events, EVENTS, -1);

		if (count < 0)
			fail("epoll_wait");
		for (int i = 0; i < count; i++)
			done += receive(events[i].data.ptr);
	}
	if (fclose(ids))
		fail(argv[5]);
	printf("{\"requests\":%ld,\"seconds\":%.3f}\n", requests, now() - started);
	return 0;
}
