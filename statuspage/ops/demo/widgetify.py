"""The demo's service: pages over a pool of five database connections.

Real on purpose: real connections to a real database, held while a request
needs them. A request that gets none within the wait is answered 503; static
files need none and work. `python -m statuspage.ops.demo.widgetify PORT FOLDER`.
"""

import json
import queue
import sqlite3
import sys
import time
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

POOL_SIZE = 5  # the mistake: enough for a quiet day
WAIT_S = 1.5
MAX_HOLD_S = 5.0
MAX_CONNECTIONS = 500
STYLE = b"body { font-family: system-ui }\n"


class Exhausted(Exception):
    """No database connection came free in time."""


class Pool:
    """Connections that are lent one at a time."""

    def __init__(self, file: Path, size: int) -> None:
        self.file, self.size = file, 0
        self.free: queue.Queue[sqlite3.Connection] = queue.Queue()
        self.grow(size)

    def grow(self, size: int) -> None:
        """Grow to at least this many connections."""
        while self.size < min(size, MAX_CONNECTIONS):
            self.free.put(sqlite3.connect(self.file, check_same_thread=False))
            self.size += 1

    @contextmanager
    def lend(self) -> "Iterator[sqlite3.Connection]":
        """A connection for as long as the block lasts. Raises Exhausted."""
        try:
            connection = self.free.get(timeout=WAIT_S)
        except queue.Empty:
            raise Exhausted from None
        try:
            yield connection
        finally:
            self.free.put(connection)


class Handler(BaseHTTPRequestHandler):
    """Every page but the static one needs the database."""

    pool: Pool
    has_styles = True

    def do_GET(self) -> None:
        """Answer a page."""
        path = urlsplit(self.path).path
        if path == "/static/app.css":
            if self.has_styles:
                self._answer(HTTPStatus.OK, STYLE, "text/css")
            else:
                self._answer(HTTPStatus.NOT_FOUND, b"no such file", "text/plain")
            return
        try:
            with self.pool.lend() as connection:
                count = connection.execute("SELECT count(*) FROM widgets").fetchone()[0]
                time.sleep(self._hold())
        except Exhausted:
            body = {"error": "no database connection is free", "pool": self.pool.size, "waited_s": WAIT_S}
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, json.dumps(body).encode())
            return
        self._answer(HTTPStatus.OK, json.dumps({"widgets": count}).encode())

    def do_POST(self) -> None:
        """The repair, /pool?size=200; and styles that a release forgets: /static/lose, /static/restore."""
        if (path := urlsplit(self.path).path).startswith("/static/"):
            Handler.has_styles = path.endswith("restore")
            self._answer(HTTPStatus.OK, json.dumps({"styles": self.has_styles}).encode())
            return
        size = parse_qs(urlsplit(self.path).query).get("size", ["0"])[0]
        self.pool.grow(int(size) if size.isdigit() else 0)
        self._answer(HTTPStatus.OK, json.dumps({"pool": self.pool.size}).encode())

    def _hold(self) -> float:
        """How long this request needs its connection; reports need long."""
        hold = parse_qs(urlsplit(self.path).query).get("hold_ms", ["5"])[0]
        return min(int(hold) / 1000 if hold.isdigit() else 0.0, MAX_HOLD_S)

    def _answer(self, status: HTTPStatus, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing: the demo prints what happens."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, *_: Any) -> None:
        """Ignore visitors who closed the connection."""


def main(port: int, folder: Path) -> None:
    """Serve on loopback until terminated."""
    file = folder / "widgetify.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS widgets (name TEXT)")
        connection.executemany("INSERT INTO widgets VALUES (?)", [(f"widget {n}",) for n in range(100)])
    Handler.pool = Pool(file, POOL_SIZE)
    Server(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
