"""The standard library's threading server, whose threads map A and B over a ThreadPoolExecutor of 10, then C, and call D themselves."""

import http.client
import http.server
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import front_end

pool = ThreadPoolExecutor(10)
local = threading.local()


def call(letter, path):
    url = urllib.parse.urlsplit(front_end.call_url(letter, path))
    connections = local.__dict__.setdefault("connections", {})
    connection = connections.setdefault(letter, http.client.HTTPConnection(url.netloc))
    connection.request("GET", url.path)
    connection.getresponse().read()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        try:
            list(pool.map(call, "ab", [self.path] * 2))
            pool.submit(call, "c", self.path).result()
            call("d", self.path)
        except Exception as error:
            front_end.fail(error)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        """Nothing is logged: a line a request would be work of its own."""


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 4096


front_end.finish_on_sigterm()
server = Server(("127.0.0.1", 0), Handler)
front_end.ready(server.server_port)
server.serve_forever()
