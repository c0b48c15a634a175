/*
 * Runs a command under a process id of the caller's choice: with-pid PID COMMAND [ARGUMENT]...
 * Exit status: the command's, or 75 when the id is in use. Needs CAP_CHECKPOINT_RESTORE or root; Linux 5.5.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	pid_t wanted = argc > 2 ? atoi(argv[1]) : 0;
	struct clone_args arguments = {.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&wanted, .set_tid_size = 1};
	int status;
	long child;

	if (argc < 3)
		return 2;
	child = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (child == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (child < 0) {
		perror("clone3");
		return errno == EEXIST ? 75 : 1;
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
