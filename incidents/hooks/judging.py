"""Whether a call helped: what the probes have confirmed after its settling time."""

from datetime import datetime, timedelta

from django.db import transaction

from components import event_log
from components.models import Page
from components.status import Status
from incidents.automation.causes import look_now, patience
from incidents.automation.failures import is_worked_on
from incidents.hooks import texts
from incidents.hooks.acting import note
from incidents.models import Act, ActState, Helped, Hook
from incidents.models.act import CALLED
from incidents.models.hook import MAX_USELESS

MAX_PATIENCE = timedelta(minutes=10)


def due(now: datetime) -> list[int]:
    """The ids of the acts whose settling time is over."""
    settled = Act.objects.filter(is_open=True, state__in=CALLED, judge_at__lte=now)
    return list(settled.values_list("pk", flat=True))


def judge(pk: int, now: datetime) -> None:
    """Write whether it helped, once the probes can tell."""
    with transaction.atomic():
        Page.objects.lock()
        act = Act.objects.select_related("hook", "component", "incident__merged_into").get(pk=pk)
        if act.is_open:
            _judge(act, now)


def _judge(act: Act, now: datetime) -> None:
    if act.give_up_at is None:
        act.give_up_at = now + patience(act.component, MAX_PATIENCE, includes_recovery=True)
        act.save(update_fields=["give_up_at"])
        look_now(act.component, now)
    verdict = _verdict(act, now)
    if verdict is None:
        return  # it is asked again
    act.helped, act.judged_at, act.is_open = verdict, now, False
    act.save(update_fields=["helped", "judged_at", "is_open"])
    settle_s = act.hook.settle_s if act.hook else 0
    note(act, texts.judged(act, settle_s), now)
    event_log.record("act.judged", key=act.key, hook=act.hook_name, helped=verdict)
    if act.hook is not None and act.is_automatic:
        _count_useless(act, act.hook, now)


def _verdict(act: Act, now: datetime) -> Helped | None:
    """None: no check after the settling time has said so yet."""
    component = act.component
    if act.state == ActState.INTERRUPTED or component.manual_status or is_worked_on(component):
        return Helped.UNKNOWN
    failing, probed = component.failing_probes(), component.probed()
    if not failing and probed not in (None, Status.UNKNOWN):
        return Helped.YES
    assert act.judge_at is not None
    assert act.give_up_at is not None
    fresh = [probe for probe in failing if (probe.heard_s or 0) > act.judge_at.timestamp()]
    if any(not probe.state.is_doubtful for probe in fresh):
        return Helped.NO
    if now < act.give_up_at and probed is not None:
        return None
    return Helped.NO if fresh else Helped.UNKNOWN


def _count_useless(act: Act, hook: Hook, now: datetime) -> None:
    """Three automatic calls in a row that did not help: the hook is no use, and is disarmed."""
    if act.helped == Helped.YES:
        hook.useless = 0
    elif act.helped == Helped.NO:
        hook.useless += 1
    hook.save(update_fields=["useless"])
    if hook.useless >= MAX_USELESS and hook.is_armed:
        reason = f"The last {hook.useless} calls did not help."
        hook.disarm(reason)
        note(act, f"{reason} Recovery hook “{hook.name}” is disarmed until a person arms it again.", now)
