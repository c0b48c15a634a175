"""dubbo-ssl-python: HOST PORT SERVICE COUNT. Dubbo 2: calls that are answered, that fail, and of a method that is not there."""

import sys

from dubbo_ssl.client import DubboClient

host, port, service, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
client = DubboClient(service, None, version="0.0.0", host=f"{host}:{port}")


def fails(method, text):
    try:
        client.call(method, ["snake"])
    except Exception as error:
        assert text in repr(error), repr(error)
        return
    sys.exit(f"{method} does not fail")


for i in range(count):
    assert client.call("greet", [f"snake {i}"]) == f"hello snake {i}"
    fails("fail", "snake")
    fails("unheardOf", "unheardOf")
