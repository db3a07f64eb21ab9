"""Clock times in text: recognized, and shown with their day when that is not today.

A text is kept as plain words, "20:50 UTC" or "26 Nov, 20:50 UTC": API, files,
chats and plain mail show them as they are. Pages make `<time>` of them, so that
they follow the reader's zone together with every other time on the page.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FULL = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December")  # fmt: skip
FAR = timedelta(hours=12)  # a clock without its day is read as the nearest one
DAY = timedelta(days=1)

_MONTH = "|".join((*FULL, *MONTHS))
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?"
_DATED = rf"(?:\d{{1,2}}[ \u00a0](?:{_MONTH})(?:[ \u00a0]\d{{4}})?,?[ \u00a0])?{_CLOCK}"
# "20:50 UTC", "26 Nov, 20:50 UTC", "17 Nov 2026 03:46 UTC", "20:51 to 20:57 UTC"; no part of a longer word
MOMENT = re.compile(
    rf"(?<![\w:./@#=?&%+-])(?P<first>{_DATED})"
    rf"(?:(?P<to> to | ?[–-] ?)(?P<last>{_DATED}))?(?P<zone>[ \u00a0]UTC)(?!\w|[:+-]\d)"
)
_PARTS = re.compile(
    rf"(?:(?P<day>\d{{1,2}})[ \u00a0](?P<month>{_MONTH})(?:[ \u00a0](?P<year>\d{{4}}))?,?[ \u00a0])?"
    r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))?"
)
WHOLE = re.compile(rf"\d{{1,2}} (?:{'|'.join(MONTHS)}) \d{{4}}, {_CLOCK} UTC")


def clock(at: datetime, now: datetime | None = None, *, seconds: bool = False) -> str:
    """ "08:21 UTC"; "26 Nov, 08:21 UTC" when that is another day, or more than 12 h away, as seen at `now`.

    Without `now`, with day and year; `near` shortens that when the text is shown.
    """
    at = at.astimezone(UTC)
    text = f"{at:%H:%M:%S} UTC" if seconds else f"{at:%H:%M} UTC"
    if now is None:
        return f"{_day(at)} {at.year}, {text}"
    now = now.astimezone(UTC)
    if at.year != now.year:
        return f"{_day(at)} {at.year}, {text}"
    return text if is_today(at, now) else f"{_day(at)}, {text}"


def is_today(at: datetime, now: datetime) -> bool:
    """Whether its clock alone says which moment it is: the same day in UTC, and at most 12 h away."""
    return at.astimezone(UTC).date() == now.astimezone(UTC).date() and abs(at - now) <= FAR


def span(starts_at: datetime, ends_at: datetime, now: datetime | None = None) -> str:
    """ "28 Nov, 02:00 to 04:00 UTC", with the second date where it differs, and years other than now's."""
    start, end = starts_at.astimezone(UTC), ends_at.astimezone(UTC)
    this_year = now.astimezone(UTC).year if now else start.year
    first, last = (_day(at) + (f" {at.year}" if at.year != this_year else "") for at in (start, end))
    same = start.date() == end.date()
    return f"{first}, {start:%H:%M} to {'' if same else f'{last}, '}{end:%H:%M} UTC"


def stretch(starts_at: datetime, ends_at: datetime, now: datetime) -> str:
    """ "20:51 to 20:57 UTC", with dates where the clock times alone are ambiguous at `now`."""
    if is_today(starts_at, now) and is_today(ends_at, now):
        return f"{starts_at.astimezone(UTC):%H:%M} to {ends_at.astimezone(UTC):%H:%M} UTC"
    return span(starts_at, ends_at, now)


def near(text: str, now: datetime) -> str:
    """The text with its full dates shortened as far as they are clear at `now`."""

    def shorter(match: re.Match[str]) -> str:
        at = _read(match[0], now)
        return clock(at, now, seconds=match[0].count(":") == 2) if at else match[0]

    return WHOLE.sub(shorter, text)


def _day(at: datetime) -> str:
    return f"{at.day} {MONTHS[at.month - 1]}"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as written in a text. `form`: how live.js formats it. `since`: the start of its range.

    `is_bare`: it has no zone of its own; that follows the later time.
    """

    text: str
    at: datetime
    form: str
    since: datetime | None = None
    is_bare: bool = False


def pieces(text: str, said_at: datetime) -> Iterator[str | Moment]:
    """The text split at its times. A time without a day is the one nearest to `said_at`."""
    end = 0
    for match in MOMENT.finditer(text):
        moments = _moments(match, said_at)
        if moments:
            yield text[end : match.start()]
            yield from moments
            end = match.end()
    yield text[end:]


def _moments(match: re.Match[str], said_at: datetime) -> list[str | Moment]:
    """The one or two times of a match; empty if it is no valid date."""
    zone = match["zone"]
    first = _read(match["first"], said_at)
    if first is None:
        return []
    if match["last"] is None:
        return [Moment(match["first"] + zone, first, _form(match["first"]))]
    last = _read(match["last"], first)
    if last is None:
        return []
    if _form(match["last"]) in ("time", "seconds") and last < first:
        last += DAY  # over midnight
    form = "clock" if _form(match["last"]) == "time" else _form(match["last"])
    return [
        Moment(match["first"], first, _form(match["first"]), is_bare=True),
        match["to"],
        Moment(match["last"] + zone, last, form, since=first),
    ]


def _form(text: str) -> str:
    parts = _PARTS.match(text)
    assert parts is not None  # it was matched by the same pattern
    if parts["day"]:
        return "year" if parts["year"] else "date"
    return "seconds" if parts["second"] else "time"


def _read(text: str, near_to: datetime) -> datetime | None:
    """The moment meant; a missing day or year is the one nearest to `near_to`. None for 31 February."""
    parts = _PARTS.match(text)
    if parts is None:
        return None
    near_to = near_to.astimezone(UTC)
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    clock_of = near_to.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if not parts["day"]:
        return _nearest((clock_of + DAY * step for step in (-1, 0, 1)), near_to)
    month = 1 + [name[:3] for name in FULL].index(parts["month"][:3])
    years = [int(parts["year"])] if parts["year"] else [near_to.year + step for step in (-1, 0, 1)]
    dated = []
    for year in years:
        try:
            dated.append(clock_of.replace(year=year, month=month, day=int(parts["day"])))
        except ValueError:
            continue
    return _nearest(dated, near_to)


def _nearest(moments: "Iterator[datetime] | list[datetime]", to: datetime) -> datetime | None:
    return min(moments, key=lambda moment: abs(moment - to), default=None)


def marked(text: str, said_at: datetime, write: Callable[[str], str] = escape) -> str:
    """The text as HTML, its times as `<time>`. `write` makes HTML of the text between them."""
    return "".join(
        tag(piece) if isinstance(piece, Moment) else write(piece) for piece in pieces(text, said_at)
    )


def tag(moment: Moment) -> str:
    """`<time datetime="2026-11-26T20:50:00Z" data-form="time">20:50 UTC</time>`."""
    at = f"{moment.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    since = f' data-since="{moment.since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"' if moment.since else ""
    bare = ' data-bare=""' if moment.is_bare else ""
    return f'<time datetime="{at}" data-form="{moment.form}"{since}{bare}>{escape(moment.text)}</time>'
