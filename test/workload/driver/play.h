/*
 * Playing one system call on a socket and writing down exactly what it did.
 *
 * A log line is a JSON object:
 *   {"call":"sendmsg","pid":1,"tid":1,"inode":7,"cookie":9,"netns":4026531840,"family":2,"type":1,"dir":"send","seed":3,"pos":100,
 *    "asked":50,"ret":50,"errno":0,"flags":0,"message":0,"t0":123,"t1":456,"ok":1}
 * `pos` is the position of the call's first byte in its direction of the connection (datagrams: the ordinal of the message), `asked` the
 * bytes asked for, `flags` the MSG_* flags, `message` the index within sendmmsg and recvmmsg, t0 and t1 CLOCK_MONOTONIC nanoseconds
 * before and after, `ok` whether what was received is what had been sent.
 *
 * Any byte can be checked anywhere: it is payload_byte(seed, position); byte i of datagram k has the position k * 65536 + i.
 */
#ifndef PLAY_H
#define PLAY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The same function as payloadByte() in test/support/payload.ts. */
static inline uint8_t payload_byte(uint32_t seed, uint64_t position)
{
	uint32_t h = seed * 0x9e3779b1u + (uint32_t)position * 0x85ebca6bu + (uint32_t)(position >> 32) * 0xc2b2ae35u;

	h ^= h >> 15;
	h *= 0x2c1b3c6du;
	h ^= h >> 12;
	return h;
}

/* One end of a connection. It lives in memory shared with forked children, since a socket's position does not care who uses it. */
struct end {
	int fd;
	int datagram;
	int family, type;
	uint64_t inode, cookie;
	uint32_t tx_seed, rx_seed;
	uint64_t tx, rx;
};

struct pair {
	struct end *a, *b; /* a connected, b accepted (socketpair: neither) */
};

enum call {
	CALL_WRITE, CALL_WRITEV, CALL_SENDTO, CALL_SENDMSG, CALL_SENDMMSG,
	CALL_READ, CALL_READV, CALL_RECVFROM, CALL_RECVMSG, CALL_RECVMMSG,
};
#define SEND_CALLS 5
#define LAST_CALL CALL_RECVMMSG

/* How a buffer is cut: `iovecs` pieces a message, `messages` messages a call. */
struct cut {
	int iovecs, messages;
};

extern struct cut whole;

void log_open(const char *path);
/* Whether any byte arrived otherwise than it was sent, in this process or a child. */
int failed(void);
long long now_ns(void);
/* A line about something that is not a data call: connect, shutdown, close, ... `result` is 0 or a positive return value. */
void log_event(const char *call, struct end *e, long result, int error, long long t0, long long t1);
/* A line of the scenario's own, such as totals; the text is the inside of a JSON object. */
void log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_transfer(const char *call, struct end *e, int sending, size_t asked, ssize_t ret, int error, int flags, int message,
		  long long t0, long long t1, int ok);

/* Plays a call of `length` bytes a message and returns what the call returned, with errno set. */
ssize_t play(enum call call, struct end *e, size_t length, int flags, struct cut cut);
/* The same through another descriptor of the same socket. */
ssize_t play_on(int fd, enum call call, struct end *e, size_t length, int flags, struct cut cut);
/* Receives until `length` bytes are in. */
void drain(enum call call, struct end *e, size_t length);
void close_end(struct end *e);
void shut_end(struct end *e, int how);

/* "tcp4", "tcp6", "mapped", "unix", "socketpair": stream; "udp", "udp6", "unix-dgram", "unix-seqpacket", "socketpair-dgram",
 * "socketpair-seqpacket": messages. */
struct pair open_pair(const char *transport);
/* Wraps a descriptor: reads its identity. */
struct end *new_end(int fd, uint32_t tx_seed, uint32_t rx_seed);
void *shared(size_t size);
void die(const char *what);

#endif
