#define _GNU_SOURCE
#include "play.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_IOVECS 1024
#define MAX_MESSAGES 64

static const char *const names[] = {"write", "writev", "sendto", "sendmsg", "sendmmsg",
				    "read", "readv", "recvfrom", "recvmsg", "recvmmsg"};
static int log_fd;
static int *failures;
static uint64_t netns;
static uint32_t next_seed = 1;
struct cut whole = {1, 1};

void die(const char *what)
{
	perror(what);
	_exit(1);
}

void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void log_open(const char *path)
{
	struct stat st;

	log_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (log_fd < 0 || stat("/proc/self/ns/net", &st))
		die(path);
	netns = st.st_ino;
	failures = shared(sizeof(*failures));
}

int failed(void)
{
	return *failures > 0;
}

static void put(const char *text, size_t n)
{
	if (write(log_fd, text, n) != (ssize_t)n)
		die("log");
}

void log_note(const char *format, ...)
{
	char text[1024] = "{";
	va_list list;
	size_t n;

	va_start(list, format);
	n = 1 + vsnprintf(text + 1, sizeof(text) - 3, format, list);
	va_end(list);
	memcpy(text + n, "}\n", 2);
	put(text, n + 2);
}

void log_transfer(const char *call, struct end *e, int sending, size_t asked, ssize_t ret, int error, int flags, int message,
		  long long t0, long long t1, int ok)
{
	*failures += !ok;
	log_note("\"call\":\"%s\",\"pid\":%d,\"tid\":%ld,\"inode\":%llu,\"cookie\":%llu,\"netns\":%llu,\"family\":%d,\"type\":%d,"
		 "\"dir\":\"%s\",\"seed\":%u,\"pos\":%llu,\"asked\":%zu,\"ret\":%zd,\"errno\":%d,\"flags\":%d,\"message\":%d,"
		 "\"t0\":%lld,\"t1\":%lld,\"ok\":%d",
		 call, getpid(), syscall(SYS_gettid), (unsigned long long)e->inode, (unsigned long long)e->cookie,
		 (unsigned long long)netns, e->family, e->type, sending ? "send" : "receive",
		 sending ? e->tx_seed : e->rx_seed, (unsigned long long)(sending ? e->tx : e->rx), asked, ret,
		 ret < 0 ? error : 0, flags, message, t0, t1, ok);
}

void log_event(const char *call, struct end *e, long result, int error, long long t0, long long t1)
{
	log_note("\"event\":\"%s\",\"pid\":%d,\"inode\":%llu,\"cookie\":%llu,\"result\":%ld,\"errno\":%d,\"t0\":%lld,\"t1\":%lld", call,
		 getpid(), (unsigned long long)e->inode, (unsigned long long)e->cookie, result, error, t0, t1);
}

struct end *new_end(int fd, uint32_t tx_seed, uint32_t rx_seed)
{
	struct end *e = shared(sizeof(*e));
	socklen_t size = sizeof(e->cookie);
	struct stat st;

	if (fstat(fd, &st))
		die("fstat");
	e->fd = fd;
	e->inode = st.st_ino;
	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &e->cookie, &size);
	size = sizeof(e->type);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &e->type, &size);
	size = sizeof(e->family);
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &e->family, &size);
	e->datagram = e->type != SOCK_STREAM;
	e->tx_seed = tx_seed;
	e->rx_seed = rx_seed;
	return e;
}

static uint64_t position(const struct end *e, int sending, int message, size_t offset)
{
	uint64_t at = sending ? e->tx : e->rx;

	return e->datagram ? (at + message) * 65536 + offset : at + message * offset;
}

/* Fills `size` bytes as the payload from `from` on. */
static void fill(uint8_t *bytes, size_t size, uint32_t seed, uint64_t from)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = payload_byte(seed, from + i);
}

static int matches(const uint8_t *bytes, size_t size, uint32_t seed, uint64_t from)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != payload_byte(seed, from + i))
			return 0;
	return 1;
}

