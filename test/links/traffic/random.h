/*
 * Random numbers and ids for the programs of the laboratory. Every thread has a generator of its own (xorshift64*), seeded by the kernel
 * once, so that nothing is asked of the system while a request is served.
 */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define ID_SIZE 17 /* 16 hexadecimal digits and a NUL */

static __thread uint64_t random_state;

static inline uint64_t random_bits(void)
{
	while (!random_state)
		if (getrandom(&random_state, sizeof(random_state), 0) < 0) {
			perror("getrandom");
			exit(1);
		}
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545F4914F6CDD1DULL;
}

/* More than 0, at most 1: a logarithm can be taken of it. */
static inline double random_unit(void)
{
	return ((random_bits() >> 11) + 1) / 9007199254740992.0;
}

static inline void random_id(char id[ID_SIZE])
{
	snprintf(id, ID_SIZE, "%016llx", (unsigned long long)random_bits());
}
