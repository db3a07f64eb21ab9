"""What the console asks of us: who would be told, how far the telling is, whether it goes well."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Count, Min, Q

from components.models import Component
from components.status import Impact
from incidents.models import Incident, Maintenance, NoticeKind
from incidents.telling import Audience, Health, Progress
from subscribers.channels import Channel
from subscribers.claiming import MAIL_SERVER
from subscribers.models import Delivery, DeliveryState, Host, State, Subscriber

OPEN = (State.ACTIVE,)


class Keeper:
    """Answers `incidents.telling`."""

    def audience(
        self,
        kind: NoticeKind,
        components: Iterable[Component],
        *,
        impact: Impact = Impact.CRITICAL,
        incident: Incident | None = None,
        maintenance: Maintenance | None = None,
    ) -> Audience:
        """Who would be told of this now, by channel, most first."""
        chosen = Subscriber.objects.who(
            kind, [one for one in components if one.is_shown], impact=impact, incident=incident,
            maintenance=maintenance,
        )  # fmt: skip
        rows = chosen.values("channel").annotate(number=Count("pk")).order_by("-number", "channel")
        return Audience(tuple((Channel(row["channel"]).label, row["number"]) for row in rows))

    def progress(self, incident: Incident) -> dict[int, Progress]:
        """By the number of the update."""
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
        """A line for mail, one for webhooks, one for chat, and how long the oldest due message waits (s)."""
        now = datetime.now(UTC)
        rows = (
            Subscriber.objects.filter(state=State.ACTIVE)
            .values("channel")
            .annotate(number=Count("pk"), failing=Count("pk", Q(failing_since__isnull=False)))
        )
        by_channel = {Channel(row["channel"]): (row["number"], row["failing"]) for row in rows}
        oldest = Subscriber.objects.filter(next_at__lte=now).aggregate(oldest=Min("next_at"))["oldest"]
        mail_rests = Host.objects.filter(name=MAIL_SERVER, rests_until__gt=now).exists()
        lines = [_line("Email", by_channel.get(Channel.EMAIL, (0, 0)), is_away=mail_rests)]
        lines.append(_line("Webhooks", by_channel.get(Channel.WEBHOOK, (0, 0))))
        others = [
            numbers
            for channel, numbers in by_channel.items()
            if channel not in (Channel.EMAIL, Channel.WEBHOOK)
        ]
        if others:
            lines.append(_line("Chat and others", (sum(n for n, _ in others), sum(f for _, f in others))))
        waits_s = (now - oldest).total_seconds() if oldest else 0.0
        return Health(tuple(lines), max(0.0, waits_s))


def _line(name: str, numbers: tuple[int, int], *, is_away: bool = False) -> tuple[str, str, bool]:
    number, failing = numbers
    if is_away:
        return name, "the mail server does not answer; trying again", False
    if failing:
        return name, f"{failing} of {number:,} retrying", False
    if name == "Email" and not settings.EMAIL_URL:
        return name, f"{number:,} · written to a folder, no server set", True
    return name, f"{number:,} subscribed" if number else "nobody yet", True
