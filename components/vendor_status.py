"""What another status page says of itself, or of one of its components: its `summary.json`.

The format is Statuspage's, which many others speak (our own page too). Where it has a word
for unknown (ours has: `unknown: true` beside the status), that is heard.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from components.texts import lines, one_line, shortened

MAX_TITLE_LENGTH = 200
MAX_UPDATE_LENGTH = 900
MAX_URL_LENGTH = 200
MAX_NAMES = 5  # of their components, where the one asked for is not there
MAX_ROWS = 5_000
MAX_NAME_LENGTH = 100
OVER = ("resolved", "postmortem", "completed")
BREAK = re.compile(r"<\s*(?:br|/p|/li|/div)\b[^>]{0,200}>", re.IGNORECASE)
TAG = re.compile(r"</?[a-zA-Z][^>]{0,500}>")


class VendorStatus(StrEnum):
    """Statuspage's words, and unknown."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"
    MAINTENANCE = "under_maintenance"
    UNKNOWN = "unknown"


INDICATORS = {
    "none": VendorStatus.OPERATIONAL,
    "minor": VendorStatus.DEGRADED,
    "major": VendorStatus.PARTIAL,
    "critical": VendorStatus.MAJOR,
    "maintenance": VendorStatus.MAINTENANCE,
}
IMPACTS = ("none", "maintenance", "minor", "major", "critical")


class VendorError(Exception):
    """The page does not say what was asked for. A sentence for staff."""


@dataclass(frozen=True, slots=True)
class Event:
    """Their open incident, or maintenance under way: title, phase and newest update as plain text."""

    title: str
    phase: str = ""
    update: str = ""
    began_at: datetime | None = None  # their first public words of it
    url: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """`name`: the component, or the page where none was asked for. `said_at`: since when they say so."""

    status: VendorStatus
    name: str
    event: Event | None = None
    said_at: datetime | None = None


def read(document: Any, component: str = "") -> Report:
    """What this summary says of a component (its name, "Group - Name" or id), or of the whole page.

    Raises VendorError.
    """
    if not isinstance(document, dict) or not isinstance(document.get("page"), dict):
        raise VendorError("The response is not a Statuspage summary.")
    if not component:
        return _of_page(document)
    rows = [row for row in _dicts(document.get("components")) if isinstance(row.get("name"), str)]
    row = _named(rows, component)
    word = "unknown" if row.get("unknown") is True else _text(row, "status")
    if word not in set(VendorStatus):
        raise VendorError(f"The status of “{_title(row['name'])}” is not one we know.")
    children = row.get("components")
    ids = {_text(row, "id"), *(_strings(children) if isinstance(children, list) else ())}
    event = _event(document, VendorStatus(word), ids - {""})
    changed_at = event.began_at if event and event.began_at else _moment(row.get("updated_at"))
    return Report(VendorStatus(word), _title(row["name"]), event, changed_at)


def _of_page(document: Mapping[str, Any]) -> Report:
    status = document.get("status")
    word = INDICATORS.get(_text(status, "indicator")) if isinstance(status, dict) else None
    if word is None:
        raise VendorError("The response is not a Statuspage summary: it has no indicator.")
    troubled = [
        row for row in _dicts(document.get("components"))
        if not row.get("group") and row.get("status") != VendorStatus.OPERATIONAL
    ]  # fmt: skip
    if word is VendorStatus.DEGRADED and troubled and all(row.get("unknown") is True for row in troubled):
        word = VendorStatus.UNKNOWN
    event = _event(document, word, None)
    name = document["page"].get("name")
    return Report(word, _title(name), event, event.began_at if event else None)


def _named(rows: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """The row that is meant. Raises VendorError."""
    for row in rows:
        if _text(row, "id") == wanted:
            return row
    groups = {_text(row, "id"): row["name"] for row in rows if row.get("group")}
    key = _key(wanted)
    full = [row for row in rows if _key(f"{groups.get(_text(row, 'group_id'), '')} - {row['name']}") == key]
    matching = full or [row for row in rows if _key(row["name"]) == key]
    matching = [row for row in matching if not row.get("group")] or matching
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise VendorError(f"{len(matching)} components of the page are called “{_title(wanted)}”: use an id.")
    names = ", ".join(f"“{_title(row['name'])}”" for row in rows[:MAX_NAMES])
    more = f" Its first ones are {names}." if names else ""
    raise VendorError(f"The page has no component “{_title(wanted)}”.{more}")


def _event(document: Mapping[str, Any], status: VendorStatus, ids: set[str] | None) -> Event | None:
    """The worst open incident of these components (None: of all), or the maintenance that is under way."""
    is_work = status is VendorStatus.MAINTENANCE
    rows = [
        row
        for row in _dicts(document.get("scheduled_maintenances" if is_work else "incidents"))
        if row.get("status") not in OVER
        and (not is_work or row.get("status") in ("in_progress", "verifying"))
    ]
    if ids is not None:
        named = [row for row in rows if ids & _affected(row)]
        # an incident that names nobody may be about any component that is not well
        vague = [row for row in rows if not _affected(row)]
        rows = named or (vague if status is not VendorStatus.OPERATIONAL else [])
    if not rows:
        return None
    row = max(rows, key=_weight)
    updates = sorted(_dicts(row.get("incident_updates")), key=lambda one: str(one.get("created_at")))
    newest = updates[-1] if updates else {}
    began = [at for at in (_moment(one.get("created_at")) for one in (row, *updates[:1])) if at is not None]
    url = _text(row, "shortlink")
    return Event(
        title=_title(row.get("name")),
        phase=one_line(_text(row, "status").replace("_", " "))[:40],
        update=_plain(newest.get("body")),
        began_at=min(began, default=None),
        url=url if re.match("https?://", url) and len(url) <= MAX_URL_LENGTH else "",
    )


def _weight(row: Mapping[str, Any]) -> tuple[int, str]:
    impact = row.get("impact")
    return (IMPACTS.index(impact) if impact in IMPACTS else 0, str(row.get("created_at")))


def _affected(row: Mapping[str, Any]) -> set[str]:
    """The ids of the components that an incident names, in its list or in its updates."""
    ids = {_text(part, "id") for part in _dicts(row.get("components"))}
    for update in _dicts(row.get("incident_updates")):
        ids |= {_text(part, "code") for part in _dicts(update.get("affected_components"))}
    return ids - {""}


def _dicts(value: Any) -> list[dict[str, Any]]:
    rows: Iterable[Any] = value[:MAX_ROWS] if isinstance(value, list) else ()
    return [row for row in rows if isinstance(row, dict)]


def _strings(values: Iterable[Any]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str))


def _text(row: Mapping[str, Any], name: str) -> str:
    """A field that should be text; empty where it is something else."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


def _title(text: Any) -> str:
    line = one_line(_plain(text).replace("\n", " "))
    return shortened(line, MAX_TITLE_LENGTH)


def _plain(text: Any) -> str:
    """Their HTML as text: whoever prints it escapes it."""
    if not isinstance(text, str):
        return ""
    bare = TAG.sub("", BREAK.sub("\n", text[: 4 * MAX_UPDATE_LENGTH]))
    whole = lines(html.unescape(bare)).strip()
    return shortened(whole, MAX_UPDATE_LENGTH)


def _moment(text: Any) -> datetime | None:
    """A time of theirs; None for what is none."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
