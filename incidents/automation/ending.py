"""How an automatic incident ends: all of it has recovered and settled, and it is resolved or staff are asked.

A flip says what changes. Without one (staff set or clear a status, hand the incident back,
restore it, merge another into it) its rows are compared with the present statuses: `catch_up`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import prefetch_related_objects

from components.models import Component, Flip, Page
from components.status import Status
from incidents import generated_text
from incidents.automation.failures import failure, last_fall
from incidents.automation.texts import end_in_words, retitle
from incidents.automation.updates import note_fact, promise_anew, say_step
from incidents.lifecycle import Kind, Phase
from incidents.models import Incident, recovery
from incidents.models.change import change_row
from incidents.steps import Step

PROPOSE_AFTER = timedelta(minutes=10)


def settle(incident: Incident, now: datetime) -> None:
    """All has been healthy for long enough: resolve it, if it is automatic."""
    with transaction.atomic():
        Page.objects.lock()
        incident.refresh_from_db()
        if (
            incident.is_owned
            or incident.resolved_at
            or incident.settle_at is None
            or incident.settle_at > now
        ):
            return
        if not recovery.is_well(incident):  # staff have set a status since
            catch_up(incident, now)
            return
        body = end_in_words(incident, incident.recovered_since or now, now)
        incident.next_update_at = None
        if len(incident.names()) > 1:
            retitle(incident, incident.names(), "")  # the whole of it, for the history
        kind = Kind.POST if incident.concerns_public else Kind.NOTE
        say_step(incident, Step.RESOLVED, body, Phase.RESOLVED, now, kind=kind)


def propose(incident: Incident, now: datetime) -> None:
    """Ask staff whether to resolve; never do it for them."""
    minutes = int(PROPOSE_AFTER.total_seconds() // 60)
    with transaction.atomic():
        Page.objects.lock()
        incident.proposed_at = now
        incident.save(update_fields=["proposed_at"])
        incident.write(Kind.PROPOSAL, generated_text.proposal(minutes), now)


def catch_up(incident: Incident, now: datetime) -> None:
    """Take over the present statuses and post what that changes. The caller holds the lock of the page."""
    if incident.resolved_at or incident.deleted_at or incident.merged_into_id:
        return
    changes = _take_statuses(incident)
    incident.weigh()
    if not incident.is_owned or incident.recovered_since or _was_detected(incident):
        recovery.watch(incident, recovery.shown_since(incident, now), now)
    incident.save()
    if not say_what_is(incident, now, changes) and changes:
        note_fact(incident, generated_text.CAUGHT_UP, now, changes)


def notice(incident: Incident, now: datetime) -> None:
    """Catch up where its probes disagree with its rows without a flip, as after staff changed them."""
    if not _is_behind(incident):
        return
    with transaction.atomic():
        Page.objects.lock()
        incident.refresh_from_db()
        if not incident.is_owned:
            catch_up(incident, now)


def _is_behind(incident: Incident) -> bool:
    """Whether a row differs from its probes. What staff set is skipped until it cannot be undone."""
    rows = incident.spoken_of()
    prefetch_related_objects(rows, "component__probes")  # asked every second, whatever the number of rows
    free = [row for row in rows if not (row.component.manual_status or row.component.judge_at)]
    others = [row for row in free if row.component.probed() not in (None, row.status)]
    return len(others) > len(recovery.overlooked(incident, others))


def _was_detected(incident: Incident) -> bool:
    """Whether a probe detected any of it. If only staff know of it, passing checks do not end it."""
    ids = incident.affected.values("component")
    flips = Flip.objects.filter(probe__component__in=ids, at__gte=incident.started_at)
    return incident.is_by_machine or flips.exists()


def _take_statuses(incident: Incident) -> list[list[str]]:
    """Set each row to the status staff set, or else to what its probes see. Returns the change rows."""
    changes = []
    rows = list(incident.affected.filter(continued_in=None).select_related("component"))
    overlooked = recovery.overlooked(incident, rows)
    for row in rows:
        component, old = row.component, Status(row.status)
        if not component.manual_status and (row in overlooked or component.probed() is None):
            continue  # no status from staff or probes: the last one stays
        status = component.judged()
        if status is not old:
            row.set_status(status)
            changes.append(change_row(component, old, status))
    return changes


def say_what_is(incident: Incident, now: datetime, changes: Sequence[list[str]] = ()) -> bool:
    """Post an update if customers last read otherwise and it is automatic. False when nothing was posted."""
    if incident.is_owned or not incident.concerns_public:
        return False
    is_watching = incident.phase == Phase.MONITORING
    failing = [row.component for row in incident.spoken_of() if Status(row.status).is_trouble]
    if incident.recovered_since is not None:
        incident.next_update_at = incident.settle_at
        incident.save(update_fields=["next_update_at"])
        if is_watching:
            return False
        until = incident.settle_at or now
        text = generated_text.recovered(incident.names(), since=incident.recovered_since, until=until)
        say_step(incident, Step.RECOVERED, text, Phase.MONITORING, now, changes=changes)
        return True
    if not failing or incident.unwatched_at or not (is_watching or _is_news(changes)):
        return False
    promise_anew(incident, now)
    text = _still_failing(incident, failing, incident.next_update_at or now)
    say_step(incident, Step.STILL, text, Phase.INVESTIGATING, now, changes=changes)
    return True


def _still_failing(incident: Incident, failing: Sequence[Component], until: datetime) -> str:
    """The text, with the start if a probe saw each of them fail."""
    names = [component.name for component in failing]
    falls = [last_fall(component) for component in failing]
    fell_at = [fall.at for fall in falls if fall is not None]
    if len(fell_at) < len(failing):
        return generated_text.still(names, until=until)
    since = max(incident.started_at, min(fell_at))
    return generated_text.promised(generated_text.failing(names, failure(failing), since=since), until=until)


def _is_news(changes: Sequence[list[str]]) -> bool:
    """Whether something fails now that was working in the last update."""
    return any(Status(new).is_trouble and not Status(old).is_trouble for _, _, old, new in changes)
