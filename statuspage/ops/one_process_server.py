"""Granian in one process, for `manage.py up`: its main process would take as much again as the page.

Granian has a server whose worker is a thread, made for Python without a global lock. With one worker
it serves under the lock as well: the worker waits for requests without holding it. What the
main process does otherwise, to start a worker again that ended, the supervisor does.
"""

from typing import Any

from granian.server.common import AbstractServer
from granian.server.mt import MTServer


class OneProcessServer(MTServer):
    """Serves in a thread until SIGTERM. When that thread ends, so does `serve`, with an exit code of 1."""

    def _check_gil(self) -> None:
        """One worker needs no second core for Python code."""

    def serve(self, *arguments: Any, **named: Any) -> None:
        """As its base does, without the warning about Python without a global lock."""
        AbstractServer.serve(self, *arguments, **named)
