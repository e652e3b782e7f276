"""Run the `masq` command inside the test's process, and a stand-in for the API it talks to."""

import json
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from masq_cli.main import main

TOKEN = "token-of-the-test"


def run_masq(*arguments, monkeypatch):
    """Return the exit code of `masq <arguments>`."""
    monkeypatch.setattr(sys, "argv", ["masq", *map(str, arguments)])
    try:
        return main()
    except SystemExit as end:
        return 0 if end.code is None else end.code


class ApiStandIn:
    """Answers like the management API.

    Args:
        answers: the content by path; a list is given out page by page; an int is a status.
    """

    def __init__(self, answers):
        self.answers, self.asked = answers, []
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                stand_in.answer(self)

            do_POST = do_GET  # noqa: N815 - the name that http.server looks for

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request):
        url = urlsplit(request.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.asked.append((url.path, query))
        status, content = self.content(request, url.path, query)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def content(self, request, path, query):
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, {"title": "Unauthorized", "detail": "The token is not known."}
        found = self.answers.get(path, 404)
        if isinstance(found, int):
            return found, {"title": "Problem", "detail": f"It is a {found}.", "status": found}
        if isinstance(found, list):
            start = int(query.get("cursor", 0))
            following = str(start + 2) if start + 2 < len(found) else None
            return 200, {"items": found[start : start + 2], "next": following}
        return 200, found


@contextmanager
def api_stand_in(answers):
    api = ApiStandIn(answers)
    thread = threading.Thread(target=api.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.server.shutdown()
        api.server.server_close()
