"""What is kept of a component's row between two renderings: its past, and its HTML.

Both are found again by everything they were made of, so what is found is what would be made. A past also
grows with the clock, so it holds until the moment at which a printed figure can change. A component with
anything under way (an incident, maintenance, a problem, silence) is not kept but made each time.

Kept for each process, and dropped with the component; dropping it all costs one slower rendering.
"""

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from components.status import Status
from components.uptime import PARTIAL_WEIGHT_TENTHS, Seconds, hundredths
from statuspage.public.values.components import ComponentRow, Day, Uptime

MARGIN = timedelta(seconds=2)  # figures are in milliseconds, and cut: better made once too often


@dataclass(frozen=True, slots=True)
class Past:
    """The days of a component and its uptime. `lost`: the days when nothing is known of today."""

    strip: tuple[Day, ...]
    lost: tuple[Day, ...]
    uptime: Uptime


@dataclass(slots=True)
class _Kept:
    """Of one component. Its values are replaced, never changed, as several threads render."""

    past: tuple[Any, datetime, datetime, Past] | None = None  # made of, from, until, the value
    fragments: dict[Status, tuple[ComponentRow, str, str]] = field(default_factory=dict)


_kept: dict[str, _Kept] = {}  # by public id


def clear() -> None:
    """Make everything again next time."""
    _kept.clear()


def keep_only(public_ids: Collection[str]) -> None:
    """Drop what is kept of components that are not shown any more."""
    for public_id in _kept.keys() - set(public_ids):
        _kept.pop(public_id, None)


def past(public_id: str, facts: Any, now: datetime) -> Past | None:
    """The past that was made of equal facts, if it still holds."""
    kept = _kept.get(public_id)
    if kept is None or kept.past is None:
        return None
    made_of, start, end, value = kept.past
    return value if start <= now < end and made_of == facts else None


def keep_past(public_id: str, facts: Any, now: datetime, end: datetime, value: Past) -> None:
    """Keep it until `end`."""
    _kept.setdefault(public_id, _Kept()).past = (facts, now, end, value)


def fragment(row: ComponentRow, seen: str, make: Callable[[], str]) -> str:
    """The HTML of a row. `seen`: what else it prints, which depends on when the page is made."""
    kept = _kept.get(row.public_id)
    if kept is None:
        return make()
    held = kept.fragments.get(row.status)
    if held is not None and held[1] == seen and held[0] == row:
        return held[2]
    html = make()
    kept.fragments[row.status] = (row, seen, html)
    return html


def changes_at(growing: Iterable[Seconds], now: datetime) -> datetime:
    """Until when these print the same percentage, if from now on only their seconds of `up` grow."""
    waits = [_wait_ms(seconds) for seconds in growing]
    least = min(waits, default=math.inf)
    latest = now + timedelta(days=2)  # the day is over before
    return latest if least == math.inf else min(latest, now + timedelta(milliseconds=least) - MARGIN)


def _wait_ms(seconds: Seconds) -> float:
    """Milliseconds until `uptime.hundredths` is one more; infinite when it cannot be."""
    value = hundredths(seconds)
    if value is None:
        return 0
    known, major, partial = (round(1000 * part) for part in (seconds.known, seconds.major, seconds.partial))
    lost_tenths = 10 * major + PARTIAL_WEIGHT_TENTHS * partial
    missing = 10_000 - (value + 1)  # hundredths that it may then be short of 100 %
    if not lost_tenths or not missing:
        return math.inf
    return max(0, 10_000 * lost_tenths // (10 * missing) - known)
