"""Answers for the console: who would be notified, progress of notifying, health of delivery."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet, Value

from components.mixed_rows import Row, Statement, rows
from components.models import Component
from components.status import Impact
from incidents.models import Incident, Maintenance, NoticeKind
from incidents.notification_status import Audience, Failing, Health, Progress
from subscribers.delivery import after_restore
from subscribers.delivery.leases import MAIL_SERVER
from subscribers.models import Delivery, DeliveryState, Host, State, Subscriber
from subscribers.states import Channel


class DeliveryStats:
    """Implements `incidents.notification_status.Answers`."""

    def audience(
        self,
        kind: NoticeKind,
        components: Iterable[Component],
        *,
        impact: Impact = Impact.CRITICAL,
        incident: Incident | None = None,
        maintenance: Maintenance | None = None,
    ) -> Audience:
        """Who would be notified of this now, by channel, most first."""
        shown = [component for component in components if component.is_shown]
        chosen = Subscriber.objects.who(
            kind, shown, impact=impact, incident=incident, maintenance=maintenance
        )
        rows = chosen.values("channel").annotate(number=Count("pk")).order_by("-number", "channel")
        return Audience(tuple((Channel(row["channel"]).label, row["number"]) for row in rows))

    def progress(self, incident: Incident) -> dict[int, Progress]:
        """Progress by number of the update."""
        news = Delivery.objects.filter(notice__incident=incident, notice__kind=NoticeKind.INCIDENT)
        rows = news.values("notice__update__number").annotate(
            sent=Count("pk", Q(state__in=(DeliveryState.SENT, DeliveryState.SUPERSEDED))),
            waiting=Count("pk", Q(state=DeliveryState.OWED, subscriber__failing_since=None)),
            retrying=Count("pk", Q(state=DeliveryState.OWED, subscriber__failing_since__isnull=False)),
            failed=Count("pk", Q(state=DeliveryState.FAILED)),
        )
        return {
            row["notice__update__number"]: Progress(
                row["sent"], row["waiting"], row["retrying"], row["failed"]
            )
            for row in rows
        }

    def health(self, now: datetime) -> Health:
        """Lines for mail, webhooks and chat, what is failing, and the wait of the oldest due message (s)."""
        by_kind = HEALTH.read(now=now)
        numbers = dict.fromkeys(FAMILIES, (0, 0))
        for row in by_kind["channel"]:
            name, before = _family(row.key), numbers[_family(row.key)]
            numbers[name] = (before[0] + (row.a or 0), before[1] + (row.b or 0))
        mail_rests = any(row.key == MAIL_SERVER for row in by_kind["rests"])
        waiting = [row for row in by_kind["channel"] if not (mail_rests and row.key == Channel.EMAIL)]
        lines = [
            _line(name, counts, is_away=mail_rests and name == "Email") for name, counts in numbers.items()
        ]
        first = {row.key: row for row in by_kind["failing"]}
        failing = [_failing(name, number, first.get(name)) for name, (_, number) in numbers.items() if number]
        return Health(tuple(lines), _wait_s([row.at for row in waiting], now), tuple(failing))

    def oldest_due_s(self, now: datetime) -> float:
        """How long (s) the oldest message has been due that only waits for us; 0 if there is none.

        Messages for failing receivers and resting hosts are not counted.
        """
        resting = list(Host.objects.filter(rests_until__gt=now).values_list("name", flat=True))
        waiting = Subscriber.objects.filter(next_at__lte=now, failing_since=None).exclude(host__in=resting)
        if MAIL_SERVER in resting:
            waiting = waiting.exclude(channel=Channel.EMAIL)
        return _wait_s([waiting.aggregate(oldest=Min("next_at"))["oldest"]], now)

    def hold_back(self, now: datetime) -> int:
        """After a restore: do not send what may have been sent after the backup. How many messages."""
        return after_restore.hold_back(now)


NOUNS = {
    "Email": ("email", "email"),
    "Webhooks": ("webhook", "webhooks"),
    "Chat and others": ("chat channel", "chat channels"),
}
FAMILIES: dict[str, list[Channel]] = {
    "Email": [Channel.EMAIL],
    "Webhooks": [Channel.WEBHOOK],
    "Chat and others": [channel for channel in Channel if channel not in (Channel.EMAIL, Channel.WEBHOOK)],
}


def _family(channel: str) -> str:
    return next(name for name, channels in FAMILIES.items() if Channel(channel) in channels)


def _health_parts(now: datetime) -> list[QuerySet[Any, Any]]:
    """Of one statement: each channel, hosts at rest, and of each family the failing one tried next."""
    resting = Host.objects.filter(rests_until__gt=now)
    active, due = Q(state=State.ACTIVE), Q(next_at__lte=now, failing_since=None)
    channels = Subscriber.objects.filter(active | due).order_by().values("channel")
    counted = channels.annotate(
        number=Count("pk", active),
        failing=Count("pk", active & Q(failing_since__isnull=False)),
        oldest=Min("next_at", filter=due & ~Q(host__in=resting.values("name"))),
    )
    return [
        rows("channel", counted, key="channel", a="number", b="failing", at="oldest"),
        rows("rests", resting, key="name"),
        *(_tried_next(name, channels) for name, channels in FAMILIES.items()),
    ]


def _tried_next(family: str, channels: list[Channel]) -> QuerySet[Any, Any]:
    failing = Subscriber.objects.filter(state=State.ACTIVE, failing_since__isnull=False, channel__in=channels)
    first = failing.exclude(next_at=None).order_by("next_at").values("pk")[:1]
    return rows(
        "failing", Subscriber.objects.filter(pk__in=first), key=Value(family), text="last_error", at="next_at"
    )


HEALTH = Statement(_health_parts)


def _wait_s(due: list[datetime | None], now: datetime) -> float:
    """How long (s) the oldest of these has been due; 0 if there is none."""
    oldest = min((at for at in due if at is not None), default=None)
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0


def _failing(name: str, number: int, first: Row | None) -> Failing:
    """What is failing in this family; time and answer are those of the subscriber tried next."""
    words = f"{number:,} {NOUNS[name][number != 1]} retrying"
    return Failing(words, first.at if first else None, first.text if first else "")


def _line(name: str, numbers: tuple[int, int], *, is_away: bool = False) -> tuple[str, str, bool]:
    number, failing = numbers
    if is_away:
        return name, "the mail server is not responding; retrying", False
    if failing:
        return name, f"{failing} of {number:,} retrying", False
    if name == "Email" and not settings.EMAIL_URL:
        return name, f"{number:,} · written to a folder, no mail server set", True
    return name, f"{number:,} subscribed" if number else "no subscribers yet", True
