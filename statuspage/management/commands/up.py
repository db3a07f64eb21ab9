"""`manage.py up`: the whole program with one command."""

import argparse
import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from components import places
from incidents import alerting
from statuspage.celery import app
from statuspage.checks import TAG
from statuspage.management.commands.web import serve
from statuspage.ops import (
    bootstrap,
    forking,
    hand_over,
    layout,
    looking,
    one_worker,
    private_files,
    supervisor,
    warm,
)
from statuspage.ops.child_output import say
from statuspage.ops.children import Child
from statuspage.ops.looking import mail_server_error
from statuspage.ops.supervisor import StartError, Supervisor
from statuspage.ops.watch import Watch


class Command(BaseCommand):
    help = "Run everything: database, broker, worker, clock and web, under one supervisor."
    requires_system_checks = ()  # our own sentences first

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", choices=("web", "worker"), help=argparse.SUPPRESS)  # of the supervisor

    def handle(self, *args: Any, **options: Any) -> None:
        if options["only"]:
            play(options["only"])
            return
        may_reach = bootstrap.probes_may_reach(
            settings.HOST, settings.PORT, settings.PUBLIC_HOST, proxies=settings.TRUSTED_PROXIES
        )
        settings.UP_EGRESS_ALLOW = may_reach
        os.environ["UP_EGRESS_ALLOW"] = ",".join(may_reach)
        try:
            lock = supervisor.hold(settings.VAR_DIR)
            forking.ours_alone.add(lock.fileno())
            supervisor.check_port(settings.HOST, settings.PORT)
        except StartError as error:
            sys.exit(str(error))
        preparing = layout.in_a_fork(self.prepare)
        warm.load()  # meanwhile
        prepared = preparing()
        children, is_one = self.children(prepared)
        names = ("REDIS_URL", "EGRESS_ALLOW", "UP_EGRESS_ALLOW", "SUBSCRIBER_EGRESS_ALLOW")
        forking.freeze()
        forking.block()
        begun = supervise(prepared.login, children, is_one_worker=is_one)
        hand_over.begin(begun, {name: os.environ[name] for name in names if name in os.environ})
        hand_over.replace(begun, lock.fileno())

    def prepare(self) -> layout.Prepared:
        """In a fork: everything that must be right before the start. Exits with a sentence if it is not."""
        try:
            keep_files_private()
            self.check(tags=[TAG])  # our code was checked before it was released
            return layout.prepare()
        except StartError as error:
            sys.exit(str(error))

    def children(self, prepared: layout.Prepared) -> tuple[list[Child], bool]:
        """The children, none of them started, and whether one worker does everything but the page."""
        has_own_broker = bool(os.environ.get("REDIS_URL"))
        broker = None
        if not has_own_broker:
            broker, settings.REDIS_URL = supervisor.private_valkey(prepared.valkey, settings.VAR_DIR)
            os.environ["REDIS_URL"] = settings.REDIS_URL
        is_one = layout.is_one_worker(settings.PROCESSES, prepared, has_own_broker=has_own_broker)
        here = supervisor.Layout(
            again=hand_over.again,
            web=warm.as_role("web", page),
            one_worker=warm.as_role("worker", work) if is_one else None,
            region=settings.REGION,
            concurrency=settings.WORKER_CONCURRENCY,
        )
        return supervisor.children_of(here, broker, {"VAR_DIR": str(settings.VAR_DIR)}), is_one


def supervise(staff: tuple[str, str] | None, children: list[Child], *, is_one_worker: bool) -> Supervisor:
    """Their supervisor, and the welcome that it lets print. It asks database and mail server, in a fork."""

    def speak() -> None:
        welcome(staff)

    fork, welcomes = forking.waiting(speak, title="statuspage welcome")
    return Supervisor(
        var_dir=settings.VAR_DIR,
        host=settings.HOST,
        port=settings.PORT,
        children=children,
        watch=Watch(settings.WORKER_SILENCE_S, say, is_one_worker=is_one_worker),
        welcome=fork,
        welcomes=welcomes,
    )


def play(role: str) -> None:
    """Play a role that a fork of the supervisor played before, in this process."""
    forking.set_title(f"statuspage {role}")
    forking.freeze()
    warm.as_role(role, {"web": page, "worker": work}[role])()


def page() -> None:
    """The page, which looks for the supervisor."""
    looking.begin()
    serve()


def work() -> None:
    """Everything but the page, in this process."""
    warm.load(warm.TASKS)  # Celery's own way to find them also makes all of Django's checks
    one_worker.run(one_worker.lines(app.conf.beat_schedule, app.tasks))


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
