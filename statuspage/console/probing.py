"""What staff read of a probe: its verdict, its last results, where it stops, what it found before.

The number of queries is fixed, and every list is cut.
"""

import asyncio
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery

from components import egress, probers, replay, uptime
from components.diagnosis import Cause, Facts, diagnose, reasons
from components.health import Rule, State
from components.models import Check, Component, DayTally, Flip, Probe
from components.models.component import status_of
from components.outcomes import Failure, Outcome, Reading, classify
from components.probers import PROBERS
from components.status import Status
from incidents.models import Incident
from incidents.words import duration
from statuspage.console.chart import MOST_ROWS, share
from statuspage.evidence import sees

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOST_CHECKS, MOST_LINES, MOST_BEFORE = 500, 40, 10
HEAD = 4  # results shown of the newest run before it folds
LONGEST_TRY_S = 15  # somebody waits for it, and so does a thread of the web process
TRIES_AT_ONCE = 4
VERDICTS = {
    Outcome.UP: "Up",
    Outcome.DEGRADED: "Degraded",
    Outcome.DOWN: "Failing",
    Outcome.UNKNOWN: "Unknown",
}


def length(seconds: float) -> str:
    """ "5 min 19 s" below an hour, then as everywhere."""
    whole = max(0, int(seconds))
    if 60 <= whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return duration(whole)


def ms(value: float | None) -> str:
    """ "1,412 ms"; a dash for none."""
    return "–" if value is None else f"{value:,.0f} ms"


def with_last(probes: QuerySet[Probe]) -> QuerySet[Probe]:
    """Each with its newest response time, `last_ms`."""
    newest = Check.objects.filter(probe=OuterRef("pk")).order_by("-slot")
    return probes.annotate(last_ms=Subquery(newest.values("total_ms")[:1]))


# The facts of one probe


@dataclass(frozen=True, slots=True)
class Fact:
    """A cell of the row of facts."""

    name: str
    value: str
    beside: str


