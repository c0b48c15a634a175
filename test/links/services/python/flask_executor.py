"""Flask, whose threads hand every call to a ThreadPoolExecutor of 16 and block on the result."""

import threading
from concurrent.futures import ThreadPoolExecutor

import requests

import flask_service
import front_end

pool = ThreadPoolExecutor(16)
local = threading.local()


def call(letter, path):
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.session.trust_env = False
    local.session.get(front_end.call_url(letter, path)).raise_for_status()


def handle(path):
    pool.submit(call, "a", path).result()
    both = [pool.submit(call, letter, path) for letter in "bc"]
    for future in both:
        future.result()
    pool.submit(call, "d", path).result()


flask_service.serve(handle)
