"""Post an update from the shell: `manage.py post INCIDENT --phase identified --body "..."`."""

import sys
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from components.models import Component
from incidents.lifecycle import Phase
from incidents.models import Incident


class Command(BaseCommand):
    help = "Post an update to an incident, or open one with its first word."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "incident", help="The incident's id, as in its address; `last` for the newest open one; "
            "`new` opens one with --title."
        )  # fmt: skip
        parser.add_argument("--phase", choices=[phase.value for phase in Phase], help="If it changes.")
        parser.add_argument("--body", default="", help="Markdown; read from standard input if left out.")
        parser.add_argument("--title", default="", help="The title of a new incident.")
        parser.add_argument(
            "--component", action="append", default=[], help="An affected component's name or id."
        )
        parser.add_argument("--workaround", help="What customers can do; empty takes it away.")
        parser.add_argument("--next", type=int, help="Minutes until the next update is promised.")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        body = options["body"] or ("" if sys.stdin.isatty() else sys.stdin.read())
        promise = now + timedelta(minutes=options["next"]) if options["next"] else None
        try:
            incident = self.write(options, body, promise, now)
        except ValidationError as refused:
            raise CommandError(_sentences(refused)) from refused
        self.stdout.write(f"Posted to “{incident.title}” ({incident.public_id}): {incident.phase}.")

    def write(self, options: dict[str, Any], body: str, promise: datetime | None, now: datetime) -> Incident:
        """Open or continue. Raises ValidationError."""
        if options["incident"] == "new":
            return Incident.objects.open(
                options["title"],
                body,
                now=now,
                components=[_component(name) for name in options["component"]],
                phase=Phase(options["phase"] or Phase.INVESTIGATING),
                next_update_at=promise,
                workaround=options["workaround"],
            )
        incident = _incident(options["incident"])
        phase = options["phase"] or incident.phase
        incident.post(body, phase=phase, now=now, next_update_at=promise, workaround=options["workaround"])
        return incident


def _incident(which: str) -> Incident:
    found = (
        Incident.objects.live().filter(resolved_at=None).first()
        if which == "last"
        else Incident.objects.live().filter(public_id=which).first()
    )
    if found is None:
        raise CommandError(f"There is no incident “{which}”: take the id from its address.")
    return found


def _component(name: str) -> Component:
    found = Component.objects.filter(public_id=name).first()
    found = found or Component.objects.filter(name=name).first()
    if found is None:
        raise CommandError(f"There is no component “{name}”: use its name or its id.")
    return found


def _sentences(refused: ValidationError) -> str:
    """ "phase: …" for each field that was refused."""
    if not hasattr(refused, "error_dict"):
        return "; ".join(refused.messages)
    return "; ".join(f"{field}: {' '.join(messages)}" for field, messages in refused.message_dict.items())
