"""Maintenance as iCalendar (RFC 5545).

A program knows an event by its UID and takes the version with the highest
SEQUENCE, so a moved window moves there too, and a cancelled one is struck out.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q

from components import identity
from components.models import Page
from incidents.models import Maintenance, MaintenanceState
from incidents.plain_text import to_plain
from statuspage.feeds.formats import legible
from statuspage.feeds.scopes import Scope
from statuspage.public import maintenance_cards, world

if TYPE_CHECKING:
    from icalendar import Event

PAST = 50
ASK_AGAIN_AFTER = timedelta(hours=1)


def of_scope(scope: Scope) -> list[Maintenance]:
    """Maintenance that is planned or under way, and the latest that is over or cancelled."""
    maintenances = scope.works()
    asked = maintenances.filter(world.PLANNED | world.ACTIVE).values("pk")
    return world.these_maintenances(Q(pk__in=asked) | world.latest_over(maintenances, PAST))


def title(name: str = "") -> str:
    """ "Tern: maintenance", "Tern: maintenance of API"."""
    return f"{identity.current().name}: maintenance{f' of {name}' if name else ''}"


def calendar(maintenances: Iterable[Maintenance], name: str) -> bytes:
    """These maintenances as iCalendar, by time."""
    from icalendar import Calendar  # imported here: it takes a tenth of the start of a web process

    made = Calendar()
    made.add("version", "2.0")
    made.add("prodid", "-//statuspage//maintenance//EN")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    made.add("name", legible(name))
    made.add("x-wr-calname", legible(name))  # the older word for it, which most programs know
    made.add("refresh-interval", ASK_AGAIN_AFTER, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", ASK_AGAIN_AFTER, parameters={"VALUE": "DURATION"})  # the older word for it
    host = urlsplit(Page.objects.this().names_from).hostname or settings.PUBLIC_HOST
    for maintenance in sorted(maintenances, key=lambda maintenance: (maintenance.starts_at, maintenance.pk)):
        made.add_component(_event(maintenance, host))
    return bytes(made.to_ical())


def _event(maintenance: Maintenance, host: str) -> "Event":
    from icalendar import Event

    plans, changed_at = maintenance.plans(), _changed_at(maintenance)
    names = ", ".join(component.name for component in maintenance_cards.components(maintenance))
    is_cancelled = maintenance.state == MaintenanceState.CANCELLED
    event = Event()
    event.add("uid", f"{maintenance.public_id}@{host}")
    event.add("dtstamp", changed_at)
    event.add("last-modified", changed_at)
    event.add("created", _utc(plans[0].at if plans else maintenance.created_at))
    event.add("sequence", max(0, len(plans) - 1))
    event.add("dtstart", _utc(maintenance.starts_at))
    event.add("dtend", _utc(maintenance.ends_at))
    # many programs do not show the status
    event.add("summary", legible(f"Cancelled: {maintenance.title}" if is_cancelled else maintenance.title))
    event.add("description", "\n".join(legible(line) for line in to_plain(maintenance.body).split("\n")))
    if names:
        event.add("location", legible(names))
    event.add("url", f"{settings.PUBLIC_URL}{maintenance.get_absolute_url()}")
    event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")  # it does not make anyone busy
    return event


def _changed_at(maintenance: Maintenance) -> datetime:
    """The newest change: of two versions with one SEQUENCE the later stamp counts (RFC 5546)."""
    update_times = (update.at for update in maintenance_cards.updates(maintenance))
    return _utc(max([maintenance.updated_at, *(plan.at for plan in maintenance.plans()), *update_times]))


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
