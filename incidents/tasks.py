"""The path of a check, from the second it is due to what it changes.

tick: claims due slots -> run_checks: begins them -> the engine runs them ->
results: rows, flips, statuses and incidents in short transactions (`settling.py`).
"""

import logging
import platform
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from celery import current_task, shared_task
from celery.signals import worker_process_shutdown, worker_shutdown
from django.conf import settings
from django.db import DatabaseError, OperationalError

from components import egress, loops, receiving, self_test
from components.checking import Checker, CheckRequest, Finding
from components.clock import database_now
from components.models import (
    Claim,
    Component,
    Heartbeat,
    Inbox,
    Probe,
)
from components.outcomes import Failure, Reading
from components.targets import InvalidProbeError
from incidents import automation, sight
from incidents.hooks import runner
from incidents.models import Act, Incident, Maintenance
from incidents.past_values import with_past
from incidents.results import Results, keep
from incidents.settling import fall_silent, settle
from incidents.tallies import tally_excused

log = logging.getLogger(__name__)

BATCH_SIZE = 250  # checks per message: few messages, yet several workers can share a busy second
HOOKS_DRAIN_S = 1.0  # beside the messages in flight, which have the time that is left
DRAIN_S = 5.0  # a stopping worker finishes its running checks, within the supervisor's stop timeout
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
        keep(refused, settle)


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
_results = Results()


def checker() -> Checker:
    """The engine of this worker process, started with its first batch."""
    global _checker  # noqa: PLW0603 - one loop per process, made after the fork
    if _checker is None:
        _checker = Checker(_take, egress=egress.through(egress.Door.PROBES), canaries=settings.CANARIES)
    return _checker


def _take(findings: list[Finding]) -> bool:
    """What the engine found, and whether this region sees. True while results wait to be written."""
    is_owing = _results.take(findings)
    try:
        sight.note(settings.REGION, checker().canaries, datetime.now(UTC))
    except DatabaseError as error:
        log.warning("region.not_noted reason=%s", str(error).strip().split("\n")[0])
    return is_owing


@worker_process_shutdown.connect
def drain(**_: Any) -> None:
    """Finish the checks that are running, and write their results."""
    if _checker is not None:
        _checker.drain(DRAIN_S)
        _results.leave()


@worker_process_shutdown.connect
@worker_shutdown.connect
def stop_hooks(**_: Any) -> None:
    """Begin no more calls of hooks, and finish those that are under way."""
    runner.stop(HOOKS_DRAIN_S)


loops.at_end(drain)
loops.at_end(stop_hooks)
