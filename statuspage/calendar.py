"""Planned work as an iCalendar (RFC 5545), for people's own calendars.

A program knows an event by its UID and takes the version with the highest
SEQUENCE, so a moved window moves there too, and a cancelled one is struck out.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.conf import settings

from incidents.markdown import to_text
from incidents.models import Maintenance, MaintenanceState
from statuspage import works
from statuspage.gather import World

LINE_BYTES = 75  # longer lines are folded (RFC 5545, section 3.1)


def calendar(world: World) -> bytes:
    """The whole calendar: what is to come, under way, past and cancelled."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//statuspage//maintenance//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escaped(f'{settings.PAGE_NAME}: maintenance')}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ]
    for one in sorted(world.maintenances, key=lambda one: (one.starts_at, one.pk)):
        lines += _event(one)
    lines.append("END:VCALENDAR")
    return b"".join(folded(line) for line in lines)


def _event(one: Maintenance) -> Iterator[str]:
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    plans, told = one.plans(), works.updates(one)
    stamps = [*(plan.at for plan in plans), *(update.at for update in told)]
    names = ", ".join(component.name for component in works.components(one))
    is_cancelled = one.state == MaintenanceState.CANCELLED
    yield "BEGIN:VEVENT"
    yield f"UID:{one.public_id}@{host}"
    yield f"DTSTAMP:{_moment(max(stamps, default=one.created_at))}"
    yield f"SEQUENCE:{max(0, len(plans) - 1)}"
    yield f"DTSTART:{_moment(one.starts_at)}"
    yield f"DTEND:{_moment(one.ends_at)}"
    yield f"SUMMARY:{escaped(one.title)}"
    yield f"DESCRIPTION:{escaped(to_text(one.body))}"
    if names:
        yield f"LOCATION:{escaped(names)}"
    yield f"URL:{settings.PUBLIC_URL}{one.get_absolute_url()}"
    yield f"STATUS:{'CANCELLED' if is_cancelled else 'CONFIRMED'}"
    yield "TRANSP:TRANSPARENT"  # nobody is busy because of it
    yield "END:VEVENT"


def escaped(text: str) -> str:
    """A text value: backslashes, separators and line ends escaped, control characters gone."""
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return "".join(character for character in text if character >= " ")


def folded(line: str) -> bytes:
    """A line as bytes, cut between characters wherever it would grow too long."""
    pieces, length = [b""], 0
    for character in line:
        raw = character.encode()
        if length + len(raw) > LINE_BYTES:
            pieces.append(b" ")
            length = 1
        pieces[-1] += raw
        length += len(raw)
    return b"\r\n".join(pieces) + b"\r\n"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
