"""What the machine says when no person has spoken yet: facts in customers' words.

DESIGN.md, section 6: what people notice first, no cause we do not know, no
promise we cannot keep. Times are written whole, day and year; `near` shortens them
to what is needed at the moment that the words are said.
"""

from collections.abc import Sequence
from datetime import datetime

from incidents.times import clock, span

# What customers notice, by the failure the probe met.
NOTICED = {
    "status": "answers with errors",
    "assertion": "gives wrong answers",
    "redirect": "cannot be reached",
    "too_large": "gives wrong answers",
    "protocol": "gives wrong answers",
    "refused": "cannot be reached",
    "unreachable": "cannot be reached",
    "reset": "breaks off connections",
    "dns": "cannot be found",
    "timeout_dns": "cannot be found",
    "tls": "has no valid certificate",
}
NO_ANSWER = "does not answer"


def names(of: Sequence[str]) -> str:
    """ "Chat", "Chat and Search", "Chat, Search and 3 more"."""
    if len(of) <= 1:
        return "".join(of)
    if len(of) == 2:
        return f"{of[0]} and {of[1]}"
    if len(of) == 3:
        return f"{of[0]}, {of[1]} and {of[2]}"
    return f"{of[0]}, {of[1]} and {len(of) - 2} more"


def title(of: Sequence[str], failure: str) -> str:
    """What fails, for the headline."""
    if len(of) == 1:
        return f"{of[0]} {NOTICED.get(failure, NO_ANSWER)}"
    return f"{names(of)} do not work"


def opened(
    of: Sequence[str], failure: str, *, working: Sequence[str], since: datetime, until: datetime
) -> str:
    """The first word: what does not work, what does, when we speak again."""
    works = f" {names(working)} {'work' if len(working) > 1 else 'works'} as usual." if working else ""
    return (
        f"{title(of, failure)} since {clock(since)}.{works} Our monitoring found this by itself "
        f"and keeps looking. We will write again by {clock(until)}, or as soon as this changes."
    )


def failing(name: str, failure: str, *, since: datetime) -> str:
    """One component fails."""
    return f"{title([name], failure)} since {clock(since)}."


def joined(name: str, failure: str, *, since: datetime) -> str:
    """One more component is affected."""
    return f"{title([name], failure)} as well, since {clock(since)}."


def worse(name: str, label: str, *, since: datetime) -> str:
    """A component that was affected is worse off now."""
    return f"{name} is worse off since {clock(since)}: {label.lower()}."


def better(name: str, label: str, *, since: datetime, left: Sequence[str]) -> str:
    """A component is better off; others are not, or it is not well yet."""
    still = f" Still affected: {names(left)}." if left else ""
    if label == "Operational":
        return f"{name} works again since {clock(since)}.{still}"
    return f"{name} is better off since {clock(since)}: {label.lower()}.{still}"


def unseen(name: str, *, since: datetime) -> str:
    """We lost sight of a component."""
    return f"We cannot see {name} since {clock(since)}. This says nothing about {name} itself."


def recovered(of: Sequence[str], *, since: datetime, until: datetime) -> str:
    """All of it works; we watch before we call it closed."""
    verb = "work" if len(of) > 1 else "works"
    return (
        f"{names(of)} {verb} again since {clock(since)}. "
        f"We watch it until {clock(until)} before we call this closed."
    )


def still(of: Sequence[str], *, until: datetime) -> str:
    """The promised word when nothing has changed."""
    verb = "do" if len(of) > 1 else "does"
    return (
        f"{names(of)} still {verb} not work as usual. We keep looking and will write again by "
        f"{clock(until)}, or as soon as this changes."
    )


def resolved(of: Sequence[str], *, since: datetime, until: datetime, length: str) -> str:
    """The last word."""
    return (
        f"{names(of)} did not work as usual from {clock(since)} to {clock(until)} ({length}). "
        "All checks have been well since."
    )


def proposal(minutes: int) -> str:
    """To staff, when the incident is theirs."""
    return f"All probes have been well for {minutes} minutes: resolve?"


def duration(seconds: float) -> str:
    """ "40 s", "31 min", "2 h 31 min", "3 d 4 h"."""
    whole = int(seconds)
    if whole < 60:
        return f"{max(whole, 0)} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def replanned(starts_at: datetime, ends_at: datetime, now: datetime) -> str:
    """The times have changed."""
    return f"The plan has changed: {span(starts_at, ends_at, now)}."


def work_concerns(of: Sequence[str]) -> str:
    """Other components than announced."""
    return f"The plan has changed: it concerns {names(of)}." if of else "The plan has changed."


def still_down(why: str) -> str:
    """The fact beneath an incident that opens as planned work ends."""
    return f"Still failing when the planned work ended: {why}".rstrip(": ")


def work_ahead(starts_at: datetime, ends_at: datetime, now: datetime) -> str:
    """The reminder."""
    return f"This takes place {span(starts_at, ends_at, now)}, as announced."


def work_began(ends_at: datetime, now: datetime) -> str:
    """It begins."""
    return f"The work has begun. It is planned to end by {clock(ends_at, now)}."


def work_overran(ends_at: datetime, now: datetime) -> str:
    """It takes longer."""
    return f"The work takes longer than announced: it was to end by {clock(ends_at, now)}."


def work_verifying() -> str:
    """Its time is over; we make sure that all is well."""
    return "The time is over. We make sure that everything works."


def work_ended(down: Sequence[str]) -> str:
    """It is over, and what is still down."""
    if down:
        return f"The work is over, but {names(down)} {'do' if len(down) > 1 else 'does'} not work yet."
    return "The work is over."


def work_cancelled() -> str:
    """It will not take place."""
    return "This work will not take place."