/* Cuts every message of a flat buffer into iovecs; the last one takes the rest. */
static void slice(struct mmsghdr *messages, struct iovec *iovecs, uint8_t *bytes, size_t length, struct cut cut)
{
	size_t piece = length / cut.iovecs;

	for (int m = 0; m < cut.messages; m++) {
		struct iovec *v = iovecs + m * cut.iovecs;

		for (int i = 0; i < cut.iovecs; i++) {
			v[i].iov_base = bytes + m * length + i * piece;
			v[i].iov_len = i == cut.iovecs - 1 ? length - i * piece : piece;
		}
		memset(messages + m, 0, sizeof(*messages));
		messages[m].msg_hdr.msg_iov = v;
		messages[m].msg_hdr.msg_iovlen = cut.iovecs;
	}
}

static ssize_t perform(int fd, enum call call, uint8_t *bytes, size_t length, int flags, struct iovec *v, struct mmsghdr *m,
		       struct cut cut)
{
	switch (call) {
	case CALL_WRITE:
		return write(fd, bytes, length);
	case CALL_WRITEV:
		return writev(fd, v, cut.iovecs);
	case CALL_SENDTO:
		return sendto(fd, bytes, length, flags, NULL, 0);
	case CALL_SENDMSG:
		return sendmsg(fd, &m->msg_hdr, flags);
	case CALL_SENDMMSG:
		return sendmmsg(fd, m, cut.messages, flags);
	case CALL_READ:
		return read(fd, bytes, length);
	case CALL_READV:
		return readv(fd, v, cut.iovecs);
	case CALL_RECVFROM:
		return recvfrom(fd, bytes, length, flags, NULL, NULL);
	case CALL_RECVMSG:
		return recvmsg(fd, &m->msg_hdr, flags);
	case CALL_RECVMMSG:
		return recvmmsg(fd, m, cut.messages, flags, NULL);
	}
	return -1;
}

ssize_t play_on(int fd, enum call call, struct end *e, size_t length, int flags, struct cut cut)
{
	int sending = call < SEND_CALLS, many = call == CALL_SENDMMSG || call == CALL_RECVMMSG;
	uint8_t *bytes = malloc(cut.messages * length + 1);
	struct iovec iovecs[MAX_IOVECS];
	struct mmsghdr messages[MAX_MESSAGES];
	uint32_t seed = sending ? e->tx_seed : e->rx_seed;
	long long t0, t1;
	ssize_t ret;
	int error;

	if (!bytes)
		die("malloc");
	slice(messages, iovecs, bytes, length, cut);
	for (int m = 0; sending && m < cut.messages; m++)
		fill(bytes + m * length, length, seed, position(e, 1, m, e->datagram ? 0 : length));
	t0 = now_ns();
	ret = perform(fd, call, bytes, length, flags, iovecs, messages, cut);
	error = errno;
	t1 = now_ns();
	for (int m = 0; m < (many && ret > 0 ? ret : 1); m++) {
		ssize_t got = many && ret > 0 ? (ssize_t)messages[m].msg_len : ret;
		size_t have = got < 0 ? 0 : (size_t)got < length ? (size_t)got : length;
		int discarded = !e->datagram && flags & MSG_TRUNC;
		int ok = sending || discarded || matches(bytes + m * length, have, seed, position(e, 0, 0, 0));

		log_transfer(names[call], e, sending, length, got, error, flags, m, t0, t1, ok);
		if (got >= 0 && !(flags & MSG_PEEK))
			*(sending ? &e->tx : &e->rx) += e->datagram ? (have > 0) : (size_t)got;
	}
	free(bytes);
	errno = error;
	return ret;
}

ssize_t play(enum call call, struct end *e, size_t length, int flags, struct cut cut)
{
	return play_on(e->fd, call, e, length, flags, cut);
}

void drain(enum call call, struct end *e, size_t length)
{
	uint64_t target = e->rx + length;

	while (e->rx < target)
		if (play(call, e, target - e->rx, 0, whole) <= 0)
			die("drain");
}

