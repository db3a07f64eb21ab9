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
        """Those that strangers may see."""
        found = Incident.objects.public()
        return found if self.components is None else found.filter(pk__in=self._affected())

    def works(self) -> QuerySet[Maintenance]:
        """Its maintenance, whatever became of it."""
        found = Maintenance.objects.all()
        if self.components is None:
            return found
        places = Maintenance.components.through.objects.filter(component__in=self.components)
        return found.filter(pk__in=places.values("maintenance"))

    def reports(self) -> QuerySet[Postmortem]:
        """Published postmortems, newest first."""
        found = postmortems.published()
        return found if self.components is None else found.filter(incident__in=self._affected())

    def _affected(self) -> QuerySet[Affected, Any]:
        return Affected.objects.filter(component__in=self.components or ()).values("incident")


def component(public_id: str) -> Scope:
    """One component. Raises Http404 unless strangers may see it."""
    for one in _shown().filter(public_id=public_id):
        return Scope(one.get_absolute_url(), one.get_absolute_url(), one.name, frozenset({one.pk}))
    raise Http404("Component not found.")


def group(public_id: str) -> Scope:
    """A group, of which strangers may see a component at least. Raises Http404."""
    members = list(_shown().filter(group__public_id=public_id).select_related("group"))
    if not members or members[0].group is None:
        raise Http404("Group not found.")
    return Scope(f"/groups/{public_id}", f"/#group-{public_id}", members[0].group.name, _keys(members))


def _shown() -> QuerySet[Component]:
    return Component.objects.filter(is_shown=True)


def _keys(members: Iterable[Component]) -> frozenset[int]:
    return frozenset(one.pk for one in members)
