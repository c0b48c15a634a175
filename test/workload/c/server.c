/*
 * HTTP server on blocking sockets, a thread a connection. Usage and query: ../README.md.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BUFFER 65536

struct reader {
	int fd;
	size_t at, end;
	char bytes[BUFFER];
};

static int fill(struct reader *r)
{
	if (r->at) {
		memmove(r->bytes, r->bytes + r->at, r->end - r->at);
		r->end -= r->at;
		r->at = 0;
	}
	if (r->end == BUFFER)
		return -1;
	ssize_t n = read(r->fd, r->bytes + r->end, BUFFER - r->end);
	if (n <= 0)
		return -1;
	r->end += n;
	return 0;
}

/* Past the next `mark`; its start is written to *from. NULL once the peer is gone. */
static char *until(struct reader *r, const char *mark, char **from)
{
	char *hit;

	while (!(hit = memmem(r->bytes + r->at, r->end - r->at, mark, strlen(mark))))
		if (fill(r))
			return NULL;
	*from = r->bytes + r->at;
	r->at = hit + strlen(mark) - r->bytes;
	return hit;
}

static int skip(struct reader *r, size_t n)
{
	while (n) {
		size_t have = r->end - r->at;
		if (have > n)
			have = n;
		r->at += have;
		n -= have;
		if (n && fill(r))
			return -1;
	}
	return 0;
}

static int skip_chunks(struct reader *r)
{
	char *from;

	for (;;) {
		if (!until(r, "\r\n", &from))
			return -1;
		size_t size = strtoul(from, NULL, 16);
		if (skip(r, size + 2))
			return -1;
		if (!size)
			return 0;
	}
}

static long number(const char *head, const char *name, long otherwise)
{
	const char *at = strcasestr(head, name);
	return at ? atol(at + strlen(name)) : otherwise;
}

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(fd, bytes, n);
		if (done <= 0)
			return -1;
		bytes += done;
		n -= done;
	}
	return 0;
}

static int respond(int fd, const char *head)
{
	int bodiless = !strncmp(head, "HEAD ", 5);
	int status = number(head, "status=", 200);
	size_t size = number(head, "size=", 0);
	int chunked = !!strstr(head, "chunked=1");
	char *out = malloc(size + 512);
	int n, failed;

	if (number(head, "delay=", 0))
		usleep(1000 * number(head, "delay=", 0));
	while (strstr(head, "hang=1"))
		pause();
	n = sprintf(out, "HTTP/1.1 %d Status\r\n", status);
	if (status == 204 || status == 304) {
		n += sprintf(out + n, "\r\n");
		bodiless = 1;
	} else if (chunked) {
		n += sprintf(out + n, "transfer-encoding: chunked\r\n\r\n");
	} else {
		n += sprintf(out + n, "content-length: %zu\r\n\r\n", size);
	}
	if (!bodiless && chunked && size)
		n += sprintf(out + n, "%zx\r\n", size);
	if (!bodiless) {
		memset(out + n, 'x', size);
		n += size;
	}
	if (!bodiless && chunked)
		n += sprintf(out + n, "%s0\r\n\r\n", size ? "\r\n" : "");
	failed = write_all(fd, out, n);
	free(out);
	return failed;
}

static void *serve(void *argument)
{
	struct reader *r = calloc(1, sizeof(*r));
	int one = 1, failed = 0;
	char *from, *end;

	r->fd = (int)(long)argument;
	setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while (!failed && (end = until(r, "\r\n\r\n", &from))) {
		char *head = strndup(from, end - from + 2);
		int close_after = !!strcasestr(head, "\nconnection: close");

		if (strcasestr(head, "transfer-encoding: chunked"))
			failed = skip_chunks(r);
		else
			failed = skip(r, number(head, "content-length:", 0));
		failed = failed || respond(r->fd, head) || close_after;
		free(head);
	}
	close(r->fd);
	free(r);
	return NULL;
}

static void *accept_all(void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int fd;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	while ((fd = accept((int)(long)argument, NULL, NULL)) >= 0 || errno != EBADF)
		if (fd >= 0 && pthread_create(&thread, &attributes, serve, (void *)(long)fd))
			close(fd);
	return NULL;
}

static int listen_on(char *address, char *name)
{
	struct sockaddr_storage any = {0};
	struct sockaddr_un *local = (void *)&any;
	struct sockaddr_in *v4 = (void *)&any;
	struct sockaddr_in6 *v6 = (void *)&any;
	socklen_t size = sizeof(any);
	int fd, one = 1, zero = 0;
	char *colon = strrchr(address, ':');

	if (!strncmp(address, "unix:", 5)) {
		local->sun_family = AF_UNIX;
		strcpy(local->sun_path, address + 5);
		unlink(local->sun_path);
		size = sizeof(*local);
	} else if (*address == '[') {
		*colon = colon[-1] = 0;
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(atoi(colon + 1));
		inet_pton(AF_INET6, address + 1, &v6->sin6_addr);
		size = sizeof(*v6);
	} else {
		*colon = 0;
		v4->sin_family = AF_INET;
		v4->sin_port = htons(atoi(colon + 1));
		inet_pton(AF_INET, address, &v4->sin_addr);
		size = sizeof(*v4);
	}
	fd = socket(any.ss_family, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (any.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (fd < 0 || bind(fd, (void *)&any, size) || listen(fd, 4096)) {
		perror(address);
		exit(1);
	}
	size = sizeof(any);
	getsockname(fd, (void *)&any, &size);
	if (any.ss_family == AF_UNIX)
		strcpy(name, address);
	else
		sprintf(name, any.ss_family == AF_INET6 ? "%s]:%d" : "%s:%d", address,
			ntohs(any.ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port));
	return fd;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char name[256];

	signal(SIGPIPE, SIG_IGN);
	printf("{\"listening\":[");
	for (int i = 1; i < argc; i++) {
		int fd = listen_on(argv[i], name);
		printf("%s\"%s\"", i > 1 ? "," : "", name);
		pthread_create(&thread, NULL, accept_all, (void *)(long)fd);
	}
	printf("]}\n");
	fflush(stdout);
	for (;;)
		pause();
}
