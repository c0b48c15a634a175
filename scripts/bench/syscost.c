/*
 * What a system call costs: median of batches, nanoseconds a call, as one line of JSON.
 *
 *   getppid            the cheapest call: what tracing adds to every call of the machine
 *   tcp_pair           write of 256 bytes and read of them on a loopback connection, both ends in this thread
 *   file_write, file_read   64 bytes at the start of FILE, which is made; the lseek between them is measured apart and taken off
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 31

static int client, server, file;
static char buffer[256];

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void check(long result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static void call_getppid(void) { syscall(SYS_getppid); }
static void call_pair(void)
{
	check(write(client, buffer, 256), "write");
	check(read(server, buffer, 256), "read");
}
static void call_seek(void) { check(lseek(file, 0, SEEK_SET), "lseek"); }
static void call_write(void)
{
	call_seek();
	check(write(file, buffer, 64), "write");
}
static void call_read(void)
{
	call_seek();
	check(read(file, buffer, 64), "read");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double measure(void (*call)(void), int times)
{
	double costs[BATCHES];

	for (int b = 0; b < BATCHES; b++) {
		double start = now_ns();

		for (int i = 0; i < times; i++)
			call();
		costs[b] = (now_ns() - start) / times;
	}
	qsort(costs, BATCHES, sizeof(costs[0]), compare);
	return costs[BATCHES / 2];
}

static void connect_pair(void)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	check(bind(listener, (struct sockaddr *)&address, length), "bind");
	check(getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
	check(listen(listener, 1), "listen");
	client = socket(AF_INET, SOCK_STREAM, 0);
	check(connect(client, (struct sockaddr *)&address, length), "connect");
	server = accept(listener, 0, 0);
	check(server, "accept");
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

int main(int argc, char **argv)
{
	double seek;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE\n", argv[0]);
		return 2;
	}
	connect_pair();
	file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
	check(file, "open");
	memset(buffer, 'x', sizeof(buffer));
	measure(call_pair, 500); /* warm up */
	printf("{\"getppid\":%.1f", measure(call_getppid, 20000));
	printf(",\"tcp_pair\":%.1f", measure(call_pair, 3000));
	seek = measure(call_seek, 10000);
	printf(",\"file_write\":%.1f", measure(call_write, 5000) - seek);
	printf(",\"file_read\":%.1f}\n", measure(call_read, 5000) - seek);
	return 0;
}
