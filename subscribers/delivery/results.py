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

OURS_AGAIN = timedelta(seconds=30)  # of a refusal at first: see refused.wait_after


def finish(tried: "Sequence[Attempt | Skipped]", now: datetime, *, token: str = "") -> None:
    """Write down what came of these. A result whose lease has moved on is dropped: somebody else has it."""
    ids = {_subscriber(one).pk for one in tried}
    with transaction.atomic():
        rows = Subscriber.objects.select_for_update().filter(pk__in=ids).order_by("pk")
        held = dict(rows.values_list("pk", "lease_token"))
        mine = [
            one for one in tried if held.get(_subscriber(one).pk) == (token or getattr(one, "token", "-"))
        ]
        if len(mine) < len(tried):
            event_log.record("delivery.lease_lost", count=len(tried) - len(mine))
        mine = _excused(mine)
        _write_sent([one for one in mine if not isinstance(one, Skipped) and one.result.end is End.SENT], now)
        for one in mine:
            if isinstance(one, Skipped):
                _drop(one.dropped, now)
            elif one.result.end is not End.SENT:
                _write_failed(one, now)
        done = [_subscriber(one).pk for one in mine]
        Subscriber.objects.filter(pk__in=done).update(lease_until=None, lease_token="", crashes=0)
        fan_out.wake(done, even_failing=True)
        _rest_hosts([one for one in mine if not isinstance(one, Skipped)], now)


def _excused(tried: "Sequence[Attempt | Skipped]") -> "list[Attempt | Skipped]":
    """The same, but a refusal that most readers of this round got alike stops none of them.

    What has no explanation is then taken as ours; an "unknown user" said of everybody is tried again later.
    """
    mails = [one for one in tried if not isinstance(one, Skipped) and _host(one) == MAIL_SERVER]
    refused = [one.result.why for one in mails if _is_refusal(one.result)]
    alike = refusals.shared(refused, len(mails))
    return [_excuse(one) if not isinstance(one, Skipped) and _is_among(one, alike) else one for one in tried]


def _is_among(one: "Attempt", alike: frozenset[str]) -> bool:
    is_refused_mail = _host(one) == MAIL_SERVER and _is_refusal(one.result)
    return is_refused_mail and refusals.likeness(one.result.why) in alike


def _excuse(one: "Attempt") -> "Attempt":
    return replace(one, result=replace(one.result, end=EXCUSED[one.result.end]))


EXCUSED = {End.GONE: End.LATER, End.LATER: End.OURS}


def _is_refusal(result: Result) -> bool:
    return result.end in EXCUSED and result.answer is not None and result.answer >= 500


def _subscriber(one: "Attempt | Skipped") -> Subscriber:
    return one.subscriber if isinstance(one, Skipped) else one.packed.subscriber


def _drop(dropped: Sequence[Delivery], now: datetime) -> None:
    if dropped:
        owed = Delivery.objects.filter(pk__in=[one.pk for one in dropped], state=DeliveryState.OWED)
        owed.update(state=DeliveryState.CANCELLED, finished_at=now)


def _write_sent(sent: "Sequence[Attempt]", now: datetime) -> None:
    """Few statements for many: all that ended alike are written together."""
    alike: dict[tuple[int | None, int], list[int]] = defaultdict(list)
    for one in sent:
        alike[one.result.answer, _rounded(one.result.took_ms)].append(one.packed.delivery.pk)
    for (answer, took_ms), ids in alike.items():
        Delivery.objects.filter(pk__in=ids).update(
            state=DeliveryState.SENT, finished_at=now, attempts=F("attempts") + 1, answer=answer,
            took_ms=took_ms, last_error="", detail="", is_replay=False,
        )  # fmt: skip
    for one in sent:
        _close_others(one, now)
        if (
            one.packed.delivery.purpose == Purpose.CONFIRM
            and one.packed.envelope.channel is not Channel.EMAIL
        ):
            _say_yes(one.packed.subscriber, now)
    ids = [
        one.packed.subscriber.pk
        for one in sent
        if one.packed.subscriber.failing_since or one.packed.subscriber.attempts
    ]
    Subscriber.objects.filter(pk__in=ids).update(attempts=0, failing_since=None, last_error="")


def _say_yes(subscriber: Subscriber, now: datetime) -> None:
    """It took a signed message: that is its yes, unless it was stopped or left meanwhile."""
    fresh = Subscriber.objects.get(pk=subscriber.pk)
    if fresh.state == State.UNCONFIRMED:
        fresh.confirm(now)


