/* Scenarios about the data calls themselves: which call, how it is cut, what it returns. */
#define _GNU_SOURCE
#include "play.h"
#include "scenarios.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1024UL * 1024)

/* Every send call with every receive call, both ways, at several lengths that fit into a socket buffer. */
void scenario_calls(int argc, char **argv)
{
	static const size_t lengths[] = {1, 2, 255, 4096, 8192, 8193, 20000};
	struct pair p = open_pair(argc ? argv[0] : "tcp4");

	for (enum call out = CALL_WRITE; out < SEND_CALLS; out++)
		for (enum call in = CALL_READ; in <= LAST_CALL; in++)
			for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
				struct cut cut = {out == CALL_WRITEV && lengths[i] > 3 ? 3 : 1, 1};

				play(out, p.a, lengths[i], 0, cut);
				drain(in, p.b, lengths[i]);
				play(out, p.b, lengths[i], 0, cut);
				drain(in, p.a, lengths[i]);
			}
	close_end(p.a);
	close_end(p.b);
}

/* The same for sockets that keep messages apart. */
void scenario_messages(int argc, char **argv)
{
	static const size_t lengths[] = {1, 100, 1400, 9000};
	struct pair p = open_pair(argc ? argv[0] : "udp");

	for (enum call out = CALL_WRITE; out < SEND_CALLS; out++)
		for (enum call in = CALL_READ; in <= LAST_CALL; in++)
			for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
				play(out, p.a, lengths[i], 0, whole);
				play(in, p.b, 10000, 0, whole);
				play(out, p.b, lengths[i], 0, whole);
				play(in, p.a, 10000, 0, whole);
			}
	close_end(p.a);
	close_end(p.b);
}

/* 1024 iovecs of one byte and of more, on every call that takes them. */
void scenario_iovecs(int argc, char **argv)
{
	static const struct cut cuts[] = {{1, 1}, {2, 1}, {7, 1}, {100, 1}, {1024, 1}};
	static const size_t pieces[] = {1, 16, 40};
	static const enum call outs[] = {CALL_WRITEV, CALL_SENDMSG}, ins[] = {CALL_READV, CALL_RECVMSG};
	struct pair p = open_pair(argc ? argv[0] : "tcp4");

	for (size_t c = 0; c < sizeof(cuts) / sizeof(*cuts); c++)
		for (size_t i = 0; i < 3; i++)
			for (int k = 0; k < 2; k++) {
				size_t length = cuts[c].iovecs * pieces[i];
				uint64_t target = p.b->rx + length;

				play(outs[k], p.a, length, 0, cuts[c]);
				while (p.b->rx < target)
					if (play(ins[k], p.b, length, 0, cuts[c]) <= 0)
						die("iovecs");
			}
	close_end(p.a);
	close_end(p.b);
}

/* Several messages a call, each of several iovecs. */
void scenario_mmsg(int argc, char **argv)
{
	static const struct cut cuts[] = {{1, 2}, {3, 5}, {4, 16}};
	struct pair p = open_pair(argc ? argv[0] : "udp");

	for (size_t c = 0; c < sizeof(cuts) / sizeof(*cuts); c++)
		for (size_t length = 8; length <= 1000; length += 124) {
			uint64_t target = p.b->rx + (p.b->datagram ? 1 : length) * cuts[c].messages;

			play(CALL_SENDMMSG, p.a, length, 0, cuts[c]);
			while (p.b->rx < target) {
				struct cut cut = cuts[c];

				/* On a stream recvmmsg would wait to fill every message. */
				if (!p.b->datagram)
					cut = whole;
				if (play(CALL_RECVMMSG, p.b, p.b->datagram ? length : target - p.b->rx, MSG_WAITFORONE, cut) <= 0)
					die("mmsg");
			}
		}
	close_end(p.a);
	close_end(p.b);
}

