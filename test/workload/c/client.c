/*
 * HTTP client on blocking sockets: keepalive, close and pipeline (20 requests a write). Usage: ../README.md.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PIPELINED 20
#define BUFFER (1 << 20)

struct request {
	char method[16], target[400];
	size_t bytes;
	int chunked;
};

struct line {
	long long start, end, unix_ns;
	long received;
	int status;
	char local[64], peer[64];
};

static char in[BUFFER];
static size_t in_at, in_end;

static long long now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void name_of(struct sockaddr_storage *any, char *out)
{
	struct sockaddr_in *v4 = (void *)any;
	struct sockaddr_in6 *v6 = (void *)any;
	char text[INET6_ADDRSTRLEN];

	if (any->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
		sprintf(out, "%s:%d", text, ntohs(v4->sin_port));
	} else if (any->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
		sprintf(out, "%s:%d", strncmp(text, "::ffff:", 7) ? text : text + 7, ntohs(v6->sin6_port));
	}
}

static int open_connection(const char *base)
{
	struct sockaddr_storage any = {0};
	struct sockaddr_un *local = (void *)&any;
	struct sockaddr_in *v4 = (void *)&any;
	struct sockaddr_in6 *v6 = (void *)&any;
	socklen_t size;
	int fd, one = 1;
	char host[128];
	int port;

	if (!strncmp(base, "unix:", 5)) {
		local->sun_family = AF_UNIX;
		strcpy(local->sun_path, base + 5);
		size = sizeof(*local);
	} else if (sscanf(base, "http://[%127[^]]]:%d", host, &port) == 2) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		inet_pton(AF_INET6, host, &v6->sin6_addr);
		size = sizeof(*v6);
	} else {
		sscanf(base, "http://%127[^:]:%d", host, &port);
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		inet_pton(AF_INET, host, &v4->sin_addr);
		size = sizeof(*v4);
	}
	fd = socket(any.ss_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (void *)&any, size)) {
		perror(base);
		exit(1);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	in_at = in_end = 0;
	return fd;
}

static void fill(int fd)
{
	ssize_t n;

	memmove(in, in + in_at, in_end - in_at);
	in_end -= in_at;
	in_at = 0;
	n = read(fd, in + in_end, BUFFER - in_end);
	if (n <= 0) {
		fprintf(stderr, "the server closed early\n");
		exit(1);
	}
	in_end += n;
}

static char *until(int fd, const char *mark)
{
	char *hit;

	while (!(hit = memmem(in + in_at, in_end - in_at, mark, strlen(mark))))
		fill(fd);
	return hit;
}

static void skip(int fd, size_t n)
{
	while (n) {
		size_t have = in_end - in_at < n ? in_end - in_at : n;
		in_at += have;
		n -= have;
		if (n)
			fill(fd);
	}
}

static void receive(int fd, const struct request *q, struct line *l)
{
	char *end = until(fd, "\r\n\r\n");
	char *head = strndup(in + in_at, end - in - in_at + 2), *length;

	in_at = end + 4 - in;
	l->status = atoi(head + 9);
	if (strcmp(q->method, "HEAD") && l->status != 204 && l->status != 304) {
		if (strcasestr(head, "transfer-encoding: chunked")) {
			for (size_t size = 1; size;) {
				end = until(fd, "\r\n");
				size = strtoul(in + in_at, NULL, 16);
				in_at = end + 2 - in;
				skip(fd, size + 2);
				l->received += size;
			}
		} else if ((length = strcasestr(head, "content-length:"))) {
			l->received = atol(length + 15);
			skip(fd, l->received);
		}
	}
	l->end = now(CLOCK_MONOTONIC);
	free(head);
}

static size_t render(char *out, const struct request *q, int close_after)
{
	size_t n = sprintf(out, "%s %s HTTP/1.1\r\nHost: workload\r\n%s", q->method, q->target,
			   close_after ? "Connection: close\r\n" : "");

	if (q->chunked)
		n += sprintf(out + n, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", q->bytes);
	else if (q->bytes)
		n += sprintf(out + n, "Content-Length: %zu\r\n\r\n", q->bytes);
	else
		n += sprintf(out + n, "\r\n");
	memset(out + n, 'y', q->bytes);
	n += q->bytes;
	if (q->chunked)
		n += sprintf(out + n, "\r\n0\r\n\r\n");
	return n;
}

static void send_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(fd, bytes, n);
		if (done <= 0) {
			perror("write");
			exit(1);
		}
		bytes += done;
		n -= done;
	}
}

struct outgoing {
	int fd;
	char *bytes;
	size_t n;
};

static void *send_outgoing(void *argument)
{
	struct outgoing *o = argument;

	send_all(o->fd, o->bytes, o->n);
	return NULL;
}

/*
 * Sends `count` requests in one write and reads their responses. Pipelined requests are written by a thread of their own: with both
 * buffers full, the server would wait for us to read before it reads on.
 */
