"""HOST PORT FOLDER: the calculator, to clients of the binary and the compact protocol, framed or not, with a thread for each connection."""

import sys

host, port, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sys.path.insert(0, folder)
from calculator import Calculator  # noqa: E402
from calculator.ttypes import DivisionByZero  # noqa: E402
from thrift.protocol.THeaderProtocol import THeaderProtocolFactory  # noqa: E402
from thrift.server.TServer import TThreadedServer  # noqa: E402
from thrift.TMultiplexedProcessor import TMultiplexedProcessor  # noqa: E402
from thrift.transport.THeaderTransport import THeaderClientType  # noqa: E402
from thrift.transport.TSocket import TServerSocket  # noqa: E402
from thrift.transport.TTransport import TTransportFactoryBase  # noqa: E402


class Handler:
    def add(self, a, b):
        return a + b

    def echo(self, text):
        return text

    def mirror(self, points, by, names):
        return points

    def divide(self, a, b):
        if b == 0:
            raise DivisionByZero("nothing is divided by 0")
        return a // b

    def ping(self):
        pass

    def broken(self):
        raise RuntimeError("this is never right")

    def note(self, text):
        pass


calculator = Calculator.Processor(Handler())
processor = TMultiplexedProcessor()
processor.registerProcessor("Calculator", calculator)
processor.registerDefault(calculator)
protocols = THeaderProtocolFactory(
    [
        THeaderClientType.FRAMED_BINARY,
        THeaderClientType.UNFRAMED_BINARY,
        THeaderClientType.FRAMED_COMPACT,
        THeaderClientType.UNFRAMED_COMPACT,
    ]
)
TThreadedServer(processor, TServerSocket(host, port), TTransportFactoryBase(), protocols, daemon=True).serve()
