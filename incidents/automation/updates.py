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
    """Show a suggestion to the public as it stands. Its newest update tells the earlier ones as well."""
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
    """A suggestion is published: its first update names what fails now, and promises from now on."""
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
    body = opening_text(incident, [one.component for one in failed], incident.next_update_at or now)
    changes = [change_row(one.component, one.old, one.new) for one in failed]
    say_step(incident, Step.OPENED, body, Phase.INVESTIGATING, now, changes=changes)


def note_opened(incident: Incident, one: Failed, now: datetime) -> None:
    """The same of a hidden component, to staff alone."""
    name, flip = one.component.name, one.flip
    text = f"{generated_text.failing([name], flip.failure, since=flip.at)} It is hidden from the page."
    text = f"{text} {generated_text.met(flip.failure, flip.why)}"
    note_fact(incident, text.strip(), now, [change_row(one.component, one.old, one.new)])


def tell(
    incident: Incident,
    step: Step,
    component: Component,
    changes: list[list[str]],
    now: datetime,
    *,
    text: str = "",
) -> None:
    """Write it into the update that nobody has been notified of yet if that fits, else post one of its own.

    `text`: in words, if the caller has them already. Saves the incident.
    """
    if step is Step.AGAIN:  # what had recovered and still works is not said to fail
        retitle(incident, [one.name for one in in_trouble(incident)], failure(in_trouble(incident)))
    if step is not Step.RECOVERED:
        promise_anew(incident, now)
    else:
        incident.next_update_at = incident.settle_at
    untold = _untold(incident, now)
    if untold is not None and untold.step == Step.OPENED and step in (Step.ALSO, Step.AGAIN, Step.WORSE):
        _amend_opening(incident, untold, changes)
        incident.write(
            Kind.FACT, text or text_of(incident, step, [component], newest_flip(component), now), now
        )
    elif untold is not None and untold.step == Step.OPENED and step is Step.BETTER:
        incident.save()
        incident.write(Kind.FACT, text, now, changes=changes)
    elif untold is not None and untold.step == step and step in (Step.ALSO, Step.AGAIN, Step.BETTER):
        _amend(incident, untold, component, changes, now)
    else:
        text = text or text_of(incident, step, [component], newest_flip(component), now)
        if step is Step.AGAIN:
            text = generated_text.promised(text, until=incident.next_update_at or now)
        phase = Phase.MONITORING if incident.recovered_since else Phase.INVESTIGATING
        say_step(incident, step, text, phase, now, changes=changes)


def _untold(incident: Incident, now: datetime) -> Update | None:
    """The newest update if it is automatic and nobody has been notified of it yet; else None."""
    newest: Update | None = incident.updates.filter(kind=Kind.POST).order_by("-number").first()
    if newest is None or not newest.is_by_machine or not newest.step:
        return None
    if incident.published_at is None:
        return newest
    waiting = Notice.objects.waiting(now).filter(update=newest)
    return newest if waiting.exists() else None


def _amend_opening(incident: Incident, update: Update, changes: list[list[str]]) -> None:
    hit = in_trouble(incident)
    incident.title = generated_text.title([component.name for component in hit], failure(hit))
    incident.save()
    _rewrite(incident, update, opening_text(incident, hit, incident.next_update_at or update.at), changes)


def _amend(
    incident: Incident, update: Update, component: Component, changes: list[list[str]], now: datetime
) -> None:
    """One more of the same step: the update names all of them."""
    incident.save()
    step = Step(update.step)
    known = {row[0] for row in update.changes} | {component.public_id}
    changed = [row.component for row in incident.spoken_of() if row.component.public_id in known]
    text = text_of(incident, step, changed, newest_flip(component), now)
    if step is Step.AGAIN:
        text = generated_text.promised(text, until=incident.next_update_at or now)
    _rewrite(incident, update, text, changes)


def _rewrite(incident: Incident, update: Update, body: str, changes: list[list[str]]) -> None:
    kept = [row for row in update.changes if row[0] not in {new[0] for new in changes}]
    update.body, update.changes = near(body, update.at), [*kept, *changes]
    update.save(update_fields=["body", "changes"])
    Page.objects.bump_version(is_public=incident.published_at is not None)


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
    """One update of its own. It takes the place of one that nobody has been notified of yet."""
    untold = _untold(incident, now)
    due_at = now + steps.wait(step, incident.updates.filter(step=Step.AGAIN).count())
    if untold is not None and incident.published_at is not None and kind is Kind.POST:
        due_at = _due_instead(incident, untold, step, due_at, now)
        Notice.objects.take_back(untold)
    incident.say(body, phase, now, by_machine=True, changes=changes, kind=kind, step=step, due_at=due_at)


def _due_instead(incident: Incident, untold: Update, step: Step, due_at: datetime, now: datetime) -> datetime:
    """When to tell this instead of what waits: no later than that was due, so nothing waits for ever.

    A relapse before anyone was told of the recovery is no news to them: it may take its time.
    """
    waits_until = Notice.objects.get(update=untold).due_at
    if step is Step.AGAIN and untold.step in (Step.BETTER, Step.RECOVERED):
        told = Notice.objects.filter(incident_id=incident.pk).exclude(sorted_at=None)
        last: datetime | None = told.aggregate(last=models.Max("due_at"))["last"]
        return max(waits_until, (last or now) + steps.wait(Step.BETTER))
    return min(waits_until, due_at)


def promise_anew(incident: Incident, now: datetime) -> None:
    """Something happened: the promises begin anew. One that is sooner is kept, not pushed away."""
    first = now + PROMISES[0]
    was_watching = incident.phase == Phase.MONITORING
    incident.still_said = 0
    if was_watching or incident.next_update_at is None or not now < incident.next_update_at <= first:
        incident.next_update_at = first


def note_fact(incident: Incident, body: str, now: datetime, changes: Sequence[list[str]] = ()) -> None:
    """An automatic note that only staff see."""
    incident.write(Kind.NOTE, body, now, changes=changes)