/* Two unconnected UDP sockets send to a third: the unit is (socket, remote address). Logged by the senders and the receiver. */
void scenario_unconnected(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, from;
	struct end *receiver = new_end(socket(AF_INET, SOCK_DGRAM, 0), 0, 77);
	socklen_t size = sizeof(to);

	(void)argc;
	(void)argv;
	if (bind(receiver->fd, (void *)&to, size) || getsockname(receiver->fd, (void *)&to, &size))
		die("bind");
	struct end *senders[] = {new_end(socket(AF_INET, SOCK_DGRAM, 0), 77, 0), new_end(socket(AF_INET, SOCK_DGRAM, 0), 77, 0)};
	for (int i = 0; i < 20; i++) {
		struct end *sender = senders[i & 1];
		uint8_t bytes[512], got[512];
		size_t length = 10 + i * 20;
		long long t0;
		ssize_t n;

		for (size_t k = 0; k < length; k++)
			bytes[k] = payload_byte(77, (uint64_t)i * 65536 + k);
		t0 = now_ns();
		n = sendto(sender->fd, bytes, length, 0, (void *)&to, sizeof(to));
		sender->tx = i; /* the payload's number: its own ordinal is i >> 1 */
		log_transfer("sendto", sender, 1, length, n, errno, 0, 0, t0, now_ns(), 1);
		size = sizeof(from);
		t0 = now_ns();
		n = recvfrom(receiver->fd, got, sizeof(got), 0, (void *)&from, &size);
		log_transfer("recvfrom", receiver, 0, sizeof(got), n, errno, 0, 0, t0, now_ns(), n > 0 && !memcmp(got, bytes, n));
		receiver->rx++;
	}
}

/* What is looked at is read again later, and counts once. */
void scenario_peek(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");

	for (int i = 0; i < 10; i++) {
		play(CALL_WRITE, p.a, 300, 0, whole);
		play(CALL_RECVFROM, p.b, 10, MSG_PEEK, whole);
		play(CALL_RECVMSG, p.b, 300, MSG_PEEK, whole);
		play(CALL_READ, p.b, 300, 0, whole);
	}
	close_end(p.a);
	close_end(p.b);
}

/* TCP: MSG_TRUNC throws bytes away without touching the buffer. Datagrams: it tells the true length of what was cut. */
void scenario_trunc(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");

	for (int i = 0; i < 10; i++) {
		play(CALL_WRITE, p.a, 500, 0, whole);
		play(CALL_RECVFROM, p.b, 200, MSG_TRUNC, whole);
		if (!p.b->datagram)
			play(CALL_READ, p.b, 300, 0, whole);
	}
	close_end(p.a);
	close_end(p.b);
}

/* One receive that is filled by several sends of another process. */
void scenario_waitall(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");

	if (!fork()) {
		for (int i = 0; i < 5; i++) {
			play(CALL_SENDTO, p.a, 1000, 0, whole);
			usleep(2000);
		}
		_exit(0);
	}
	play(CALL_RECVFROM, p.b, 5000, MSG_WAITALL, whole);
	wait(NULL);
	close_end(p.a);
	close_end(p.b);
}

/* Reads what has been sent, waiting for it where it is still under way. */
static void drain_nonblocking(struct pair p)
{
	struct pollfd readable = {p.b->fd, POLLIN, 0};

	while (p.b->rx < p.a->tx) {
		poll(&readable, 1, 1000);
		if (play(CALL_READ, p.b, 7000, 0, whole) < 0 && errno != EAGAIN)
			die("partial");
	}
}

