"""Local times on the nights when clocks change: local times in, moments in UTC out.

In spring an hour is skipped, in autumn one comes twice. RFC 5545 (3.3.5) reads a
skipped time with the offset from before the gap, and takes the first of two. We do
the same for a start; an end that comes twice is the second, so that no window is
shorter than its clock times say.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

Stretch = tuple[datetime, datetime]


def first(local: datetime, zone: ZoneInfo) -> datetime:
    """When clocks in `zone` first show this time, in UTC; a skipped time moves forward by the gap."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def last(local: datetime, zone: ZoneInfo) -> datetime:
    """When clocks in `zone` last show this time, in UTC; a skipped time moves forward by the gap."""
    return local.replace(tzinfo=zone, fold=1 if is_twice(local, zone) else 0).astimezone(UTC)


def is_skipped(local: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks in `zone` skip this time."""
    return read(first(local, zone), zone) != local.replace(fold=0)


def is_twice(local: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks in `zone` show this time twice."""
    offsets = [local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)]
    return offsets[0] != offsets[1] and not is_skipped(local, zone)


def read(at: datetime, zone: ZoneInfo) -> datetime:
    """The local time in `zone` at a moment, without zone and fold."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def length(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> timedelta | None:
    """The difference in local time from start to end: three hours from 01:00 to 04:00, on any night.

    None where that is ambiguous: the window starts in an hour and ends in its repetition.
    """
    start, end = (at.astimezone(zone) for at in (starts_at, ends_at))
    is_one_hour_twice = start.fold != end.fold and all(is_twice(read(at, zone), zone) for at in (start, end))
    moved = read(ends_at, zone) - read(starts_at, zone)
    return None if is_one_hour_twice or moved <= timedelta() else moved


def window(start: datetime, moved: timedelta, zone: ZoneInfo) -> Stretch:
    """The window from a local start until the clock has moved this far, in UTC.

    One whose start is skipped moves forward as a whole and keeps its length.
    """
    begins = first(start, zone)
    if is_skipped(start, zone):
        return begins, begins + moved
    return begins, last(start + moved, zone)


def sentence(stretch: Stretch, zone: ZoneInfo, planned: datetime | None = None) -> str:
    """What is unusual about a window because clocks change; empty when nothing is.

    `planned`: the local start by its rule, for a recurring window.
    """
    start, end = (read(at, zone) for at in stretch)
    moved, lasts = end - start, stretch[1] - stretch[0]
    day = f"{start.day} {start:%b %Y}"
    if planned is not None and is_skipped(planned, zone):
        return (
            f"{day}: clocks skip {planned:%H:%M} in {zone.key}, so this window moves to "
            f"{start:%H:%M}–{end:%H:%M}."
        )
    repeated = [
        f"{verb} {local:%H:%M} {('the first time', 'the second time')[at.astimezone(zone).fold]}"
        for verb, local, at in (("starts at", start, stretch[0]), ("ends at", end, stretch[1]))
        if is_twice(local, zone)
    ]
    if repeated:
        return f"{day}: clocks go back in {zone.key}, so this window {' and '.join(repeated)} it occurs."
    if moved != lasts:
        way = "forward" if moved > lasts else "back"
        times = f"{start:%H:%M}–{end:%H:%M}"
        spelled = (_spell_length(lasts), _spell_length(moved))
        return f"{day}: clocks go {way} in {zone.key}, so {times} lasts {spelled[0]}, not {spelled[1]}."
    return ""


def _spell_length(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    parts = [f"{count} {unit}" for count, unit in ((minutes // 60, "h"), (minutes % 60, "min")) if count]
    return " ".join(parts) or "0 min"
