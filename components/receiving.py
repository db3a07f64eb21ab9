"""From waiting reports to what probes are judged by: a batch of the spool is stored in one transaction."""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import DatabaseError, OperationalError, transaction
from django.db.models import F, Q

from components import event_log
from components.models import (
    Component,
    DeployAddress,
    DeployMarker,
    Heartbeat,
    Inbox,
    Probe,
    Signal,
    SpoolMark,
)
from components.models.heartbeat import MAX_AHEAD
from components.models.inbox import LISTENING
from components.outcomes import Outcome
from components.passive import alerts, heartbeats
from components.passive.reports import Kind, Report
from components.passive.spool import Batch

log = logging.getLogger(__name__)

REPEAT_S = 1.0  # what says the same again within this is the same report
MAX_NEWEST = 50  # different reports, and ids of messages, remembered for that
HEARTBEAT = "heartbeat"


class Arrival(NamedTuple):
    """A report and the hash of the key in the address it came to."""

    key_hash: str
    report: Report


def as_row(arrival: Arrival) -> dict[str, Any]:
    """A line of the spool."""
    return {"key": arrival.key_hash, **arrival.report.as_json()}


def store(batch: Batch, now: datetime) -> int:
    """Write a batch that was not written before; how many bytes of its file are stored then.

    The mark of the file moves in the same transaction. Where it stands elsewhere than the batch begins (a
    process died behind its commit, or the database is an older copy), nothing is written and the mark
    returned. Raises OperationalError or InterfaceError while the database is away. A report that cannot be
    written is left out, alone.
    """
    arrivals = _arrivals(batch.rows)
    try:
        with transaction.atomic():
            stored = _stored(batch)
            if stored != batch.start:
                return stored
            _take(arrivals, now)
            return _move(batch, now)
    except OperationalError:
        raise
    except DatabaseError:
        log.exception("signals.not_stored file=%s: each report is tried by itself", batch.name)
    with transaction.atomic():
        stored = _stored(batch)
        if stored != batch.start:
            return stored
        for arrival in arrivals:
            _take_alone(arrival, now)
        return _move(batch, now)


def store_at_once(arrivals: Sequence[Arrival], now: datetime) -> None:
    """Write reports that could not be kept on disk. Raises DatabaseError."""
    with transaction.atomic():
        _take(arrivals, now)


def set_back(now: datetime, back: timedelta) -> None:
    """After the clock was set back: move what was reported in the future back as well.

    Else a job's last success would hide its failures, and an alert its next state, until the clock is there
    again.
    """
    now_s, back_s = now.timestamp(), back.total_seconds()
    with transaction.atomic():
        rows = Inbox.objects.select_for_update(of=("self",)).select_related("probe")
        inboxes = list(rows.order_by("probe_id"))
        for inbox in inboxes:
            kind = heartbeats.HeartbeatState if inbox.probe.kind == HEARTBEAT else alerts.AlertState
            inbox.state = kind.from_json(inbox.state).set_back(now_s, back_s).as_json
        Inbox.objects.bulk_update(inboxes, ["state"], batch_size=100)
        ahead = Heartbeat.objects.filter(role=LISTENING, at__gt=now)
        ahead.update(at=F("at") - back)


def _take_alone(arrival: Arrival, now: datetime) -> None:
    try:
        with transaction.atomic():
            _take([arrival], now)
    except OperationalError:
        raise
    except DatabaseError as error:
        log.warning("signal.dropped kind=%s reason=%s", arrival.report.kind, type(error).__name__)


def _stored(batch: Batch) -> int:
    """How many bytes of the file are stored; its mark is locked until the transaction ends."""
    mark, _ = SpoolMark.objects.select_for_update().get_or_create(name=batch.name)
    return int(mark.stored)


def _move(batch: Batch, now: datetime) -> int:
    """Move the mark of the file to the end of the batch."""
    SpoolMark.objects.filter(name=batch.name).update(stored=batch.end, updated_at=now)
    return batch.end


def _arrivals(rows: Iterable[dict[str, Any]]) -> list[Arrival]:
    arrivals = []
    for row in rows:
        try:
            arrivals.append(Arrival(str(row["key"]), Report.from_json(row)))
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            log.warning("signal.unreadable: a line on disk is no report, and is left out")
    return arrivals


def _take(arrivals: Sequence[Arrival], now: datetime) -> None:
    """Signals, states, and probes that are to be judged at once. Rows are locked in the order of probes."""
    deploys = [arrival for arrival in arrivals if arrival.report.is_deploy]
    for arrival in deploys:
        _mark_deploy(arrival.key_hash, _not_ahead(arrival.report, now))
    arrivals = [arrival for arrival in arrivals if not arrival.report.is_deploy]
    hashes = {arrival.key_hash for arrival in arrivals}
    rows = Inbox.objects.select_for_update(of=("self",))
    rows = rows.filter(Q(key_hash__in=hashes) | Q(old_key_hash__in=hashes))
    inboxes = list(rows.select_related("probe").order_by("probe_id"))
    by_probe = _by_probe(arrivals, inboxes, now)
    signals: list[Signal] = []
    urgent = []
    for inbox in inboxes:
        if not inbox.probe.is_passive:
            continue  # its kind was changed since the address was read
        told, is_urgent = _hear(inbox, by_probe[inbox.probe_id])
        signals += [Signal.of(inbox.probe_id, report) for report in told]
        if is_urgent:
            urgent.append(inbox.probe_id)
    Signal.objects.bulk_create(signals)
    Inbox.objects.bulk_update(inboxes, ["state", "newest"], batch_size=100)
    for probe_id in urgent:
        due = int(now.timestamp())
        Probe.objects.filter(pk=probe_id, next_slot__gt=due).update(next_slot=due)


