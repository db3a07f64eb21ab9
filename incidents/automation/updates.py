"""Automatic updates: posted at once, or written into one that no one has been notified of yet.

The page shows each update at once; its message waits a little (`incidents.steps`), and what
happens meanwhile is written into the same update.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import models, transaction

from components.models import Component, Page
from components.status import Status
from incidents import generated_text, steps
from incidents.automation.failures import Failed, failure, newest_flip
from incidents.automation.texts import PROMISES, in_trouble, opening_text, retitle, text_of
from incidents.lifecycle import Kind, Phase
from incidents.models import Incident, Notice, Update
from incidents.models.change import change_row
from incidents.steps import Step
from incidents.times import near


def publish(incident: Incident, now: datetime, *, due_at: datetime | None = None) -> None:
    """Publish a suggestion as it stands. The message of its newest update includes the earlier ones."""
    with transaction.atomic():
        Page.objects.lock()
        incident.published_at, incident.publish_at = incident.published_at or now, None
        incident.save(update_fields=["published_at", "publish_at", "updated_at"])
        incident.log("published")
        _bring_up_to_date(incident, now)
        newest = incident.updates.filter(kind=Kind.POST, notifies=True).order_by("-number").first()
        if newest is not None:
            Notice.objects.of_update(newest, now, due_at=due_at)
        Page.objects.bump_version()


def _bring_up_to_date(incident: Incident, now: datetime) -> None:
    """Rewrite the first update of a suggestion on publishing: what fails now, and a new promise."""
    first = incident.updates.filter(kind=Kind.POST, step=Step.OPENED).first()
    if incident.is_owned or incident.resolved_at or first is None:
        return
    if incident.recovered_since is not None or incident.unwatched_at is not None:
        first.body = generated_text.promised_nothing(first.body)
        first.save(update_fields=["body"])
        return
    incident.next_update_at = None
    promise_anew(incident, now)
    _amend_opening(incident, first, [])


def say_opened(incident: Incident, failed: Sequence[Failed], now: datetime) -> None:
    """The first update of an automatic incident, with the facts beneath it."""
    promise_anew(incident, now)
    flip = failed[0].flip
    if failed[0].old is Status.UNDER_MAINTENANCE:
        incident.write(Kind.FACT, generated_text.still_down(generated_text.met(flip.failure, flip.why)), now)
    else:
        incident.write(
            Kind.FACT, f"First failed check: {generated_text.met(flip.failure, flip.why)}", flip.at
        )
        sure = generated_text.confirmed(flip.probe.rule, flip.failure)
        incident.write(Kind.FACT, sure, now)
    body = opening_text(incident, [row.component for row in failed], incident.next_update_at or now)
    changes = [change_row(row.component, row.old, row.new) for row in failed]
    say_step(incident, Step.OPENED, body, Phase.INVESTIGATING, now, changes=changes)


def note_opened(incident: Incident, failed: Failed, now: datetime) -> None:
    """A note to staff about the failure of a hidden component."""
    name, flip = failed.component.name, failed.flip
    text = f"{generated_text.failing([name], flip.failure, since=flip.at)} It is hidden from the page."
    text = f"{text} {generated_text.met(flip.failure, flip.why)}"
    note_fact(incident, text.strip(), now, [change_row(failed.component, failed.old, failed.new)])


def post_change(
    incident: Incident,
    step: Step,
    component: Component,
    changes: list[list[str]],
    now: datetime,
    *,
    text: str = "",
) -> None:
    """Add a change to the update that has not been sent yet if that fits, else post a new update.

    `text`: its wording, if the caller has it already. Saves the incident.
    """
    if step is Step.AGAIN:  # components that recovered and still work leave the title
        retitle(incident, [affected.name for affected in in_trouble(incident)], failure(in_trouble(incident)))
    if step is not Step.RECOVERED:
        promise_anew(incident, now)
    else:
        incident.next_update_at = incident.settle_at
    unsent = _unsent_update(incident, now)
    if unsent is not None and unsent.step == Step.OPENED and step in (Step.ALSO, Step.AGAIN, Step.WORSE):
        _amend_opening(incident, unsent, changes)
        incident.write(
            Kind.FACT, text or text_of(incident, step, [component], newest_flip(component), now), now
        )
    elif unsent is not None and unsent.step == Step.OPENED and step is Step.BETTER:
        incident.save()
        incident.write(Kind.FACT, text, now, changes=changes)
    elif unsent is not None and unsent.step == step and step in (Step.ALSO, Step.AGAIN, Step.BETTER):
        _amend(incident, unsent, component, changes, now)
    else:
        text = text or text_of(incident, step, [component], newest_flip(component), now)
        if step is Step.AGAIN:
            text = generated_text.promised(text, until=incident.next_update_at or now)
        phase = Phase.MONITORING if incident.recovered_since else Phase.INVESTIGATING
        say_step(incident, step, text, phase, now, changes=changes)


def _unsent_update(incident: Incident, now: datetime) -> Update | None:
    """The newest update if it is automatic and no one has been notified of it yet; else None."""
    newest: Update | None = incident.updates.filter(kind=Kind.POST).order_by("-number").first()
    if newest is None or not newest.is_by_machine or not newest.step:
        return None
    if incident.published_at is None:
        return newest
    waiting = Notice.objects.waiting(now).filter(update=newest)
    return newest if waiting.exists() else None


def _amend_opening(incident: Incident, update: Update, changes: list[list[str]]) -> None:
    failing = in_trouble(incident)
    incident.title = generated_text.title([component.name for component in failing], failure(failing))
    incident.save()
    _rewrite(incident, update, opening_text(incident, failing, incident.next_update_at or update.at), changes)


def _amend(
    incident: Incident, update: Update, component: Component, changes: list[list[str]], now: datetime
) -> None:
    """Rewrite an unsent update of the same step so that it names one more component."""
    incident.save()
    step = Step(update.step)
    public_ids = {row[0] for row in update.changes} | {component.public_id}
    changed = [row.component for row in incident.spoken_of() if row.component.public_id in public_ids]
    text = text_of(incident, step, changed, newest_flip(component), now)
    if step is Step.AGAIN:
        text = generated_text.promised(text, until=incident.next_update_at or now)
    _rewrite(incident, update, text, changes)


def _rewrite(incident: Incident, update: Update, body: str, changes: list[list[str]]) -> None:
    unchanged = [row for row in update.changes if row[0] not in {new[0] for new in changes}]
    update.body, update.changes = near(body, update.at), [*unchanged, *changes]
    update.save(update_fields=["body", "changes"])
    Page.objects.bump_version(is_public=incident.published_at is not None)


UNDONE_BY = {Step.AGAIN: (Step.BETTER, Step.RECOVERED), Step.BETTER: (Step.WORSE,)}


def say_step(
    incident: Incident,
    step: Step,
    body: str,
    phase: Phase,
    now: datetime,
    *,
    changes: Sequence[list[str]] = (),
    kind: Kind = Kind.POST,
) -> None:
    """Post a new update. It replaces the notice of one that has not been sent yet."""
    unsent = _unsent_update(incident, now)
    due_at = now + steps.wait(step, incident.updates.filter(step=Step.AGAIN).count())
    if unsent is not None and incident.published_at is not None and kind is Kind.POST:
        due_at = _replacement_due_at(incident, unsent, step, due_at, now)
        Notice.objects.take_back(unsent)
    incident.say(body, phase, now, by_machine=True, changes=changes, kind=kind, step=step, due_at=due_at)


def _replacement_due_at(
    incident: Incident, unsent: Update, step: Step, due_at: datetime, now: datetime
) -> datetime:
    """When an update is sent that replaces an unsent one: no later than that one was due.

    What undoes a change that no one was notified of is no news, so it may wait longer: a relapse before
    the message of the recovery, an improvement before the message that it worsened.
    """
    waits_until = Notice.objects.get(update=unsent).due_at
    if unsent.step in UNDONE_BY.get(step, ()):
        sent = Notice.objects.filter(incident_id=incident.pk).exclude(sorted_at=None)
        last: datetime | None = sent.aggregate(last=models.Max("due_at"))["last"]
        return max(waits_until, (last or now) + steps.wait(Step.BETTER))
    return min(waits_until, due_at)


def promise_anew(incident: Incident, now: datetime) -> None:
    """Start the promises again after a change. A promise that is due sooner is kept."""
    first = now + PROMISES[0]
    was_watching = incident.phase == Phase.MONITORING
    incident.still_said = 0
    if was_watching or incident.next_update_at is None or not now < incident.next_update_at <= first:
        incident.next_update_at = first


def note_fact(incident: Incident, body: str, now: datetime, changes: Sequence[list[str]] = ()) -> None:
    """An automatic note that only staff see."""
    incident.write(Kind.NOTE, body, now, changes=changes)