def _rounded(ms: int) -> int:
    """Two figures are enough for the log, and let many share a statement."""
    return ms if ms < 10 else round(ms, -len(str(ms)) + 1)


def _close_others(one: "Attempt", now: datetime) -> None:
    """The words of these were told with a later one; what nobody shall hear any more is not sent."""
    told = [other.pk for other in one.packed.others if other.notice_id and other.purpose == Purpose.NEWS]
    if told:
        owed = Delivery.objects.filter(pk__in=told, state=DeliveryState.OWED)
        owed.update(state=DeliveryState.SUPERSEDED, finished_at=now, told_by=one.packed.delivery)


def _write_failed(one: "Attempt", now: datetime) -> None:
    """Try again later, or give up: after five days without a success, or when the receiver says so."""
    result, subscriber = one.result, Subscriber.objects.get(pk=one.packed.subscriber.pk)
    Delivery.objects.filter(pk=one.packed.delivery.pk).update(
        attempts=F("attempts") + 1, answer=result.answer, took_ms=result.took_ms,
        last_error=result.public_why[:250], detail=result.why[:250],
    )  # fmt: skip
    if result.end is End.OURS:
        _postpone(subscriber, now + _wait_for_us(one, now))
        return
    subscriber.attempts += 1
    subscriber.failing_since = subscriber.failing_since or now
    subscriber.last_error = result.public_why[:250]
    subscriber.save(update_fields=["attempts", "failing_since", "last_error"])
    if result.end is End.GONE or now - subscriber.failing_since >= backoff.GIVE_UP_AFTER:
        _give_up(subscriber, one, now)
    else:
        wait = backoff.wait_after(subscriber.attempts, asked_s=result.retry_after_s)
        _postpone(subscriber, now + wait)


def _wait_for_us(one: "Attempt", now: datetime) -> timedelta:
    """Longer each time the server refuses; a server that says nothing is asked on, and rests as a whole."""
    if not _is_own_refusal(one):
        return OURS_AGAIN
    return refused_mail.wait_after(refused_mail.note(one.packed.delivery, now), OURS_AGAIN)


def _is_own_refusal(one: "Attempt") -> bool:
    return _host(one) == MAIL_SERVER and one.result.end is End.OURS and one.result.answer is not None


def _postpone(subscriber: Subscriber, at: datetime) -> None:
    """All it is owed waits: what comes later may not overtake."""
    owed = Delivery.objects.filter(subscriber=subscriber, state=DeliveryState.OWED, due_at__lt=at)
    owed.update(due_at=at)


def _give_up(subscriber: Subscriber, one: "Attempt", now: datetime) -> None:
    delivery = one.packed.delivery
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.FAILED, finished_at=now)
    event_log.record(
        "delivery.given_up", id=delivery.message_id, subscriber=subscriber.public_id,
        channel=subscriber.channel, attempts=delivery.attempts + 1, answer=one.result.answer,
    )  # fmt: skip
    said = one.result.public_why
    why = said if one.result.end is End.GONE else f"Five days without a successful delivery. {said}"
    subscriber.quarantine(now, why)
    if subscriber.owner is not None and subscriber.confirmed_at:  # else a stranger may have named anybody
        subscriber.owner.owe(Purpose.STOPPED, now, what=subscriber.shown, key=subscriber.key, why=why)


def _rest_hosts(tried: "Sequence[Attempt]", now: datetime) -> None:
    """Count failures by host, so that one that is dead costs nobody else."""
    known = {one.name: one for one in Host.objects.all()}  # only those that failed last have a row
    for one in tried:
        host = _host(one)
        if _blames_host(one.result):
            if not (_is_own_refusal(one) and refused_mail.is_alone(one.packed.delivery)):
                known.setdefault(host, Host(name=host)).fail(now)
        elif host in known and one.result.end is End.SENT:
            known.pop(host).delete()
            if host == MAIL_SERVER:
                refused_mail.wake(now)


def _host(one: "Attempt") -> str:
    is_mail = one.packed.envelope.channel is Channel.EMAIL
    return MAIL_SERVER if is_mail else one.packed.subscriber.host


def _blames_host(result: Result) -> bool:
    """An answer, whatever it says, shows a host that lives."""
    return result.end is End.OURS or (result.end is End.LATER and result.answer is None)
