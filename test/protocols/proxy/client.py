"""`http` or `redis` HOST PORT COUNT: as 127.0.0.9, two connections at a time."""

import http.client
import socket
import sys

kind, host, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
SOURCE = ("127.0.0.9", 0)


def ask_http():
    connections = [http.client.HTTPConnection(host, port, source_address=SOURCE) for _ in range(2)]
    for _ in range(count):
        for connection in connections:
            connection.request("GET", "/who")
            address, port_there = connection.getresponse().read().split()
            assert (address.decode(), int(port_there)) == connection.sock.getsockname()
    for connection in connections:
        connection.close()


def ask_redis():
    connection = socket.create_connection((host, port), source_address=SOURCE)
    answers = connection.makefile("rb")

    def command(*words):
        connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        return answers.readline()

    for i in range(count):
        assert command(b"SET", b"key", b"%d" % i) == b"+OK\r\n"
        assert command(b"INCR", b"key") == b":%d\r\n" % (i + 1)
        assert command(b"LPUSH", b"key", b"value").startswith(b"-WRONGTYPE")
    connection.close()


{"http": ask_http, "redis": ask_redis}[kind]()
