"""Flask on Werkzeug's threaded server: HTTP/1.1 with keep-alive, so a thread for each connection of the clients."""

import flask
from werkzeug.serving import WSGIRequestHandler, make_server

import front_end


class KeepAlive(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes; with Nagle's algorithm the second would wait for a delayed acknowledgement.
    disable_nagle_algorithm = True

    def log_request(self, *_):
        """Nothing is logged: a line a request would be work of its own."""


def serve(handle):
    """Runs the server; `handle` is called with the path of a request and returns when it may be answered."""
    app = flask.Flask(__name__)

    @app.get("/<path:_>")
    def answer(_):
        try:
            handle(flask.request.path)
        except Exception as error:
            front_end.fail(error)
        return flask.Response("ok", mimetype="text/plain")

    front_end.finish_on_sigterm()
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=KeepAlive)
    front_end.ready(server.port)
    server.serve_forever()
