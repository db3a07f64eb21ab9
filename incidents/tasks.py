"""The path of a check, from the second it is due to what it changes.

tick: claims due slots -> run_checks: begins them -> the engine runs them ->
settle: rows, flips, statuses and incidents in one short transaction.
"""

import logging
import platform
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from celery import current_task, shared_task
from celery.signals import worker_process_shutdown, worker_shutdown
from django.conf import settings
from django.db import DatabaseError, OperationalError, close_old_connections, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from components import egress, event_log, loops, receiving, self_test, versions
from components.checking import Checker, CheckRequest, Finding
from components.clock import database_now
from components.models import (
    Check,
    Claim,
    Component,
    DeployMarker,
    DeploySource,
    Flip,
    Heartbeat,
    Inbox,
    Page,
    Probe,
)
from components.models.claims import LEASE_SLACK_S
from components.models.verdict import ONE_MORE_ALIKE
from components.outcomes import Failure, Outcome, Reading, classify
from components.status import Status
from components.targets import InvalidProbeError
from incidents import automation, sight
from incidents.check_rows import row_of
from incidents.hooks import runner
from incidents.models import Act, Incident, Maintenance
from incidents.past_values import with_past
from incidents.tallies import tally_excused

log = logging.getLogger(__name__)

MAX_VERSION_LENGTH = 190  # a remote region may send more; with the mark of an ETag it fits its column
BATCH_SIZE = 250  # checks per message: few messages, yet several workers can share a busy second
HOOKS_DRAIN_S = 1.0  # beside the messages in flight, which have the time that is left
DRAIN_S = 5.0  # a stopping worker finishes its running checks, within the supervisor's stop timeout
BLIND_RETRY_S = 60  # after an unknown outcome, which is our own fault
KEEP_TRYING_S = LEASE_SLACK_S  # what a lease has beyond the check itself
TRY_AGAIN_S = 0.25
TOKENS_EXPIRE_S = 30  # a message older than its lease is useless


# while the database is away: one line per second, not a traceback
@shared_task(name="incidents.tick", ignore_result=True, throws=(OperationalError,))
def tick() -> None:
    """Do what is due this second: checks, silent probes, recoveries and promised updates."""
    now = database_now()
    _beat(now)
    self_test.keep(now)
    fall_silent(now)  # before new results are written, so that a gap is recorded as a gap
    claims = Probe.queue.claim_due(int(now.timestamp()))
    for region, batch in sorted(_batches(claims), key=lambda order: order[0] not in _regions_here):
        _hand_over(region, batch)
    automation.advance_maintenance(now)
    automation.advance(now)


_regions_here: set[str] = set()


def begin_here(region: str) -> None:
    """From now on this process begins the checks of this region itself, without the broker."""
    _regions_here.add(region)


def _hand_over(region: str, batch: list[list[Any]]) -> None:
    if region in _regions_here:
        run_checks.run(batch)
    else:
        run_checks.apply_async(
            args=(batch,), queue=f"probes.{region}", expires=TOKENS_EXPIRE_S, ignore_result=True
        )


@shared_task(name="incidents.plan_ahead", ignore_result=True, throws=(OperationalError,))
def plan_ahead() -> None:
    """Create the next occurrences of every maintenance series."""
    Maintenance.objects.plan_ahead(datetime.now(UTC))


@shared_task(name="incidents.roll_up", ignore_result=True, throws=(OperationalError,))
def roll_up() -> None:
    """Count what planned work excuses. Safe to run twice, and to catch up after a pause."""
    tally_excused(datetime.now(UTC))


@shared_task(name="incidents.prune", ignore_result=True, throws=(OperationalError,))
def prune() -> None:
    """Delete the acts of hooks that are past their keep."""
    Act.objects.prune(datetime.now(UTC))


@shared_task(name="incidents.watch_hooks", ignore_result=True, throws=(OperationalError,))
def watch_hooks() -> None:
    """See to it that the message worker runs the hook runner, in threads of its own."""
    runner.watch()


