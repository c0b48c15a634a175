"""HTTP server on http.server, HTTP/1.1 with keep-alive. Usage and query: ../README.md."""

import json
import os
import signal
import socket
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def setup(self):
        # TCP_NODELAY does not exist on unix sockets.
        self.disable_nagle_algorithm = self.request.family != socket.AF_UNIX
        super().setup()

    def read_body(self):
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            while True:
                size = int(self.rfile.readline(), 16)
                self.rfile.read(size + 2)
                if size == 0:
                    return
        self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self):
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        self.read_body()
        if "hang" in query:
            time.sleep(3600)
        time.sleep(int(query.get("delay", 0)) / 1000)
        status = int(query.get("status", 200))
        body = b"x" * int(query.get("size", 0))
        bodiless = status in (204, 304)
        self.send_response(status)
        if "chunked" in query:
            self.send_header("Transfer-Encoding", "chunked")
        elif not bodiless:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD" or bodiless:
            return
        if "chunked" in query:
            if body:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = answer

    def address_string(self):
        return "client"

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 4096

    def __init__(self, address):
        if address.startswith("unix:"):
            self.address_family = socket.AF_UNIX
            target = address[5:]
            if os.path.exists(target):
                os.unlink(target)
        else:
            host, port = address.rsplit(":", 1)
            host = host.strip("[]")
            self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            target = (host, int(port))
        super().__init__(target, Handler)

    def server_bind(self):
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def main():
    listening = []
    for address in sys.argv[1:]:
        server = Server(address)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        if address.startswith("unix:"):
            listening.append(address)
        else:
            listening.append("%s:%d" % (address.rsplit(":", 1)[0], server.server_address[1]))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print(json.dumps({"listening": listening}), flush=True)
    while True:
        signal.pause()


main()
