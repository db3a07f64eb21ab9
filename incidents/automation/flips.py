"""What a probe's flip changes in an incident: a component joins it, changes in it, or fails again."""

from datetime import datetime, timedelta

from django.conf import settings

from components.models import AutoIncidents, Flip
from components.status import Status
from incidents import generated_text, steps
from incidents.automation.ending import say_what_is
from incidents.automation.failures import Failed, failure, last_known
from incidents.automation.texts import in_trouble, text_of
from incidents.automation.updates import note_fact, post_change, publish
from incidents.lifecycle import Kind, Phase
from incidents.models import Affected, Incident, recovery
from incidents.models.change import change_row
from incidents.steps import Step


def publish_delay() -> timedelta:
    """How long staff have to act on a suggestion that publishes itself."""
    return timedelta(seconds=settings.PUBLISH_DELAY_S)


def hear(incident: Incident, affected: Affected, flip: Flip, status: Status, now: datetime) -> None:
    """Apply a flip of a component that is already in the incident. `status`: its present status."""
    component, old = affected.component, Status(affected.status)
    if status == old:
        _note_same_status(incident, flip, now)
        return
    incident.unwatched_at = None
    last_status = last_known(component) if old is Status.UNKNOWN else old
    step = _step_of(affected, last_status, status)
    if step is Step.AGAIN:
        incident.joined_at = now  # what fails with it now belongs to it
    affected.set_status(status)
    incident.weigh()
    recovery.watch(incident, flip.at, now)
    if incident.published_at is None and not incident.is_owned and incident.troubled():
        incident.title = generated_text.title(incident.troubled(), failure(in_trouble(incident)))
    changes = [change_row(component, old, status)]
    if incident.recovered_since and (component.is_shown or not incident.concerns_public):
        step = Step.RECOVERED
    if step is not None:
        text = text_of(incident, step, [component], flip, now)
    elif status is Status.UNKNOWN:
        text = generated_text.unseen(component.name, since=flip.at)
    else:
        text = generated_text.seen_again(component.name, status.label, since=flip.at)
    if incident.is_owned or not component.is_shown:
        incident.save()
        note_fact(incident, text, now, changes)
    elif step is None:
        incident.save()
        incident.write(Kind.FACT, text, now, changes=changes)
    else:
        post_change(incident, step, component, changes, now, text=text)


def _note_same_status(incident: Incident, flip: Flip, now: datetime) -> None:
    """Note a flip that leaves the component's status as it was."""
    recovery.watch(incident, flip.at, now)
    incident.save()
    met = generated_text.met(flip.failure, flip.why)
    note_fact(incident, f"{flip.probe.name_with_region}: {flip.old} → {flip.new}. {met}".strip(), now)
    say_what_is(incident, now)


def join(incident: Incident, failed: Failed, now: datetime) -> None:
    """Add one more failing component to the incident."""
    component, flip = failed.component, failed.flip
    incident.touch(component, failed.new, flip.at, is_auto_open=True)
    incident.log("joined", component=component.name, failure=flip.failure)
    changes = [change_row(component, failed.old, failed.new)]
    if component.is_shown or not incident.concerns_public:
        incident.started_at = min(incident.started_at, flip.at)
        recovery.fail_again(incident, flip.at)
        incident.unwatched_at = None
    incident.joined_at = now
    text = generated_text.also([component.name], flip.failure, since=flip.at)
    if incident.is_owned or not component.is_shown:
        incident.save()
        note_fact(incident, text, now, changes)
        return
    incident.title = generated_text.title(incident.troubled(), flip.failure)
    post_change(incident, Step.ALSO, component, changes, now, text=text)


def reopen(incident: Incident, failed: Failed, now: datetime) -> None:
    """Reopen an incident that fails again minutes after it was resolved automatically."""
    component, flip = failed.component, failed.flip
    recovery.fail_again(incident, flip.at)
    incident.resolved_at = incident.monitoring_at = None
    incident.phase = Phase.INVESTIGATING
    incident.joined_at = now  # what fails with it now belongs to it
    row = incident.touch(component, failed.new, flip.at)
    incident.affected.filter(pk=row.pk).update(is_auto_open=True)
    incident.log("reopened", component=component.name, failure=flip.failure)
    changes = [change_row(component, failed.old, failed.new)]
    if component.is_shown:
        post_change(incident, Step.AGAIN, component, changes, now)
    else:
        incident.save()
        note_fact(incident, generated_text.again([component.name], since=flip.at), now, changes)


def publish_as_asked(incident: Incident, asked: set[AutoIncidents], now: datetime) -> None:
    """Publish a suggestion, or start its countdown, as the components that joined it ask (`asked`)."""
    if incident.published_at is not None or incident.is_owned:
        return
    if AutoIncidents.PUBLISH in asked:
        publish(incident, now, due_at=now + steps.wait(Step.OPENED))
    elif AutoIncidents.DELAY in asked and incident.publish_at is None:
        incident.publish_at = now + publish_delay()
        incident.save(update_fields=["publish_at", "updated_at"])


def _step_of(affected: Affected, old: Status, status: Status) -> Step | None:
    """The step for a component's change; None if its status became unknown, or is known again unchanged.

    `old`: its last known status. Step.RECOVERED is decided by the caller.
    """
    if status is Status.UNKNOWN or status is old:
        return None
    if status.is_trouble and not old.is_trouble:
        return Step.AGAIN if Status(affected.worst_status).is_trouble else Step.ALSO
    if status.is_trouble and list(Status).index(status) > list(Status).index(old):
        return Step.WORSE
    return Step.BETTER
