"""What number probes measured recently, read for a whole batch of checks in a query or two.

A prober does no database work, so an order that wants its past is given it before it runs.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, reduce
from operator import or_

from django.db.models import Q

from components.checking import CheckRequest
from components.limits import value_in
from components.models import Check, CheckPack, Probe
from components.models.check import KEY, MAX_SLOT
from components.packing import DAYS_AS_ROWS
from components.partitions import DAY_S
from components.probers.base import WantsPast

MAX_ROWS = 100_000  # of a whole batch: more than its probes can have in their windows, unless clocks jump
MAX_PACKS = 500  # whose values a process remembers

Packed = tuple[tuple[tuple[int, str], float], ...]  # slot and region, and the value


def with_past(requests: list[CheckRequest], probes: Mapping[int, Probe]) -> list[CheckRequest]:
    """The same requests; those whose orders want it with their past. At most two queries."""
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
    slots = {request.claim.probe_id: request.claim.slot for request in requests}
    values = _values(wanted, max(slots.values()))
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


def _values(first_slots: Mapping[int, int], now: int) -> dict[int, list[tuple[int, float]]]:
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
    by_probe: dict[int, dict[tuple[int, str], float]] = defaultdict(dict)
    for probe_id, slot, region, facts in checks.values_list("probe_id", *KEY, "facts")[:MAX_ROWS]:
        if slot >= first_slots[probe_id] and (value := value_in(facts)) is not None:
            by_probe[probe_id][slot, region] = value
    is_long = min(first_slots.values()) < (now // DAY_S - DAYS_AS_ROWS) * DAY_S
    for probe_id, packed in _packed(first_slots) if is_long else ():
        by_probe[probe_id] |= {key: value for key, value in packed if key[0] >= first_slots[probe_id]}
    return {
        probe_id: sorted((slot, value) for (slot, _), value in by_probe[probe_id].items())
        for probe_id in first_slots
    }


def _packed(first_slots: Mapping[int, int]) -> Iterator[tuple[int, Packed]]:
    """Of each probe, what its packs hold of these seconds and somewhat before."""
    packs = CheckPack.objects.touching(first_slots, min(first_slots.values()), MAX_SLOT)
    for pack in packs.defer("data"):
        if (pack.day + 1) * DAY_S > first_slots[pack.probe_id]:
            yield pack.probe_id, _values_of(pack.pk, pack.count)


@lru_cache(maxsize=MAX_PACKS)
def _values_of(pack_id: int, count: int) -> Packed:
    """The values of a pack, which every check asks for anew. A pack that grew has another `count`."""
    pack = CheckPack.objects.filter(pk=pack_id, count=count).first()
    rows = () if pack is None else pack.rows((*KEY, "facts"))
    values = (((slot, region), value_in(facts)) for slot, region, facts in rows)
    return tuple((key, value) for key, value in values if value is not None)
