/*
 * A 32-bit program without a library: waits for its standard input, then makes a socketpair, and 100 writes and reads on it by int 0x80. Numbers
 * are those of i386.
 */
static int call(int nr, int a, int b, int c, int d)
{
	int result;

	asm volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
	return result;
}

void _start(void)
{
	int ends[2];
	char byte[1] = "x";

	call(3, 0, (int)byte, 1, 0); /* read */
	call(360, 1, 1, 0, (int)ends); /* socketpair(AF_UNIX, SOCK_STREAM, 0, ends) */
	for (int i = 0; i < 100; i++) {
		call(4, ends[0], (int)byte, 1, 0); /* write */
		call(3, ends[1], (int)byte, 1, 0); /* read */
	}
	call(1, 0, 0, 0, 0); /* exit */
}
