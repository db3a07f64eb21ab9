"""Components that answered slower in the last full hour than they usually do at this hour of the week."""

from collections import defaultdict
from datetime import datetime, timedelta

from components.anomaly import MAX_WEEKS, Slowdown, slower
from components.models import Component, HourTally

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
READY = timedelta(minutes=10)  # after its end, an hour's response times are counted

_known: dict[datetime, dict[int, Slowdown]] = {}  # of one hour, by component: it is asked every few seconds


def slow_components(now: datetime) -> list[tuple[Component, Slowdown]]:
    """Each with how slow it was, in the order of the page, as it is called now.

    How slow is computed once an hour in each process.
    """
    hour = (now - READY).replace(minute=0, second=0, microsecond=0) - HOUR
    if hour not in _known:
        found = _slow_in(hour)
        _known.clear()
        _known[hour] = found
    slow = _known[hour]
    return [(component, slow[component.pk]) for component in Component.objects.filter(pk__in=slow)]


def _slow_in(hour: datetime) -> dict[int, Slowdown]:
    hours = [hour - week * WEEK for week in range(MAX_WEEKS + 1)]
    histograms: dict[int, dict[datetime, dict[str, int]]] = defaultdict(dict)
    rows = HourTally.objects.filter(hour__in=hours).exclude(latency={})
    for component_id, at, latency in rows.values_list("component_id", "hour", "latency"):
        histograms[component_id][at] = latency
    return {
        component_id: slowdown
        for component_id, by_hour in histograms.items()
        if (slowdown := slower(by_hour.pop(hour, {}), list(by_hour.values()))) is not None
    }
