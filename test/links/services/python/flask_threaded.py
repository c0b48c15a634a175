"""Flask, a thread a connection, a requests.Session a thread: the calls are made one after the other (B and C too)."""

import threading

import requests

import flask_service
import front_end

local = threading.local()


def call(letter, path):
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.session.trust_env = False
    local.session.get(front_end.call_url(letter, path)).raise_for_status()


def handle(path):
    for letter in "abcd":
        call(letter, path)


flask_service.serve(handle)
