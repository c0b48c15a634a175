"""cassandra-driver: HOST PORT COUNT. Protocol v5 in compressed segments: statements with pages, then 1,000 in flight, then a text of many segments."""
import random
import sys

from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import RoundRobinPolicy
from cassandra.query import SimpleStatement

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy(), request_timeout=60)
cluster = Cluster(
    [host],
    port=port,
    protocol_version=5,
    compression="lz4",
    execution_profiles={EXEC_PROFILE_DEFAULT: profile},
    schema_metadata_enabled=False,
    token_metadata_enabled=False,
)
session = cluster.connect()
session.execute("CREATE KEYSPACE library WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
session.execute("CREATE TABLE library.pages (book int, page int, body text, PRIMARY KEY (book, page))")
for i in range(count):
    session.execute("INSERT INTO library.pages (book, page, body) VALUES (%s, %s, %s)", (1, i, f"page {i} " * 20))
pages = session.execute(SimpleStatement("SELECT page, body FROM library.pages WHERE book = 1", fetch_size=10))
assert [row.page for row in pages] == list(range(count))
sys.stdin.read()
find = session.prepare("SELECT body FROM library.pages WHERE book = ? AND page = ?")
rows = execute_concurrent_with_args(session, find, [(1, i % count) for i in range(1000)], concurrency=1000)
assert [result.one().body for _, result in rows] == [f"page {i % count} " * 20 for i in range(1000)]
text = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=600_000))
write = session.prepare("UPDATE library.pages SET body = ? WHERE book = 2 AND page = 1")
for _ in range(3):
    session.execute(write, (text,))
    assert session.execute("SELECT body FROM library.pages WHERE book = 2 AND page = 1").one().body == text
cluster.shutdown()
