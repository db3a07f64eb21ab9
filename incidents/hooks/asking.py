"""What people decide about acts: approve, refuse, call one now. The runner makes the call."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from components import event_log
from components.models import Page
from incidents.hooks import acting, causes, rules, texts
from incidents.models import Act, ActState, Hook, Incident

OVER = "This was decided already, or is no longer proposed."


def approve(act: Act, now: datetime, *, author: Any) -> None:
    """Let a proposed call be made. Raises ValidationError."""
    with transaction.atomic():
        act = _proposed(act)
        act.state, act.asked_by, act.approved_at = ActState.APPROVED, author, now
        act.save(update_fields=["state", "asked_by", "approved_at"])
        event_log.record("act.approved", key=act.key, by=author)


def refuse(act: Act, now: datetime, *, author: Any) -> None:
    """Not this one, and not this hook again for this incident. Raises ValidationError."""
    with transaction.atomic():
        act = _proposed(act)
        act.state, act.asked_by, act.is_open, act.finished_at = ActState.REFUSED, author, False, now
        act.save(update_fields=["state", "asked_by", "is_open", "finished_at"])
        acting.note(act, f"{texts.refused(act)} Decided by {author}.", now)
        event_log.record("act.refused", key=act.key, by=author)


def press(hook: Hook, incident: Incident, now: datetime, *, author: Any) -> Act:
    """A person calls a hook: budget, causes and brake do not bind them. Raises ValidationError."""
    with transaction.atomic():
        Page.objects.lock()
        incident.refresh_from_db()
        for proposal in Act.objects.of(incident).filter(state=ActState.PROPOSED):
            acting.drop(proposal, f"{author} called a hook manually instead.", now)
        it = acting.situation(hook, incident, now)
        if refusal := rules.refusal_to_people(is_over=it.is_over, is_busy=it.is_busy):
            raise ValidationError(refusal)
        act = acting.new_act(hook, incident, causes.failing(hook.component), now)
        act.state, act.is_automatic = ActState.APPROVED, False
        act.asked_by, act.approved_at = author, now
        act.save()
        event_log.record("act.asked", key=act.key, hook=hook.name, by=author)
    return act


def _proposed(act: Act) -> Act:
    """The row as it is now that the page is locked. Raises ValidationError."""
    Page.objects.lock()
    act = Act.objects.select_related("component", "incident__merged_into").get(pk=act.pk)
    if act.state != ActState.PROPOSED:
        raise ValidationError(OVER)
    return act
