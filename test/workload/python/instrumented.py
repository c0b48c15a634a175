"""HTTP server that traces itself with the OpenTelemetry SDK, by hand: a span for each request, another for what it asks the back end for the
sake of it, each exported as it ends. Usage: instrumented.py BACKEND COLLECTOR ADDRESS; the last as in ../README.md."""

import json
import signal
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind

BACKEND, COLLECTOR, ADDRESS = sys.argv[1:]
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{COLLECTOR}/v1/traces")))
tracer = provider.get_tracer("instrumented")


def ask_backend(target):
    """The same of the back end; gives its status."""
    attributes = {"http.request.method": "GET", "url.full": BACKEND + target}
    with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes=attributes):
        headers = {}
        propagate.inject(headers)
        with urllib.request.urlopen(urllib.request.Request(BACKEND + target, headers=headers)) as response:
            response.read()
            return response.status


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        incoming = propagate.extract(dict(self.headers.items()))
        attributes = {"http.request.method": "GET", "url.path": self.path.partition("?")[0]}
        with tracer.start_as_current_span("GET", incoming, SpanKind.SERVER, attributes):
            self.send_response(ask_backend(self.path))
            self.send_header("content-length", "0")
            self.end_headers()

    def log_message(self, format, *args):
        pass


host, port = ADDRESS.rsplit(":", 1)
server = ThreadingHTTPServer((host, int(port)), Handler)
server.daemon_threads = True
# shutdown() waits for serve_forever(), which the handler interrupts.
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print(json.dumps({"listening": [f"{host}:{server.server_address[1]}"]}), flush=True)
server.serve_forever()