@shared_task(name="incidents.run_checks", ignore_result=True, throws=(OperationalError,))
def run_checks(batch: Sequence[Sequence[Any]]) -> None:
    """Begin these claims ([probe id, slot, token, region] each) and give them to the engine.

    May come twice or late: a claim whose token has moved on is dropped.
    """
    claims = {claim.probe_id: claim for claim in (Claim(*row) for row in batch)}
    now = database_now()
    _beat(now)
    orders, refused = [], []
    probes = {probe.pk: probe for probe in Probe.queue.begin(list(claims.values()))}
    heard = Inbox.objects.heard(list(probes.values()), now)
    for probe in probes.values():
        claim = claims[probe.pk]
        try:
            order = probe.order(heard.get(probe.pk))
            orders.append(CheckRequest(claim, probe.kind, order, float(probe.timeout_s)))
        except InvalidProbeError as invalid:
            refused.append(refusal(claim, invalid.sentence, datetime.now(UTC)))
    checker().submit(with_past(orders, probes))
    if refused:
        _keep(refused)


def refusal(claim: Claim, sentence: str, now: datetime) -> Finding:
    """The finding of a probe that cannot be run: unknown, with the reason for staff."""
    log.warning("probe.not_run id=%s reason=%s", claim.probe_id, sentence)
    return Finding(claim, Reading(0.0, Failure.OWN_FAULT, sentence), now, 0)


def _beat(now: datetime) -> None:
    """Record the worker's heartbeat. If the clock was put back, reschedule what is due."""
    if (back := Heartbeat.objects.set_back("worker", now)) is not None:
        log.warning("clock.set_back seconds=%.0f: what is due is rescheduled", back.total_seconds())
        Probe.queue.set_back(now, back)
        Component.objects.set_back(now, back)
        Incident.objects.set_back(now, back)
        receiving.set_back(now, back)
    Heartbeat.objects.beat("worker", _hostname(), now)


def settle(findings: Sequence[Finding], now: datetime | None = None) -> None:
    """Write the results and apply what follows from them, in one short transaction.

    A finding whose claim has expired is dropped: another worker has the slot.
    """
    now = now or datetime.now(UTC)
    if not _settle(findings, now, holds_page=False):
        _settle(findings, now, holds_page=True)


def _settle(findings: Sequence[Finding], now: datetime, *, holds_page: bool) -> bool:
    """False, with nothing written, when there is news and the page is not locked.

    The page is locked first, as everywhere, then the probes: the other order could deadlock. Most
    findings are no news and need no lock of the page.
    """
    by_probe = {finding.claim.probe_id: finding for finding in findings}
    with transaction.atomic():
        if holds_page:
            Page.objects.lock()
        probes = [
            probe
            for probe in Probe.queue.select_for_update().filter(pk__in=by_probe).order_by("pk")
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
            for p, result, outcome, _ in judged
            if outcome == p.outcome and not p.run and not p.unsteady and not p.is_silent(result.started_at)
        ]
        if len(quiet) < len(judged) and not holds_page:
            return False
        Check.objects.write(
            [row_of(finding, outcome, why) for p, finding, outcome, why in judged if not p.is_self_test]
        )
        heard = int(now.timestamp())
        Probe.queue.filter(pk__in=quiet).update(
            claimed_slot=None, attempts=0, heard_s=heard, heard_for_s=None, recent=ONE_MORE_ALIKE
        )
        news = [row for row in judged if row[0].pk not in set(quiet)]
        for probe, finding, outcome, why in news:
            with _isolated(probe):
                _apply_result(probe, finding, outcome, why, now)
        _retry_blind(judged, heard)
        _note_versions(judged)
    return True


def _note_versions(judged: Sequence[tuple[Probe, Finding, Outcome, str]]) -> None:
    """A good answer that names another version than the last good one is a deploy, by fact."""
    for probe, finding, outcome, _ in judged:
        if outcome is not Outcome.UP:
            continue
        facts, last = finding.reading.facts, probe.last_version
        version, etag = (str(facts.get(name) or "")[:MAX_VERSION_LENGTH] for name in ("app_version", "etag"))
        new, change = versions.follow(last, version, etag)
        if change is versions.Change.VERSION:
            text, source = f"version {new}", DeploySource.VERSION
            DeployMarker.objects.mark_seen(text, source, probe.component_id, finding.started_at)
        elif change is versions.Change.ETAG:
            DeployMarker.objects.mark_seen(
                "another ETag", DeploySource.ETAG, probe.component_id, finding.started_at
            )
        if new != last:
            Probe.objects.filter(pk=probe.pk).update(last_version=new)


def _retry_blind(judged: Sequence[tuple[Probe, Finding, Outcome, str]], now: int) -> None:
    """Check probes with an unknown outcome again soon, whatever their interval."""
    blind = [probe.pk for probe, _, outcome, _ in judged if outcome is Outcome.UNKNOWN]
    if blind:
        soon = now + Greatest(F("retry_s"), Value(BLIND_RETRY_S))
        Probe.queue.filter(pk__in=blind, next_slot__gt=soon).update(next_slot=soon)