void close_end(struct end *e)
{
	long long t0 = now_ns();
	int result = close(e->fd);

	log_event("close", e, result, result ? errno : 0, t0, now_ns());
}

void shut_end(struct end *e, int how)
{
	long long t0 = now_ns();
	int result = shutdown(e->fd, how);

	log_event("shutdown", e, result, result ? errno : 0, t0, now_ns());
}

static struct pair of(int a, int b)
{
	uint32_t forth = next_seed++, back = next_seed++;

	return (struct pair){new_end(a, forth, back), new_end(b, back, forth)};
}

/* Binds to loopback or to an abstract unix name and returns the descriptor with its address. */
static int bound(int family, int type, struct sockaddr_storage *any, socklen_t *size)
{
	struct sockaddr_in *v4 = (void *)any;
	struct sockaddr_in6 *v6 = (void *)any;
	int fd = socket(family, type, 0);

	memset(any, 0, sizeof(*any));
	any->ss_family = family;
	*size = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
	if (family == AF_INET)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (family == AF_INET6)
		v6->sin6_addr = in6addr_loopback;
	else
		*size = sizeof(sa_family_t); /* autobind: the kernel picks an abstract name */
	if (fd < 0 || bind(fd, (void *)any, *size))
		die("bind");
	*size = sizeof(*any);
	getsockname(fd, (void *)any, size);
	return fd;
}

static struct pair connected(int family, int type, int mapped)
{
	struct sockaddr_storage any, client;
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size, client_size;
	int listener, a, b, one = 1;

	listener = bound(family, type, &any, &size);
	if (type == SOCK_DGRAM) {
		a = bound(family, type, &client, &client_size);
		if (connect(a, (void *)&any, size) || connect(listener, (void *)&client, client_size))
			die("connect");
		return of(a, listener);
	}
	if (mapped) {
		struct sockaddr_in6 *v6 = (void *)&any;
		int zero = 0;

		close(listener);
		listener = socket(AF_INET6, SOCK_STREAM, 0);
		setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
		memset(&any, 0, sizeof(any));
		v6->sin6_family = AF_INET6;
		size = sizeof(*v6);
		if (bind(listener, (void *)&any, size))
			die("bind");
		getsockname(listener, (void *)&any, &size);
		v4.sin_port = v6->sin6_port;
	}
	if (listen(listener, 16))
		die("listen");
	a = socket(mapped ? AF_INET : family, type, 0);
	if (mapped ? connect(a, (void *)&v4, sizeof(v4)) : connect(a, (void *)&any, size))
		die("connect");
	b = accept(listener, NULL, NULL);
	close(listener);
	setsockopt(a, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(b, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return of(a, b);
}

struct pair open_pair(const char *transport)
{
	static const struct {
		const char *name;
		int family, type, mapped;
	} known[] = {
		{"tcp4", AF_INET, SOCK_STREAM, 0}, {"tcp6", AF_INET6, SOCK_STREAM, 0}, {"mapped", AF_INET6, SOCK_STREAM, 1},
		{"unix", AF_UNIX, SOCK_STREAM, 0}, {"udp", AF_INET, SOCK_DGRAM, 0},    {"udp6", AF_INET6, SOCK_DGRAM, 0},
		{"unix-dgram", AF_UNIX, SOCK_DGRAM, 0}, {"unix-seqpacket", AF_UNIX, SOCK_SEQPACKET, 0},
	};
	int fds[2], type = strstr(transport, "dgram") ? SOCK_DGRAM : strstr(transport, "seqpacket") ? SOCK_SEQPACKET : SOCK_STREAM;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(transport, known[i].name))
			return connected(known[i].family, known[i].type, known[i].mapped);
	if (strncmp(transport, "socketpair", 10) || socketpair(AF_UNIX, type, 0, fds))
		die(transport);
	return of(fds[0], fds[1]);
}