static void exchange(int fd, const struct request *q, int count, int close_after, FILE *log)
{
	struct line lines[PIPELINED] = {0};
	size_t room = 0, n = 0;
	char *out;

	for (int i = 0; i < count; i++)
		room += q[i].bytes + 1024;
	out = malloc(room);
	for (int i = 0; i < count; i++) {
		struct sockaddr_storage any;
		socklen_t size = sizeof(any);

		n += render(out + n, q + i, close_after);
		if (!getsockname(fd, (void *)&any, &size))
			name_of(&any, lines[i].local);
		size = sizeof(any);
		if (!getpeername(fd, (void *)&any, &size))
			name_of(&any, lines[i].peer);
	}
	for (int i = 0; i < count; i++) {
		lines[i].unix_ns = now(CLOCK_REALTIME);
		lines[i].start = now(CLOCK_MONOTONIC);
	}
	struct outgoing outgoing = {fd, out, n};
	pthread_t writer;

	if (count == 1)
		send_outgoing(&outgoing);
	else
		pthread_create(&writer, NULL, send_outgoing, &outgoing);
	for (int i = 0; i < count; i++) {
		struct line *l = lines + i;

		receive(fd, q + i, l);
		fprintf(log,
			"{\"method\":\"%s\",\"target\":\"%s\",\"status\":%d,\"sent\":%zu,\"received\":%ld,"
			"\"startNs\":%lld,\"endNs\":%lld,\"unixNs\":\"%lld\"",
			q[i].method, q[i].target, l->status, q[i].bytes, l->received, l->start, l->end, l->unix_ns);
		if (*l->peer)
			fprintf(log, ",\"local\":\"%s\",\"peer\":\"%s\"", l->local, l->peer);
		fprintf(log, "}\n");
	}
	if (count > 1)
		pthread_join(writer, NULL);
	free(out);
}

int main(int argc, char **argv)
{
	struct request *plan = NULL;
	char framing[16], text[512];
	int count = 0, fd = -1;
	FILE *in_plan, *log;

	if (argc < 5 || !(in_plan = fopen(argv[2], "r")) || !(log = fopen(argv[3], "w")))
		return 2;
	while (fgets(text, sizeof(text), in_plan)) {
		plan = realloc(plan, (count + 1) * sizeof(*plan));
		struct request *q = plan + count++;
		q->chunked = sscanf(text, "%15s %399s %zu %15s", q->method, q->target, &q->bytes, framing) == 4;
	}
	int batch = strcmp(argv[4], "pipeline") ? 1 : PIPELINED, close_after = !strcmp(argv[4], "close");
	for (int i = 0; i < count; i += batch) {
		if (fd < 0)
			fd = open_connection(argv[1]);
		exchange(fd, plan + i, count - i < batch ? count - i : batch, close_after, log);
		if (close_after) {
			close(fd);
			fd = -1;
		}
	}
	return fclose(log);
}
