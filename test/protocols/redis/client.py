"""redis-py: HOST PORT COUNT. RESP3, database 1: single commands, a pipeline, a script, a subscription with its messages."""
import sys

import redis

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = redis.Redis(host=host, port=port, db=1, protocol=3, lib_name=None, lib_version=None, single_connection_client=True)
for i in range(count):
    assert client.hset(f"cart:{i}", mapping={"a": 1, "b": 2}) == 2
    assert client.hgetall(f"cart:{i}") == {b"a": b"1", b"b": b"2"}
    with client.pipeline(transaction=False) as pipe:
        pipe.set(f"k:{i}", "v" * 5000).get(f"k:{i}").delete(f"k:{i}")
        assert pipe.execute() == [True, b"v" * 5000, 1]
    assert client.eval("return redis.call('HGET', KEYS[1], 'a')", 1, f"cart:{i}") == b"1"
    try:
        client.evalsha("f" * 40, 0)
        sys.exit("a script that does not exist was found")
    except redis.exceptions.NoScriptError:
        pass
    assert client.blpop("nothing", timeout=0.001) is None
listener = client.pubsub()
listener.subscribe("news")
assert listener.get_message(timeout=5)["type"] == "subscribe"
for i in range(count):
    assert client.publish("news", f"item {i}") == 1
    assert listener.get_message(timeout=5)["data"] == f"item {i}".encode()
listener.close()
client.close()
