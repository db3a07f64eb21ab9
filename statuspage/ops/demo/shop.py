"""The demo's shop: answers, or fails in the way it was told to, as frameworks and drivers word it.

    python -m statuspage.ops.demo.shop PORT

`POST /mode/NAME` changes how it answers.
"""

import json
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STUCK_S = 20.0
WORK_S = 0.5  # a visit, during which a place at the proxy is taken
POOL = "psycopg.OperationalError: connection failed: FATAL:  sorry, too many clients already"
HEALTH = {"status": "DOWN", "components": {"db": {"status": "UP"}, "search": {"status": "DOWN"}}}
DRAINING = {"status": "shutting_down", "info": {}, "error": {}, "details": {}}


class Shop(BaseHTTPRequestHandler):
    """One page, whatever the address, but for a slow one."""

    mode = "ok"

    def do_GET(self) -> None:
        """Answer as the mode says."""
        if self.path.startswith("/report"):  # visitors
            time.sleep(WORK_S)
        if self.mode == "stuck":
            time.sleep(STUCK_S)
        if self.mode == "sick" and self.path.startswith("/health"):
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, json.dumps({"error": "warming up"}))
        elif self.mode == "database":
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, POOL, "text/plain; charset=utf-8")
        elif self.mode == "dependency":
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, json.dumps(HEALTH))
        elif self.mode == "deploy":
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, json.dumps(DRAINING))
        else:
            self._answer(HTTPStatus.OK, json.dumps({"shop": "open"}))

    def do_POST(self) -> None:
        """Change the mode."""
        Shop.mode = self.path.partition("?")[0].rpartition("/")[2]
        self._answer(HTTPStatus.OK, json.dumps({"mode": Shop.mode}))

    def _answer(self, status: HTTPStatus, body: str, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Log nothing: the demo prints what happens."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, *_: object) -> None:
        """Ignore a proxy that closed the connection."""


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
