"""What a result changes: rows, verdicts, statuses and incidents.

Most results are no news: they say what their probe's verdict says already, and hundreds of them are
written by a handful of statements. News takes ten statements or more each, and the page is locked
meanwhile, so it is settled a few at a time: thousands of targets that fail in one second must
neither hold up other results nor keep everyone else from the page.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from django.db import OperationalError, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from components import event_log, versions
from components.checking import Finding
from components.models import Check, Component, DeployMarker, DeploySource, Flip, Page, Probe
from components.models.verdict import ONE_MORE_ALIKE
from components.outcomes import Outcome, classify
from components.status import Status
from incidents import automation
from incidents.check_rows import row_of

log = logging.getLogger(__name__)

MAX_VERSION_LENGTH = 190  # a remote region may send more; with the mark of an ETag it fits its column
BLIND_RETRY_S = 60  # after an unknown outcome, which is our own fault
FALLING_SILENT_S = 0.25  # of a tick, which has checks to hand out
NEWS_AT_ONCE = 25  # a third of a second: far less than anybody's patience with a lock

Judged = tuple[Probe, Finding, Outcome, str]  # and why, for staff


def settle(findings: Sequence[Finding], now: datetime | None = None) -> None:
    """Write the results and apply what follows from them, in short transactions.

    A finding whose claim has expired is dropped: another worker has the slot.
    """
    now = now or datetime.now(UTC)
    news = settle_quiet(findings, now)
    for start in range(0, len(news), NEWS_AT_ONCE):
        settle_news(news[start : start + NEWS_AT_ONCE], now)


def settle_quiet(findings: Sequence[Finding], now: datetime) -> list[Finding]:
    """Write those that are no news, without a lock of the page. Returns the others, untouched."""
    with transaction.atomic():
        judged = _judged(findings)
        quiet, news = _parted(judged)
        _write(quiet, [], now)
    return [finding for _, finding, _, _ in news]


def settle_news(findings: Sequence[Finding], now: datetime) -> None:
    """Write a few findings, most of which are news, with all that follows, in one transaction.

    The page is locked first, as everywhere, then the probes: the other order could deadlock.
    """
    with transaction.atomic():
        Page.objects.lock()
        _write(*_parted(_judged(findings)), now)


def _judged(findings: Sequence[Finding]) -> list[Judged]:
    """Locks the probes of these findings, and judges those whose claim still holds."""
    by_probe = {finding.claim.probe_id: finding for finding in findings}
    probes = [
        probe
        for probe in Probe.queue.select_for_update().filter(pk__in=by_probe).order_by("pk")
        if (claim := by_probe[probe.pk].claim).token == probe.lease_token and probe.claimed_slot == claim.slot
    ]
    if len(probes) < len(by_probe):
        event_log.record("check.lease_lost", count=len(by_probe) - len(probes))
    return [
        (probe, finding, *classify(finding.reading, probe.expectation))
        for probe in probes
        for finding in (by_probe[probe.pk],)
    ]


def _parted(judged: Sequence[Judged]) -> tuple[list[Judged], list[Judged]]:
    """Those that say what their probe's verdict says already, and the news."""
    quiet: list[Judged] = []
    news: list[Judged] = []
    for row in judged:
        probe, finding, outcome, _ = row
        is_alike = outcome == probe.outcome and not probe.run and not probe.unsteady
        (quiet if is_alike and not probe.is_silent(finding.started_at) else news).append(row)
    return quiet, news


def _write(quiet: Sequence[Judged], news: Sequence[Judged], now: datetime) -> None:
    """The caller has locked the probes, and the page if there is news."""
    judged = [*quiet, *news]
    if not judged:
        return
    Check.objects.write(
        [row_of(finding, outcome, why) for p, finding, outcome, why in judged if not p.is_self_test]
    )
    heard = int(now.timestamp())
    if quiet:
        Probe.queue.filter(pk__in=[row[0].pk for row in quiet]).update(
            claimed_slot=None, attempts=0, heard_s=heard, heard_for_s=None, recent=ONE_MORE_ALIKE
        )
    for probe, finding, outcome, why in news:
        with _isolated(probe):
            _apply_result(probe, finding, outcome, why, now)
    _retry_blind(judged, heard)
    _note_versions(judged)


def _note_versions(judged: Sequence[Judged]) -> None:
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


def _retry_blind(judged: Sequence[Judged], now: int) -> None:
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
    """Set probes without results for too long to unknown: at least a few, and others while there is time.

    After a pause of all workers that can be thousands. The rest is left to the next tick, or to the next
    result of the probe itself; the page shows them as unknown already (`page_model.shown_status`).
    """
    silent = list(Probe.queue.silent(now).order_by("pk").values_list("pk", flat=True))
    end = time.monotonic() + FALLING_SILENT_S
    for start in range(0, len(silent), NEWS_AT_ONCE):
        with transaction.atomic():
            Page.objects.lock()
            some = Probe.queue.silent(now).filter(pk__in=silent[start : start + NEWS_AT_ONCE])
            for probe in some.select_for_update().order_by("pk"):  # still: a result may have come
                with _isolated(probe):
                    _fall_silent(probe, now)
        if time.monotonic() >= end:
            return


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
