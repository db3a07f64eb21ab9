"""Sends pending alerts: claimed by a lease, at least once, in order, under one id."""

import asyncio
import logging
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Min, Q

from components import encryption
from subscribers.alerts import sending
from subscribers.alerts.sending import Message
from subscribers.delivery.envelope import End, Result
from subscribers.models import AlertChannel, AlertDelivery, AlertDeliveryState
from subscribers.models.alert import LEASE
from subscribers.states import Channel

log = logging.getLogger(__name__)
MAX_CONCURRENT = 50
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900))
GIVE_UP_AFTER = timedelta(days=1)


def deliver(now: datetime) -> int:
    """Send what is due. Returns how many were tried. Raises DatabaseError."""
    token, claimed = claim(now)
    if claimed:
        results = sending.run(_send_all(claimed))
        finish(token, list(zip(claimed, results, strict=True)), now)
    return len(claimed)


def claim(now: datetime) -> tuple[str, list[AlertDelivery]]:
    """Lease the oldest due message of each channel, so that none overtakes another: (token, messages)."""
    token = secrets.token_urlsafe(18)
    owed = AlertDelivery.objects.filter(state=AlertDeliveryState.OWED)
    first = owed.order_by().values("channel").annotate(first=Min("pk")).values("first")
    may = owed.filter(
        Q(lease_until=None) | Q(lease_until__lte=now), due_at__lte=now,
        channel__in=AlertChannel.objects.may_be_told(),
    )  # fmt: skip
    ids = list(may.filter(pk__in=first).values_list("pk", flat=True)[:MAX_CONCURRENT])
    if not ids:
        return token, []
    may.filter(pk__in=ids).update(lease_token=token, lease_until=now + LEASE, attempts=F("attempts") + 1)
    leased = AlertDelivery.objects.filter(lease_token=token, state=AlertDeliveryState.OWED)
    return token, list(leased.select_related("channel").order_by("pk"))


async def _send_all(claimed: list[AlertDelivery]) -> list[Result]:
    return list(await asyncio.gather(*(_send(delivery) for delivery in claimed)))


async def _send(delivery: AlertDelivery) -> Result:
    try:
        address = delivery.channel.address
        words = {name: delivery.message[name] for name in ("title", "body", "url", "tag", "is_back")}
        return await sending.send(
            Channel(delivery.channel.channel), address, Message(delivery.message_id, **words)
        )
    except encryption.DecryptionError as error:
        return Result(End.GONE, why=str(error.__doc__))
    except Exception:
        log.exception("alert.failed message=%s", delivery.message_id)
        return Result(End.OURS, why="Internal error; see the log.")


def finish(token: str, tried: list[tuple[AlertDelivery, Result]], now: datetime) -> None:
    """Write the results; one whose lease has expired is left to its new holder."""
    with transaction.atomic():
        for delivery, result in tried:
            row = AlertDelivery.objects.filter(pk=delivery.pk, lease_token=token)
            done = {"lease_token": "", "lease_until": None, "last_error": result.why[:250]}
            if result.end is End.SENT:
                row.update(state=AlertDeliveryState.SENT, finished_at=now, **done)
                AlertChannel.objects.filter(pk=delivery.channel_id).update(last_sent_at=now, last_error="")
                continue
            AlertChannel.objects.filter(pk=delivery.channel_id).update(last_error=result.why[:250])
            log.warning("alert.not_sent message=%s why=%s", delivery.message_id, result.why)
            if result.end is End.GONE or now - delivery.created_at >= GIVE_UP_AFTER:
                row.update(state=AlertDeliveryState.FAILED, finished_at=now, **done)
            else:
                wait = WAITS[min(delivery.attempts, len(WAITS)) - 1]
                row.update(due_at=now + wait, **done)
