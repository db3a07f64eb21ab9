"""Acts, from a failure to the answer: proposed, started before the call, finished after it.

Each step is one short transaction under the lock of the page, so that budget, brake and "one at a time"
hold over all runners together. No transaction is open during a call.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from components import encryption, event_log
from components.models import Page
from incidents import probe_facts
from incidents.automation.failures import OPEN, is_worked_on, open_places
from incidents.hooks import call, causes, rules, texts
from incidents.hooks.call import Answer, Order
from incidents.hooks.causes import Known
from incidents.hooks.rules import Failing, Situation
from incidents.lifecycle import Kind
from incidents.models import Act, ActState, Affected, Brake, Hook, Incident
from incidents.models.act import CALLED

MAX_WAIT = timedelta(minutes=2)  # from the approval to the call: later it would surprise people
SLACK = timedelta(seconds=20)  # past its deadline: to write the result, and for clocks that differ
MAX_READ = 250  # calls of a hook or target: more than any budget
WAITING = (ActState.PROPOSED, ActState.APPROVED)


def situation(hook: Hook, incident: Incident, now: datetime, *, act: Act | None = None) -> Situation:
    """What decides whether this hook is called for this incident, but for what fails.

    `act`: one that waits to be called.
    """
    component = hook.component
    calls = _automatic_calls(hook)
    since = now - timedelta(seconds=hook.window_s)
    deploy = probe_facts.last_deploy(component.pk, now)
    return Situation(
        now=now,
        is_braked=Brake.objects.engaged() is not None,
        is_armed=hook.is_armed,
        is_over=is_over(incident),
        is_owned=incident.is_owned,
        is_approved=act is not None and act.state == ActState.APPROVED,
        is_refused=Act.objects.of(incident).filter(hook=hook, state=ActState.REFUSED).exists(),
        is_set_by_hand=bool(component.manual_status),
        is_worked_on=is_worked_on(component),
        deployed_at=now - timedelta(seconds=deploy.seconds_before(now)) if deploy else None,
        deploy_quiet_s=settings.HOOKS_DEPLOY_QUIET_S,
        failures=hook.failures,
        causes=hook.causes,
        is_busy=_is_busy(hook, incident, but=act),
        last_at=max((at for by, _, at in calls if by == hook.pk), default=None),
        cooldown_s=hook.cooldown_s,
        budget=hook.budget,
        window_s=hook.window_s,
        calls=[at for _, target, at in calls if target == hook.target and at > since],
    )


def _automatic_calls(hook: Hook) -> list[tuple[int | None, str, datetime]]:
    """Hook, target and time of what counts for this hook; a dry run counts dry runs."""
    acts = Act.objects.filter(Q(hook=hook) | Q(target=hook.target), is_automatic=True, is_dry=hook.is_dry_run)
    rows = acts.exclude(started_at=None).order_by("-started_at")
    return [
        (by, target, at)
        for by, target, at in rows.values_list("hook", "target", "started_at")[:MAX_READ]
        if at
    ]


def _is_busy(hook: Hook, incident: Incident, *, but: Act | None) -> bool:
    """Whether another act of this incident or target is open."""
    others = Act.objects.filter(is_open=True)
    if but is not None:
        others = others.exclude(pk=but.pk)
    theirs = Q(incident=incident) | Q(incident__merged_into=incident) | Q(target=hook.target)
    return others.filter(theirs).exists()


def is_over(incident: Incident) -> bool:
    """Whether it is resolved, deleted, or merged into another."""
    return bool(incident.resolved_at or incident.deleted_at or incident.merged_into_id)


def pairs() -> list[tuple[Hook, Incident]]:
    """Armed hooks with the open incident of their component; those that need no approval come first."""
    failing = Affected.objects.filter(OPEN).values("component")  # asked every second, whatever the hooks
    armed = Hook.objects.filter(is_armed=True, component__in=failing).select_related("component")
    return [
        (hook, place.incident)
        for hook in armed.order_by("needs_approval", "id")
        if (place := open_places(hook.component).first()) is not None
    ]


def refusal(hook: Hook, incident: Incident, now: datetime, known: Known | None = None) -> str:
    """Why it is not called now; empty if it is due. `begin` asks again under the lock.

    `known` are causes that were diagnosed in earlier rounds.
    """
    return _judged(hook, incident, now, known=known)[1]


def _judged(
    hook: Hook, incident: Incident, now: datetime, act: Act | None = None, known: Known | None = None
) -> tuple[Situation, str]:
    """The situation, and why the hook is not called."""
    it = situation(hook, incident, now, act=act)
    if why := rules.refusal_whatever_fails(it):
        return it, why
    # asked every second while an incident is open: a hook for other failures needs no diagnosis
    if why := rules.refusal_by_failures(it, causes.failures_of(hook.component)):
        return it, why
    it = replace(it, failing=causes.failing(hook.component, known))
    return it, rules.refusal(it)


def begin(hook: Hook, incident: Incident, now: datetime) -> Order | None:
    """Start, propose or note what is due; the request to send, or None if nothing is sent."""
    with transaction.atomic():
        Page.objects.lock()
        current = Hook.objects.select_related("component").filter(pk=hook.pk).first()
        if current is None:
            return None  # it was deleted meanwhile, perhaps with its component
        hook, incident = current, Incident.objects.select_related("merged_into").get(pk=incident.pk)
        it, why = _judged(hook, incident, now)
        if why:
            return None
        act = new_act(hook, incident, it.failing, now)
        if hook.needs_approval and not hook.is_dry_run:
            act.save()
            note(act, texts.proposed(act), now)
            event_log.record("act.proposed", key=act.key, hook=hook.name, incident=incident.public_id)
            return None
        return _start(act, hook, it, now)


def waiting() -> list[int]:
    """The ids of the acts that are proposed or approved."""
    return list(Act.objects.filter(state__in=WAITING).values_list("pk", flat=True))


def begin_waiting(pk: int, now: datetime, known: Known | None = None) -> Order | None:
    """Start it if a person approved it or asked for it; drop it if it may not be called any more."""
    if _is_undecided(_whole(pk), now, known):
        return None  # as it is nearly always: without the lock, which results wait for
    with transaction.atomic():
        Page.objects.lock()
        act = _whole(pk)
        if act.state not in WAITING:
            return None
        if act.hook is None:
            drop(act, "The hook was deleted.", now)
            return None
        it, why = _judged(act.hook, act.incident, now, act)
        if not act.is_automatic:
            why = rules.refusal_to_people(is_over=it.is_over, is_busy=it.is_busy)
        if act.approved_at is not None and now - act.approved_at > MAX_WAIT:
            why = "Nothing called it in time: the hook runner was not running."
        if why:
            drop(act, why, now)
        if why or act.state == ActState.PROPOSED:
            return None
        _describe(act, causes.failing(act.component))
        return _start(act, act.hook, it, now)


def _whole(pk: int) -> Act:
    """The act with all that its call depends on."""
    return Act.objects.select_related(
        "hook__component", "incident__merged_into", "component", "asked_by"
    ).get(pk=pk)


def _is_undecided(act: Act, now: datetime, known: Known | None) -> bool:
    """Whether it is proposed, and may still be called once a person approves it."""
    if act.state != ActState.PROPOSED or act.hook is None:
        return False
    return not _judged(act.hook, act.incident, now, act, known)[1]


def _describe(act: Act, failing: Failing | None) -> None:
    failing = failing or Failing()
    act.failure, act.causes = min(failing.failures, default=""), sorted(failing.likely)


def new_act(hook: Hook, incident: Incident, failing: Failing | None, now: datetime) -> Act:
    """A row that is not saved yet."""
    act = Act(
        hook=hook, hook_name=hook.name, action=hook.action, target=hook.target, component=hook.component,
        incident=incident, created_at=now,
    )  # fmt: skip
    _describe(act, failing)
    return act


def _start(act: Act, hook: Hook, it: Situation, now: datetime) -> Order | None:
    """Write it down as started, and on the timeline; it is sent once this is committed."""
    if hook.is_dry_run:
        act.state, act.is_dry, act.is_open, act.started_at = ActState.DRY, True, False, now
        act.save()
        note(act, texts.dry(act), now)
        event_log.record("act.dry_run", key=act.key, hook=hook.name, incident=act.incident.public_id)
        return None
    if act.is_automatic and _brakes(act, now):
        return None
    act.state, act.started_at = ActState.STARTED, now
    act.ends_at = now + timedelta(seconds=hook.deadline_s) + SLACK
    try:
        order = call.order(act, hook, now)
    except encryption.DecryptionError as error:
        _cannot_sign(act, hook, str(error.__doc__), now)
        return None
    act.save()
    number = rules.spent(replace(it, calls=(*it.calls, now)))
    note(act, texts.started(act, hook, number), now)
    incident = act.incident
    if hook.is_announced and act.component.is_shown and not incident.is_owned:
        incident.write(Kind.FACT, texts.announced(act), now)
    event_log.record("act.started", key=act.key, hook=hook.name, incident=incident.public_id)
    return order


def _cannot_sign(act: Act, hook: Hook, why: str, now: datetime) -> None:
    """Its signing secret was sealed with a key we no longer have: it is not called, and counts as no call."""
    act.started_at = act.ends_at = None
    hook.disarm(f"Its signing secret cannot be read. {why}")
    note(act, f"Recovery hook “{hook.name}” is disarmed. {hook.disarmed_reason}", now)
    if act.pk is not None:
        drop(act, hook.disarmed_reason, now)


def _brakes(act: Act, now: datetime) -> bool:
    """Whether one more call would be too many: then the brake goes on and this one is not made."""
    since = Brake.objects.counts_from(now)
    calls = Act.objects.filter(is_automatic=True, is_dry=False, started_at__gt=since).count()
    if calls < settings.HOOKS_BRAKE_CALLS:
        return False
    brake = Brake.objects.engage(calls, now)
    note(act, f"{brake.reason} Every recovery hook is disarmed until a person arms it again.", now)
    if act.pk is not None:
        drop(act, brake.reason, now)
    return True


def drop(act: Act, why: str, now: datetime) -> None:
    """It is not called. The caller holds the lock of the page."""
    act.state, act.is_open, act.why, act.finished_at = ActState.DROPPED, False, why, now
    act.save()
    note(act, texts.dropped(act), now)
    event_log.record("act.dropped", key=act.key, hook=act.hook_name, why=why)


def finish(answer: Answer, now: datetime) -> None:
    """Write what came of a call, once."""
    with transaction.atomic():
        Page.objects.lock()
        waiting = Act.objects.filter(key=answer.key, judged_at=None, answer_status=None)
        waiting = waiting.filter(state__in=(ActState.STARTED, ActState.INTERRUPTED))
        act = waiting.select_related("hook", "component", "incident__merged_into", "asked_by").first()
        if act is None:
            return
        act.answer_status, act.answer_excerpt = answer.status, answer.excerpt
        act.took_ms, act.why = answer.took_ms, answer.why[:300]
        _end(act, answer.state, now)


def recover_interrupted(now: datetime) -> None:
    """End the calls whose process died on the way: what came of them is not known."""
    lost = list(Act.objects.filter(state=ActState.STARTED, ends_at__lt=now).values_list("pk", flat=True))
    for pk in lost:
        with transaction.atomic():
            Page.objects.lock()
            act = Act.objects.select_related("hook", "component", "incident__merged_into").get(pk=pk)
            if act.state == ActState.STARTED:
                _end(act, ActState.INTERRUPTED, now)


def _end(act: Act, state: ActState, now: datetime) -> None:
    assert state in CALLED
    act.state, act.finished_at = state, now
    act.judge_at = now + timedelta(seconds=act.hook.settle_s if act.hook else 0)
    act.save()
    note(act, texts.finished(act), now)
    event_log.record("act.finished", key=act.key, state=state, status=act.answer_status, why=act.why)


def note(act: Act, text: str, now: datetime) -> None:
    """A line for staff on the timeline of its incident, or of the one that was merged into."""
    incident = act.incident.merged_into or act.incident
    incident.write(Kind.NOTE, text, now)
