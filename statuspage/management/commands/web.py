"""`manage.py web`: one web process."""

import resource
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

BACKLOG = 4096
GRANIAN_LINE = {
    "()": "statuspage.ops.logs.LineFormatter",
    "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
}
HEADERS_MS = 10_000  # for all of the headers to arrive
MAX_HEAD_BYTES = 64 * 1024  # of headers, and of what is read ahead
BACKPRESSURE = 64_000  # open streams count as requests in flight


class Command(BaseCommand):
    help = "Serve the page (HOST, PORT)."

    def handle(self, *args: Any, **options: Any) -> None:
        serve()


def serve(*, in_one_process: bool = False) -> None:
    """Serve until SIGTERM; in a process that takes no second one if another one watches over it."""
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings
    from granian.server import Server

    from statuspage.ops.one_process_server import OneProcessServer
    from statuspage.ops.release import lay_out_static_files

    if not (settings.STATIC_ROOT / "staticfiles.json").exists():  # a new machine, or a new pod
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        lay_out_static_files()
    _raise_file_limit()
    kind = OneProcessServer if in_one_process else Server
    server = kind(
        "statuspage.asgi:application",
        address=settings.HOST,
        port=settings.PORT,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        backlog=BACKLOG,
        backpressure=BACKPRESSURE,
        http=HTTPModes.http1,  # HTTP/2 comes from a proxy's side, never in clear by prior knowledge
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_MS, max_buffer_size=MAX_HEAD_BYTES),
        log_access=False,
        log_dictconfig={"formatters": {"generic": GRANIAN_LINE, "access": GRANIAN_LINE}},
        respawn_failed_workers=not in_one_process,
        workers_kill_timeout=None if in_one_process else 3,  # a thread cannot be killed
    )
    try:
        server.serve()
    except OSError as error:
        sys.exit(f"Cannot listen on {settings.HOST}:{settings.PORT}: {error.strerror or error}.")


def _raise_file_limit() -> None:
    """Each open stream is a file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
