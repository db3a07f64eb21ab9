"""The probes of components that fail, with the flips that say so: read for many components at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from components.models import Component, Flip, Probe
from components.outcomes import Outcome
from components.prepared import ModelQuery
from incidents import staff_questions

BAD = (Outcome.DOWN, Outcome.DEGRADED)
MAX_UNPROVEN = 5
REMEMBERED = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Probes:
    """`falls`: of each component that fails, the newest flip for the worse. `unproven`: never passed."""

    falls: Mapping[int, Flip]
    unproven: Sequence[Probe]


def read_probes(components: Iterable[Component], pks: Iterable[int], now: datetime) -> Probes:
    """Those of these components and of these pks, in two queries.

    Each of the components gets its probes, each probe its newest flip.
    """
    owners: dict[int, list[Component]] = defaultdict(list)  # a component may have been read more than once
    for component in components:
        owners[component.pk].append(component)
    wanted = {*owners, *pks}
    every = PROBES.read(components=wanted, since=now - REMEMBERED)
    falls = _with_flips([probe for probe in every if probe.component_id in wanted])
    for pk, copies in owners.items():
        for component in copies:
            _give(component, [probe for probe in every if probe.component_id == pk])
    unproven = [probe for probe in every if staff_questions.has_never_passed(probe)]
    return Probes(falls, unproven[:MAX_UNPROVEN])


def _probes(components: list[int], since: datetime) -> QuerySet[Probe]:
    asked = staff_questions.never_passing()
    probes = Probe.objects.filter(Q(component__in=components) | Q(pk__in=asked.values("pk")[:MAX_UNPROVEN]))
    flips = Flip.objects.filter(probe=OuterRef("pk")).order_by("-id").values("pk")
    worse = flips.filter(new__in=BAD, at__gte=since)
    return (
        probes.select_related("component")
        .annotate(newest_pk=Subquery(flips[:1]), fall_pk=Subquery(worse[:1]))
        .order_by("id")
    )


PROBES = ModelQuery(_probes)
FLIPS = ModelQuery(lambda ids: Flip.objects.filter(pk__in=ids).order_by())


def _with_flips(probes: Sequence[Probe]) -> dict[int, Flip]:
    """Give each probe its newest flip; the newest flip for the worse of each component that fails."""
    pks = {pk for probe in probes for pk in (probe.newest_pk, probe.fall_pk) if pk}  # type: ignore[attr-defined]
    flips = {flip.pk: flip for flip in FLIPS.read(ids=pks)}
    falls: dict[int, Flip] = {}
    for probe in probes:
        probe.newest_flip = flips.get(probe.newest_pk)  # type: ignore[attr-defined]
        fall = flips.get(probe.fall_pk)  # type: ignore[attr-defined]
        if fall is None or probe.outcome not in BAD:
            continue
        fall.probe = probe
        falls[probe.component_id] = max(fall, falls.get(probe.component_id, fall), key=lambda flip: flip.pk)
    return falls


class _Given(QuerySet[Probe]):
    """All probes of a component, which were read. Any other query of them is a new one."""

    def __init__(self, component: Component, probes: list[Probe]) -> None:
        super().__init__(Probe)
        self.component = component
        self._result_cache: Any = probes
        self._prefetch_done = True

    def _chain(self) -> QuerySet[Probe]:
        return Component(pk=self.component.pk).probes.all()


def _give(component: Component, probes: list[Probe]) -> None:
    """As `prefetch_related("probes")` would, but they come from one query for these and others."""
    component._prefetched_objects_cache = {"probes": _Given(component, probes)}  # type: ignore[attr-defined] # noqa: SLF001
