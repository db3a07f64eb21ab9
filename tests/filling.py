"""A year and more of history, written straight into the tables: what a page has to be quick with."""

from datetime import UTC, datetime, timedelta

from components.models import Component, DayTally, HourTally, Page, Probe, StatusSpan
from incidents.models import Affected, Incident, Update
from tests.making import NOW

DAY = timedelta(days=1)


def fill(*, components=3, days=100, incidents=6, hours=0, now=NOW):
    """Components that were well but for an hour of major outage in each incident."""
    Page.objects.this()
    began = now - (days + 5) * DAY
    made = Component.objects.bulk_create(
        Component(name=f"Part {n}", position=n + 1, status="operational", public_id=f"p{n:011d}")
        for n in range(components)
    )
    Component.objects.update(created_at=began)
    Probe.objects.bulk_create(
        Probe(component=one, kind="http", target="http://127.0.0.1/", outcome="up",
              public_id=f"b{n:011d}", heard_s=int(now.timestamp()))
        for n, one in enumerate(made)
    )  # fmt: skip
    StatusSpan.objects.bulk_create(
        StatusSpan(component=one, status="operational", started_at=began) for one in made
    )
    DayTally.objects.bulk_create(
        (DayTally(component=one, day=(now - back * DAY).date(), up_s=86_400)
         for one in made for back in range(1, days + 1)),
        batch_size=2_000,
    )  # fmt: skip
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    HourTally.objects.bulk_create(
        HourTally(component=one, hour=midnight - DAY + n * timedelta(hours=1), up_s=3600, latency={"40": 9})
        for one in made[:2]
        for n in range(hours)
    )
    return list(Component.objects.order_by("position")), [
        past_outage(n, made[n % components], now - (1 + n * days // max(incidents, 1)) * DAY, now)
        for n in range(incidents)
    ]


def past_outage(number, component, at, now=NOW, *, hours=1, title="", status="major_outage", cause=""):
    """An outage that is over, told by three updates, with its tally."""
    end = min(at + timedelta(hours=hours), now)
    incident = Incident.objects.create(
        title=title or f"Outage {number}", phase="resolved", impact="major", is_by_machine=True, cause=cause,
        started_at=at, created_at=at + timedelta(seconds=40), published_at=at + timedelta(minutes=2),
        resolved_at=end,
    )  # fmt: skip
    Affected.objects.create(
        incident=incident, component=component, status="operational", worst_status=status, started_at=at
    )
    Update.objects.bulk_create(
        Update(incident=incident, number=n + 1, kind="post", phase=phase,
               body=f"Word {n} of outage {number}.", at=at + n * timedelta(minutes=2),
               public_id=f"{incident.pk:06d}{n:06d}")
        for n, phase in enumerate(("investigating", "identified", "resolved"))
    )  # fmt: skip
    tally_outage(component, at, end, status)
    return incident


def tally_outage(component, at, end, status):
    field = f"{status.split('_')[0]}_s"
    while at < end:
        until = min(end, datetime(at.year, at.month, at.day, tzinfo=UTC) + DAY)
        seconds = int((until - at).total_seconds())
        for row in DayTally.objects.filter(component=component, day=at.date()):
            setattr(row, field, seconds)
            row.up_s = 86_400 - seconds
            row.save()
        at = until
