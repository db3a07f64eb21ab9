"""`manage.py deploy_marker "v41" --component API`: a deploy happens now, so what fails next has a reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from components import command_audit
from components.models import Component, DeployMarker
from components.models.deploy import MAX_LENGTH
from components.texts import one_line

MAX_AHEAD = timedelta(minutes=5)


class Command(BaseCommand):
    help = "Mark a deploy. Failures that begin within 15 minutes are diagnosed with it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text", help="What is deployed, such as a version.")
        parser.add_argument("--component", default="", help="Name or id of the component; without it, all.")
        parser.add_argument("--at", default="", help="When, as 2026-11-27T22:15:00Z; without it, now.")

    def handle(self, *args: Any, **options: Any) -> None:
        text = one_line(options["text"])
        if not text or len(text) > MAX_LENGTH:
            raise CommandError(f"text: Write 1 to {MAX_LENGTH} characters, such as a version.")
        component = _component(options["component"]) if options["component"] else None
        at = _moment(options["at"], datetime.now(UTC))
        with transaction.atomic():
            marker = DeployMarker.objects.create(at=at, text=text, component=component)
            command_audit.note(
                "deploy.mark", marker, after={"text": text, "component": str(component or "all")}
            )
        of = component.name if component else "all components"
        self.stdout.write(f"Marked “{text}” for {of} at {at:%Y-%m-%d %H:%M:%S} UTC.")


def _component(given: str) -> Component:
    """By its id or its name, if only one has that name."""
    found = list(Component.objects.filter(public_id=given)[:1]) or list(
        Component.objects.filter(name=given)[:2]
    )
    if not found:
        raise CommandError(f"--component: There is no component “{given}”: give its name or its id.")
    if len(found) > 1:
        raise CommandError(
            f"--component: Several are called “{given}”: give its id, from its page's address."
        )
    return found[0]


def _moment(text: str, now: datetime) -> datetime:
    if not text:
        return now
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--at: “{text}” is not a time: write it like 2026-11-27T22:15:00Z.") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if at > now + MAX_AHEAD:
        raise CommandError("--at: That is in the future: mark a deploy when it begins.")
    return at.astimezone(UTC)
