"""Opens alerts, sends reminders and closes those that are over. Running it twice changes nothing."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from subscribers.alerts.kinds import KINDS
from subscribers.alerts.owed import Kind, Owed, World
from subscribers.models import Alert, AlertChannel, AlertDelivery, AlertDeliveryState, Sorter
from subscribers.models.alert import Step

log = logging.getLogger(__name__)
LOCK = 3  # the row of Sorter that is locked while alerts are written
KEEP = timedelta(days=30)
Key = tuple[str, str]


class Book:
    """Since when this process has seen a change; the rows are shared by all."""

    def __init__(self) -> None:
        # since when this process sees a state that differs from the rows
        self.since: dict[Key, datetime] = {}

    def write(self, world: World) -> None:
        """Update the rows to the present findings. Raises DatabaseError."""
        current = {(name, owed.subject): owed for name, kind in KINDS.items() for owed in kind.find(world)}
        opened = {
            (alert.kind, alert.subject): alert
            for alert in Alert.objects.filter(closed_at=None)
            if world.may_judge(alert.subject)
        }
        new = self._held({key for key in current if key not in opened}, world.now)
        over = self._held({key for key in opened if key not in current}, world.now)
        due = [key for key in current if key in opened and _is_due(opened[key], world.now)]
        worse = [
            key for key in current if key in opened and (current[key].rank or 0) > (opened[key].rank or 0)
        ]
        waits = {key for key in self.since if (key in current) != (key in opened)} - {*new, *over}
        self.since = {key: self.since[key] for key in waits}
        if not (new or over or due or worse):
            return
        with transaction.atomic():
            Sorter.objects.get_or_create(pk=LOCK)
            Sorter.objects.select_for_update().get(pk=LOCK)
            for key in over:
                close(opened[key], world.now)
            for key in new:
                open_alert(key[0], current[key], world.now)
            for key in worse:
                _worsen(opened[key], current[key], world.now)
            for key in due:
                _remind(opened[key], current[key], world.now)

    def _held(self, keys: set[Key], now: datetime) -> list[Key]:
        """The keys that have differed from the rows for their kind's `hold_s`."""
        for key in keys:
            self.since.setdefault(key, now)
        return sorted(key for key in keys if (now - self.since[key]).total_seconds() >= _kind(key[0]).hold_s)


def open_alert(kind: str, owed: Owed, now: datetime) -> Alert | None:
    """Create the alert and its deliveries; None if another process did."""
    alert, is_new = Alert.objects.get_or_create(
        kind=kind, subject=owed.subject, closed_at=None,
        defaults={"title": owed.title[:300], "url": owed.url[:300], "back": owed.back[:300],
                  "opened_at": now, "rank": owed.rank},
    )  # fmt: skip
    if not is_new:
        return None
    log.warning("alert.opened kind=%s subject=%s title=%s", kind, owed.subject, owed.title)
    _owe(alert, Step.OPENED.value, _whom(alert, owed), _words(alert, owed), now)
    return alert


def close(alert: Alert, now: datetime) -> None:
    """Close an alert: cancel unsent messages, and notify those who got one that it is over."""
    if not Alert.objects.filter(pk=alert.pk, closed_at=None).update(closed_at=now):
        return
    over = _kind(alert.kind).over
    back = over(alert.subject)[:300] if over else alert.back
    log.warning("alert.closed kind=%s subject=%s title=%s", alert.kind, alert.subject, back or alert.title)
    waiting = Q(state=AlertDeliveryState.OWED) & (Q(lease_until=None) | Q(lease_until__lte=now))
    alert.deliveries.filter(waiting).update(state=AlertDeliveryState.CANCELLED, finished_at=now)
    if back:
        on_its_way = (AlertDeliveryState.SENT, AlertDeliveryState.OWED)
        channels = AlertChannel.objects.filter(
            deliveries__alert=alert, deliveries__state__in=on_its_way
        ).distinct()
        _owe(alert, Step.CLOSED.value, channels, _words(alert, Owed(alert.subject, back, url=alert.url)), now)


def forget_old(now: datetime) -> None:
    """Delete alerts closed more than KEEP ago."""
    Alert.objects.filter(closed_at__lt=now - KEEP).delete()


def _is_due(alert: Alert, now: datetime) -> bool:
    """Whether the next reminder is due."""
    kind, number = _kind(alert.kind), alert.reminders
    if number < len(kind.reminders):
        return now >= alert.opened_at + kind.reminders[number]
    if kind.repeat is None:
        return False
    last = kind.reminders[-1] if kind.reminders else timedelta(0)
    return now >= alert.opened_at + last + kind.repeat * (number - len(kind.reminders) + 1)


def _remind(alert: Alert, owed: Owed, now: datetime) -> None:
    number = alert.reminders
    while _is_due(alert, now):  # after a pause: one reminder, not all that were missed
        alert.reminders += 1
    if not Alert.objects.filter(pk=alert.pk, closed_at=None, reminders=number).update(
        reminders=alert.reminders
    ):
        return
    channels = _whom(alert, owed)
    again = Owed(owed.subject, f"Still: {owed.title}", owed.body, owed.url)
    _owe(alert, f"reminder {alert.reminders}", channels, _words(alert, again), now)


def _worsen(alert: Alert, owed: Owed, now: datetime) -> None:
    """Notify channels whose minimum impact is now reached; others are not notified again."""
    if Alert.objects.filter(pk=alert.pk, closed_at=None, rank=alert.rank).update(rank=owed.rank):
        _owe(alert, Step.OPENED.value, _whom(alert, owed), _words(alert, owed), now)


def _whom(alert: Alert, owed: Owed) -> Any:
    """The channels that want this kind of alert at this impact."""
    wanted = AlertChannel.objects.for_group(_kind(alert.kind).group)
    return wanted if owed.rank is None else wanted.filter(least_impact__lte=owed.rank)


def _owe(alert: Alert, step: str, channels: Any, message: dict[str, Any], now: datetime) -> None:
    rows = [
        AlertDelivery(
            alert=alert, channel=channel, step=step, created_at=now, due_at=now,
            message={**message, "is_back": step == Step.CLOSED},
        )
        for channel in channels
    ]  # fmt: skip
    AlertDelivery.objects.bulk_create(rows, ignore_conflicts=True)


def _words(alert: Alert, owed: Owed) -> dict[str, Any]:
    return {"title": owed.title, "body": owed.body, "url": owed.url, "tag": f"alert:{alert.pk}"}


def _kind(name: str) -> Kind:
    """The kind of this name; for one of a newer version, a kind that finds nothing, so it is closed."""
    return KINDS.get(name) or Kind("system", lambda _: ())
