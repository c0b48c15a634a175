"""meta-memcache: HOST PORT COUNT. COUNT rounds of meta commands: with and without a key each, quiet ones and the no-op behind them."""

import sys

from meta_memcache import (
    CacheClient,
    Key,
    Miss,
    NotStored,
    ServerAddress,
    connection_pool_factory_builder,
)
from meta_memcache.protocol import RequestFlags, SetMode

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
pools = connection_pool_factory_builder(initial_pool_size=1, max_pool_size=1, connection_timeout=10, recv_timeout=10)
client = CacheClient.cache_client_from_servers(servers=[ServerAddress(host, port)], connection_pool_factory_fn=pools)
for i in range(count):
    key, other, nothing = Key(f"meta:{i}"), Key(f"other:{i}"), Key(f"nothing:{i}")
    assert client.set(key, "text " * 400, ttl=60)
    assert client.get(key) == "text " * 400
    assert client.get(nothing) is None
    assert isinstance(client.meta_set(key, "again", RequestFlags(mode=SetMode.ADD.value)), NotStored)
    assert client.set(other, "silent", ttl=60, no_reply=True)
    assert client.multi_get([key, other, nothing]) == {key: "text " * 400, other: "silent", nothing: None}
    assert client.delta_initialize_and_get(Key(f"number:{i}"), 2, 40, 60) == 40
    assert client.delta_initialize_and_get(Key(f"number:{i}"), 2, 40, 60) == 42
    assert client.delete(key)
    assert isinstance(client.meta_delete(key), Miss)
