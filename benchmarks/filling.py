"""Fills a benchmark's database with a page and its history."""

from datetime import timedelta

from django.utils import timezone

from components.models import Component, DayTally, Group, HourTally, Page, Probe, StatusSpan
from incidents.models import Affected, Incident, Update

DAYS = 90
PER_GROUP = 20
BODY = "It is not responding."  # of the only update of an incident


def fill(count: int) -> None:
    """Add components in groups of 20, each with a probe and 90 days, some of them with an outage."""
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
        StatusSpan(component=component, status="operational", started_at=began) for component in components
    )
    Probe.objects.bulk_create(
        Probe(
            component=component,
            kind="http",
            target="http://127.0.0.1:9/",
            outcome="up",
            is_paused=False,
            interval_s=3600,
            next_slot=int(now.timestamp()) + 3600,
            heard_s=int(now.timestamp()),
            public_id=f"p{n:011d}",
        )
        for n, component in enumerate(components)
    )
    DayTally.objects.bulk_create(
        (
            DayTally(
                component=component,
                day=(now - timedelta(days=back)).date(),
                **({"up_s": 84_600, "major_s": 1800} if (n * 7 + back) % 45 == 0 else {"up_s": 86_400}),
            )
            for n, component in enumerate(components)
            for back in range(1, DAYS)
        ),
        batch_size=5000,
    )
    Page.objects.bump_version()


def add_incidents(count: int) -> None:
    """Add open incidents, every fifth a suggestion, every third overdue; and twelve hours of response times."""
    now = timezone.now()
    components = list(Component.objects.order_by("position"))
    hour = now.replace(minute=0, second=0, microsecond=0)
    HourTally.objects.bulk_create(
        (
            HourTally(component=component, hour=hour - timedelta(hours=back), up_s=3600, latency={"40": 60})
            for component in components
            for back in range(12)
        ),
        batch_size=5000,
    )
    Component.objects.filter(pk__in=[component.pk for component in components[:5]]).update(
        status="major_outage"
    )
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
        Affected(incident=incident, component=components[n % len(components)], status="major_outage")
        for n, incident in enumerate(incidents)
    )
    Update.objects.bulk_create(
        Update(incident=incident, number=1, kind="post", body=BODY, at=now, public_id=f"u{n:011d}")
        for n, incident in enumerate(incidents)
    )
    Page.objects.bump_version()
