"""`manage.py alive ROLE`: the health check of a container, and of a pod's liveness.

A process is not blamed for what it needs: while the database or the broker is away it is well.
"""

import platform
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from components import loops
from components.clock import database_now
from statuspage.ops import roles, supervisor
from statuspage.ops.looking import Looker
from statuspage.ops.watch import Look

ROLES = ("web", "worker", "messages", "beat")


class Command(BaseCommand):
    help = "Exit 0 if the process of ROLE on this machine works, or cannot because of what it needs; else 1."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", nargs="?", choices=ROLES, default="web", help="web, if none is named.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["role"] == "web":
            if not supervisor.answers(settings.HOST, settings.PORT, "/livez"):
                raise CommandError(f"The web process does not answer on {settings.HOST}:{settings.PORT}.")
            return
        role = roles.NAMES[options["role"]]
        look = Looker(settings.REDIS_URL).look()
        if reason := look.database or look.broker:
            self.stdout.write(f"Cannot tell: {reason}")
        elif is_stuck(role, look, database_now(), settings.WORKER_SILENCE_S):
            raise CommandError(
                f"The {loops.LOOPS[role].name} has done nothing for {settings.WORKER_SILENCE_S:g} s."
            )


def is_stuck(role: str, look: Look, now: datetime, silence_s: float) -> bool:
    """Whether this machine's process of a role is silent although there is work.

    A worker without a heartbeat has not begun; the clock's work is never done.
    """
    here = platform.node()
    own = [
        at
        for name, at in look.signs.get(role, frozenset())
        if here in (name.rpartition("@")[2], name.split(":")[0])
    ]
    is_silent = bool(own) and now - max(own) > timedelta(seconds=silence_s)
    return is_silent and (role == "beat" or look.waiting.get(role, 0) > 0)