/* Non-blocking sends into a small buffer: partial counts, then EAGAIN; also EAGAIN of a read. */
void scenario_partial(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");
	int small = 16384;

	setsockopt(p.a->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(p.b->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	fcntl(p.a->fd, F_SETFL, O_NONBLOCK);
	fcntl(p.b->fd, F_SETFL, O_NONBLOCK);
	play(CALL_READ, p.b, 100, 0, whole);
	for (enum call out = CALL_WRITE; out < CALL_SENDMMSG; out++) {
		uint64_t from = p.a->tx;

		while (p.a->tx < from + 300000) {
			struct cut cut = {out == CALL_WRITEV ? 9 : 1, 1};

			while (play(out, p.a, 60000, 0, cut) > 0)
				;
			drain_nonblocking(p);
		}
	}
	close_end(p.a);
	close_end(p.b);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* A signal ends a read that has nothing (EINTR) and a send that waits for room (a short count, or EINTR). */
void scenario_eintr(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_alarm};
	/* Again and again: the first may come before the call has begun. */
	struct itimerval soon = {.it_value.tv_usec = 30000, .it_interval.tv_usec = 30000}, never = {0};
	struct pair p = open_pair(argc ? argv[0] : "tcp4");

	sigaction(SIGALRM, &action, NULL);
	for (int i = 0; i < 3; i++) {
		setitimer(ITIMER_REAL, &soon, NULL);
		play(CALL_READ, p.b, 100, 0, whole);
		setitimer(ITIMER_REAL, &soon, NULL);
		play(CALL_WRITE, p.a, 16 * MIB, 0, whole);
		setitimer(ITIMER_REAL, &never, NULL);
		drain(CALL_READ, p.b, p.a->tx - p.b->rx);
	}
	close_end(p.a);
	close_end(p.b);
}

/* Calls that move nothing, and an end of stream. */
void scenario_zero(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");

	play(CALL_WRITE, p.a, 100, 0, whole);
	play(CALL_SENDTO, p.a, 0, 0, whole);
	play(CALL_WRITE, p.a, 0, 0, whole);
	play(CALL_READ, p.b, 0, 0, whole);
	play(CALL_READ, p.b, 100, 0, whole);
	shut_end(p.a, SHUT_WR);
	play(CALL_READ, p.b, 100, 0, whole);
	close_end(p.a);
	close_end(p.b);
}

/* An unnamed file holding `length` bytes of the end's own payload from its position on. */
static int payload_file(const struct end *e, size_t length)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	uint8_t *bytes = malloc(length);

	for (size_t i = 0; i < length; i++)
		bytes[i] = payload_byte(e->tx_seed, e->tx + i);
	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
		die("file");
	free(bytes);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* sendfile, and splice into and out of a socket: bytes move and no payload can be read. */
void scenario_files(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");
	int pipes[2];

	if (pipe(pipes))
		die("pipe");
	for (size_t length = 1000; length <= 50000; length *= 7) {
		int file = payload_file(p.a, length);
		long long t0 = now_ns();
		ssize_t n = sendfile(p.a->fd, file, NULL, length);

		log_transfer("sendfile", p.a, 1, length, n, errno, 0, 0, t0, now_ns(), 1);
		p.a->tx += n;
		drain(CALL_READ, p.b, n);
		close(file);

		file = payload_file(p.a, length);
		n = splice(file, NULL, pipes[1], NULL, length, 0);
		t0 = now_ns();
		n = splice(pipes[0], NULL, p.a->fd, NULL, n, 0);
		log_transfer("splice", p.a, 1, length, n, errno, 0, 0, t0, now_ns(), 1);
		p.a->tx += n;
		drain(CALL_READ, p.b, n);
		close(file);

		play(CALL_WRITE, p.a, 600, 0, whole);
		t0 = now_ns();
		n = splice(p.b->fd, NULL, pipes[1], NULL, 600, 0);
		log_transfer("splice", p.b, 0, 600, n, errno, 0, 0, t0, now_ns(), 1);
		p.b->rx += n;
		uint8_t scratch[600];
		if (read(pipes[0], scratch, n) != n)
			die("pipe");
		/* An ordinary pair of calls behind it shows that positions stay exact. */
		drain(CALL_READ, p.b, p.a->tx - p.b->rx);
		play(CALL_WRITE, p.a, 50, 0, whole);
		drain(CALL_READ, p.b, 50);
	}
	close_end(p.a);
	close_end(p.b);
}

/* Bodies of 1 B to 64 MiB, sent by a child, received here. */
void scenario_bodies(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");

	for (size_t length = 1; length <= 64 * MIB; length *= 4) {
		uint64_t target = p.b->rx + length;

		if (!fork()) {
			while (p.a->tx < target)
				play(CALL_WRITE, p.a, target - p.a->tx, 0, whole);
			_exit(0);
		}
		while (p.b->rx < target)
			if (play(CALL_READ, p.b, 256 * 1024, 0, whole) <= 0)
				die("bodies");
		wait(NULL);
	}
	close_end(p.a);
	close_end(p.b);
}

/* A stream of many GiB; only its totals are logged, and one last small exchange whose position is beyond. */
void scenario_long(int argc, char **argv)
{
	struct pair p = open_pair(argc ? argv[0] : "tcp4");
	uint64_t total = strtoull(argc > 1 ? argv[1] : "10737418240", NULL, 10);
	char *bytes = calloc(1, MIB);

	if (!fork()) {
		for (uint64_t left = total; left;) {
			ssize_t n = write(p.a->fd, bytes, left < MIB ? left : MIB);

			if (n <= 0)
				die("long");
			left -= n;
		}
		_exit(0);
	}
	for (uint64_t left = total; left;) {
		ssize_t n = read(p.b->fd, bytes, left < MIB ? left : MIB);

		if (n <= 0)
			die("long");
		left -= n;
	}
	wait(NULL);
	p.a->tx = p.b->rx = total;
	play(CALL_WRITE, p.a, 500, 0, whole);
	drain(CALL_READ, p.b, 500);
	close_end(p.a);
	close_end(p.b);
}
