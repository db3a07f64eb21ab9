"""The demo's balancer, for machines without HAProxy: checks its one server's health, and passes requests on.

    python -m statuspage.ops.demo.balancer PORT SERVER

Without a healthy server it responds with 503 and says so in `Proxy-Status` (RFC 9209).
"""

import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from components import wire
from components.egress import EgressError
from statuspage.ops.demo.visitors import Visitors

EVERY_S = 0.5
ERRORS = (OSError, EgressError, TimeoutError, wire.MalformedAnswerError)
NO_SERVER = "demo-balancer; error=destination_unavailable"


class Balancer(BaseHTTPRequestHandler):
    """Passes GET on while the last health check was good."""

    server_address: str
    client: Visitors
    is_healthy = False

    def do_GET(self) -> None:
        """The server's answer, or 503."""
        if not self.is_healthy:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"", proxy_status=NO_SERVER)
            return
        try:
            head, text = self.client.request(f"{self.server_address}{self.path}", "GET", {})
        except ERRORS:
            self._answer(HTTPStatus.BAD_GATEWAY, "text/plain", b"")
            return
        kind = head.headers.get("content-type", "text/plain")
        self._answer(HTTPStatus(head.status), kind, text.encode())

    def _answer(self, status: HTTPStatus, kind: str, body: bytes, *, proxy_status: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if proxy_status:
            self.send_header("Proxy-Status", proxy_status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: the demo prints what happens."""


def look_after() -> None:
    """Ask for the server's health, again and again."""
    while True:
        try:
            head, _ = Balancer.client.request(f"{Balancer.server_address}/health", "GET", {})
            Balancer.is_healthy = head.status == HTTPStatus.OK
        except ERRORS:
            Balancer.is_healthy = False
        time.sleep(EVERY_S)


if __name__ == "__main__":
    Balancer.server_address, Balancer.client = sys.argv[2], Visitors(sys.argv[2])
    threading.Thread(target=look_after, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Balancer).serve_forever()
