"""The page's identity: name, logo, colour, support link and time zone.

What staff set in the console counts; where they set nothing, the environment does. Everything that needs
it calls `current()`; nothing else reads those settings (a test checks that).

The page's row is read at most every two seconds in each process, and at once when a newer version of
the page is known; so a change reaches every process within seconds and costs no query per request.
While the database is away the last value is used, after a restart too: web processes keep it in a file
beside the copies of pages.
"""

import asyncio
import functools
import json
import logging
import os
import threading
import time
from dataclasses import astuple, dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings

from components import colours
from components.models import Page

READ_AGAIN_S = 2.0
AWAY_S = 10.0  # the database did not answer: connecting may take seconds, so not with every question
KEPT = "identity.json"  # beside the copies
FIELDS = ("name", "time_zone", "support_url", "colour", "logo", "logo_dark")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """`colour` is "#rrggbb", logos are names of files (components.models.Picture); empty: there is none."""

    name: str
    time_zone: str  # of the IANA database
    support_url: str = ""  # https:, http: or mailto:
    colour: str = ""
    logo: str = ""
    logo_dark: str = ""  # for the dark theme; `logo` is shown there without it

    @property
    def zone(self) -> ZoneInfo:
        """The page's time zone: uptime bars, calendars and digests have its days."""
        return ZoneInfo(self.time_zone)

    @property
    def is_utc(self) -> bool:
        """Whether times may end in Z."""
        return self.time_zone in ("UTC", "Etc/UTC")


@dataclass(frozen=True, slots=True)
class _Row:
    """What staff have set, of this version of the page; empty strings where they set nothing."""

    version: int
    values: tuple[str, ...] = ("",) * len(FIELDS)


class _Memory:
    """Of this process."""

    row: _Row | None = None
    ask_at: float = 0.0  # monotonic
    kept: tuple[Path, _Row] | None = None


_memory = _Memory()


def day_of(at: datetime) -> date:
    """The day that it is then where the page is: that of tallies and of due dates."""
    return at.astimezone(current().zone).date()


def current() -> Identity:
    """The identity now. Never raises: the last one known while the database is away."""
    if time.monotonic() >= _memory.ask_at and not _is_in_event_loop():
        _ask()
    return last_known()


def last_known() -> Identity:
    """The same without asking the database, for code that must not wait for it."""
    row = _memory.row or _read_file(settings.SNAPSHOT_DIR)
    return merged(dict(zip(FIELDS, row.values, strict=True)) if row else {})


def defaults() -> Identity:
    """What the environment says."""
    return merged({})


def merged(given: dict[str, str]) -> Identity:
    """These columns of the page, and for the empty ones what the environment says.

    An invalid colour or zone (from a manual change in the database) is ignored.
    """
    zone, colour = given.get("time_zone", ""), given.get("colour", "")
    return Identity(
        name=given.get("name") or settings.PAGE_NAME,
        time_zone=zone if _is_zone(zone) else settings.PAGE_TIME_ZONE,
        support_url=given.get("support_url") or settings.SUPPORT_URL,
        colour=colour if colours.HEX.fullmatch(colour) else "",
        logo=given.get("logo", ""),
        logo_dark=given.get("logo_dark", ""),
    )


def learn(page: Page) -> None:
    """Take over a row that was just read for another purpose."""
    if _memory.row is not None and page.version < _memory.row.version:
        return  # it was read before another thread read a newer one
    _remember(_Row(page.version, tuple(getattr(page, name) for name in FIELDS)))


def heed(version: int) -> None:
    """Note the page's version: a row of an earlier version is read again before it is used."""
    if _memory.row is None or _memory.row.version < version:
        _memory.ask_at = 0.0


def forget() -> None:
    """Ask the database before the next answer."""
    _memory.row, _memory.ask_at = None, 0.0


def keep(folder: Path) -> None:
    """Write the current row to a file, for a start without the database. Never raises."""
    row = _memory.row
    if row is None or _memory.kept == (folder, row):
        return
    _memory.kept = (folder, row)  # a folder that takes nothing is tried again with the next version
    try:
        _write_file(folder, row)
    except OSError as error:  # /healthz reports that the folder is not writable
        log.warning("identity.not_kept folder=%s error=%s", folder, error)


@functools.lru_cache(maxsize=64)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _ask() -> None:
    try:
        row = Page.objects.filter(pk=1).values_list("version", *FIELDS).first()
    except Exception as error:  # whatever it is, the last value stays in use
        _memory.ask_at = time.monotonic() + AWAY_S
        log.debug("the identity cannot be read: %s", type(error).__name__)
        return
    _remember(_Row(row[0], tuple(row[1:])) if row else _Row(0))


def _remember(row: _Row) -> None:
    _memory.row = row
    _memory.ask_at = time.monotonic() + READ_AGAIN_S


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _read_file(folder: Path) -> _Row | None:
    """What an earlier process wrote; None if there is nothing of use."""
    try:
        version, *values = json.loads((folder / KEPT).read_text())
        row = _Row(int(version), tuple(str(value) for value in values))
    except (OSError, ValueError, TypeError):
        return None
    if len(row.values) != len(FIELDS):
        return None  # of another version of the program
    _memory.row = row
    return row


def _write_file(folder: Path, row: _Row) -> None:
    """Replace it, whole or not at all. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = folder / f"{KEPT}.{os.getpid()}.{threading.get_ident()}"
    unfinished.write_text(json.dumps([row.version, *row.values]))
    unfinished.replace(folder / KEPT)


def fingerprint(identity: Identity) -> str:
    """The identity as one string, equal for equal identities."""
    return json.dumps(astuple(identity))
