"""Fills a benchmark's database with a page and its history."""

from datetime import timedelta

from django.utils import timezone

from components.models import Component, DayTally, Group, HourTally, Page, Probe, StatusSpan
from incidents.models import Affected, Incident, Update

DAYS = 90
PER_GROUP = 20


def fill(count: int) -> None:
    """So many components in groups of 20, each with a probe and 90 days, a bad day here and there."""
    now = timezone.now()
    began = now - timedelta(days=DAYS + 10)
    groups = [
        Group.objects.create(name=f"Group {n + 1}", position=n + 1) for n in range(-(-count // PER_GROUP))
    ]
    components = Component.objects.bulk_create(
        Component(
            name=f"Component {n + 1}",
            description="What customers know it by",
            group=groups[n // PER_GROUP],
            position=n + 1,
            status="operational",
            public_id=f"c{n:011d}",
        )
        for n in range(count)
    )
    Component.objects.update(created_at=began)
    StatusSpan.objects.bulk_create(
        StatusSpan(component=one, status="operational", started_at=began) for one in components
    )
    Probe.objects.bulk_create(
        Probe(
            component=one,
            kind="http",
            target="http://127.0.0.1:9/",
            outcome="up",
            is_paused=False,
            interval_s=3600,
            next_slot=int(now.timestamp()) + 3600,
            heard_s=int(now.timestamp()),
            public_id=f"p{n:011d}",
        )
        for n, one in enumerate(components)
    )
    DayTally.objects.bulk_create(
        (
            DayTally(
                component=one,
                day=(now - timedelta(days=back)).date(),
                **({"up_s": 84_600, "major_s": 1800} if (n * 7 + back) % 45 == 0 else {"up_s": 86_400}),
            )
            for n, one in enumerate(components)
            for back in range(1, DAYS)
        ),
        batch_size=5000,
    )
    Page.objects.bump_version()


def trouble(count: int) -> None:
    """So many open incidents, every fifth only suggested, every third overdue; twelve hours of response times."""
    now = timezone.now()
    components = list(Component.objects.order_by("position"))
    hour = now.replace(minute=0, second=0, microsecond=0)
    HourTally.objects.bulk_create(
        (
            HourTally(component=one, hour=hour - timedelta(hours=back), up_s=3600, latency={"40": 60})
            for one in components
            for back in range(12)
        ),
        batch_size=5000,
    )
    Component.objects.filter(pk__in=[one.pk for one in components[:5]]).update(status="major_outage")
    incidents = Incident.objects.bulk_create(
        Incident(
            title=f"Incident {n + 1}",
            started_at=now - timedelta(minutes=n + 1),
            published_at=None if n % 5 == 0 else now,
            next_update_at=now + timedelta(minutes=-5 if n % 3 == 0 else 30),
            is_by_machine=True,
            public_id=f"i{n:011d}",
        )
        for n in range(count)
    )
    Affected.objects.bulk_create(
        Affected(incident=one, component=components[n % len(components)], status="major_outage")
        for n, one in enumerate(incidents)
    )
    Update.objects.bulk_create(
        Update(
            incident=one, number=1, kind="post", body="It is not responding.", at=now, public_id=f"u{n:011d}"
        )
        for n, one in enumerate(incidents)
    )
    Page.objects.bump_version()
