"""The share of checks that passed, per step, over an incident and ten minutes around it.

Counted in the database, and in steps so wide that the curve never has more
than a few hundred points, whatever the incident's length.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet

from components.models import Check, CheckPack, Probe
from components.outcomes import Outcome
from components.partitions import DAY_S

AROUND_S = 600
STEPS_S = (60, 300, 900, 3600, 14_400, 86_400)
MAX_POINTS = 300


def curve(components: QuerySet[Any, Any], started_at: datetime, ended_at: datetime) -> dict[str, Any]:
    """`start` (seconds since 1970), `step_s`, and `counts`: [passed, all] per step. Empty without checks.

    Counts the probes of those `components` (a query for ids) that show evidence publicly. Checks with an
    unknown outcome are not counted.
    """
    probes = Probe.objects.filter(
        component__in=components,
        component__is_shown=True,
        component__shows_evidence=True,
    )
    interval_s = probes.aggregate(longest=Max("interval_s"))["longest"]
    if interval_s is None:
        return {}
    first, last = int(started_at.timestamp()) - AROUND_S, int(ended_at.timestamp()) + AROUND_S
    step_s = _step(last - first, interval_s)
    by_step = _counted(list(probes.values_list("pk", flat=True)), first, last, step_s)
    if not by_step:
        return {}
    start = first // step_s
    if max(by_step) - start > MAX_POINTS:  # its start was set long before the first check that is kept
        start = min(by_step)
    counts = [by_step.get(step, [0, 0]) for step in range(start, max(by_step) + 1)]
    return {"start": start * step_s, "step_s": step_s, "counts": counts}


def _counted(probes: list[int], first: int, last: int, step_s: int) -> dict[int, list[int]]:
    """[passed, all] by step. A day that is packed is counted from its pack, and not again from rows."""
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    packed_days = set()
    for pack in CheckPack.objects.touching(probes, first, last).iterator(chunk_size=100):
        packed_days.add((pack.probe_id, pack.day))
        for slot, outcome in pack.rows(("slot", "outcome")):
            if first <= slot < last and outcome != Outcome.UNKNOWN:
                counts[slot // step_s][0] += outcome == Outcome.UP
                counts[slot // step_s][1] += 1
    rows = (
        Check.objects.filter(probe__in=probes, slot__gte=first, slot__lt=last)
        .exclude(outcome=Outcome.UNKNOWN)
        .order_by()
        .annotate(step=F("slot") / step_s, day=F("slot") / DAY_S)
        .values_list("probe_id", "day", "step")
        .annotate(well=Count("slot", filter=Q(outcome=Outcome.UP)), seen=Count("slot"))
    )
    for probe_id, day, step, well, seen in rows:
        if (probe_id, day) not in packed_days:
            counts[step][0] += well
            counts[step][1] += seen
    return counts


def _step(seconds: int, interval_s: int) -> int:
    """A minute if that gives each point a check and not too many points, else more."""
    fit = (step for step in STEPS_S if step >= interval_s and seconds / step <= MAX_POINTS)
    return next(fit, STEPS_S[-1])
