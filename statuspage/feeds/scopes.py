"""What a feed or calendar covers: the whole page, a group, or a component."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import Http404

from components.models import Component
from incidents.models import Affected, Incident, Maintenance, Postmortem
from statuspage.public import postmortems


@dataclass(frozen=True, slots=True)
class Scope:
    """`path` begins its addresses and `home` is the page it is about; `components` None: the whole page."""

    path: str = ""
    home: str = ""
    name: str = ""
    components: frozenset[int] | None = None

    def incidents(self) -> QuerySet[Incident]:
        """Its public incidents."""
        incidents = Incident.objects.public()
        return incidents if self.components is None else incidents.filter(pk__in=self._affected())

    def works(self) -> QuerySet[Maintenance]:
        """Its maintenance in any state."""
        maintenances = Maintenance.objects.all()
        if self.components is None:
            return maintenances
        places = Maintenance.components.through.objects.filter(component__in=self.components)
        return maintenances.filter(pk__in=places.values("maintenance"))

    def reports(self) -> QuerySet[Postmortem]:
        """Published postmortems, newest first."""
        reports = postmortems.published()
        return reports if self.components is None else reports.filter(incident__in=self._affected())

    def _affected(self) -> QuerySet[Affected, Any]:
        return Affected.objects.filter(component__in=self.components or ()).values("incident")


def component(public_id: str) -> Scope:
    """One component. Raises Http404 unless it is public."""
    for component in _shown().filter(public_id=public_id):
        return Scope(
            component.get_absolute_url(),
            component.get_absolute_url(),
            component.name,
            frozenset({component.pk}),
        )
    raise Http404("Component not found.")


def group(public_id: str) -> Scope:
    """A group. Raises Http404 unless it has a public component."""
    members = list(_shown().filter(group__public_id=public_id).select_related("group"))
    if not members or members[0].group is None:
        raise Http404("Group not found.")
    return Scope(f"/groups/{public_id}", f"/#group-{public_id}", members[0].group.name, _keys(members))


def _shown() -> QuerySet[Component]:
    return Component.objects.filter(is_shown=True)


def _keys(members: Iterable[Component]) -> frozenset[int]:
    return frozenset(component.pk for component in members)
