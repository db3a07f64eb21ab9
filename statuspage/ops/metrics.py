"""The health of this program for Prometheus (text format 0.0.4), from the same checks as /healthz.

Times and counts only: no name, address or target of anything, but the roles of our own processes.
"""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db import DatabaseError
from django.db.models import Count
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from components import loops
from components.models import Check, Heartbeat, Probe
from components.outcomes import Outcome
from components.status import Impact
from incidents.models import Incident
from statuspage.ops.vitals import FAIL, PASS, WARN, vitals
from statuspage.serving import event_stream
from statuspage.serving.disk_copies import renders_here

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LEVELS = {PASS: 0, WARN: 1, FAIL: 2}
LATELY_S = 300


class Collector:
    """Gathers everything once, as of `now`."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[Metric]:
        """The families; those that need the database are left out while it is away."""
        yield from of_checks(self.now)
        with contextlib.suppress(DatabaseError):  # statuspage_check says so
            yield from list(self._of_rows())
        yield from of_process()

    def _of_rows(self) -> Iterator[Metric]:
        yield of_heartbeats(self.now)
        since = int(self.now.timestamp()) - LATELY_S
        probes = Probe.objects.filter(is_paused=False).order_by().values_list("outcome")
        yield counted(
            "statuspage_probes", "Probes by their current outcome.", "outcome", Outcome,
            probes.annotate(Count("pk")),
        )  # fmt: skip
        checks = Check.objects.filter(slot__gt=since).order_by().values_list("outcome")
        yield counted(
            "statuspage_checks_5m", "Checks of the last five minutes by outcome.", "outcome", Outcome,
            checks.annotate(Count("pk")),
        )  # fmt: skip
        opened = Incident.objects.public().filter(resolved_at=None)
        impacts: dict[str, int] = {}
        for incident in opened:
            impacts[incident.shown_impact] = impacts.get(incident.shown_impact, 0) + 1
        yield counted(
            "statuspage_incidents_open", "Open public incidents by impact.", "impact", Impact,
            impacts.items(),
        )  # fmt: skip


def of_checks(now: datetime) -> Iterator[Metric]:
    """What /healthz says: the state of each check, and what it observed."""
    body, _ = vitals(now)
    state = GaugeMetricFamily(
        "statuspage_check", "A check of /healthz: 0 passes, 1 warns, 2 fails.", labels=["check"]
    )
    seconds = GaugeMetricFamily(
        "statuspage_check_observed_seconds", "What a check of /healthz observed: an age or a time taken.",
        labels=["check"],
    )  # fmt: skip
    for name, (check,) in body["checks"].items():
        state.add_metric([name], LEVELS[check["status"]])
        if "observedValue" in check:
            scale = 1000 if check["observedUnit"] == "ms" else 1
            seconds.add_metric([name], check["observedValue"] / scale)
    yield GaugeMetricFamily(
        "statuspage_healthy", "1 while /healthz answers 200.", value=int(body["status"] != FAIL)
    )
    yield state
    yield seconds


def of_heartbeats(now: datetime) -> Metric:
    """The age of each heartbeat; negative for one from the future. Processes are numbered, not named."""
    ages = GaugeMetricFamily(
        "statuspage_heartbeat_age_seconds", "Age of the heartbeat of each process.",
        labels=["role", "process"],
    )  # fmt: skip
    rows = Heartbeat.objects.filter(role__in=list(loops.LOOPS)).order_by("role", "pk")
    numbers: dict[str, int] = {}
    for row in rows:
        numbers[row.role] = numbers.get(row.role, 0) + 1
        ages.add_metric([row.role, str(numbers[row.role])], (now - row.at).total_seconds())
    return ages


def counted(
    name: str, help_text: str, label: str, every: Iterable[str], rows: Iterable[tuple[str, int]]
) -> Metric:
    """A gauge with each of the label's values, those that no row has as 0."""
    gauge = GaugeMetricFamily(name, help_text, labels=[label])
    counts = dict(rows)
    for value in every:
        gauge.add_metric([str(value)], counts.get(str(value), 0))
    return gauge


def of_process() -> Iterator[Metric]:
    """What only this web process knows: its renderings and its open streams."""
    if (renders := renders_here()) is not None:
        documents = CounterMetricFamily(
            "statuspage_renders", "Documents rendered by this process since its start.", labels=["result"]
        )
        for result, count in renders.renders.items():
            documents.add_metric([result], count)
        yield documents
        yield GaugeMetricFamily(
            "statuspage_rendered_timestamp_seconds", "When all documents of this process were last current.",
            value=renders.rendered_at,
        )  # fmt: skip
    yield GaugeMetricFamily(
        "statuspage_streams",
        "Open pages that get live updates from this process.",
        value=event_stream.viewers(),
    )


def text(now: datetime) -> bytes:
    """All of it as Prometheus reads it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(now))
    return bytes(generate_latest(registry))
