"""Flask, a thread and a requests.Session for each request: the calls are made one after the other (B and C too)."""

import requests

import flask_service
import front_end


def handle(path):
    with requests.Session() as session:
        session.trust_env = False
        for letter in "abcd":
            session.get(front_end.call_url(letter, path)).raise_for_status()


flask_service.serve(handle)
