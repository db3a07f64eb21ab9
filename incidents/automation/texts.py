"""The text of automatic updates and titles, from the rows of an incident (`incidents.generated_text`)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from components.models import Component, Flip
from components.status import Status
from incidents import generated_text, likely_cause
from incidents.automation.failures import failure, last_fall, working_in_groups
from incidents.models import Affected, Incident
from incidents.models.incident import shown_or_all
from incidents.steps import Step
from incidents.times import near

# When the next update is promised: soon at first, later in a long incident.
# Each promised update without news moves one step on; any change starts again at the first.
PROMISES = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(hours=4))


def draft(incident: Incident, now: datetime, until: datetime | None = None) -> str:
    """The first update as it would read now, offered to staff as a starting point.

    `until`: the time of the promised next update, if chosen already.
    """
    return drafts([incident], now, until)[incident.pk]


def drafts(incidents: Sequence[Incident], now: datetime, until: datetime | None = None) -> dict[int, str]:
    """The same for several, by id. What they are made of is read at once, but for probes that fail."""
    rows: dict[int, list[Affected]] = {incident.pk: [] for incident in incidents}
    affected = Affected.objects.filter(incident__in=rows, continued_in=None).select_related("component")
    for row in affected.prefetch_related("component__probes"):
        rows[row.incident_id].append(row)
    working = working_in_groups(row.component for places in rows.values() for row in places)
    return drafts_of(incidents, rows, working, now, until)


def drafts_of(
    incidents: Iterable[Incident],
    rows: Mapping[int, list[Affected]],
    working: Mapping[int, list[str]],
    now: datetime,
    until: datetime | None = None,
) -> dict[int, str]:
    """The same where the caller has read what they are made of.

    `rows`: by incident, in order, those that are not continued elsewhere, with component and its probes.
    `working`: `working_in_groups` of their components.
    """
    return {
        incident.pk: _draft(incident, shown_or_all(rows[incident.pk]), working, now, until)
        for incident in incidents
    }


def _draft(
    incident: Incident,
    rows: list[Affected],
    working: Mapping[int, list[str]],
    now: datetime,
    until: datetime | None,
) -> str:
    names = [row.component.name for row in rows]
    if incident.recovered_since is not None:
        return near(end_in_words(incident, incident.recovered_since, now, names), now)
    if incident.unwatched_at is not None:
        return generated_text.unwatched(names)
    text = opening_text(incident, _failing(rows), until or now + PROMISES[0], working=working, to_staff=True)
    return near(text, now)


def end_in_words(
    incident: Incident, until: datetime, now: datetime, names: Sequence[str] | None = None
) -> str:
    """The resolving update: when it started and ended, and how long it lasted in all.

    `names`: `Incident.names`, where the caller has read them.
    """
    length, is_broken = generated_text.duration(incident.lasted(now).total_seconds()), incident.well_s > 0
    names = incident.names() if names is None else names
    return generated_text.resolved(
        names, since=incident.started_at, until=until, length=length, is_broken=is_broken
    )


def retitle(incident: Incident, of: Sequence[str], cause: str) -> None:
    """Name these components in the title, unless staff wrote it. The caller saves."""
    if generated_text.is_ours(incident.title, incident.names()):
        incident.title = generated_text.title(of, cause)


def in_trouble(incident: Incident) -> list[Component]:
    """The named components (`Incident.spoken_of`) with a problem now; all of them when none has one."""
    return _failing(incident.spoken_of())


def _failing(rows: Sequence[Affected]) -> list[Component]:
    return [row.component for row in rows if Status(row.status).is_trouble] or [r.component for r in rows]


def opening_text(
    incident: Incident,
    failing: Sequence[Component],
    until: datetime,
    *,
    working: Mapping[int, list[str]] | None = None,
    to_staff: bool = False,
) -> str:
    """The first update. `to_staff`: a draft, which may name a cause that is not shown to the public.

    `working`: `working_in_groups` of these, where the caller has read it.
    """
    if working is None:
        working = working_in_groups(failing)
    groups = {component.group_id for component in failing if component.group_id is not None}
    beside = {name for group_id in groups for name in working.get(group_id, ())}
    return generated_text.opened(
        [component.name for component in failing],
        failure(failing),
        working=sorted(beside - {component.name for component in failing}),
        since=incident.started_at,
        until=until,
        cause=likely_cause.in_words(failing, to_staff=to_staff),
    )


def text_of(incident: Incident, step: Step, changed: Sequence[Component], flip: Flip, now: datetime) -> str:
    """The text of a change, for one component or for all that an update names."""
    names = [component.name for component in changed]
    if step is Step.RECOVERED:
        return generated_text.recovered(
            incident.names(), since=incident.recovered_since or now, until=incident.settle_at
        )
    if step is Step.ALSO:
        return generated_text.also(names, failure(changed), since=_fell_at(incident, changed, flip.at))
    if step is Step.AGAIN:
        return generated_text.again(names, since=_fell_at(incident, changed, flip.at))
    status = Status(changed[-1].status)
    if step is Step.WORSE:
        return generated_text.worse(names[-1], status.label, since=flip.at)
    still_affected = [name for name in incident.troubled() if name not in names]
    if status is Status.OPERATIONAL:
        return generated_text.partly_recovered(names, since=flip.at, still_affected=still_affected)
    return generated_text.better(names[-1], status.label, since=flip.at, still_affected=still_affected)


def _fell_at(incident: Incident, components: Iterable[Component], at: datetime) -> datetime:
    """When the first of them began to fail, as far as this incident goes back."""
    falls = [flip.at for component in components if (flip := last_fall(component))]
    return max(incident.started_at, min(falls, default=at))