def _mark_deploy(key_hash: str, report: Report) -> None:
    """A marker; nothing when its address or component is gone meanwhile."""
    address = DeployAddress.objects.filter(key_hash=key_hash).first()
    component = Component.objects.filter(public_id=report.source).first() if report.source else None
    if address is None or (report.source and component is None):
        event_log.record("signal.unknown_address", count=1)
        return
    DeployMarker.objects.mark_reported(
        report.text, component, report.at,
        begins=report.kind is not Kind.DEPLOY_FINISHED, ends=report.kind is not Kind.DEPLOY_STARTED,
    )  # fmt: skip
    DeployAddress.objects.filter(pk=address.pk).update(used_at=report.at)


def _by_probe(
    arrivals: Sequence[Arrival], inboxes: Sequence[Inbox], now: datetime
) -> dict[int, list[Report]]:
    """The reports of each probe, by its id, in the order in which they came."""
    by_hash = {inbox.old_key_hash: inbox for inbox in inboxes} | {inbox.key_hash: inbox for inbox in inboxes}
    by_probe, lost = defaultdict(list), 0
    for key_hash, report in arrivals:
        inbox = by_hash.get(key_hash)
        if inbox is not None and inbox.takes(key_hash, report.at):
            by_probe[inbox.probe_id].append(_not_ahead(report, now))
        else:
            lost += 1
    if lost:
        event_log.record("signal.unknown_address", count=lost)
    return by_probe


def _not_ahead(report: Report, now: datetime) -> Report:
    """A web process whose clock is ahead must not speak for the time until it comes."""
    return report if report.at - now <= MAX_AHEAD else replace(report, at=now)


def _hear(inbox: Inbox, reports: Sequence[Report]) -> tuple[list[Report], bool]:
    """Take these into its state; those worth a row, and whether they call for a judgement now."""
    return (_hear_job if inbox.probe.kind == HEARTBEAT else _hear_alerts)(inbox, reports)


def _hear_job(inbox: Inbox, reports: Sequence[Report]) -> tuple[list[Report], bool]:
    state, fresh = heartbeats.HeartbeatState.from_json(inbox.state), []
    for report in reports:
        if _is_repeat(inbox, report):
            state = heartbeats.again(state, report)
        else:
            state = heartbeats.after(state, report)
            fresh.append(report)
    inbox.state = state.as_json
    return fresh, any(_changes(report, inbox.probe) for report in fresh)


def _hear_alerts(inbox: Inbox, reports: Sequence[Report]) -> tuple[list[Report], bool]:
    """What an alert was already is no news (`alerts.after`), so only copies are left out here."""
    known, news = alerts.AlertState.from_json(inbox.state), []
    for report in reports:
        is_copy = _is_copy(inbox, report) or (report.kind is Kind.LOG and _is_repeat(inbox, report))
        known, is_news = alerts.after(known, replace(report, kind=Kind.CONTACT) if is_copy else report)
        news += [report] if is_news else []
    inbox.state = known.as_json
    is_unknown = inbox.probe.outcome == Outcome.UNKNOWN
    return news, any(report.kind is not Kind.LOG for report in news) or is_unknown


def _changes(report: Report, probe: Probe) -> bool:
    """Whether a report of a job says something else than the probe thinks."""
    if report.is_failure:
        return probe.outcome != Outcome.DOWN or bool(probe.run)
    if report.is_success:
        return probe.outcome != Outcome.UP or bool(probe.run)
    return report.kind is Kind.START and probe.outcome == Outcome.UNKNOWN


def _is_repeat(inbox: Inbox, report: Report) -> bool:
    """Whether the same was said within a second before, and nothing else of its run since then.

    If not, it is remembered. What fails, passes, and fails again within a second has failed again.
    """
    at, of, says = report.at.timestamp(), _subject(report), _says(report)
    last = inbox.newest.get(says)
    others = [when for key, when in inbox.newest.items() if key.startswith(of) and key != says]
    is_repeat = last is not None and abs(at - last) < REPEAT_S and max(others, default=0.0) < last
    _remember(inbox, says, at)
    return is_repeat


def _is_copy(inbox: Inbox, report: Report) -> bool:
    """Whether a message with this id has said the same before; if not, it is remembered."""
    if not report.message_id:
        return False
    key = f"id:{_short((report.message_id, report.kind, report.source, report.text))}"
    is_copy = key in inbox.newest
    _remember(inbox, key, report.at.timestamp())
    return is_copy


def _remember(inbox: Inbox, key: str, at: float) -> None:
    newest = {**inbox.newest, key: max(at, inbox.newest.get(key, 0.0))}
    inbox.newest = dict(sorted(newest.items(), key=lambda pair: pair[1])[-MAX_NEWEST:])


def _subject(report: Report) -> str:
    """What a report is about: a run, or a log line, which says nothing of a run."""
    return f"{_short((report.kind is Kind.LOG, report.run, report.source))}:"


def _says(report: Report) -> str:
    """All that a report says, but when, after what it is about."""
    return _subject(report) + _short((report.kind, report.exit_status, report.text))


def _short(words: object) -> str:
    return hashlib.sha256(repr(words).encode()).hexdigest()[:16]
