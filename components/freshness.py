"""Until when a result counts: for its interval, and not a second longer.

A component's log of statuses has an open end, and the process that would close it may be dead or only
just starting. So an open span is never counted as it stands: where all probes are silent, it ends with
their last result.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from components.models.claims import patience
from components.models.probe import Probe
from components.uptime import Span


def seen_until(probes: Iterable[Probe], now: datetime) -> datetime | None:
    """Until when the last result of silent probes counts; None if any of them is not silent."""
    ends = []
    for probe in probes:
        if not probe.is_silent(now):
            return None
        if (end := probe.holds_until) is not None:
            ends.append(end)
    return max(ends, default=None)


def cut(spans: list[Span], until: datetime | None) -> list[Span]:
    """The same spans; the open one ends at `until`, if anything does."""
    if until is None or not spans or spans[-1].ended_at is not None:
        return spans
    last = spans[-1]
    return [*spans[:-1], Span(last.status, last.started_at, max(last.started_at, until))]


def silent_since(now: datetime) -> dict[int, datetime]:
    """By component id: until when results counted. Only where all probes are silent and decide the status."""
    judged = Probe.objects.filter(is_paused=False, component__manual_status="")
    # mostly none: of thousands of probes only those are read that matter
    silent = judged.filter(heard_s__lte=int(now.timestamp()) - patience()).values_list(
        "component_id", flat=True
    )
    probes: dict[int, list[Probe]] = defaultdict(list)
    columns = ("component_id", "interval_s", "heard_s", "heard_for_s", "confirm_down", "confirm_up",
               "unsteady_count", "unsteady_window")  # fmt: skip
    for probe in judged.filter(component__in=set(silent)).only(*columns):
        probes[probe.component_id].append(probe)
    return {
        pk: until
        for pk, component_probes in probes.items()
        if (until := seen_until(component_probes, now)) is not None
    }
