"""Try settings before saving: one check now, and the last day replayed."""

import asyncio
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from components import egress, probers, replay
from components.health import State
from components.models import Check, Flip, Inbox, Probe
from components.models.check import MAX_SLOT
from components.models.component import status_of
from components.outcomes import Outcome, Reading, classify
from components.probers.numbers import Numbers
from components.status import Status
from statuspage.console.latency_chart import MAX_ROWS
from statuspage.console.probe_detail.results import Rung, ladder, measured
from statuspage.console.probe_detail.words import VERDICTS, length, ms

DAY = timedelta(days=1)
MAX_TRY_S = 15  # a person waits for it, and so does a thread of the web process
TRIES_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Tried:
    """The result of one check with these settings; it is not stored."""

    status: Status
    words: str
    ladder: tuple[Rung, ...]
    excerpt: str


_places = threading.BoundedSemaphore(TRIES_AT_ONCE)


class BusyError(Exception):
    """Four tries are under way: try again in a few seconds."""


def try_out(probe: Probe) -> Tried:
    """Run one check with the settings of the form. Raises BusyError, InvalidProbeError.

    It presents the client certificate that was entered, or the stored one.
    """
    if not _places.acquire(blocking=False):
        raise BusyError("Four tests are running: try again in a few seconds.")
    try:
        order = probe.order(Inbox.objects.heard([probe], datetime.now(UTC)).get(probe.pk))
        deadline_s = float(min(probe.timeout_s, MAX_TRY_S))
        way = egress.through(egress.Door.PROBES)
        check = probers.check(probe.kind, order, deadline_s=deadline_s, egress=way)
        reading = asyncio.run(check)
    finally:
        _places.release()
    outcome, why = classify(reading, probe.expectation)
    verdict = f"{VERDICTS[outcome]} in {ms(reading.total_ms)}. {why or _number(reading, probe)}".strip()
    status = status_of(outcome, probe.when_down)
    return Tried(status, verdict, ladder(_as_check(reading, outcome), probe.kind), reading.excerpt)


def _number(reading: Reading, probe: Probe) -> str:
    """What a number probe measured, which nothing else says while it is within its limits."""
    value = measured(_as_check(reading, Outcome.UP)) if probe.kind == Numbers.kind else ""
    parts = reading.facts.get("parts")
    return (f"It measured {value}" + (f" ({parts})." if parts else ".")) if value else ""


def _as_check(reading: Reading, outcome: Outcome) -> Check:
    """A reading as an unsaved row, so that both are shown in the same way."""
    return Check(
        outcome=outcome, total_ms=round(reading.total_ms), dns_ms=reading.dns_ms,
        connect_ms=reading.connect_ms, tls_ms=reading.tls_ms, first_byte_ms=reading.first_byte_ms,
        transfer_ms=reading.transfer_ms, status_code=reading.status_code, address=reading.address,
        days_left=reading.days_left, failure=str(reading.failure or ""),
        facts=dict(reading.facts),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """The last day by the settings of the form, compared with the stored ones."""

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
    asks = [(version.kind, version.target, version.options) for version in (probe, old)]
    return Compared(_compare(would, was), len(rows), asks[0] == asks[1])


def _rows(probe: Probe, first: datetime) -> list[replay.Row]:
    columns = ("total_ms", "failure", "days_left", "outcome")
    rows = Check.objects.between([probe.pk], int(first.timestamp()), MAX_SLOT, columns)[-MAX_ROWS:]
    plain = [
        (replay.Row(datetime.fromtimestamp(slot, UTC), total_ms, failure, days_left), outcome)
        for _, slot, _, total_ms, failure, days_left, outcome in rows
    ]
    return [
        replace(row, is_degraded=outcome == Outcome.DEGRADED and _is_well(row, probe))
        for row, outcome in plain
    ]


def _is_well(row: replay.Row, probe: Probe) -> bool:
    """Whether neither its failure nor the limits of the probe explain an outcome that is not up."""
    reading = Reading(row.total_ms, days_left=row.days_left)
    return not row.failure and classify(reading, probe.expectation)[0] is Outcome.UP


def _settings(probe: Probe, old: Probe) -> replay.Settings:
    """The checks were made at the old interval, so silence is measured by that."""
    rule = replace(probe.rule, interval=old.rule.interval, holds=None)
    cut = 1000.0 * probe.timeout_s if probe.timeout_s < old.timeout_s else None
    return replay.Settings(rule, probe.expectation, cut)


def _state_at(probe: Probe, at: datetime) -> State:
    """Its state at that time, by its last flip before."""
    flip = Flip.objects.filter(probe=probe, noticed_at__lt=at).order_by("id").last()
    if flip is None:
        return State()
    return State(Outcome(flip.new), since=flip.at, heard_at=at - timedelta(seconds=1))


def _compare(would: replay.Replay, was: replay.Replay) -> str:
    """ "2 flips instead of 9; 1 outage of 4 min instead of 3 of 12 min"."""
    flips = f"{would.flips} {'flip' if would.flips == 1 else 'flips'}"
    if (would.turns, would.outages) == (was.turns, was.outages):
        return f"With these settings, no change: {flips}, {_outages(would)}{_on_and_off(would)}."
    words = f"With these settings: {flips} instead of {was.flips}; {_outages(would)} instead of {_count(was)}"
    if would.on_and_off == was.on_and_off:
        return f"{words}{_on_and_off(would)}."
    return f"{words}; failing on and off {_times(would.on_and_off)} instead of {was.on_and_off or 'never'}."


def _on_and_off(of: replay.Replay) -> str:
    return f"; failing on and off {_times(of.on_and_off)}" if of.on_and_off else ""


def _times(number: int) -> str:
    return {0: "never", 1: "once"}.get(number, f"{number} times")


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
