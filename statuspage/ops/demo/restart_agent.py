"""The demo's receiver of a recovery hook: restarts the chat server when it is asked with the right signature.

HOOK_SECRET=whsec_… python -m statuspage.ops.demo.restart_agent PORT CHAT
"""

import os
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from components import webhook_signature
from statuspage.ops.demo.visitors import Visitors

MAX_BODY = 65_536


class Agent(BaseHTTPRequestHandler):
    """One thing it can do, and does once for each id."""

    chat: Visitors
    secret: str
    seen: set[str]

    def do_POST(self) -> None:
        """Verify the signature (Standard Webhooks), then restart."""
        body = self.rfile.read(min(int(self.headers.get("content-length") or 0), MAX_BODY))
        key, stamp = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "")
        given = self.headers.get("webhook-signature", "")
        if not webhook_signature.fits(key, stamp, body, given, self.secret):
            self._answer(HTTPStatus.UNAUTHORIZED, "The signature is not right.")
        elif key in self.seen:
            self._answer(HTTPStatus.CONFLICT, "This id was seen before.")
        else:
            self.seen.add(key)
            done = self.chat.ask(f"{self.chat.url}/restart") or {}
            self._answer(HTTPStatus.OK, f"Restarted: {done.get('closed', 0)} connections closed.")

    def _answer(self, status: HTTPStatus, words: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(words.encode())))
        self.end_headers()
        self.wfile.write(words.encode())

    def log_message(self, *_: object) -> None:
        """Log nothing: the demo prints what happens."""


def main(port: int, chat: str) -> None:
    """Listen on loopback until terminated."""
    Agent.chat, Agent.seen = Visitors(chat), set()
    Agent.secret = os.environ["HOOK_SECRET"]
    ThreadingHTTPServer(("127.0.0.1", port), Agent).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
