"""A page with history, written straight into the stage's database."""

from datetime import timedelta

from django.utils import timezone

from components.models import Component, DayTally, Group, Page, Probe, StatusSpan

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
    Page.objects.turn()
