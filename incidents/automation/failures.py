"""Which components fail, as their probes report, and what works beside them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models

from components.models import Component, Flip, Probe
from components.status import Status
from incidents.models import Affected

# Of rows of incidents: those that are open for their component
OPEN = models.Q(
    continued_in=None,
    incident__resolved_at=None,
    incident__deleted_at=None,
    incident__merged_into=None,
)


@dataclass(frozen=True, slots=True)
class Failed:
    """A component whose failure is confirmed: the flip that says so, and what it was before."""

    component: Component
    flip: Flip
    old: Status

    @property
    def new(self) -> Status:
        """Its present status."""
        return Status(self.component.status)


def working_in_groups(components: Iterable[Component]) -> dict[int, list[str]]:
    """Names of the shown components that are operational, by group, for the groups of these."""
    groups = {component.group_id for component in components} - {None}
    names: dict[int, list[str]] = defaultdict(list)
    if groups:
        beside = Component.objects.filter(group__in=groups, is_shown=True, status=Status.OPERATIONAL)
        for group_id, name in beside.values_list("group_id", "name"):
            names[group_id].append(name)
    return names


def last_known(component: Component) -> Status:
    """Its last status before the present one that was not unknown; unknown if there is none."""
    span = component.spans.exclude(ended_at=None).exclude(status=Status.UNKNOWN).order_by("-pk").first()
    return Status(span.status) if span else Status.UNKNOWN


def last_fall(component: Component) -> Flip | None:
    """The newest flip of its probes that fail now; None when none does."""
    flips = [flip for probe in component.failing_probes() if (flip := newest_flip_of(probe))]
    return max(flips, key=lambda flip: flip.at, default=None)


def newest_flip_of(probe: Probe) -> Flip | None:
    """Its newest flip: `newest_flip`, where whoever read the probe has set that, too."""
    return probe.newest_flip if hasattr(probe, "newest_flip") else probe.flips.last()


def newest_flip(component: Component) -> Flip:
    """The newest flip of its probes. Raises Flip.DoesNotExist."""
    newest: Flip = Flip.objects.filter(probe__component=component).latest("id")
    return newest


def failure(components: Iterable[Component]) -> str:
    """Their common failure; empty if they fail differently."""
    failures = {flip.failure for component in components if (flip := last_fall(component))}
    return failures.pop() if len(failures) == 1 else ""


def open_places(component: Component) -> models.QuerySet[Affected]:
    """The component's rows in the incidents that are open for it; automatic ones first."""
    places: models.QuerySet[Affected] = component.affected.filter(OPEN)
    return places.select_related("incident").order_by("-is_auto_open", "-id")


def shown_before(component: Component) -> Status:
    """The status that its present one replaced; unknown if there was none."""
    span = component.spans.exclude(ended_at=None).order_by("-pk").first()
    return Status(span.status) if span else Status.UNKNOWN


def is_worked_on(component: Component) -> bool:
    """Whether planned work is under way on it: its failures are judged when the work ends."""
    is_under_way: bool = component.maintenances.filter(state__in=("in_progress", "verifying")).exists()
    return is_under_way
