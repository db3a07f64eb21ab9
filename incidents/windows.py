"""Which maintenance is left out of the second uptime figure.

A plan counts as it stood when the work began: what was announced before is left
out of the figure, what was written afterwards is not, so no outage can be made
to look planned. `Plan`s in, spans and seconds out.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from components.uptime import Seconds, Span, tally
from incidents import wall_clock
from incidents.wall_clock import Stretch


@dataclass(frozen=True, slots=True)
class Plan:
    """One version of a window's plan; `at` is when it was announced."""

    at: datetime
    starts_at: datetime
    ends_at: datetime
    is_cancelled: bool = False


class InvalidRuleError(ValueError):
    """This recurrence cannot be kept; `sentence` says what to write instead."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def binding(plans: Sequence[Plan]) -> Plan | None:
    """The plan that was in force when the work began; None if nothing was announced before.

    `plans` are in the order they were announced. One that starts at or before
    its own announcement promises nothing, so the earlier promise stays.
    """
    in_force: Plan | None = None
    for plan in plans:
        if in_force and in_force.starts_at <= plan.at:
            break
        if plan.is_cancelled:
            in_force = None
        elif plan.at < plan.starts_at:
            in_force = plan
    return in_force


def late_edits(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """The versions that did not count, because the work had begun under an earlier one."""
    plan_in_force = binding(plans)
    return tuple(plan for plan in plans if plan_in_force and plan_in_force.starts_at <= plan.at)


def excused(plans: Sequence[Plan], *, ended_at: datetime | None = None) -> Stretch | None:
    """The stretch left out of the second figure, cut where work ended early; None when there is none."""
    plan = binding(plans)
    if plan is None:
        return None
    end = min(plan.ends_at, ended_at) if ended_at else plan.ends_at
    return (plan.starts_at, end) if plan.starts_at < end else None


def union(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same time without overlaps, in order; stretches that touch become one, empty ones go."""
    merged: list[Stretch] = []
    for start, end in sorted(stretch for stretch in stretches if stretch[0] < stretch[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def inside(spans: Iterable[Span], stretches: Iterable[Stretch], start: datetime, end: datetime) -> Seconds:
    """The seconds of each status that lie within any of the stretches, between two moments."""
    all_spans = list(spans)
    cut = ((max(start, begin), min(end, finish)) for begin, finish in union(stretches))
    return sum((tally(all_spans, *stretch) for stretch in cut if stretch[0] < stretch[1]), Seconds())


def outside(raw: Seconds, excused: Seconds) -> Seconds:
    """The second figure: what was excused counts as maintenance, whatever its status was."""
    counted = Seconds(*(round(getattr(raw, f.name) - getattr(excused, f.name), 3) for f in fields(Seconds)))
    return counted + Seconds(maintenance=excused.whole)


# Recurrence. Any rule is user input that dateutil would follow to the year 9999, so it is parsed strictly.

MAX_RULE_LENGTH = 300  # every day of a month named twice still fits
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
# No BYHOUR and the like: the time of day is the first window's, and one start a day keeps the walk short.
PARTS = (
    *("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY"),
    *("BYMONTH", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"),
)
PART = re.compile(r"([A-Z]+)=([A-Z0-9,+-]+)")
NUMBER = re.compile(r"0*[1-9][0-9]{0,4}")  # INTERVAL=0 never moves on
UNTIL = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z?))?")
CYCLE_YEARS = 400  # the Gregorian calendar repeats, weekdays included


def occurrences(
    rule: str,
    first: datetime,
    length: timedelta,
    zone: ZoneInfo,
    *,
    after: datetime,
    before: datetime,
    most: int = 50,
) -> list[Stretch]:
    """The recurring windows that end after one moment and start before another, in UTC.

    Both ends keep their local time in `zone` across clock changes; `wall_clock` defines times that
    are skipped or come twice. `length` is that of the first window.
    """
    windows = _windows(rule, first, length, zone, after=after, before=before)
    return [stretch for _, stretch in islice(windows, most)]


def clock_changes(
    rule: str, first: datetime, length: timedelta, zone: ZoneInfo, *, after: datetime, before: datetime
) -> list[str]:
    """A sentence for each window between two moments that a clock change affects."""
    windows = _windows(rule, first, length, zone, after=after, before=before)
    sentences = (wall_clock.sentence(stretch, zone, planned=local) for local, stretch in windows)
    return [sentence for sentence in sentences if sentence]


def off_the_rule(rule: str, first: datetime, zone: ZoneInfo) -> str:
    """A sentence if the first window does not match its rule in `zone`; empty if it does."""
    parts = _parts(rule)
    until = _until(parts.pop("UNTIL", None), zone)
    local = wall_clock.read(first, zone)
    following = next(_starts(parts, local), None)
    if following == local:
        return ""
    if following is None or (until and wall_clock.first(following, zone) > until):
        return "No day after the first window matches the rule."
    return (
        f"The first window starts on {_day(local)}, {local:%H:%M} in {zone.key}, which does not "
        f"match the rule: the next is on {_day(following)}, {following:%H:%M}."
    )


def _day(local: datetime) -> str:
    return f"{local:%a} {local.day} {local:%b %Y}"


def _windows(
    rule: str, first: datetime, length: timedelta, zone: ZoneInfo, *, after: datetime, before: datetime
) -> Iterator[tuple[datetime, Stretch]]:
    """(local start by the rule, window in UTC) of each occurrence."""
    parts = _parts(rule)
    until = _until(parts.pop("UNTIL", None), zone)
    last = min(before, until + timedelta(microseconds=1)) if until else before  # UNTIL itself still counts
    first = first.astimezone(UTC)  # adding to an aware time would use its local clock
    moved = wall_clock.length(first, first + length, zone)
    for local in _starts(parts, wall_clock.read(first, zone)):
        start, end = _window(local, moved, length, zone)
        if start >= last:
            break
        if end > after:
            yield local, (start, end)


def _window(local: datetime, moved: timedelta | None, length: timedelta, zone: ZoneInfo) -> Stretch:
    if moved is not None:
        return wall_clock.window(local, moved, zone)
    start = wall_clock.first(local, zone)
    return start, start + length


def _parts(rule: str) -> dict[str, str]:
    """The rule as names and values. Raises InvalidRuleError."""
    if len(rule) > MAX_RULE_LENGTH:
        raise InvalidRuleError(f"Shorten the rule to at most {MAX_RULE_LENGTH} characters.")
    matches = [PART.fullmatch(text) for text in rule.upper().removeprefix("RRULE:").split(";")]
    pairs = [(match[1], match[2]) for match in matches if match]
    parts = dict(pairs)
    if not len(parts) == len(pairs) == len(matches):
        raise InvalidRuleError(
            'Write one RRULE value on one line, each part once, like "FREQ=WEEKLY;BYDAY=SA".'
        )
    _judge(parts)
    return parts


def _judge(parts: dict[str, str]) -> None:
    """Raises InvalidRuleError for parts that are unknown, too frequent or contradictory."""
    strange = [name for name in parts if name not in PARTS]
    if parts.get("FREQ") not in FREQUENCIES:
        raise InvalidRuleError("Set FREQ to DAILY, WEEKLY, MONTHLY or YEARLY.")
    if strange:
        raise InvalidRuleError(f"Remove {', '.join(strange)}: a rule only sets the days, as BYDAY does.")
    for name in ("INTERVAL", "COUNT"):
        if name in parts and not NUMBER.fullmatch(parts[name]):
            raise InvalidRuleError(f"Set {name} to a whole number from 1 to 99999.")
    if "COUNT" in parts and "UNTIL" in parts:
        raise InvalidRuleError("Write COUNT or UNTIL, not both.")


def _until(text: str | None, zone: ZoneInfo) -> datetime | None:
    """The last moment a window may start; a bare date includes its whole day. None when it goes on."""
    if text is None:
        return None
    match = UNTIL.fullmatch(text)
    try:
        day, clock, z = match.groups() if match else ("", "", "")
        moment = datetime.strptime(f"{day}{clock or '235959'}", "%Y%m%d%H%M%S")  # noqa: DTZ007
        return moment.replace(tzinfo=UTC) if z else wall_clock.first(moment, zone)
    except (ValueError, OverflowError):
        raise InvalidRuleError("Write UNTIL as 20261231 or 20261231T235959Z.") from None


def _starts(parts: dict[str, str], first: datetime) -> Iterator[datetime]:
    """Every start in local time, in order.

    dateutil looks for a 30 February until the year 9999: millions of steps. We
    let it work whole calendar cycles later, so that it gives up within 500 years.
    """
    ahead = CYCLE_YEARS * ((9899 - first.year) // CYCLE_YEARS)
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        for shifted in rrulestr(text, dtstart=first.replace(year=first.year + ahead)):
            yield shifted.replace(year=shifted.year - ahead)
    except (ValueError, TypeError, LookupError, OverflowError):
        raise InvalidRuleError('This rule cannot be read. Write it like "FREQ=MONTHLY;BYDAY=1SA".') from None
