"""Run by an earlier version, in its own folder: fills its database through its own code.

Only names that each of those versions has; tables that came later are filled where they are there.
"""

import importlib
import sys
from datetime import UTC, datetime, time, timedelta

import django

django.setup()

COMPONENTS = 8
SUBSCRIBERS = 12


def outages() -> None:
    """The log that days are counted from: the benchmark's filling writes the days alone."""
    models = importlib.import_module("components.models")
    for bad in models.DayTally.objects.filter(major_s__gt=0).order_by("component", "day"):
        at = datetime.combine(bad.day, time(10), UTC)
        before = models.StatusSpan.objects.get(component=bad.component_id, ended_at=None)
        models.StatusSpan.objects.filter(pk=before.pk).update(ended_at=at)
        end = at + timedelta(seconds=bad.major_s)
        models.StatusSpan.objects.create(
            component=bad.component, status="major_outage", started_at=at, ended_at=end
        )
        models.StatusSpan.objects.create(component=bad.component, status="operational", started_at=end)


def incidents(now: datetime, incident, components) -> None:
    """One of the past with three updates, and one that is open."""
    began = now - timedelta(days=3)
    past = incident.objects.open(
        "Queries time out", "Queries take longer than 15 s.", now=began, components=components[:2]
    )
    past.post("An index was missing.", phase="identified", now=began + timedelta(minutes=20))
    past.post("The index is back.", phase="resolved", now=began + timedelta(minutes=50))
    incident.objects.open(
        "Uploads fail — some of them", "About 1 in 20 uploads fails.", now=now - timedelta(hours=2),
        components=components[2:3],
    )  # fmt: skip


def subscribers(now: datetime) -> None:
    """By mail and by webhook, some of whom have not confirmed."""
    subscriber = importlib.import_module("subscribers.models").Subscriber
    for number in range(SUBSCRIBERS):
        channel, address = "email", f"reader{number}@widgetify.example"
        if number % 3 == 2:
            channel, address = "webhook", f"https://hooks.widgetify.example/{number}"
        subscriber.objects.take_in(channel, address, now, source="staff", agreed=number % 4 != 3)


def maintenance(now: datetime, models, components) -> None:
    begins = now + timedelta(days=2)
    models.Maintenance.objects.plan(
        "Move to the new rack", "Short interruptions.", begins, begins + timedelta(hours=1),
        components=components[:1], now=now,
    )  # fmt: skip


def fill() -> None:
    now = datetime.now(UTC)
    importlib.import_module("benchmarks.filling").fill(COMPONENTS)  # 90 days of each
    outages()
    watched = importlib.import_module("components.models").Component
    components = list(watched.objects.order_by("position", "pk"))
    models = importlib.import_module("incidents.models")
    incidents(now, models.Incident, components)
    if hasattr(models, "Maintenance"):
        maintenance(now, models, components)
    if importlib.util.find_spec("subscribers.models"):
        subscribers(now)


if __name__ == "__main__":
    sys.path.insert(0, ".")
    fill()
