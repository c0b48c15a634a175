"""WebSocket with websockets: MODE HOST PORT COUNT, a connection for each round. The modes are those of client.cjs."""

import sys

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

mode, host, port, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
SIZES = [0, 1, 125, 126, 65_535, 65_536, 1_000_000]


def opened(path, compression=None):
    return connect(f"ws://{host}:{port}{path}", compression=compression, max_size=4_000_000, ping_interval=None)


def echo(socket, message):
    socket.send(message)
    assert socket.recv() == message


def sizes():
    with opened("/sizes") as socket:
        for size in SIZES:
            echo(socket, b"b" * size)


def fragments():
    with opened("/fragments") as socket:
        socket.send(["one ", "two ", "three"])
        assert socket.recv() == "one two three"


def deflate():
    with opened("/deflate", "deflate") as socket:
        for _ in range(3):
            echo(socket, "squeeze " * 1000)
        socket.close(1001)


def pings():
    with opened("/pings") as socket:
        socket.send("ping")
        socket.ping("and you").wait()


def policy():
    with opened("/policy") as socket:
        socket.send("policy")
        try:
            socket.recv()
            raise SystemExit("it was not closed")
        except ConnectionClosed as error:
            assert error.rcvd.code == 1008


def own():
    with opened("/own") as socket:
        echo(socket, "hello")
        socket.close(4001)


def pushed():
    with opened("/pushed") as socket:
        socket.send("ten")
        for i in range(10):
            assert socket.recv() == f"pushed {i}"


def refused():
    try:
        opened("/refused")
        raise SystemExit("it was not refused")
    except InvalidStatus as error:
        assert error.response.status_code == 403


for _ in range(count):
    globals()[mode]()
