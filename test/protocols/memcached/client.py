"""pymemcache: HOST PORT COUNT. COUNT rounds of the text protocol: many keys, what nobody answers, misses, errors; then a value of 200 KB."""

import sys

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheClientError, MemcacheUnknownCommandError

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = Client((host, port), default_noreply=False)


def fails(error, function, *arguments):
    try:
        function(*arguments)
    except error:
        return
    raise SystemExit(f"{function.__name__}{arguments} went well")


for i in range(count):
    assert client.set(f"text:{i}", b"line\r\nEND\r\n" * 10) is True
    assert client.set_many({f"a:{i}": b"1", f"b:{i}": b"2"}) == []
    assert client.get_many([f"a:{i}", f"nothing:{i}", f"b:{i}"]) == {f"a:{i}": b"1", f"b:{i}": b"2"}
    assert client.get(f"nothing:{i}") is None
    assert client.add(f"a:{i}", b"again") is False
    client.append(f"text:{i}", b"more", noreply=True)
    value, unique = client.gets(f"a:{i}")
    assert value == b"1"
    assert client.cas(f"a:{i}", b"10", unique) is True
    assert client.cas(f"a:{i}", b"11", unique) is False
    assert client.incr(f"a:{i}", 5) == 15
    assert client.touch(f"a:{i}", 60) is True
    assert client.delete(f"b:{i}") is True
    assert client.delete(f"b:{i}") is False
    # Each of these ends the connection: the client does not know what else is on its way.
    fails(MemcacheUnknownCommandError, client._misc_cmd, [b"getx a\r\n"], b"getx", False)
    fails(MemcacheClientError, client.incr, f"text:{i}", 1)
big = b"x" * 200_000
assert client.set("big", big) is True
assert client.get("big") == big
client.quit()