@dataclass(frozen=True, slots=True)
class Line:
    """One result, or (`folded`) how many are not shown. Texts are ready to print."""

    at: datetime | None = None
    region: str = ""
    status: Status | None = None
    result: str = ""
    connect: str = ""
    tls: str = ""
    answer: str = ""
    folded: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """A step on the way: ok, failed, or not reached."""

    name: str
    state: str
    text: str

    @property
    def status(self) -> Status:
        """Its icon."""
        states = {"ok": Status.OPERATIONAL, "failed": Status.MAJOR_OUTAGE}
        return states.get(self.state, Status.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Before:
    """An incident this probe had found."""

    incident: Incident
    status: Status
    length: str
    detected: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the facts say."""

    causes: tuple[Cause, ...]
    reasons: tuple[tuple[str, str], ...]
    seen: Incident | None  # the last incident of its component that is over


def verdict(probe: Probe, now: datetime) -> str:
    """ "Failing for 5 min 19 s"."""
    if probe.is_paused:
        return "Paused"
    word = VERDICTS[Outcome(probe.outcome)]
    return f"{word} for {length((now - probe.since).total_seconds())}" if probe.since else word


def is_looking(probe: Probe, now: datetime) -> bool:
    """Whether a check is under way, or due this second."""
    return not probe.is_paused and (probe.claimed_slot is not None or probe.next_slot <= now.timestamp())


def page(probe: Probe, now: datetime) -> dict[str, Any]:
    """Everything of the probe's page but its chart."""
    siblings = list(Probe.objects.filter(component=probe.component_id, kind=probe.kind, target=probe.target))
    checks = list(Check.objects.filter(probe=probe).order_by("-slot")[:MOST_CHECKS])
    bad = _newest_bad(checks)
    trouble = _trouble_since(probe, checks)
    good = _good_before(probe, trouble or now)
    days = DayTally.objects.filter(component=probe.component_id, day__gt=(now - 30 * DAY).date())
    seconds = sum((day.seconds for day in days), uptime.Seconds())
    is_bad = probe.outcome in (Outcome.DOWN, Outcome.DEGRADED)
    return {
        "verdict": verdict(probe, now),
        "looking": is_looking(probe, now),
        "facts": _facts(probe, siblings, good, seconds, now),
        "siblings": siblings if len(siblings) > 1 else [],
        "checks": checks,
        "bad": bad,
        "ladder": ladder(bad or checks[0], probe.kind) if checks else (),
        "found": find(probe, bad, good) if is_bad and bad else None,
    }


def _facts(
    probe: Probe, siblings: list[Probe], good: list[int], seconds: uptime.Seconds, now: datetime
) -> tuple[Fact, ...]:
    failing = sum(one.outcome == Outcome.DOWN for one in siblings)
    heard = f"{length((now - probe.heard_at).total_seconds())} ago" if probe.heard_at else "none yet"
    due = "paused" if probe.is_paused else f"next in {length(max(0, probe.next_slot - now.timestamp()))}"
    if is_looking(probe, now):
        due = "looking now"
    is_bad = probe.outcome in (Outcome.DOWN, Outcome.DEGRADED) and probe.since is not None
    since = f"{probe.since:%H:%M:%S}" if probe.since else "–"
    return (
        Fact("Last check", heard, due),
        Fact("Failing from", f"{failing} of {len(siblings)}", "region" if len(siblings) == 1 else "regions"),
        Fact("First failure" if is_bad else "As it is since", since, f"UTC, {probe.region}"),
        Fact("Median before" if is_bad else "Median, last hour", ms(share(good, 0.5)),
             f"p95 {ms(share(good, 0.95))}"),
        Fact("Uptime 30 days", uptime.percent(seconds) or "–", f"{length(seconds.down)} down"),
        Fact("Every", length(probe.interval_s), f"timeout {probe.timeout_s} s"),
    )  # fmt: skip


def _newest_bad(checks: Sequence[Check]) -> Check | None:
    return next((one for one in checks if one.outcome in (Outcome.DOWN, Outcome.DEGRADED)), None)


def _trouble_since(probe: Probe, checks: Sequence[Check]) -> datetime | None:
    """When what is wrong now began; None when nothing is."""
    if probe.outcome in (Outcome.DOWN, Outcome.DEGRADED):
        return probe.since
    if probe.run and checks and checks[0].outcome != Outcome.UP:
        return datetime.fromtimestamp(probe.run[0][1], UTC)
    return None


def _good_before(probe: Probe, at: datetime) -> list[int]:
    """The answers of the hour before, oldest first."""
    end = int(at.timestamp())
    rows = Check.objects.filter(probe=probe, slot__gte=end - 3600, slot__lt=end, failure="")
    return list(rows.order_by("slot").values_list("total_ms", flat=True)[:2_000])


# Results


def lines(checks: Sequence[Check], probe: Probe, *, only_changes: bool = False) -> list[Line]:
    """The newest results, with equal ones in a row folded."""
    found: list[Line] = []
    for place, run in enumerate(_runs(checks)):
        if len(found) >= MOST_LINES:
            break
        if only_changes:
            found.append(_line(run[-1], probe))
            continue
        head = HEAD if place == 0 else 1
        if len(run) <= head + 2:
            found += [_line(one, probe) for one in run]
            continue
        found += [_line(one, probe) for one in run[:head]]
        hidden = len(run) - head - 1
        found.append(Line(folded=f"{hidden} more results, all the same: {_result(run[0])}"))
        found.append(_line(run[-1], probe))
    return found


def _runs(checks: Sequence[Check]) -> Iterable[list[Check]]:
    run: list[Check] = []
    for check in checks:
        if run and _kind_of(check) != _kind_of(run[-1]):
            yield run
            run = []
        run.append(check)
    if run:
        yield run


def _kind_of(check: Check) -> tuple[str, str, int | None]:
    return check.outcome, check.failure, check.status_code


def _line(check: Check, probe: Probe) -> Line:
    has_answer = check.outcome in (Outcome.UP, Outcome.DEGRADED) or check.first_byte_ms is not None
    return Line(
        at=datetime.fromtimestamp(check.slot, UTC),
        region=check.region,
        status=status_of(Outcome(check.outcome), Status(probe.down_status)),
        result=_result(check),
        connect=ms(check.connect_ms),
        tls=ms(check.tls_ms),
        answer=ms(check.total_ms if has_answer else None),
    )


def _result(check: Check) -> str:
    if check.failure == Failure.OWN_FAULT:
        return "We could not look"
    if check.failure == Failure.DENIED:
        return "Not allowed by EGRESS_ALLOW"
    if check.outcome == Outcome.DEGRADED and not check.failure:
        return f"{sees(check)}, degraded"
    return sees(check)


def ladder(check: Check, kind: str) -> tuple[Rung, ...]:
    """How far it came, for staff."""
    rungs = [("DNS", check.dns_ms, "")]
    if kind != "dns":
        rungs.append(("Connect", check.connect_ms, check.address))
    if check.tls_ms is not None or kind == "tls" or check.failure in (Failure.TLS, Failure.TIMEOUT_TLS):
        rungs.append(("TLS", check.tls_ms, f"{check.days_left} days left" if check.days_left else ""))
    if kind == "http":
        rungs.append(("First byte", check.first_byte_ms, str(check.status_code or "")))
        rungs.append(("Transfer", check.transfer_ms, ""))
    found, stopped = [], False
    for name, took_ms, beside in rungs:
        if took_ms is not None:
            found.append(Rung(name, "ok", f"{beside}, {ms(took_ms)}" if beside else ms(took_ms)))
        elif check.failure and not stopped:
            found.append(Rung(name, "failed", sees(check).lower()))
            stopped = True
        else:
            found.append(Rung(name, "open", "not reached" if stopped else "–"))
    if check.failure and not stopped:
        found.append(Rung("As expected", "failed", sees(check).lower()))
    elif not check.failure:
        found.append(Rung("As expected", "ok", "yes"))
    else:
        found.append(Rung("As expected", "open", "not reached"))
    return tuple(found)


# What it means


def find(probe: Probe, bad: Check, good: Sequence[int]) -> Found:
    """What the facts of its newest failure say."""
    beside = _beside(probe)
    facts = Facts(
        failure=bad.failure,
        status_code=bad.status_code,
        detail=bad.detail,
        excerpt=bad.excerpt,
        headers={str(name): str(value) for name, value in (bad.facts or {}).items()},
        median_ms=share(good, 0.5),
        last_ms=max(good[-3:], default=None),
        answering=tuple(one.name for one in beside if one.status == Status.OPERATIONAL),
        failing=tuple(one.name for one in beside if Status(one.status).is_trouble),
    )
    return Found(diagnose(facts), reasons(facts), _seen_before(probe))


def _beside(probe: Probe) -> list[Component]:
    """The other components of its group."""
    group_id = probe.component.group_id
    if group_id is None:
        return []
    return list(Component.objects.filter(group=group_id).exclude(pk=probe.component_id)[:50])


def _seen_before(probe: Probe) -> Incident | None:
    found = Incident.objects.live().filter(affected__component=probe.component_id)
    return found.exclude(resolved_at=None).first()


def before(probe: Probe, now: datetime) -> list[Before]:
    """Incidents of its component that began while it changed its mind for the worse."""
    incidents = list(
        Incident.objects.live()
        .filter(affected__component=probe.component_id)
        .exclude(resolved_at=None)
        .annotate(worst=Max("affected__worst_status", filter=Q(affected__component=probe.component_id)))[
            :MOST_BEFORE
        ]
    )
    if not incidents:
        return []
    first = min(one.started_at for one in incidents) - HOUR
    bad = (Outcome.DOWN, Outcome.DEGRADED)
    flips = list(Flip.objects.filter(probe=probe, new__in=bad, at__gte=first).order_by("at")[:1_000])
    found = []
    for one in incidents:
        end = one.resolved_at or now
        hit = next((f for f in flips if one.started_at - timedelta(minutes=10) <= f.at <= end), None)
        if hit is None:
            continue
        found.append(
            Before(
                one,
                Status(one.worst or Status.UNKNOWN),
                duration((end - one.started_at).total_seconds()),
                f"{length((hit.noticed_at - hit.at).total_seconds())} to detect",
            )
        )
    return found


# Trying settings out


@dataclass(frozen=True, slots=True)
class Tried:
    """What one look with these settings found; nothing of it is kept."""

    status: Status
    words: str
    ladder: tuple[Rung, ...]
    excerpt: str


_places = threading.BoundedSemaphore(TRIES_AT_ONCE)


class Busy(Exception):
    """Four tries are under way: try again in a few seconds."""


def try_out(probe: Probe) -> Tried:
    """Look once, now, with the settings as they are in the form. Raises Busy."""
    if not _places.acquire(blocking=False):
        raise Busy("Four tries are under way: try again in a few seconds.")
    try:
        order = PROBERS[probe.kind].parse(probe.target, probe.options)
        deadline_s = float(min(probe.timeout_s, LONGEST_TRY_S))
        check = probers.check(probe.kind, order, deadline_s=deadline_s, egress=egress.default())
        reading = asyncio.run(check)
    finally:
        _places.release()
    outcome, why = classify(reading, probe.expectation)
    told = f"{VERDICTS[outcome]} in {ms(reading.total_ms)}. {why}".strip()
    status = status_of(outcome, Status(probe.down_status))
    return Tried(status, told, ladder(_as_check(reading, outcome), probe.kind), reading.excerpt)


def _as_check(reading: Reading, outcome: Outcome) -> Check:
    """A reading as a row that is not kept, so that both are told alike."""
    return Check(
        outcome=outcome, total_ms=round(reading.total_ms), dns_ms=reading.dns_ms,
        connect_ms=reading.connect_ms, tls_ms=reading.tls_ms, first_byte_ms=reading.first_byte_ms,
        transfer_ms=reading.transfer_ms, status_code=reading.status_code, address=reading.address,
        days_left=reading.days_left, failure=str(reading.failure or ""),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """The last day by the settings of the form, and by those that are kept."""

    words: str
    checks: int
    same_question: bool


def dry_run(probe: Probe, old: Probe, now: datetime) -> Compared:
    """Replay the last day's checks of `old` with the settings of `probe`."""
    first = now - DAY
    rows = _rows(old, first)
    start = _state_at(old, rows[0].at if rows else first)
    was = replay.replay(rows, _settings(old, old), end=now, start=start)
    would = replay.replay(rows, _settings(probe, old), end=now, start=start)
    asks = [(one.kind, one.target, one.options) for one in (probe, old)]
    return Compared(_compare(would, was), len(rows), asks[0] == asks[1])


def _rows(probe: Probe, first: datetime) -> list[replay.Row]:
    found = Check.objects.filter(probe=probe, slot__gte=int(first.timestamp())).order_by("-slot")
    rows = found.values_list("slot", "total_ms", "failure", "days_left")[:MOST_ROWS]
    return [
        replay.Row(datetime.fromtimestamp(slot, UTC), total_ms, failure, days_left)
        for slot, total_ms, failure, days_left in reversed(rows)
    ]


def _settings(probe: Probe, old: Probe) -> replay.Settings:
    """The checks were made at the old interval, so silence is measured by that."""
    rule = Rule(old.rule.interval, probe.confirm_down, probe.confirm_up)
    cut = 1000.0 * probe.timeout_s if probe.timeout_s < old.timeout_s else None
    return replay.Settings(rule, probe.expectation, cut)


def _state_at(probe: Probe, at: datetime) -> State:
    """What it thought then, by its last change of mind before."""
    flip = Flip.objects.filter(probe=probe, noticed_at__lt=at).order_by("id").last()
    if flip is None:
        return State()
    return State(Outcome(flip.new), since=flip.at, heard_at=at - timedelta(seconds=1))


def _compare(would: replay.Replay, was: replay.Replay) -> str:
    """ "2 flips instead of 9; 1 outage of 4 min instead of 3 of 12 min"."""
    flips = f"{would.flips} {'flip' if would.flips == 1 else 'flips'}"
    if (would.turns, would.outages) == (was.turns, was.outages):
        return f"With these settings: the same as it was: {flips}, {_outages(would)}."
    return f"With these settings: {flips} instead of {was.flips}; {_outages(would)} instead of {_count(was)}."


def _outages(of: replay.Replay) -> str:
    number = len(of.outages)
    if not number:
        return "no outage"
    plural = "" if number == 1 else "s"
    return f"{number} outage{plural} of {length(of.down.total_seconds())}{' in all' if plural else ''}"


def _count(of: replay.Replay) -> str:
    if not of.outages:
        return "none"
    return f"{len(of.outages)} of {length(of.down.total_seconds())}"
