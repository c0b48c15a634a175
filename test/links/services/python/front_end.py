"""What the Python services have in common: arguments, ids, the truth and the end. Usage: ../../README.md."""

import json
import os
import random
import signal
import sys

TRUTH_FILE = sys.argv[1]
PORTS = dict(zip("abcd", sys.argv[2:6]))

# Appended without a lock, written at the end: neither a lock nor a file stands between a request and its calls.
_truth = []


def call_url(letter, path):
    """The URL of a call that the request `path` causes. Its id is fresh."""
    run, _, old = path.rsplit("/", 2)
    new = f"{random.getrandbits(64):016x}"
    _truth.append(f"{old} {new}\n")
    return f"http://127.0.0.1:{PORTS[letter]}{run}/{letter}/{new}"


def ready(port):
    print(json.dumps({"port": port}), flush=True)


def finish():
    """Writes the truth and ends, whatever threads still run."""
    with open(TRUTH_FILE, "w", encoding="ascii") as file:
        file.writelines(_truth)
    os._exit(0)


def finish_on_sigterm():
    signal.signal(signal.SIGTERM, lambda *_: finish())


def fail(error):
    """Ends loudly: a service that fails must not look like one that is only slow."""
    print(repr(error), file=sys.stderr, flush=True)
    os._exit(1)
