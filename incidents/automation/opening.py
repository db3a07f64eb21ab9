"""Which incident a failure joins, reopens or opens.

One cause is one incident: whatever fails within the join window of the newest failure joins the
incident that is open, up to `MAX_JOIN_WINDOWS` windows after it opened, or failed again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from components.models import AutoIncidents, Component, Flip, Joining, Page
from components.outcomes import Outcome
from components.status import Status
from components.unsteady import ON_AND_OFF
from incidents import generated_text
from incidents.automation.causes import cause_of, gather, is_held, join_cause, wait_for_children
from incidents.automation.ending import catch_up
from incidents.automation.failures import Failed, is_worked_on, last_fall, open_places, shown_before
from incidents.automation.flips import hear, join, publish_as_asked, publish_delay, reopen
from incidents.automation.merging import merge
from incidents.automation.updates import note_opened, say_opened
from incidents.models import Incident
from incidents.steps import Step

MAX_JOIN_WINDOWS = 5  # no failure joins later than so many windows after the opening or a relapse
REOPEN_WITHIN = timedelta(minutes=10)  # a failure so soon after an automatic "resolved" is the same outage


def follow(flip: Flip, component: Component, *, old: Status, now: datetime) -> None:
    """Apply a probe's flip. `old`: its component's status before. The caller holds the lock of the page."""
    new = Status(component.status)
    places = list(open_places(component))
    if places:
        affected, *others = places
        hear(affected.incident, affected, flip, new, now)
        if affected.incident.joined_at == now and not affected.incident.is_owned:
            # a relapse: incidents opened for failures a moment before are merged into it
            _incident_to_join([Failed(component, flip, old)], now)
        if Status(affected.status) is Status.OPERATIONAL and old.is_trouble:
            wait_for_children(affected, now)
        for place in others:  # staff have opened or restored one beside it
            place.incident.refresh_from_db()
            catch_up(place.incident, now)
    elif (
        new.is_trouble
        and not component.manual_status
        and (fall := _fall(flip, component, old, new)) is not None
        and not is_worked_on(component)
    ):
        failed = Failed(component, fall, old)
        if cause_of(component) is not None or not is_held(failed, now):
            begin([failed], now)


def _fall(flip: Flip, component: Component, old: Status, new: Status) -> Flip | None:
    """The flip that says it fails; None when this one does not.

    Another than this one where a region that saw it working has fallen silent: those that see it fail are
    the majority now.
    """
    if flip.new == Outcome.DOWN or flip.failure == ON_AND_OFF:
        return None if flip.probe.is_unproven else flip
    return last_fall(component) if flip.new == Outcome.UNKNOWN and old is not new else None


def begin_after(
    components: Sequence[Component], now: datetime, *, old: Status = Status.UNDER_MAINTENANCE
) -> None:
    """Open one incident from now on for these components of one group that still fail after maintenance.

    Also after anything else that kept a failure from opening one. `old`: the status shown until now.
    """
    failed = [
        Failed(component, flip, old)
        for component in components
        if not component.manual_status
        and AutoIncidents(component.auto_incidents) is not AutoIncidents.OFF
        and not open_places(component).exists()
        and (flip := last_fall(component)) is not None
    ]
    if failed:
        for failure in failed:
            failure.flip.at = now  # dated to the end of the window; the row itself stays as it is
        begin(failed, now)


def judge(now: datetime) -> None:
    """Open incidents from now on for components that fail without one after staff changed them."""
    for component in Component.objects.filter(judge_at__lte=now):
        with transaction.atomic():
            Page.objects.lock()
            component.judge_again(None)
            component.refresh_from_db()
            for place in open_places(component):
                catch_up(place.incident, now)
            if Status(component.status).is_trouble and not is_worked_on(component):
                begin_after([component], now, old=shown_before(component))


def begin(failed: Sequence[Failed], now: datetime) -> None:
    """Confirmed failures join a recent incident, reopen the one just resolved, or open a new one.

    A component whose incidents are only suggested also joins a public incident. One whose incidents
    are published makes a suggestion that it joins public.
    """
    shown = [failure for failure in failed if failure.component.is_shown]
    asked = {AutoIncidents(failure.component.auto_incidents) for failure in shown or failed} - {
        AutoIncidents.OFF
    }
    if not asked:
        return
    _begin(failed, asked, now)
    for failure in failed:
        gather(failure.component, now)


def _begin(failed: Sequence[Failed], asked: set[AutoIncidents], now: datetime) -> None:
    shown = [failure for failure in failed if failure.component.is_shown]
    if len(failed) > 1 and Page.objects.this().joining == Joining.NEVER:
        for failure in failed:
            begin([failure], now)
    elif len(failed) == 1 and (incident := cause_of(failed[0].component)) is not None:
        join_cause(incident, failed[0], now)
    elif (incident := _incident_to_join(failed, now)) is not None:
        for failure in failed:
            join(incident, failure, now)
        if shown:
            publish_as_asked(incident, asked, now)
    elif len(failed) == 1 and (incident := _just_resolved(failed[0], now)) is not None:
        reopen(incident, failed[0], now)
    else:
        _open(failed, asked if shown else {AutoIncidents.SUGGEST}, now)


def open_apart(failed: Failed, now: datetime) -> Incident:
    """An incident of its own for this failure, whatever others are open."""
    asked = AutoIncidents(failed.component.auto_incidents)
    return _open([failed], {asked if failed.component.is_shown else AutoIncidents.SUGGEST}, now)


def _open(failed: Sequence[Failed], asked: set[AutoIncidents], now: datetime) -> Incident:
    """A new incident with its first update.

    Hidden components are not named; if all are hidden it stays a suggestion.
    """
    shown = [failure for failure in failed if failure.component.is_shown]
    first = (shown or failed)[0]
    published, delayed = AutoIncidents.PUBLISH in asked, AutoIncidents.DELAY in asked
    incident = Incident.objects.create(
        title=generated_text.title(
            [failure.component.name for failure in shown or failed], first.flip.failure
        ),
        started_at=first.flip.at,
        created_at=now,
        group=first.component.group,
        is_by_machine=True,
        published_at=now if published else None,
        publish_at=now + publish_delay() if delayed and not published else None,
    )
    names = ", ".join(failure.component.name for failure in failed)
    incident.log("opened", component=names, failure=first.flip.failure, is_public=published)
    for failure in failed:
        incident.touch(failure.component, failure.new, failure.flip.at, is_auto_open=True)
    if shown:
        say_opened(incident, shown, now)
    for failure in failed:
        if not failure.component.is_shown:
            note_opened(incident, failure, now)
    return incident


def _incident_to_join(failed: Sequence[Failed], now: datetime) -> Incident | None:
    """The recent automatic incident that these failures join; several that no one owns are merged.

    A failure of a shown component does not join an incident whose components are all hidden.
    """
    candidates = _incidents_to_join([failure.component for failure in failed], now)
    free = [incident for incident in candidates if not incident.is_owned]
    if not free:
        return candidates[0] if candidates else None
    oldest = next((incident for incident in free if incident.published_at), free[0])
    for other in free:
        if other.pk != oldest.pk:
            merge(other, oldest, now)
    return oldest


def _incidents_to_join(components: Sequence[Component], now: datetime) -> list[Incident]:
    """The recent automatic incidents that a failure of these can join, oldest first."""
    joining, group = Page.objects.this().joining, components[0].group
    if joining == Joining.NEVER or (joining == Joining.GROUP and group is None):
        return []
    window = timedelta(seconds=settings.JOIN_WINDOW_S)
    is_young = Q(created_at__gte=now - window) | Q(is_owned=False, joined_at__gte=now - window)
    young = Incident.objects.live().filter(is_young, is_by_machine=True, resolved_at=None)
    begins = now - MAX_JOIN_WINDOWS * window
    has_relapsed = Q(updates__step=Step.AGAIN, updates__at__gte=begins)
    young = young.filter(Q(created_at__gte=begins) | has_relapsed).distinct()
    if joining == Joining.GROUP:
        young = young.filter(group=group)
    if any(component.is_shown for component in components):
        young = young.filter(affected__component__is_shown=True)
    return list(young.order_by("created_at", "id"))


def opened_beside(incident: Incident, since: datetime, now: datetime) -> list[Incident]:
    """Incidents opened since then that would have joined this one if it had been automatic."""
    automatic = Incident.objects.live().filter(is_by_machine=True, is_owned=False, resolved_at=None)
    opened = automatic.filter(created_at__gte=since).exclude(pk=incident.pk)
    if incident.published_at is None:
        opened = opened.filter(published_at=None)  # a public incident does not become a suggestion
    return [
        other
        for other in opened
        if (rows := list(other.affected.select_related("component__group")))
        and incident in _incidents_to_join([row.component for row in rows], now)
    ]


def _just_resolved(failure: Failed, now: datetime) -> Incident | None:
    """The incident of this component that was resolved automatically minutes ago."""
    resolved = Incident.objects.live().filter(
        affected__component=failure.component,
        is_by_machine=True,
        is_owned=False,
        resolved_at__gte=now - REOPEN_WITHIN,
        postmortem=None,
    )
    incident = resolved.order_by("-resolved_at").first()
    if incident is not None and incident.concerns_public and not failure.component.is_shown:
        return None
    return incident
