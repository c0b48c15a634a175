"""OpenSearch by its own client, and ClickHouse as scripts ask it, the statement in the URL: HOST PORT COUNT."""

import sys
import urllib.error
import urllib.parse
import urllib.request

from opensearchpy import NotFoundError, OpenSearch

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = OpenSearch(hosts=[{"host": host, "port": port}], max_retries=0)


def ask(statement: str) -> str:
    url = f"http://{host}:{port}/?" + urllib.parse.urlencode({"database": "shop", "query": statement})
    with urllib.request.urlopen(url) as response:
        return response.read().decode()


for _ in range(count):
    client.index(index="products", id="1", body={"price": 5})
    assert client.search(index="products", body={"query": {"match_all": {}}})["hits"]["total"]["value"] == 1
    assert client.cat.indices(format="json")[0]["index"] == "products"
    try:
        client.get(index="products", id="99")
        raise AssertionError("found")
    except NotFoundError:
        pass
    assert ask("SELECT n FROM visits WHERE who = 'secret'") == '{"n":1}\n'
    try:
        ask("SELECT n FROM missing")
        raise AssertionError("found")
    except urllib.error.HTTPError as error:
        assert error.code == 404
        error.read()
client.close()
