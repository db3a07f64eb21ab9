"""Alerts about recovery hooks: a call that waits for approval, a hook that disarmed itself, the brake."""

from collections.abc import Iterator

from incidents.models import Act, ActState, Brake, Hook
from incidents.models.hook import BRAKE_IS_ON
from subscribers.alerts.owed import Owed, World, address


def proposals(world: World) -> Iterator[Owed]:
    """A call that someone has to approve."""
    for act in Act.objects.filter(state=ActState.PROPOSED).select_related("incident", "component"):
        yield Owed(
            act.key,
            f"Approve? Recovery hook “{act.hook_name}” for {act.component.name}",
            f"{act.incident.title}. It is not called until someone approves it.",
            address("console_incident", act.incident.public_id),
        )


def decided(subject: str) -> str:
    """What became of the proposal; empty if nobody can say."""
    act = Act.objects.filter(key=subject).select_related("asked_by").first()
    if act is None:
        return ""
    who = act.asked_by or "staff"  # the account may be deleted since
    if act.state == ActState.REFUSED:
        return f"Refused by {who}: recovery hook “{act.hook_name}”"
    if act.state == ActState.DROPPED:
        return f"No longer proposed: recovery hook “{act.hook_name}”. {act.why}"
    return f"Approved by {who}: recovery hook “{act.hook_name}”"


def disarmed(world: World) -> Iterator[Owed]:
    """A hook that is of no use, or whose secret cannot be read: it waits for a person."""
    stopped = Hook.objects.exclude(disarmed_reason="").exclude(disarmed_reason__startswith=BRAKE_IS_ON)
    for hook in stopped.select_related("component"):  # what the brake stopped has an alert of its own
        yield Owed(
            hook.public_id,
            f"Recovery hook “{hook.name}” of {hook.component.name} is disarmed.",
            f"{hook.disarmed_reason} It is not called automatically until someone arms it again.",
            address("console_hook", hook.public_id),
        )


def brake(world: World) -> Iterator[Owed]:
    """Too many calls over all hooks: none is made until a person says so."""
    engaged = Brake.objects.engaged()
    if engaged is not None:
        yield Owed(
            str(engaged.pk),
            "The brake is on: no recovery hook is called automatically.",
            f"{engaged.reason} Find out why so much fails, release the brake, and arm the hooks again.",
            address("console_hooks"),
            "The brake of the recovery hooks was released.",
        )
