"""The path of a check, from the second it is due to what it changes.

tick: claims due slots -> run_checks: begins them -> the engine runs them ->
settle: rows, flips, statuses and incidents in one short transaction.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from celery import current_task, shared_task
from celery.signals import worker_process_shutdown
from django.db import DatabaseError, OperationalError, close_old_connections, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from components import egress, event_log
from components.checking import Checker, CheckRequest, Finding
from components.clock import database_now
from components.models import Check, Claim, Component, Flip, Heartbeat, Inbox, Page, Probe
from components.models.claims import LEASE_SLACK_S
from components.models.verdict import ONE_MORE_GOOD
from components.outcomes import Failure, Outcome, Reading, classify
from components.status import Status
from components.targets import InvalidProbeError
from incidents import automation
from incidents.models import Incident, Maintenance
from incidents.tallies import tally_excused

log = logging.getLogger(__name__)

# Of a check that was well: how far its answer was read, in what HTTP it came, and the number it measured
KEPT = ("note", "protocol", "value")
BATCH_SIZE = 250  # checks per message: few messages, yet several workers can share a busy second
DRAIN_S = 5.0  # a stopping worker finishes what it has in hand, within the supervisor's patience
BLIND_RETRY_S = 60  # where a check could not see for a reason of our own
KEEP_TRYING_S = LEASE_SLACK_S  # what a lease has beyond the check itself
TRY_AGAIN_S = 0.25
TOKENS_EXPIRE_S = 30  # a message older than its lease is of no use to anyone


# a database that is away is no bug: one line, not a traceback a second
@shared_task(name="incidents.tick", ignore_result=True, throws=(OperationalError,))
def tick() -> None:
    """What is due this second: silence, recoveries, promises, and above all checks."""
    now = database_now()
    _show_life(now)
    fall_silent(now)  # before anything new is heard: a gap is written down as one
    claims = Probe.objects.claim_due(int(now.timestamp()))
    for region, batch in _batches(claims):
        run_checks.apply_async(
            args=(batch,), queue=f"probes.{region}", expires=TOKENS_EXPIRE_S, ignore_result=True
        )
    automation.advance_maintenance(now)
    automation.advance(now)


@shared_task(name="incidents.plan_ahead", ignore_result=True, throws=(OperationalError,))
def plan_ahead() -> None:
    """Write down the next windows of every series."""
    Maintenance.objects.plan_ahead(datetime.now(UTC))


@shared_task(name="incidents.roll_up", ignore_result=True, throws=(OperationalError,))
def roll_up() -> None:
    """Count what planned work excuses. Safe to run twice, and to catch up after a pause."""
    tally_excused(datetime.now(UTC))


@shared_task(name="incidents.run_checks", ignore_result=True, throws=(OperationalError,))
def run_checks(batch: Sequence[Sequence[Any]]) -> None:
    """Begin these claims ([probe id, slot, token, region] each) and give them to the engine.

    May come twice or late: a claim whose token has moved on is dropped.
    """
    claims = {claim.probe_id: claim for claim in (Claim(*row) for row in batch)}
    now = database_now()
    _show_life(now)
    orders, refused = [], []
    probes = Probe.objects.begin(list(claims.values()))
    heard = Inbox.objects.heard(probes, now)
    for probe in probes:
        claim = claims[probe.pk]
        try:
            order = probe.order(heard.get(probe.pk))
            orders.append(CheckRequest(claim, probe.kind, order, float(probe.timeout_s)))
        except InvalidProbeError as invalid:
            refused.append(_refusal(claim, invalid.sentence))
    checker().submit(orders)
    if refused:
        _keep(refused)


def _refusal(claim: Claim, sentence: str) -> Finding:
    """A probe that cannot be run has seen nothing, and says why: staff read it among its results."""
    log.warning("probe.not_run id=%s reason=%s", claim.probe_id, sentence)
    return Finding(claim, Reading(0.0, Failure.OWN_FAULT, sentence), datetime.now(UTC), 0)


def _show_life(now: datetime) -> None:
    """This worker works. If the clock was put back, what was to come in its old time comes in the new."""
    if (back := Heartbeat.objects.set_back("worker", now)) is not None:
        log.warning("clock.set_back seconds=%.0f: what is due is rescheduled", back.total_seconds())
        Probe.objects.set_back(now, back)
        Incident.objects.set_back(now, back)
    Heartbeat.objects.beat("worker", _hostname(), now)


def settle(findings: Sequence[Finding], now: datetime | None = None) -> None:
    """Write what was found and draw the consequences, in one short transaction.

    A finding whose claim has moved on is dropped: someone else has the slot.
    """
    now = now or datetime.now(UTC)
    if not _settle(findings, now, holds_page=False):
        _settle(findings, now, holds_page=True)


def _settle(findings: Sequence[Finding], now: datetime, *, holds_page: bool) -> bool:
    """False, with nothing written, when there is news and the page is not locked.

    The page comes first, as everywhere, then the probes: two who take them the other way round wait for
    each other. Most findings are no news, and hold up nobody else.
    """
    by_probe = {finding.claim.probe_id: finding for finding in findings}
    with transaction.atomic():
        if holds_page:
            Page.objects.lock()
        probes = [
            probe
            for probe in Probe.objects.select_for_update().filter(pk__in=by_probe).order_by("pk")
            if (claim := by_probe[probe.pk].claim).token == probe.lease_token
            and probe.claimed_slot == claim.slot
        ]
        if len(probes) < len(by_probe):
            event_log.record("check.lease_lost", count=len(by_probe) - len(probes))
        judged = [
            (probe, finding, *classify(finding.reading, probe.expectation))
            for probe in probes
            for finding in (by_probe[probe.pk],)
        ]
        quiet = [
            p.pk
            for p, found, outcome, _ in judged
            if outcome == p.outcome and not p.run and not p.unsteady and not p.is_silent(found.started_at)
        ]
        if len(quiet) < len(judged) and not holds_page:
            return False
        Check.objects.bulk_create(
            [_row(finding, outcome, why) for _, finding, outcome, why in judged],
            ignore_conflicts=True,
        )
        heard = int(now.timestamp())
        Probe.objects.filter(pk__in=quiet).update(
            claimed_slot=None, attempts=0, heard_s=heard, heard_for_s=None, recent=ONE_MORE_GOOD
        )
        news = [row for row in judged if row[0].pk not in set(quiet)]
        for probe, finding, outcome, why in news:
            with _alone(probe):
                _hear(probe, finding, outcome, why, now)
        _look_again(judged, heard)
    return True


def _look_again(judged: Sequence[tuple[Probe, Finding, Outcome, str]], now: int) -> None:
    """Where we could not see, a day is too long to wait for the next look."""
    blind = [probe.pk for probe, _, outcome, _ in judged if outcome is Outcome.UNKNOWN]
    if blind:
        soon = now + Greatest(F("retry_s"), Value(BLIND_RETRY_S))
        Probe.objects.filter(pk__in=blind, next_slot__gt=soon).update(next_slot=soon)


def _hear(probe: Probe, finding: Finding, outcome: Outcome, why: str, now: datetime) -> None:
    """A result that disagrees: perhaps a flip, else a second look soon."""
    failure = finding.reading.failure or ""
    if probe.is_silent(finding.started_at):
        _fall_silent(probe, finding.started_at)
    flip = probe.hear(outcome, finding.started_at, why=why, failure=str(failure))
    if flip is not None:
        _follow(flip, probe, now)
    probe.claimed_slot, probe.attempts = None, 0
    if probe.state.is_doubtful:
        probe.next_slot = min(probe.next_slot, int(now.timestamp()) + max(1, probe.retry_s))
    probe.save(update_fields=["claimed_slot", "attempts", "next_slot"])


def _follow(flip: Flip, probe: Probe, now: datetime) -> None:
    """A flip changes what its component shows, and what we say about it."""
    component = Component.objects.select_related("group").get(pk=probe.component_id)
    old = Status(component.status)
    component.refresh(flip.at)
    automation.follow(flip, component, old=old, now=now)


def fall_silent(now: datetime) -> None:
    """Probes that have said nothing for too long do not know any more."""
    if not (silent := Probe.objects.silent(now)):
        return
    with transaction.atomic():
        Page.objects.lock()
        ids = [probe.pk for probe in silent]
        for probe in Probe.objects.select_for_update().filter(pk__in=ids).order_by("pk"):
            with _alone(probe):
                _fall_silent(probe, now)


@contextmanager
def _alone(probe: Probe) -> Iterator[None]:
    """What goes wrong with one probe, or with its component, is undone and costs the others nothing."""
    try:
        with transaction.atomic():
            yield
    except OperationalError:
        raise
    except Exception as error:
        log.warning("probe.not_judged id=%s reason=%s: %s", probe.pk, type(error).__name__, error)
        Probe.objects.filter(pk=probe.pk).update(claimed_slot=None, attempts=0)


def _fall_silent(probe: Probe, now: datetime) -> None:
    flip = probe.hear(Outcome.UNKNOWN, now, why="No results for too long.")
    if flip is not None:
        _follow(flip, probe, now)


def _row(finding: Finding, outcome: Outcome, why: str) -> Check:
    reading, claim = finding.reading, finding.claim
    is_well = outcome is Outcome.UP
    return Check(
        probe_id=claim.probe_id,
        slot=claim.slot,
        region=claim.region,
        outcome=outcome,
        lag_ms=finding.lag_ms,
        total_ms=round(reading.total_ms),
        dns_ms=_ms(reading.dns_ms),
        connect_ms=_ms(reading.connect_ms),
        tls_ms=_ms(reading.tls_ms),
        first_byte_ms=_ms(reading.first_byte_ms),
        transfer_ms=_ms(reading.transfer_ms),
        status_code=reading.status_code,
        family=reading.family,
        address=reading.address[:64],
        days_left=reading.days_left,
        failure=str(reading.failure or ""),
        detail="" if is_well else why[:300],
        excerpt="" if is_well else reading.excerpt[:1024].replace("\0", ""),
        facts=_kept_facts(reading, is_well) or None,
    )


def _kept_facts(reading: Reading, is_well: bool) -> dict[str, str]:
    """All facts of a check that was not well; of one that was, KEPT alone."""
    return {name: fact for name, fact in reading.facts.items() if not is_well or name in KEPT}


def _ms(value: float | None) -> int | None:
    return None if value is None else round(value)


def _batches(claims: list[Claim]) -> list[tuple[str, list[list[Any]]]]:
    """Claims by region, cut to messages of plain lists."""
    regions: dict[str, list[list[Any]]] = defaultdict(list)
    for claim in claims:
        regions[claim.region].append([claim.probe_id, claim.slot, claim.token, claim.region])
    return [
        (region, rows[start : start + BATCH_SIZE])
        for region, rows in regions.items()
        for start in range(0, len(rows), BATCH_SIZE)
    ]


def _hostname() -> str:
    request = getattr(current_task, "request", None)
    return getattr(request, "hostname", None) or "here"


_checker: Checker | None = None


def checker() -> Checker:
    """The engine of this worker process, started with its first batch."""
    global _checker  # noqa: PLW0603 - one loop per process, made after the fork
    if _checker is None:
        _checker = Checker(_keep, egress=egress.through(egress.Door.PROBES))
    return _checker


def _keep(findings: list[Finding]) -> None:
    """Settle what the engine found.

    While a lock is in the way, or the database is, it is tried again for as long as the slots are ours.
    Then the leases run out, and the checks are run again.
    """
    end = time.monotonic() + KEEP_TRYING_S
    while True:
        close_old_connections()
        try:
            return settle(findings)
        except OperationalError as error:
            if time.monotonic() >= end:
                lost = "%d results could not be written (%s); their slots will be run again"
                log.warning(lost, len(findings), str(error).strip().split("\n")[0])
                return _live_on(findings)
        except DatabaseError:
            log.exception("%d results could not be written; their slots will be run again", len(findings))
            return None
        finally:
            close_old_connections()
        time.sleep(TRY_AGAIN_S)


def _live_on(findings: list[Finding]) -> None:
    """An attempt counts because a worker may die of it. We live, so these were none."""
    try:
        for claim in (finding.claim for finding in findings):
            mine = Probe.objects.filter(pk=claim.probe_id, lease_token=claim.token, attempts__gt=0)
            mine.update(attempts=F("attempts") - 1)
    except DatabaseError as error:
        log.warning("probe.attempts_kept count=%d reason=%s", len(findings), str(error).split("\n")[0])


@worker_process_shutdown.connect
def _drain(**_: Any) -> None:
    if _checker is not None:
        _checker.drain(DRAIN_S)
