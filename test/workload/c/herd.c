/*
 * Many connections at once: herd RUN CONNECTIONS PROCESSES PAUSE
 *
 * PROCESSES servers and as many clients, a pair a port (a process may not have all the descriptors). Every connection sends one request when
 * it is opened, and one more when all of them are open, with a pause of PAUSE microseconds before each: /w/RUN/<pair>/<connection>/<round>,
 * answered with 204. Prints {"requests":N} at the end; exit status 1 if an answer was not as it should be.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";

static void die(const char *what)
{
	perror(what);
	_exit(1);
}

/* Answers every read with one response: a request is small and arrives whole. */
static void serve(int listener)
{
	int epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
	char bytes[1024];

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		int n = epoll_wait(epoll, events, 256, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == listener) {
				fd = accept(listener, NULL, NULL);
				if (fd < 0)
					die("accept");
				event.data.fd = fd;
				epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
			} else if (read(fd, bytes, sizeof(bytes)) <= 0) {
				close(fd);
			} else if (write(fd, answer, sizeof(answer) - 1) < 0) {
				die("write");
			}
		}
	}
}

static int pause_us;

static void ask(int fd, const char *run, int pair, int connection, int round)
{
	char bytes[256];
	int n = sprintf(bytes, "GET /w/%s/%d/%d/%d HTTP/1.1\r\nHost: herd\r\n\r\n", run, pair, connection, round);

	usleep(pause_us);
	if (write(fd, bytes, n) != n)
		die("write");
	if (read(fd, bytes, sizeof(bytes)) != sizeof(answer) - 1 || memcmp(bytes, answer, sizeof(answer) - 1)) {
		fprintf(stderr, "pair %d, connection %d: not the answer\n", pair, connection);
		_exit(1);
	}
}

static void drive(const struct sockaddr_in *to, const char *run, int pair, int connections)
{
	int *fds = calloc(connections, sizeof(*fds));

	for (int i = 0; i < connections; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (fds[i] < 0 || connect(fds[i], (void *)to, sizeof(*to)))
			die("connect");
		ask(fds[i], run, pair, i, 0);
	}
	for (int i = 0; i < connections; i++)
		ask(fds[i], run, pair, i, 1);
	_exit(0);
}

int main(int argc, char **argv)
{
	int connections = argc > 2 ? atoi(argv[2]) : 0, pairs = argc > 3 ? atoi(argv[3]) : 1, failed = 0, status;
	struct rlimit limit;
	pid_t servers[64];

	if (argc < 5 || pairs > 64)
		return 2;
	pause_us = atoi(argv[4]);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int pair = 0; pair < pairs; pair++) {
		struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		int listener = socket(AF_INET, SOCK_STREAM, 0);
		socklen_t size = sizeof(to);

		if (bind(listener, (void *)&to, size) || listen(listener, 4096) || getsockname(listener, (void *)&to, &size))
			die("listen");
		servers[pair] = fork();
		if (!servers[pair])
			serve(listener);
		close(listener);
		if (!fork())
			drive(&to, argv[1], pair, connections / pairs);
	}
	for (int done = 0; done < pairs;) {
		pid_t child = wait(&status);

		for (int i = 0; i < pairs; i++)
			if (child == servers[i])
				die("a server ended");
		done++;
		failed |= status;
	}
	for (int i = 0; i < pairs; i++)
		kill(servers[i], SIGKILL);
	printf("{\"requests\":%d}\n", 2 * pairs * (connections / pairs));
	return failed ? 1 : 0;
}
