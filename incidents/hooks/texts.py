"""What an act says on the timeline: notes for staff, and the fact that customers may read."""

from collections.abc import Iterable

from incidents.generated_text import duration
from incidents.hooks.rules import CAUSES, NEVER
from incidents.models import Act, Action, ActState, Helped, Hook

ANNOUNCED = {
    Action.RESTART: "A restart of {name} was started",
    Action.DRAIN: "Traffic is being moved away from a part of {name}",
    Action.SCALE: "Capacity is being added to {name}",
    Action.SWITCH: "{name} is being switched over",
    Action.OTHER: "A recovery of {name} was started",
}
MAX_QUOTED = 200


def started(act: Act, hook: Hook, number: int) -> str:
    """Before the call. `number`: which call of its budget it is."""
    # an account may be deleted meanwhile
    who = f"{act.asked_by or 'Staff'} called" if not act.is_automatic else "Calling"
    is_approved = act.is_automatic and act.approved_at is not None
    how = f", approved by {act.asked_by or 'staff'}" if is_approved else ""
    budget = f" Call {number} of {hook.budget} in {duration(hook.window_s)}." if act.is_automatic else ""
    return f"{who} recovery hook {_name(act)}{how}: {_failing(act)}{budget} Its id: `{act.key}`."


def dry(act: Act) -> str:
    """A dry run: nothing was sent."""
    return f"Dry run: recovery hook {_name(act)} would have been called now: {_failing(act)}"


def proposed(act: Act) -> str:
    """It waits for a person."""
    return f"Recovery hook {_name(act)} is proposed: {_failing(act)} Someone has to approve it."


def dropped(act: Act) -> str:
    """It was proposed or approved, and may not be called any more."""
    return f"Recovery hook {_name(act)} was not called. {act.why}"


def refused(act: Act) -> str:
    """A person said no."""
    return f"Recovery hook {_name(act)} was refused: it is not proposed again for this incident."


def finished(act: Act) -> str:
    """After the call."""
    took = f" after {act.took_ms:,} ms" if act.took_ms is not None else ""
    quoted = f" Its response: {_quoted(act.answer_excerpt)}" if act.answer_excerpt else ""
    if act.state == ActState.ANSWERED:
        return f"Recovery hook {_name(act)} responded with {act.answer_status}{took}.{quoted}"
    if act.state == ActState.INTERRUPTED:
        return (
            f"Recovery hook {_name(act)} may or may not have been called: our own process ended during the"
            " call. It is not called again under this id."
        )
    return f"Recovery hook {_name(act)} failed{took}. {act.why}{quoted}"


def judged(act: Act, settle_s: int) -> str:
    """What the probes saw after the settling time."""
    name = act.component.name
    if act.helped == Helped.YES:
        return f"Recovery hook {_name(act)} helped: {name} is no longer failing."
    if act.helped == Helped.NO:
        return f"Recovery hook {_name(act)} did not help: {name} still fails {duration(settle_s)} later."
    return f"It is not known whether recovery hook {_name(act)} helped: no check could tell."


def announced(act: Act) -> str:
    """The public fact: our own words, nothing about how."""
    text = ANNOUNCED[Action(act.action)].format(name=act.component.name)
    return f"{text} automatically." if act.is_automatic else f"{text}."


def causes(keys: Iterable[str]) -> str:
    """ "overload, not started"."""
    return ", ".join((CAUSES | NEVER).get(key, key.replace("_", " ")) for key in sorted(keys))


def _failing(act: Act) -> str:
    named = f" Likely cause: {causes(act.causes)}." if act.causes else ""
    failure = f" ({act.failure})" if act.failure else ""
    return f"{act.component.name} fails{failure}.{named}"


def _name(act: Act) -> str:
    return f"“{act.hook_name}” ({Action(act.action).label.lower()})"


def _quoted(text: str) -> str:
    """As code, so that nothing in it is markup."""
    return f"`{text[:MAX_QUOTED].replace('`', chr(39))}`"
