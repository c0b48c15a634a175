/*
 * A thread a connection, blocking sockets: the thread that reads a request makes its calls one after the other (B and C too) and answers.
 * Every thread has a connection of its own to each back end. Usage: ../../README.md.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../../traffic/random.h"

#define CALLS 4
#define HEAD 4096

static const char RESPONSE[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
static int ports[CALLS];
static FILE *truth;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int connect_to(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons(port);
	if (fd < 0 || connect(fd, (void *)&address, sizeof(address)) < 0)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* Reads until the message is whole, body included; gives back 0 where the peer hung up before it began. */
static int read_message(int fd, char in[HEAD])
{
	size_t used = 0;

	for (;;) {
		ssize_t got = recv(fd, in + used, HEAD - 1 - used, 0);
		char *end, *length;

		if (got <= 0)
			return 0;
		used += got;
		in[used] = 0;
		end = strstr(in, "\r\n\r\n");
		if (!end)
			continue;
		length = strcasestr(in, "\r\ncontent-length:");
		if (in + used >= end + 4 + (length && length < end ? atol(length + 17) : 0))
			return 1;
	}
}

static void call(int fd, const char *run, int run_size, char letter, const char *old)
{
	char id[ID_SIZE], request[HEAD], response[HEAD];
	int size;

	random_id(id);
	fprintf(truth, "%s %s\n", old, id);
	size = snprintf(request, sizeof(request), "GET %.*s/%c/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", run_size, run, letter,
			id);
	if (send(fd, request, size, MSG_NOSIGNAL) != size || !read_message(fd, response))
		fail("call");
	if (strncmp(response, "HTTP/1.1 200 ", 13)) {
		fprintf(stderr, "a back end answered:\n%s\n", response);
		exit(1);
	}
}

/* "GET /w/<run>/<letter>/<old> HTTP/1.1": leaves the path before the last two parts in *run, its size in *run_size; gives back <old>. */
static char *parse_path(char *head, char **run, int *run_size)
{
	char *path = strchr(head, ' '), *end = path ? strchr(path + 1, ' ') : NULL, *id, *letter;

	if (!end)
		return NULL;
	*end = 0;
	*run = path + 1;
	id = strrchr(*run, '/');
	letter = id ? memrchr(*run, '/', id - *run) : NULL;
	if (!letter)
		return NULL;
	*run_size = letter - *run;
	return id + 1;
}

static void *serve(void *argument)
{
	int fd = (int)(long)argument, backs[CALLS];
	char head[HEAD];

	for (int i = 0; i < CALLS; i++)
		backs[i] = connect_to(ports[i]);
	while (read_message(fd, head)) {
		char *run;
		int run_size;
		char *old = parse_path(head, &run, &run_size);

		if (!old) {
			fprintf(stderr, "not a path of the laboratory: %s\n", head);
			exit(1);
		}
		for (int i = 0; i < CALLS; i++)
			call(backs[i], run, run_size, "abcd"[i], old);
		if (send(fd, RESPONSE, sizeof(RESPONSE) - 1, MSG_NOSIGNAL) != sizeof(RESPONSE) - 1)
			break;
	}
	for (int i = 0; i < CALLS; i++)
		close(backs[i]);
	close(fd);
	return NULL;
}

static void *accept_forever(void *argument)
{
	int listener = (int)(long)argument, one = 1;

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pthread_t thread;

		if (fd < 0)
			fail("accept4");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (pthread_create(&thread, NULL, serve, (void *)(long)fd))
			fail("pthread_create");
		pthread_detach(thread);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int signal, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;
	sigset_t ending;

	if (argc != 2 + CALLS) {
		fprintf(stderr, "usage: thread-per-request <truth file> <port A> <port B> <port C> <port D>\n");
		return 2;
	}
	truth = fopen(argv[1], "w");
	if (!truth)
		fail(argv[1]);
	for (int i = 0; i < CALLS; i++)
		ports[i] = atoi(argv[2 + i]);
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ending, NULL);
	if (listener < 0 || bind(listener, (void *)&address, size) < 0 || listen(listener, 4096) < 0 ||
	    getsockname(listener, (void *)&address, &size) < 0)
		fail("listen");
	if (pthread_create(&thread, NULL, accept_forever, (void *)(long)listener))
		fail("pthread_create");
	printf("{\"port\":%d}\n", ntohs(address.sin_port));
	fflush(stdout);
	sigwait(&ending, &signal);
	if (fclose(truth))
		fail(argv[1]);
	_exit(0);
}
