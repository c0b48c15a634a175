/*
 * What a context switch costs: two processes on one CPU wake each other through a pipe. Says the process ids of both; then at each line of stdin plays a
 * batch and says nanoseconds a switch, the system calls around it included.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 20000

static int there[2], back[2];
static char byte;

static void pass(int from, int to)
{
	if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
		exit(1);
}

int main(void)
{
	struct timespec start, end;
	pid_t child;
	int c;

	if (pipe(there) || pipe(back))
		return 1;
	child = fork();
	if (!child) {
		close(there[1]);
		for (;;)
			pass(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	printf("[%d,%d]\n", getpid(), child);
	fflush(stdout);
	while ((c = getchar()) != EOF) {
		if (c != '\n')
			continue;
		clock_gettime(CLOCK_MONOTONIC, &start);
		if (write(there[1], &byte, 1) != 1)
			return 1;
		for (int i = 1; i < ROUNDS; i++)
			pass(back[0], there[1]);
		if (read(back[0], &byte, 1) != 1)
			return 1;
		clock_gettime(CLOCK_MONOTONIC, &end);
		printf("%.1f\n", ((end.tv_sec - start.tv_sec) * 1e9 + end.tv_nsec - start.tv_nsec) / ROUNDS / 2);
		fflush(stdout);
	}
	return 0;
}
