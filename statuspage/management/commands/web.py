"""`manage.py web`: one web process."""

import asyncio
import resource
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Serve the page (HOST, PORT)."

    def handle(self, *args: Any, **options: Any) -> None:
        serve()


def serve() -> None:
    """Serve until SIGTERM, in this process. Exits with a sentence when it cannot listen."""
    import uvloop

    from statuspage.serving.http1.server import Server

    if not (settings.STATIC_ROOT / "staticfiles.json").exists():  # a new machine, or a new pod
        from statuspage.ops.release import lay_out_static_files  # with Django's migrations: 3 MiB

        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        lay_out_static_files()
    _raise_file_limit()
    from statuspage.asgi import application  # late: it reads the static files

    server = Server(application, settings.HOST, settings.PORT)
    try:
        listening = server.listen()
    except OSError as error:
        sys.exit(f"Cannot listen on {settings.HOST}:{settings.PORT}: {error.strerror or error}.")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve_until_signal(listening))


def _raise_file_limit() -> None:
    """Each open stream is a file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
