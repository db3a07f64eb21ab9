"""Text templates, with the placeholders filled that the system knows."""

from collections.abc import Iterable
from datetime import datetime

from components import identity
from components.models import Component
from components.status import Status
from incidents import placeholders
from incidents.generated_text import duration, names, verbs
from incidents.lifecycle import Phase
from incidents.models import Incident, Template, TemplateKind, recovery
from incidents.span import lasted
from incidents.times import clock
from statuspage.console.compose import Composition


def templates(incident: Incident | None) -> Iterable[Template]:
    """The texts that fit here; those of the phase that comes next stand first."""
    kind = TemplateKind.INCIDENT if incident is None else TemplateKind.UPDATE
    return Template.objects.filter(kind=kind)


def fill(form: Composition, template: Template, now: datetime) -> None:
    """Insert a template's text, below what was typed already."""
    values = facts(form, template, now)
    body = placeholders.fill(template.body, values)
    typed = form.data["body"].strip()
    untouched = not typed or typed == form.data["filled"].strip()
    form.data["body"] = body if untouched else f"{typed}\n\n{body}"
    form.data["filled"] = body if untouched else ""
    if values["next"] and values["next"] in body:
        form.data["told"] = values["next"]
    if template.phase:
        form.data["phase"] = template.phase
    if template.title and not form.data["title"].strip():
        form.data["title"] = placeholders.fill(template.title, values)


def facts(form: Composition, template: Template, now: datetime) -> dict[str, str]:
    """The values of the placeholders that the system knows."""
    phase = template.phase or form.phase
    promised = None if phase == Phase.RESOLVED else form.promised_at(now)
    affected = [place.component.name for place in form.places]
    values = {
        "components": names(affected),
        **verbs(affected),
        "page": identity.current().name,
        "now": clock(now, now),
        "next": clock(promised, now) if promised else "",
        "what works": names(_working_beside(form)),
    }
    if form.incident is not None:
        began = form.incident.started_at
        end = _end(form.incident, phase, now)
        values |= {
            "now": clock(end, now),
            "started": clock(began, now),
            "duration": duration(lasted(began, end, now).total_seconds()),
            "title": form.incident.title,
        }
    return values


def _end(incident: Incident, phase: str, now: datetime) -> datetime:
    """The value of {now}: in a text about the recovery, the time of recovery as the page counts it."""
    if phase not in (Phase.MONITORING, Phase.RESOLVED):
        return now
    return incident.ended_at or recovery.recovered_at(incident) or now


def _working_beside(form: Composition) -> list[str]:
    """Components of the same groups that are known to work."""
    groups = {place.component.group_id for place in form.places if place.component.group_id}
    chosen = [place.component.pk for place in form.places]
    beside = Component.objects.filter(group__in=groups, is_shown=True, status=Status.OPERATIONAL)
    return list(beside.exclude(pk__in=chosen).values_list("name", flat=True)[:3])
