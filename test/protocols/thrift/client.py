"""HOST PORT COUNT FOLDER PROTOCOL TRANSPORT [SERVICE]: COUNT rounds of calls, one after another, of which all have the sequence id 0."""

import sys

host, port, count, folder, protocol_name, transport_name = sys.argv[1:7]
sys.path.insert(0, folder)
from calculator import Newer  # noqa: E402
from calculator.ttypes import DivisionByZero, Point  # noqa: E402
from thrift.protocol.TBinaryProtocol import TBinaryProtocol  # noqa: E402
from thrift.protocol.TCompactProtocol import TCompactProtocol  # noqa: E402
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol  # noqa: E402
from thrift.Thrift import TApplicationException  # noqa: E402
from thrift.transport.TSocket import TSocket  # noqa: E402
from thrift.transport.TTransport import TBufferedTransport, TFramedTransport  # noqa: E402

UNKNOWN, UNKNOWN_METHOD = TApplicationException.UNKNOWN, TApplicationException.UNKNOWN_METHOD
INTERNAL_ERROR = TApplicationException.INTERNAL_ERROR


def fails(error, function, *arguments):
    try:
        function(*arguments)
    except error as found:
        return found
    raise SystemExit(f"{function.__name__}{arguments} went well")


socket = TSocket(host, int(port))
transport = TFramedTransport(socket) if transport_name == "framed" else TBufferedTransport(socket)
protocol = TCompactProtocol(transport) if protocol_name == "compact" else TBinaryProtocol(transport)
transport.open()
plain = Newer.Client(protocol)
named = Newer.Client(TMultiplexedProtocol(protocol, sys.argv[7])) if len(sys.argv) > 7 else plain
points = [Point(x=n, y=n / 3, visible=n % 2 == 0, more={f"key {n}": [n, -n], "": []}) for n in range(20)]
points.append(Point(x=-1, y=0.5, label="Ü" * 100, visible=True, more={}))
big = "x" * 200_000
for i in range(int(count)):
    assert plain.add(i, 1) == i + 1
    assert named.add(i, 2) == i + 2
    assert plain.echo(f"text {i}" * 100) == f"text {i}" * 100
    assert plain.mirror(points, {1: -1, 2: -2}, {"a", "b"}) == points
    plain.note(f"nobody answers {i}")
    plain.ping()
    assert plain.divide(6, 3) == 2
    assert fails(DivisionByZero, plain.divide, 1, 0).why == "nothing is divided by 0"
    assert fails(TApplicationException, plain.broken).type in (UNKNOWN, INTERNAL_ERROR)
    assert fails(TApplicationException, plain.missing, 1).type in (UNKNOWN, UNKNOWN_METHOD)
assert plain.echo(big) == big
transport.close()
