"""Answers for the console: who would be notified, progress of notifying, health of delivery."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Count, Min, Q

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

    def health(self) -> Health:
        """Lines for mail, webhooks and chat, what is failing, and the wait of the oldest due message (s)."""
        now = datetime.now(UTC)
        rows = (
            Subscriber.objects.filter(state=State.ACTIVE)
            .values("channel")
            .annotate(number=Count("pk"), failing=Count("pk", Q(failing_since__isnull=False)))
            .order_by()
        )
        numbers = dict.fromkeys(("Email", "Webhooks", "Chat and others"), (0, 0))
        for row in rows:
            name, before = _kind(row["channel"]), numbers[_kind(row["channel"])]
            numbers[name] = (before[0] + row["number"], before[1] + row["failing"])
        mail_rests = Host.objects.filter(name=MAIL_SERVER, rests_until__gt=now).exists()
        lines = [
            _line(name, counts, is_away=mail_rests and name == "Email") for name, counts in numbers.items()
        ]
        failing = [_failing(name, number) for name, (_, number) in numbers.items() if number]
        return Health(tuple(lines), self.oldest_due_s(now), tuple(failing))

    def oldest_due_s(self, now: datetime) -> float:
        """How long (s) the oldest message has been due that only waits for us; 0 if there is none.

        Messages for failing receivers and resting hosts are not counted.
        """
        resting = list(Host.objects.filter(rests_until__gt=now).values_list("name", flat=True))
        waiting = Subscriber.objects.filter(next_at__lte=now, failing_since=None).exclude(host__in=resting)
        if MAIL_SERVER in resting:
            waiting = waiting.exclude(channel=Channel.EMAIL)
        oldest = waiting.aggregate(oldest=Min("next_at"))["oldest"]
        return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0

    def hold_back(self, now: datetime) -> int:
        """After a restore: do not send what may have been sent after the backup. How many messages."""
        return after_restore.hold_back(now)


def _kind(channel: str) -> str:
    return {Channel.EMAIL: "Email", Channel.WEBHOOK: "Webhooks"}.get(Channel(channel), "Chat and others")


NOUNS = {
    "Email": ("email", "email"),
    "Webhooks": ("webhook", "webhooks"),
    "Chat and others": ("chat channel", "chat channels"),
}


def _failing(name: str, number: int) -> Failing:
    """What is failing in this group; time and answer are those of the subscriber tried next."""
    failing = Subscriber.objects.filter(state=State.ACTIVE, failing_since__isnull=False)
    channels = [channel for channel in Channel if _kind(channel) == name]
    first = failing.filter(channel__in=channels).exclude(next_at=None).order_by("next_at").first()
    words = f"{number:,} {NOUNS[name][number != 1]} retrying"
    return Failing(words, first.next_at if first else None, first.last_error if first else "")


def _line(name: str, numbers: tuple[int, int], *, is_away: bool = False) -> tuple[str, str, bool]:
    number, failing = numbers
    if is_away:
        return name, "the mail server is not responding; retrying", False
    if failing:
        return name, f"{failing} of {number:,} retrying", False
    if name == "Email" and not settings.EMAIL_URL:
        return name, f"{number:,} · written to a folder, no mail server set", True
    return name, f"{number:,} subscribed" if number else "no subscribers yet", True
