"""`manage.py post INCIDENT --phase identified --body "..."`: post an update from the shell."""

import sys
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from components import command_audit
from components.models import Component
from incidents import hidden_components
from incidents.lifecycle import Phase
from incidents.models import Incident, Post


class Command(BaseCommand):
    help = "Post an update to an incident, or open one with its first update."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "incident", help="The incident's id, as in its address; `last` for the newest open one; "
            "`new` opens one with --title."
        )  # fmt: skip
        parser.add_argument(
            "--phase", choices=[phase.value for phase in Phase], help="The new phase, if it changes."
        )
        parser.add_argument("--body", default="", help="Markdown; read from standard input if left out.")
        parser.add_argument("--title", default="", help="The title of a new incident.")
        parser.add_argument(
            "--component", action="append", default=[], help="An affected component's name or id."
        )
        parser.add_argument(
            "--status", help="The status of these components now, such as major_outage or operational."
        )
        parser.add_argument("--workaround", help="What customers can do; empty removes it.")
        parser.add_argument(
            "--although-hidden",
            action="store_true",
            help="Publish it even though all its components are hidden.",
        )
        parser.add_argument("--next", type=int, help="Promise the next update in this many minutes.")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        body = options["body"] or ("" if sys.stdin.isatty() else sys.stdin.read())
        promise = now + timedelta(minutes=options["next"]) if options["next"] else None
        try:
            with transaction.atomic():
                incident = self.write(options, body, promise, now)
        except ValidationError as refused:
            raise CommandError(_sentences(refused)) from refused
        self.stdout.write(f"Posted to “{incident.title}” ({incident.public_id}): {incident.phase}.")

    def write(self, options: dict[str, Any], body: str, promise: datetime | None, now: datetime) -> Incident:
        """Open an incident or post to one. Raises ValidationError."""
        components = [_component(name) for name in options["component"]]
        fields: dict[str, Any] = {
            "next_update_at": promise,
            "workaround": options["workaround"],
            "statuses": dict.fromkeys(components, options["status"]) if options["status"] else None,
        }
        if options["status"] and not components:
            raise CommandError("--status needs --component: name the component.")
        if options["incident"] == "new":
            _refuse_hidden(components, options)
            phase = Phase(options["phase"] or Phase.INVESTIGATING)
            incident = Incident.objects.open(
                options["title"], body, now=now, components=components, phase=phase, **fields
            )
            _note("incident.open", incident, workaround="")
            return incident
        incident = _incident(options["incident"])
        if incident.published_at is None:
            places = incident.affected.select_related("component")
            _refuse_hidden([*components, *(row.component for row in places)], options)
        workaround_before = incident.workaround
        incident.post(Post(body, phase=options["phase"] or incident.phase, **fields), now=now)
        _note("incident.post", incident, workaround=workaround_before)
        return incident


def _refuse_hidden(components: list[Component], options: dict[str, Any]) -> None:
    """Refuse to publish for the first time if all components are hidden and no flag allows it."""
    if hidden_components.are_all_hidden(components) and not options["although_hidden"]:
        raise CommandError(f"{hidden_components.WARNING} Add --although-hidden to publish it.")


def _note(act: str, incident: Incident, *, workaround: str) -> None:
    """Write the audit log as the console does. `workaround`: the text before the update."""
    update = incident.updates.latest("number")
    after: dict[str, Any] = {name: getattr(update, name) for name in ("number", "phase", "body", "notifies")}
    before = None
    if incident.workaround != workaround:
        before, after["workaround"] = {"workaround": workaround}, incident.workaround
    command_audit.note(act, incident, before=before, after=after)


def _incident(which: str) -> Incident:
    incident = (
        Incident.objects.live().filter(resolved_at=None).first()
        if which == "last"
        else Incident.objects.live().filter(public_id=which).first()
    )
    if incident is None:
        raise CommandError(f"There is no incident “{which}”: use the id in its address.")
    return incident


def _component(name: str) -> Component:
    component = Component.objects.filter(public_id=name).first()
    component = component or Component.objects.filter(name=name).first()
    if component is None:
        raise CommandError(f"There is no component “{name}”: use its name or its id.")
    return component


def _sentences(refused: ValidationError) -> str:
    """ "phase: …" for each field that was refused."""
    if not hasattr(refused, "error_dict"):
        return "; ".join(refused.messages)
    return "; ".join(f"{field}: {' '.join(messages)}" for field, messages in refused.message_dict.items())
