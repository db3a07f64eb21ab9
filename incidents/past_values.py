"""What number probes measured recently, read for a whole batch of checks in one query.

A prober does no database work, so an order that wants its past is given it before it runs.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from operator import or_

from django.db.models import Q

from components.checking import CheckRequest
from components.limits import value_in
from components.models import Check, Probe
from components.probers.base import WantsPast

MAX_ROWS = 100_000  # of a whole batch: more than its probes can have in their windows, unless clocks jump


def with_past(requests: list[CheckRequest], probes: Mapping[int, Probe]) -> list[CheckRequest]:
    """The same requests; those whose orders want it with their past. At most one query."""
    pasts = past_of(requests, probes)
    return [
        replace(request, order=request.order.with_past(pasts[request.claim.probe_id]))
        if request.claim.probe_id in pasts
        else request
        for request in requests
    ]


def past_of(
    requests: list[CheckRequest], probes: Mapping[int, Probe]
) -> dict[int, list[tuple[float, float]]]:
    """By probe id, for those that want it: seconds before its slot (negative) and value, oldest first.

    Checks from before the probe was pointed at what it measures now are not its past.
    """
    first_slots = {
        request.claim.probe_id: _first_slot(request, request.order, probes[request.claim.probe_id])
        for request in requests
        if isinstance(request.order, WantsPast)
    }
    wanted = {probe_id: slot for probe_id, slot in first_slots.items() if slot is not None}
    if not wanted:
        return {}
    values = _values(wanted)
    slots = {request.claim.probe_id: request.claim.slot for request in requests}
    # a clock that was put back left later ones
    return {
        probe_id: [
            (float(at - slots[probe_id]), value) for at, value in values[probe_id] if at < slots[probe_id]
        ]
        for probe_id in wanted
    }


def _first_slot(request: CheckRequest, order: WantsPast, probe: Probe) -> int | None:
    """The first second of the past that it wants; None when it wants none, or has none."""
    past_s = order.past_s(probe.interval_s)
    if not past_s or probe.passed_at is None:
        return None
    return max(request.claim.slot - past_s, int(probe.passed_at.timestamp()))


def _values(first_slots: Mapping[int, int]) -> dict[int, list[tuple[int, float]]]:
    """Slot and value of each probe's checks, oldest first."""
    newest = max(first_slots.values())
    by_length: dict[int, list[int]] = defaultdict(list)
    for probe_id, slot in first_slots.items():
        by_length[(newest - slot).bit_length()].append(probe_id)
    # windows of about one length are asked for together: few alternatives, and at most twice the rows
    asked = reduce(or_, (
        Q(probe__in=ids, slot__gte=min(first_slots[probe_id] for probe_id in ids))
        for ids in by_length.values()
    ))  # fmt: skip
    checks = Check.objects.filter(asked).order_by()  # else SQLite walks the whole table in that order
    by_probe: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for probe_id, slot, facts in checks.values_list("probe_id", "slot", "facts")[:MAX_ROWS]:
        if slot >= first_slots[probe_id] and (value := value_in(facts)) is not None:
            by_probe[probe_id].append((slot, value))
    return {probe_id: sorted(by_probe[probe_id]) for probe_id in first_slots}
