"""`manage.py up`: the whole program with one command."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from components import places
from incidents import alerting
from statuspage.ops import bootstrap, private_files, supervisor
from statuspage.ops.child_output import say
from statuspage.ops.release import lay_out_static_files, prepare_database
from statuspage.ops.supervisor import StartError, Supervisor
from statuspage.ops.watch import Watch, mail_server_error


class Command(BaseCommand):
    help = "Run everything: database, broker, worker, clock and web, under one supervisor."
    requires_system_checks = ()  # our own sentences first

    def handle(self, *args: Any, **options: Any) -> None:
        os.environ["UP_EGRESS_ALLOW"] = ",".join(
            bootstrap.probes_may_reach(
                settings.HOST, settings.PORT, settings.PUBLIC_HOST, proxies=settings.TRUSTED_PROXIES
            )
        )
        try:
            lock = supervisor.hold(settings.VAR_DIR)
            keep_files_private()
            supervisor.check_port(settings.HOST, settings.PORT)
            self.check()
            prepare_database()
        except StartError as error:
            sys.exit(str(error))
        lay_out_static_files()
        staff = bootstrap.prepare(settings.HOST, settings.PORT)
        connection.close()
        redis_url = settings.REDIS_URL if os.environ.get("REDIS_URL") else None
        children = supervisor.commands(
            redis_url, settings.VAR_DIR, concurrency=settings.WORKER_CONCURRENCY, region=settings.REGION
        )
        Supervisor(
            var_dir=settings.VAR_DIR,
            host=settings.HOST,
            port=settings.PORT,
            children=children,
            watch=Watch(children[-1].env["REDIS_URL"], settings.WORKER_SILENCE_S, say),
            on_ready=lambda: welcome(staff),
        ).run()
        lock.close()


def keep_files_private() -> None:
    """Make existing files private, and those of a SQLite database anywhere."""
    is_file = connection.vendor == "sqlite"
    database = private_files.of_database(str(connection.settings_dict["NAME"])) if is_file else []
    private_files.keep(settings.VAR_DIR, database)


def welcome(staff: tuple[str, str] | None) -> None:
    """Print the addresses, the first login and the next steps."""
    is_here = settings.HOST in ("0.0.0.0", "127.0.0.1", "::")  # noqa: S104 we read it, we do not bind
    address = f"http://{'localhost' if is_here else settings.HOST}:{settings.PORT}"
    env = f"VAR_DIR={settings.VAR_DIR} " if "VAR_DIR" in os.environ else ""
    lines = ["", f"Your status page is live: {address}/"]
    if staff is not None:
        lines.append(f"Staff login:              {address}/accounts/login/   {staff[0]} / {staff[1]}")
        lines.append("                          (you will be asked to set your own password)")
    lines += [alerts_line(address)]
    lines += [
        "Next:",
        f"  1. Check something of yours:  {env}{places.typed()} probe https://example.org --save",
        f"  2. Name and group it:         {address}/console/components",
        f"  3. Name the page itself:      {address}/console/settings/look",
        "  4. Break it, and look at the page.",
        "Stop with Ctrl-C.",
        "",
    ]
    for line in lines:
        say(line)
    if error := mail_server_error(settings.EMAIL_HOST if settings.EMAIL_URL else "", settings.EMAIL_PORT):
        say(f"the mail server {error} Mail is queued until it can be reached; check EMAIL_URL.")


def alerts_line(address: str) -> str:
    """Whether staff get alerts outside the console, and where to set that."""
    number = alerting.channels()
    place = f"{address}/console/alerts/"
    if number:
        return f"Staff alerts:             {number} channel{'s' if number > 1 else ''}, see {place}"
    return f"Staff alerts: none set up – suggestions appear in the console and the log; add yours at {place}"