def _apply_result(probe: Probe, finding: Finding, outcome: Outcome, why: str, now: datetime) -> None:
    """Apply a result that differs from the probe's state: a flip, or another check soon."""
    failure = finding.reading.failure or ""
    if probe.is_silent(finding.started_at):
        _fall_silent(probe, finding.started_at)
    flip = probe.hear(outcome, finding.started_at, why=why, failure=str(failure))
    if flip is not None:
        _follow(flip, probe, now)
    probe.claimed_slot, probe.attempts = None, 0
    if probe.state.is_doubtful:
        probe.next_slot = min(probe.next_slot, int(now.timestamp()) + max(1, probe.retry_s))
        if len(probe.run) == 1:
            transaction.on_commit(partial(probe.look_elsewhere, int(now.timestamp())))
    probe.save(update_fields=["claimed_slot", "attempts", "next_slot"])


def _follow(flip: Flip, probe: Probe, now: datetime) -> None:
    """Apply a flip to its component's status and to incidents; the self-test's concerns neither."""
    if probe.is_self_test:
        return
    component = Component.objects.select_related("group").get(pk=probe.component_id)
    old = Status(component.status)
    component.refresh(flip.at)
    automation.follow(flip, component, old=old, now=now)


def fall_silent(now: datetime) -> None:
    """Set probes without results for too long to unknown."""
    if not (silent := Probe.queue.silent(now)):
        return
    with transaction.atomic():
        Page.objects.lock()
        ids = [probe.pk for probe in silent]
        for probe in Probe.queue.select_for_update().filter(pk__in=ids).order_by("pk"):
            with _isolated(probe):
                _fall_silent(probe, now)


@contextmanager
def _isolated(probe: Probe) -> Iterator[None]:
    """Roll back an error with one probe or its component, so that the others are still written."""
    try:
        with transaction.atomic():
            yield
    except OperationalError:
        raise
    except Exception as error:
        log.warning("probe.not_judged id=%s reason=%s: %s", probe.pk, type(error).__name__, error)
        Probe.queue.filter(pk=probe.pk).update(claimed_slot=None, attempts=0)


def _fall_silent(probe: Probe, now: datetime) -> None:
    flip = probe.hear(Outcome.UNKNOWN, now, why="No results for too long.")
    if flip is not None:
        _follow(flip, probe, now)


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
    return getattr(request, "hostname", None) or platform.node()


_checker: Checker | None = None


def checker() -> Checker:
    """The engine of this worker process, started with its first batch."""
    global _checker  # noqa: PLW0603 - one loop per process, made after the fork
    if _checker is None:
        _checker = Checker(_take, egress=egress.through(egress.Door.PROBES), canaries=settings.CANARIES)
    return _checker


def _take(findings: list[Finding]) -> None:
    """What the engine found, and whether this region sees."""
    _keep(findings)
    try:
        sight.note(settings.REGION, checker().canaries, datetime.now(UTC))
    except DatabaseError as error:
        log.warning("region.not_noted reason=%s", str(error).strip().split("\n")[0])


def _keep(findings: list[Finding]) -> None:
    """Settle what the engine found.

    While the database is locked or away, it is tried again until the leases expire; then the checks
    are run again.
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
                return _give_back_attempts(findings)
        except DatabaseError:
            log.exception("%d results could not be written; their slots will be run again", len(findings))
            return None
        finally:
            close_old_connections()
        time.sleep(TRY_AGAIN_S)


def _give_back_attempts(findings: list[Finding]) -> None:
    """Uncount the attempts: they are counted in case a check kills its worker, which these did not."""
    try:
        for claim in (finding.claim for finding in findings):
            claimed = Probe.queue.filter(pk=claim.probe_id, lease_token=claim.token, attempts__gt=0)
            claimed.update(attempts=F("attempts") - 1)
    except DatabaseError as error:
        log.warning("probe.attempts_kept count=%d reason=%s", len(findings), str(error).split("\n")[0])


@worker_process_shutdown.connect
def drain(**_: Any) -> None:
    """Finish the checks that are running, and write their results."""
    if _checker is not None:
        _checker.drain(DRAIN_S)


@worker_process_shutdown.connect
@worker_shutdown.connect
def stop_hooks(**_: Any) -> None:
    """Begin no more calls of hooks, and finish those that are under way."""
    runner.stop(HOOKS_DRAIN_S)


loops.at_end(drain)
loops.at_end(stop_hooks)
