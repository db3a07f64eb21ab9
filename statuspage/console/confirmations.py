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
    """What is not answered yet: a sentence for the box of each."""
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
    """What would be resolved while our checks say otherwise; what staff set by hand is their word."""
    if form.phase is not Phase.RESOLVED or form.is_past or (form.incident and form.incident.resolved_at):
        return []
    places = [place.component for place in form.places]
    watched = [one for one in _spoken_of(places) if not one.manual_status]
    prefetch_related_objects(watched, "probes")
    return [one.name for one in watched if (seen := one.probed()) and seen.is_trouble]


def _spoken_of(places: Iterable[Component]) -> list[Component]:
    """Hidden ones only where no other is, as in the incident itself."""
    held = list(places)
    return [one for one in held if one.is_shown] or held
