"""What our probes saw of an incident, without anything that is not public.

Bounded on purpose: an hour of checks of the affected probes, and when they
fell before it, whatever the history. No address, no header, no body.
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from django.db.models import OuterRef, Subquery

from components import failures, steps
from components.models import Check, Flip, Probe
from components.models.component import status_of
from components.outcomes import Failure, Outcome
from components.probers import steps_of
from components.status import Status, worst
from incidents.models import Incident
from statuspage.public.incident_cards import affected
from statuspage.public.values.incidents import Evidence, EvidenceRow, Rung

WINDOW = timedelta(hours=1)
BEFORE = timedelta(minutes=10)
MAX_PROBES = 20


def evidence(incident: Incident, now: datetime) -> Evidence | None:
    """The ladder, and a row per probe with one bar a minute; None when there is nothing to show."""
    places = [place for place in affected(incident) if place.component.shows_evidence]
    end = min(now, (incident.resolved_at or now) + BEFORE)
    falls = Flip.objects.filter(probe=OuterRef("pk"), new=Outcome.DOWN, at__range=(incident.started_at, end))
    probes: list[Probe] = list(
        Probe.objects.filter(component__in=[place.component_id for place in places], is_paused=False)
        # it may have been days before the checks that are read
        .annotate(fell_at=Subquery(falls.order_by("at").values("at")[:1]))
        .select_related("component")[:MAX_PROBES]
    )
    if not probes:
        return None
    start = max(incident.started_at - BEFORE, end - WINDOW)
    checks = _checks(probes, start, end)
    if not checks:
        return None
    regional = {probe.main_id for probe in probes}
    rows = [
        _row(probe, checks[probe.pk], incident, start, end, is_regional=probe.main_id_or_own in regional)
        for probe in probes
    ]
    failing = [row for row in rows if row.first_failure_at]
    first = min((row.first_failure_at for row in failing if row.first_failure_at), default=None)
    return Evidence(
        summary=f"{_probes(len(failing), rows)} detected it",
        sentence=_sentence(rows, failing),
        first_failure_at=first,
        ladder=_ladder(probes, checks, first),
        rows=tuple(rows),
        started_at=start,
        ended_at=end,
    )


def _probes(count: int, rows: list[EvidenceRow]) -> str:
    """ "1 of 3 probes"."""
    return f"{count} of {len(rows)} probe{'s' if len(rows) > 1 else ''}"


def _sentence(rows: list[EvidenceRow], failing: list[EvidenceRow]) -> str:
    """How many fail now, and why if all fail alike; how many did once none fails any more."""
    now = [row for row in failing if row.status.is_trouble]
    if not now:
        return f"{_probes(len(failing), rows)} detected it"
    what = {row.sees[0].lower() + row.sees[1:] for row in now}
    # an answer with a good code that is not what we expect says nothing by its code
    says_why = len(what) == 1 and not min(what).startswith(("1", "2", "3", "responds"))
    why = f" ({min(what)})" if says_why else ""
    return f"{_probes(len(now), rows)} fail{'s' if len(now) == 1 else ''}{why}"


def _checks(probes: list[Probe], start: datetime, end: datetime) -> dict[int, list[Check]]:
    by_probe: dict[int, list[Check]] = defaultdict(list)
    window = (int(start.timestamp()), int(end.timestamp()) + 1)
    for check in Check.objects.whole([probe.pk for probe in probes], *window):
        by_probe[check.probe_id].append(check)
    return by_probe


def _row(
    probe: Probe,
    checks: list[Check],
    incident: Incident,
    start: datetime,
    end: datetime,
    *,
    is_regional: bool,
) -> EvidenceRow:
    since = int(incident.started_at.timestamp())
    failed = (
        datetime.fromtimestamp(check.slot, UTC)
        for check in checks
        if check.slot >= since and check.outcome == Outcome.DOWN
    )
    moments = filter(None, (next(failed, None), probe.fell_at))  # type: ignore[attr-defined]
    last = checks[-1] if checks else None
    name = f"{probe.component}: {probe.name}" if probe.name else str(probe.component)
    return EvidenceRow(
        name=f"{name} ({probe.region})" if is_regional else name,
        first_failure_at=min(moments, default=None),
        sees=sees(last),
        status=_status(probe, last) if last else Status.UNKNOWN,
        answers_in=f"{last.total_ms} ms" if last and _is_timed(probe, last) else "",
        minutes=_minutes(probe, checks, start, end),
    )


def _is_timed(probe: Probe, check: Check) -> bool:
    """Whether something answered; what is only reported to us has no response time."""
    return check.outcome != Outcome.UNKNOWN and not probe.is_passive


def _status(probe: Probe, check: Check) -> Status:
    return status_of(Outcome(check.outcome), probe.when_down)


def sees(check: Check | None) -> str:
    """The result of a check, in a few words."""
    if check is None:
        return "No data"
    if check.status_code and (not check.failure or check.failure == Failure.STATUS):
        return http_words(check.status_code)
    return failure_words(check.failure) if check.failure else "Responds"


def failure_words(failure: str) -> str:
    """A failure in a few words, with a capital first letter."""
    few = failures.words(failure).seen
    return few[0].upper() + few[1:]


def http_words(code: int) -> str:
    """ "503 Service Unavailable"."""
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _minutes(probe: Probe, checks: list[Check], start: datetime, end: datetime) -> tuple[Status | None, ...]:
    """The worst status of each minute; a minute without a check shows the one before, up to the interval."""
    first, last = int(start.timestamp()) // 60, int(end.timestamp()) // 60
    by_minute: dict[int, list[Status]] = defaultdict(list)
    for check in checks:
        by_minute[check.slot // 60].append(_status(probe, check))
    bars: list[Status | None] = []
    reach, remaining, carried = -(-probe.interval_s // 60), 0, None
    for minute in range(first, last + 1):
        if minute in by_minute:
            carried, remaining = worst(by_minute[minute]), reach
        is_young = minute == last and remaining == 0  # this minute has hardly begun
        bars.append(carried if remaining > 0 or is_young else None)
        remaining -= 1
    return tuple(bars)


def _ladder(probes: list[Probe], checks: dict[int, list[Check]], first: datetime | None) -> tuple[Rung, ...]:
    """Where the newest failed check stopped."""
    failed = [check for rows in checks.values() for check in rows if check.outcome == Outcome.DOWN]
    if not failed or first is None:
        return ()
    check = max(failed, key=lambda check: check.slot)
    kind = next(probe.kind for probe in probes if probe.pk == check.probe_id)
    names = [name for name in steps_of(kind) if name != steps.TRANSFER]
    rungs = [_rung(step, check) for step in steps.walk(names, check, by_staff=False)]
    if all(rung.state == "ok" for rung in rungs):
        rungs.append(Rung("Response", "failed", failure_words(check.failure)))
    return tuple(rungs)


def _rung(step: steps.Step, check: Check) -> Rung:
    """A step with its detail: empty for a step that was passed in an unknown time."""
    name, state, took_ms = step
    if name == steps.FIRST_BYTE:
        label = f"HTTP {check.status_code}" if check.status_code else "HTTP"
        state = "failed" if check.failure == Failure.STATUS else state
    else:
        label = name
    if state == "failed":
        return Rung(label, state, sees(check))
    if state == "open" or took_ms is None:
        return Rung(label, state, "")
    return Rung(label, state, {steps.DNS: "resolves", steps.TLS: "valid"}.get(name, f"{took_ms} ms"))
