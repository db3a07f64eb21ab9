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
    """What is to come, what is under way, and the latest of what is over or cancelled."""
    found = scope.works()
    asked = found.filter(world.PLANNED | world.ACTIVE).values("pk")
    return world.these_maintenances(Q(pk__in=asked) | world.latest_over(found, PAST))


def title(name: str = "") -> str:
    """ "Tern: maintenance", "Tern: maintenance of API"."""
    return f"{identity.current().name}: maintenance{f' of {name}' if name else ''}"


def calendar(found: Iterable[Maintenance], name: str) -> bytes:
    """The calendar of these, by time."""
    from icalendar import Calendar  # only when asked: a tenth of what starting a web process takes

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
    for one in sorted(found, key=lambda one: (one.starts_at, one.pk)):
        made.add_component(_event(one, host))
    return bytes(made.to_ical())


def _event(one: Maintenance, host: str) -> "Event":
    from icalendar import Event

    plans, changed_at = one.plans(), _changed_at(one)
    names = ", ".join(component.name for component in maintenance_cards.components(one))
    is_cancelled = one.state == MaintenanceState.CANCELLED
    event = Event()
    event.add("uid", f"{one.public_id}@{host}")
    event.add("dtstamp", changed_at)
    event.add("last-modified", changed_at)
    event.add("created", _utc(plans[0].at if plans else one.created_at))
    event.add("sequence", max(0, len(plans) - 1))
    event.add("dtstart", _utc(one.starts_at))
    event.add("dtend", _utc(one.ends_at))
    # many programs show nothing of the status
    event.add("summary", legible(f"Cancelled: {one.title}" if is_cancelled else one.title))
    event.add("description", "\n".join(legible(line) for line in to_plain(one.body).split("\n")))
    if names:
        event.add("location", legible(names))
    event.add("url", f"{settings.PUBLIC_URL}{one.get_absolute_url()}")
    event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")  # nobody is busy because of it
    return event


def _changed_at(one: Maintenance) -> datetime:
    """Of two versions of one SEQUENCE the later stamp counts (RFC 5546): other words are one, too."""
    told = (update.at for update in maintenance_cards.updates(one))
    return _utc(max([one.updated_at, *(plan.at for plan in one.plans()), *told]))


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
