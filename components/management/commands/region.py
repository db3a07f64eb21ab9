"""`manage.py region add NAME`: remote regions and their keys."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from components import command_audit, places
from components.models import Probe, RemoteRegion

HOW = """Where the region is (docs/regions.md):
  REGION={name} REGION_SERVER={server} REGION_KEY=… {typed} region_agent"""


class Command(BaseCommand):
    help = "Add, list, rotate the key of, or remove a remote region."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("list", help="All remote regions, and when they last asked for work.")
        add = acts.add_parser("add", help="Add a region. Prints its key, this once.")
        rotate = acts.add_parser("rotate", help="Print a new key. The one before is valid for 24 hours more.")
        rotate.add_argument("--now", action="store_true", help="End the old key at once.")
        remove = acts.add_parser("remove", help="Remove a region. Its probes become unknown.")
        for act in (add, rotate, remove):
            act.add_argument("name", help="The region's name, as probes have it.")

    def handle(self, *args: Any, **options: Any) -> None:
        now = datetime.now(UTC)
        if options["act"] == "list":
            self._list(now)
        elif options["act"] == "add":
            self._add(options["name"])
        elif options["act"] == "rotate":
            self._rotate(options["name"], now, at_once=options["now"])
        else:
            self._remove(options["name"])

    def _list(self, now: datetime) -> None:
        regions = list(RemoteRegion.objects.all())
        if not regions:
            self.stdout.write("There are no remote regions.")
        for region in regions:
            self.stdout.write(f"{region.name}: {summary(region, now)}")

    def _add(self, name: str) -> None:
        try:
            with transaction.atomic():
                region, key = RemoteRegion.objects.add(name, own=settings.REGION)
                command_audit.note("region.add", region, after={"name": region.name})
        except ValidationError as refused:
            raise CommandError(f"NAME: {refused.messages[0]}") from refused
        self.stdout.write(f"Region {region.name} was added. Its key is shown this once:\n{key}")
        self.stdout.write(HOW.format(typed=places.typed(), name=region.name, server=settings.PUBLIC_URL))

    def _rotate(self, name: str, now: datetime, *, at_once: bool) -> None:
        with transaction.atomic():
            region = _region(name)
            key = region.rotate(now, at_once=at_once)
            command_audit.note("region.rotate", region, after={"at once": at_once})
        ends = "ended now" if at_once else "is valid for 24 hours more"
        self.stdout.write(f"The new key of region {region.name} is shown this once:\n{key}")
        self.stdout.write(f"The key before it {ends}.")

    def _remove(self, name: str) -> None:
        with transaction.atomic():
            region = _region(name)
            command_audit.note("region.remove", region, before={"name": region.name}, after={"name": ""})
            region.delete()
        self.stdout.write(f"Region {name} was removed: its key is no longer valid.")
        if number := Probe.objects.filter(region=name).count():
            checks, become = ("check is", "it becomes") if number == 1 else ("checks are", "they become")
            self.stdout.write(f"{number} {checks} still set to be made from there: {become} unknown.")


def _region(name: str) -> RemoteRegion:
    region = RemoteRegion.objects.select_for_update().filter(name=name).first()
    if region is None:
        raise CommandError(f"NAME: There is no remote region “{name}”: see “manage.py region list”.")
    return region


def summary(region: RemoteRegion, now: datetime) -> str:
    """When it last asked for work, and how it is, in one line."""
    if region.last_seen_at is None:
        return "never seen"
    if not region.is_seen(now):
        return f"last seen {region.last_seen_at:%Y-%m-%d %H:%M:%S} UTC"
    told = f"checking; its clock is {abs(region.skew_s):.1f} s {'ahead' if region.skew_s > 0 else 'behind'}"
    told += f"; {region.waiting} results waiting there" if region.waiting else ""
    return told + (f"; {region.lost} results lost since it started" if region.lost else "")
