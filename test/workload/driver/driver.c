/*
 * Plays every data call that the agent watches and logs what each did, so that records can be compared with the truth.
 *
 *   driver LOG SCENARIO [ARGUMENT]...       `driver` alone lists the scenarios
 *
 * play.h has the format of the log and how to check payload. The exit status is 0 when every byte arrived as it was sent.
 */
#define _GNU_SOURCE
#include "play.h"
#include "scenarios.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct scenario {
	const char *name, *arguments;
	void (*run)(int argc, char **argv);
} scenarios[] = {
	{"calls", "TRANSPORT", scenario_calls},
	{"messages", "TRANSPORT", scenario_messages},
	{"iovecs", "TRANSPORT", scenario_iovecs},
	{"mmsg", "TRANSPORT", scenario_mmsg},
	{"unconnected", "", scenario_unconnected},
	{"peek", "TRANSPORT", scenario_peek},
	{"trunc", "TRANSPORT", scenario_trunc},
	{"waitall", "TRANSPORT", scenario_waitall},
	{"partial", "TRANSPORT", scenario_partial},
	{"eintr", "TRANSPORT", scenario_eintr},
	{"zero", "TRANSPORT", scenario_zero},
	{"files", "TRANSPORT", scenario_files},
	{"bodies", "TRANSPORT", scenario_bodies},
	{"long", "TRANSPORT BYTES", scenario_long},
	{"dup", "TRANSPORT", scenario_dup},
	{"fork", "TRANSPORT", scenario_fork},
	{"rights", "TRANSPORT", scenario_rights},
	{"reuse", "COUNT", scenario_reuse},
	{"writers", "TRANSPORT COUNT", scenario_writers},
	{"fin", "TRANSPORT", scenario_fin},
	{"half", "TRANSPORT", scenario_half},
	{"reset", "", scenario_reset},
	{"refused", "", scenario_refused},
	{"timeout", "ADDRESS PORT", scenario_timeout},
	{"killed", "COUNT", scenario_killed},
	{"exchanges", "TRANSPORT COUNT", scenario_exchanges},
	{"verdicts", "TRANSPORT [COUNT]", scenario_verdicts},
	{"again", "COUNT", scenario_again},
	{"across", "TRANSPORT", scenario_across},
	{"moved", "", scenario_moved},
	{"faults", "TRANSPORT", scenario_faults},
	{"many", "COUNT", scenario_many},
	{"uring", "COUNT", scenario_uring},
	{"images", "", scenario_images},
	{"wakes", "", scenario_wakes},
};

int main(int argc, char **argv)
{
	size_t count = sizeof(scenarios) / sizeof(*scenarios);

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; argc > 2 && i < count; i++) {
		if (strcmp(argv[2], scenarios[i].name))
			continue;
		log_open(argv[1]);
		scenarios[i].run(argc - 3, argv + 3);
		return failed();
	}
	for (size_t i = 0; i < count; i++)
		printf("%s %s\n", scenarios[i].name, scenarios[i].arguments);
	return 2;
}
