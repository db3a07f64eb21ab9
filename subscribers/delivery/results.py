"""Writes the results of a round of deliveries in one short transaction."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from components import event_log
from subscribers.delivery import backoff, fan_out, refusals, refused_mail
from subscribers.delivery.envelope import End, Result
from subscribers.delivery.leases import MAIL_SERVER
from subscribers.delivery.message_builder import Skipped
from subscribers.models import Delivery, DeliveryState, Host, Purpose, State, Subscriber
from subscribers.states import Channel

if TYPE_CHECKING:
    from subscribers.delivery.dispatcher import Attempt

OURS_AGAIN = timedelta(seconds=30)  # after a first failure of ours; see refused_mail.wait_after


def finish(tried: "Sequence[Attempt | Skipped]", now: datetime, *, token: str = "") -> None:
    """Write these results. One whose lease has expired is dropped: another worker has it."""
    ids = {_subscriber(item).pk for item in tried}
    with transaction.atomic():
        rows = Subscriber.objects.select_for_update().filter(pk__in=ids).order_by("pk")
        tokens = dict(rows.values_list("pk", "lease_token"))
        leased = [
            item
            for item in tried
            if tokens.get(_subscriber(item).pk) == (token or getattr(item, "token", "-"))
        ]
        if len(leased) < len(tried):
            event_log.record("delivery.lease_lost", count=len(tried) - len(leased))
        leased = _excused(leased)
        _write_sent(
            [item for item in leased if not isinstance(item, Skipped) and item.result.end is End.SENT], now
        )
        for item in leased:
            if isinstance(item, Skipped):
                _cancel(item.dropped, now)
            elif item.result.end is not End.SENT:
                _write_failed(item, now)
        done = [_subscriber(item).pk for item in leased]
        Subscriber.objects.filter(pk__in=done).update(lease_until=None, lease_token="", crashes=0)
        fan_out.wake(done, even_failing=True)
        _rest_hosts([item for item in leased if not isinstance(item, Skipped)], now)


def _excused(tried: "Sequence[Attempt | Skipped]") -> "list[Attempt | Skipped]":
    """The same results, but a refusal that most recipients of this round got stops none of them.

    Unexplained refusals then count as our fault; an "unknown user" for everyone is retried later.
    """
    mails = [item for item in tried if not isinstance(item, Skipped) and _host(item) == MAIL_SERVER]
    refused = [item.result.why for item in mails if _is_refusal(item.result)]
    alike = refusals.shared(refused, len(mails))
    return [
        _excuse(item) if not isinstance(item, Skipped) and _is_among(item, alike) else item for item in tried
    ]


def _is_among(attempt: "Attempt", alike: frozenset[str]) -> bool:
    is_refused_mail = _host(attempt) == MAIL_SERVER and _is_refusal(attempt.result)
    return is_refused_mail and refusals.likeness(attempt.result.why) in alike


def _excuse(attempt: "Attempt") -> "Attempt":
    return replace(attempt, result=replace(attempt.result, end=EXCUSED[attempt.result.end]))


EXCUSED = {End.GONE: End.LATER, End.LATER: End.OURS}


def _is_refusal(result: Result) -> bool:
    return result.end in EXCUSED and result.answer is not None and result.answer >= 500


def _subscriber(item: "Attempt | Skipped") -> Subscriber:
    return item.subscriber if isinstance(item, Skipped) else item.packed.subscriber


def _cancel(dropped: Sequence[Delivery], now: datetime) -> None:
    if dropped:
        owed = Delivery.objects.filter(pk__in=[delivery.pk for delivery in dropped], state=DeliveryState.OWED)
        owed.update(state=DeliveryState.CANCELLED, finished_at=now)


def _write_sent(sent: "Sequence[Attempt]", now: datetime) -> None:
    """Write sent messages with few statements: equal results are written together."""
    alike: dict[tuple[int | None, int], list[int]] = defaultdict(list)
    for attempt in sent:
        alike[attempt.result.answer, _rounded(attempt.result.took_ms)].append(attempt.packed.delivery.pk)
    for (answer, took_ms), ids in alike.items():
        Delivery.objects.filter(pk__in=ids).update(
            state=DeliveryState.SENT, finished_at=now, attempts=F("attempts") + 1, answer=answer,
            took_ms=took_ms, last_error="", detail="", is_replay=False,
        )  # fmt: skip
    for attempt in sent:
        _supersede(attempt, now)
        if (
            attempt.packed.delivery.purpose == Purpose.CONFIRM
            and attempt.packed.envelope.channel is not Channel.EMAIL
        ):
            _confirm(attempt.packed.subscriber, now)
    ids = [
        attempt.packed.subscriber.pk
        for attempt in sent
        if attempt.packed.subscriber.failing_since or attempt.packed.subscriber.attempts
    ]
    Subscriber.objects.filter(pk__in=ids).update(attempts=0, failing_since=None, last_error="")


def _confirm(subscriber: Subscriber, now: datetime) -> None:
    """Confirm a receiver that accepted our message, unless it was stopped or unsubscribed meanwhile."""
    fresh = Subscriber.objects.get(pk=subscriber.pk)
    if fresh.state == State.UNCONFIRMED:
        fresh.confirm(now)


def _rounded(ms: int) -> int:
    """Rounded to two digits: enough for the log, and more results share a statement."""
    return ms if ms < 10 else round(ms, -len(str(ms)) + 1)


def _supersede(attempt: "Attempt", now: datetime) -> None:
    """Mark deliveries whose updates were included in this message."""
    ids = [other.pk for other in attempt.packed.others if other.notice_id and other.purpose == Purpose.NEWS]
    if ids:
        owed = Delivery.objects.filter(pk__in=ids, state=DeliveryState.OWED)
        owed.update(state=DeliveryState.SUPERSEDED, finished_at=now, told_by=attempt.packed.delivery)


def _write_failed(attempt: "Attempt", now: datetime) -> None:
    """Try again later, or give up: after five days without a success, or when the receiver says so."""
    result, subscriber = attempt.result, Subscriber.objects.get(pk=attempt.packed.subscriber.pk)
    Delivery.objects.filter(pk=attempt.packed.delivery.pk).update(
        attempts=F("attempts") + 1, answer=result.answer, took_ms=result.took_ms,
        last_error=result.public_why[:250], detail=result.why[:250],
    )  # fmt: skip
    if result.end is End.OURS:
        _postpone(subscriber, now + _wait_for_us(attempt, now))
        return
    subscriber.attempts += 1
    subscriber.failing_since = subscriber.failing_since or now
    subscriber.last_error = result.public_why[:250]
    subscriber.save(update_fields=["attempts", "failing_since", "last_error"])
    if result.end is End.GONE or now - subscriber.failing_since >= backoff.GIVE_UP_AFTER:
        _give_up(subscriber, attempt, now)
    else:
        wait = backoff.wait_after(subscriber.attempts, asked_s=result.retry_after_s)
        _postpone(subscriber, now + wait)


def _wait_for_us(attempt: "Attempt", now: datetime) -> timedelta:
    """The pause after a failure of ours; longer with each refusal by our mail server."""
    if not _is_own_refusal(attempt):
        return OURS_AGAIN
    return refused_mail.wait_after(refused_mail.note(attempt.packed.delivery, now), OURS_AGAIN)


def _is_own_refusal(attempt: "Attempt") -> bool:
    return (
        _host(attempt) == MAIL_SERVER and attempt.result.end is End.OURS and attempt.result.answer is not None
    )


def _postpone(subscriber: Subscriber, at: datetime) -> None:
    """Postpone all its pending deliveries, so that none overtakes another."""
    owed = Delivery.objects.filter(subscriber=subscriber, state=DeliveryState.OWED, due_at__lt=at)
    owed.update(due_at=at)


def _give_up(subscriber: Subscriber, attempt: "Attempt", now: datetime) -> None:
    delivery = attempt.packed.delivery
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.FAILED, finished_at=now)
    event_log.record(
        "delivery.given_up", id=delivery.message_id, subscriber=subscriber.public_id,
        channel=subscriber.channel, attempts=delivery.attempts + 1, answer=attempt.result.answer,
    )  # fmt: skip
    reason = attempt.result.public_why
    why = reason if attempt.result.end is End.GONE else f"Five days without a successful delivery. {reason}"
    subscriber.quarantine(now, why)
    if (
        subscriber.owner is not None and subscriber.confirmed_at
    ):  # else a stranger may have entered any address as contact
        subscriber.owner.owe(Purpose.STOPPED, now, what=subscriber.shown, key=subscriber.key, why=why)


def _rest_hosts(tried: "Sequence[Attempt]", now: datetime) -> None:
    """Count failures by host, so that a dead one does not delay others."""
    hosts = {row.name: row for row in Host.objects.all()}  # only those that failed last have a row
    for attempt in tried:
        host = _host(attempt)
        if _blames_host(attempt.result):
            if not (_is_own_refusal(attempt) and refused_mail.is_alone(attempt.packed.delivery)):
                hosts.setdefault(host, Host(name=host)).fail(now)
        elif host in hosts and attempt.result.end is End.SENT:
            hosts.pop(host).delete()
            if host == MAIL_SERVER:
                refused_mail.wake(now)


def _host(attempt: "Attempt") -> str:
    is_mail = attempt.packed.envelope.channel is Channel.EMAIL
    return MAIL_SERVER if is_mail else attempt.packed.subscriber.host


def _blames_host(result: Result) -> bool:
    """Whether the result counts as a failure of the host: any answer shows that it is up."""
    return result.end is End.OURS or (result.end is End.LATER and result.answer is None)
