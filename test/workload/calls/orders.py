"""As orders.cjs, and asks a name server first. A thread for each connection, which has connections of its own; glibc asks where /etc/resolv.conf says."""
import json
import re
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import redis
from pymemcache.client.base import Client

host, port, at = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
own = threading.local()


def connect():
    if not hasattr(own, "database"):
        address = f"host={at['host']} port={at['postgresql']} dbname=shop user=shop password=secret"
        own.database = psycopg.connect(address, autocommit=True)
        own.cache = Client((at["host"], at["memcached"]))
        own.redis = redis.Redis(at["host"], at["redis"])
    return own


class Orders(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        order = re.search(r"\d+$", self.path)[0]
        connections = connect()
        addresses = socket.getaddrinfo(f"order-{order}.orders.test", 80, socket.AF_INET, socket.SOCK_STREAM)
        rows = connections.database.execute(f"SELECT 1 AS order_{order}").fetchall()
        cached = connections.cache.get(f"order-{order}")
        stored = connections.redis.get(f"order-{order}")
        body = json.dumps([addresses, rows, cached, stored]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer((host, port), Orders).serve_forever()
