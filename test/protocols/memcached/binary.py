"""python-binary-memcached: HOST PORT COUNT. COUNT rounds of the binary protocol: runs of quiet commands, of which the last one is answered."""

import sys

import bmemcached

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = bmemcached.Client((f"{host}:{port}",), pickle_protocol=2)
for i in range(count):
    values = {f"q:{i}:{n}": f"value {n}" for n in range(5)}
    assert client.set_multi(values) == []
    assert client.get_multi([*values, "nothing"]) == values
    assert client.delete(f"q:{i}:0")
    assert client.delete(f"q:{i}:0")
    assert client.gets(f"q:{i}:1")[0] == "value 1"
client.disconnect_all()
