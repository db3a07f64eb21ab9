"""What the composer asks once before it publishes."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db.models import prefetch_related_objects

from components.models import Component
from incidents import placeholders
from incidents.generated_text import names
from incidents.lifecycle import Phase

if TYPE_CHECKING:
    from statuspage.console.compose import Composition

STILL_DOWN = "Resolve it even though our checks still fail"


def questions(form: "Composition") -> dict[str, str]:
    """The questions that are not confirmed yet: field name to the sentence beside its checkbox."""
    asked, data = {}, form.data
    if form.warning and not data["although_hidden"]:
        asked["although_hidden"] = f"{form.warning} Tick the box below it to continue."
    if form.blanks and not data["although_blank"]:
        asked["although_blank"] = placeholders.question(form.blanks)
    if (down := still_down(form)) and not data["although_down"]:
        asked["although_down"] = (
            f"Our checks still fail for {names(down)}. Keep it open until they pass, "
            f"or tick “{STILL_DOWN}” to resolve it now."
        )
    return asked


def still_down(form: "Composition") -> list[str]:
    """Components that would be resolved while their checks fail, without those with a status set by hand."""
    if form.phase is not Phase.RESOLVED or form.is_past or (form.incident and form.incident.resolved_at):
        return []
    places = [place.component for place in form.places]
    watched = [component for component in _spoken_of(places) if not component.manual_status]
    prefetch_related_objects(watched, "probes")
    return [component.name for component in watched if (probed := component.probed()) and probed.is_trouble]


def _spoken_of(places: Iterable[Component]) -> list[Component]:
    """The public components, or all if all are hidden, as in the incident itself."""
    held = list(places)
    return [component for component in held if component.is_shown] or held
