"""`manage.py demo`, or `make demo`: watch an outage happen."""

import signal
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

from components.models import Component, Group, Probe
from statuspage.models import Audit
from statuspage.ops.demo import examples
from statuspage.ops.demo.story import Story, Unexpected

PARTS = (
    ("Web app", "Dashboard and editor", "/"),
    ("REST API", "For your own programs", "/api"),
    ("Static assets", "Scripts, images, fonts", "/static/app.css"),
)


class Command(BaseCommand):
    help = "Run Widgetify beside a status page, use up its database connections, and watch."
    requires_system_checks = ()  # it checks nothing of this installation, and touches none of it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pace", type=float, default=1.0, help="0 runs fast, 1 leaves time to look.")
        parser.add_argument("--once", action="store_true", help="Exit when the demo ends.")
        parser.add_argument("--seed", help="(inner) Make the components that watch this address.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["seed"]:
            seed(options["seed"])
            return
        began = time.monotonic()

        def say(words: str) -> None:
            seconds = int(time.monotonic() - began)
            self.stdout.write(f"{seconds // 60}:{seconds % 60:02}  {words}")
            self.stdout.flush()

        def leave(*_: Any) -> None:
            raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, leave)
        story = Story(say, pace=options["pace"])
        try:
            story.tell()
            if not options["once"] and sys.stdin.isatty():
                say("The page stays until you press Ctrl-C.")
                signal.pause()
        except Unexpected as error:
            sys.exit(str(error))
        except KeyboardInterrupt:
            pass
        finally:
            story.end()
            say("The demo has been removed.")


@transaction.atomic
def seed(url: str) -> None:
    """Three components of one group, looked at every 5 seconds, and two finished postmortems to read."""
    group = Group.objects.create(name="Widgetify", position=1)
    for position, (name, description, path) in enumerate(PARTS, start=1):
        component = Component.objects.create(
            name=name, description=description, group=group, position=position
        )
        Probe.objects.create(
            component=component,
            kind="http",
            target=f"{url}{path}",
            interval_s=5,
            timeout_s=4,
            retry_s=2,
            latency_limit_ms=150,
        )
    examples.load(timezone.now())
    Audit.objects.note(None, "demo.seed", group, after={"components": len(PARTS), "target": url})
