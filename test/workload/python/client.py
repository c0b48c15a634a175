"""HTTP client: `--api http.client`, `urllib` or `requests`. Usage: ../README.md."""

import argparse
import http.client
import json
import socket
import time
from urllib.parse import urlsplit


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("base")
    parser.add_argument("plan")
    parser.add_argument("log")
    parser.add_argument("mode", choices=["keepalive", "close"])
    parser.add_argument("--api", default="http.client", choices=["http.client", "urllib", "requests"])
    return parser.parse_args()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def endpoint(address):
    return "%s:%d" % (address[0].removeprefix("::ffff:"), address[1])


class HttpClient:
    """http.client: the connection is ours, so both addresses are known."""

    def __init__(self, args):
        self.args = args
        self.connection = None

    def send(self, method, target, body, line):
        if self.connection is None:
            if self.args.base.startswith("unix:"):
                self.connection = UnixConnection(self.args.base[5:])
            else:
                url = urlsplit(self.args.base)
                self.connection = http.client.HTTPConnection(url.hostname, url.port)
        headers = {"Connection": "close"} if self.args.mode == "close" else {}
        self.connection.request(method, target, body=body, headers=headers)
        sock = self.connection.sock
        if sock.family != socket.AF_UNIX:
            line["local"], line["peer"] = endpoint(sock.getsockname()), endpoint(sock.getpeername())
        response = self.connection.getresponse()
        line["received"] = len(response.read())
        line["status"] = response.status
        if self.args.mode == "close":
            self.connection.close()
            self.connection = None


class Urllib:
    """urllib.request: a connection a request, always."""

    def __init__(self, args):
        import urllib.request

        class Plain(urllib.request.HTTPErrorProcessor):
            def http_response(self, request, response):
                return response

        self.base = args.base
        self.request = urllib.request.Request
        # No redirect following and no exception for 4xx and 5xx: one request a plan line.
        self.opener = urllib.request.build_opener(Plain, urllib.request.ProxyHandler({}))

    def send(self, method, target, body, line):
        with self.opener.open(self.request(self.base + target, data=body, method=method)) as response:
            line["received"] = len(response.read())
            line["status"] = response.status


class Requests:
    def __init__(self, args):
        import requests

        self.base = args.base
        self.close = args.mode == "close"
        self.session = requests.Session()
        self.session.trust_env = False
        self.headers = {"Connection": "close"} if self.close else {}

    def send(self, method, target, body, line):
        response = self.session.request(
            method, self.base + target, data=body, headers=self.headers, allow_redirects=False
        )
        line["received"] = len(response.content)
        if self.close:
            # The session would reuse the connection if the server is slower to close it than we are to send.
            self.session.close()
        line["status"] = response.status_code


def main():
    args = parse()
    client = {"http.client": HttpClient, "urllib": Urllib, "requests": Requests}[args.api](args)
    with open(args.plan) as plan, open(args.log, "w") as log:
        for request in plan:
            method, target, size = request.split()[:3]
            size = int(size)
            body = b"y" * size if size else None
            line = {"method": method, "target": target, "status": 0, "sent": size, "received": 0}
            line["unixNs"] = str(time.time_ns())
            line["startNs"] = time.monotonic_ns()
            try:
                client.send(method, target, body, line)
            except (OSError, http.client.HTTPException) as error:
                line["error"] = repr(error)
            line["endNs"] = time.monotonic_ns()
            log.write(json.dumps(line) + "\n")


main()
