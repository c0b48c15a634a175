"""Flask on Werkzeug's threaded server, which closes every connection after its response: a thread for each request."""

import flask
from werkzeug.serving import WSGIRequestHandler, make_server

import front_end


class Quiet(WSGIRequestHandler):
    # Its responses say so as well: HTTP/1.0 ones leave it to the client's guess.
    protocol_version = "HTTP/1.1"

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
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    front_end.ready(server.port)
    server.serve_forever()
