"""The text of automatic updates: facts, as customers notice them.

As in docs/writing.md: what people notice first, no cause we do not know, no
promise we cannot keep. Times are written with day and year; `near` shortens them
when the text is shown.
"""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from components import failures
from components.health import Rule
from components.unsteady import ON_AND_OFF
from incidents.times import clock, span

SEVERAL = "failing"  # with different failures
NOT_WORKING = " are not working"  # ends the title of several
MORE = re.compile(r"([1-9][0-9]{0,8}) more")
OWN_SENTENCES = ("", "status")  # the prober's sentence holds numbers only, nothing about the target


def names(of: Sequence[str]) -> str:
    """ "Chat", "Chat and Search", "Chat, Search and 3 more"."""
    if len(of) <= 1:
        return "".join(of)
    if len(of) == 2:
        return f"{of[0]} and {of[1]}"
    if len(of) == 3:
        return f"{of[0]}, {of[1]} and {of[2]}"
    return f"{of[0]}, {of[1]} and {len(of) - 2} more"


def verbs(of: Sequence[str]) -> dict[str, str]:
    """Verbs that agree with `names`, by their singular: {"is": "are", …} for several."""
    plurals = {"is": "are", "was": "were", "has": "have", "does": "do"}
    return plurals if len(of) > 1 else {verb: verb for verb in plurals}


def met(failure: str, why: str) -> str:
    """What went wrong in a check, in fixed wording that is safe to publish.

    `why` is the prober's own sentence, for people who edit probes: it may name hosts and quote the answer.
    """
    return why if failure in OWN_SENTENCES else failures.words(failure).met


def title(of: Sequence[str], failure: str) -> str:
    """What fails, for the headline."""
    if len(of) == 1:
        return f"{of[0]} {failures.words(failure).noticed}"
    return f"{names(of)}{NOT_WORKING}"


def is_ours(text: str, of: Sequence[str]) -> bool:
    """Whether `title` could have made this title for these components."""
    if text.endswith(NOT_WORKING):
        return _are_names(text.removesuffix(NOT_WORKING), of)
    return text in {f"{name} {what}" for name in of for what in failures.titles()}


def _are_names(text: str, of: Sequence[str]) -> bool:
    """Whether `names` could have made this text from two or more of these, in any order."""
    count = Counter(of)

    def is_left(name: str, *but: str) -> bool:
        return count[name] > but.count(name)

    for first in count:
        if text.startswith(f"{first} and ") and is_left(text[len(first) + 5 :], first):
            return True
        if not text.startswith(f"{first}, "):
            continue
        rest = text[len(first) + 2 :]
        for second in count:
            if not rest.startswith(f"{second} and ") or not is_left(second, first):
                continue
            last = rest[len(second) + 5 :]
            more = MORE.fullmatch(last)
            if is_left(last, first, second) or (more and 2 <= int(more[1]) <= len(of) - 2):
                return True
    return False


def is_now(of: Sequence[str], failure: str, adverb: str = "") -> str:
    """ "API is also returning errors", "API and Search are failing"; `failure` empty: several kinds."""
    state = failures.words(failure).now if failure or len(of) == 1 else SEVERAL
    return " ".join(filter(None, (names(of), "are" if len(of) > 1 else "is", adverb, state)))


def opened(
    of: Sequence[str],
    failure: str,
    *,
    working: Sequence[str],
    since: datetime,
    until: datetime,
    cause: str = "",
) -> str:
    """The first update: what does not work, what does, when the next update comes."""
    works = f" {names(working)} {'are' if len(working) > 1 else 'is'} working normally." if working else ""
    likely = f" Likely cause: {cause}." if cause else ""
    return (
        f"{is_now(of, failure)} (since {clock(since)}).{works}{likely} Our monitoring detected this "
        "automatically. "
        f"We're investigating and will post the next update by {clock(until)}, or as soon as this changes."
    )


def failing(of: Sequence[str], failure: str, *, since: datetime) -> str:
    """ "Chat is returning errors (since 20:52 UTC)."."""
    return f"{is_now(of, failure)} (since {clock(since)})."


def confirmed(rule: Rule, failure: str) -> str:
    """For staff: which checks confirmed the failure."""
    if failure == ON_AND_OFF:
        return f"Confirmed automatically by the changes among the last {rule.limits.window} checks"
    return f"Confirmed automatically, {rule.confirm_down} checks in a row"


def promised_nothing(opening: str) -> str:
    """The first update without its promise, for when everything has recovered."""
    return opening.partition(" We're investigating and will post")[0]


def also(of: Sequence[str], failure: str, *, since: datetime) -> str:
    """More components are affected."""
    return f"{is_now(of, failure, 'also')} (since {clock(since)})."


def again(of: Sequence[str], *, since: datetime) -> str:
    """A relapse: components that had recovered are failing again."""
    return f"{names(of)} {'are' if len(of) > 1 else 'is'} failing again (since {clock(since)})."


def promised(text: str, *, until: datetime) -> str:
    """The text with the time of the next update added."""
    return f"{text} We're investigating and will post the next update by {clock(until)}."


def worse(name: str, label: str, *, since: datetime) -> str:
    """The status of an affected component has worsened."""
    return f"{name} has worsened since {clock(since)}: {label.lower()}."


def better(name: str, label: str, *, since: datetime, still_affected: Sequence[str]) -> str:
    """The status of a component has improved, but is not operational yet."""
    still = f" Still affected: {names(still_affected)}." if still_affected else ""
    return f"{name} has improved since {clock(since)}: {label.lower()}.{still}"


def partly_recovered(of: Sequence[str], *, since: datetime, still_affected: Sequence[str]) -> str:
    """Some components have recovered, others have not."""
    still = f" Still affected: {names(still_affected)}." if still_affected else ""
    return f"{names(of)} {'have' if len(of) > 1 else 'has'} recovered ({clock(since)}).{still}"


def unseen(name: str, *, since: datetime) -> str:
    """There are no check results for a component any more."""
    return f"We don't currently know the status of {name}: no check results since {clock(since)}."


def seen_again(name: str, label: str, *, since: datetime) -> str:
    """There are check results for a component again, with the same status as before."""
    return f"We have check results for {name} again since {clock(since)}: {label.lower()}."


def unwatched(of: Sequence[str], *, is_checked: bool = False) -> str:
    """No probe checks these components any more. `of` is empty where they may not be named."""
    if not of:
        return "We no longer check this automatically. Our team will post the next update."
    return f"{partly_unwatched(of, is_checked=is_checked)} Our team will post the next update."


def partly_unwatched(of: Sequence[str], *, is_checked: bool = False) -> str:
    """No probe checks these components any more, while others are still checked.

    `is_checked`: other checks of them go on, which passed all the time.
    """
    if is_checked:
        has = "they have" if len(of) > 1 else "it has"
        return f"We no longer run the check that failed for {names(of)}, so we don't know if {has} recovered."
    status = "their status" if len(of) > 1 else "its status"
    return f"We no longer check {names(of)} automatically, so we don't currently know {status}."


def unwatched_proposal(of: Sequence[str], *, is_checked: bool = False) -> str:
    """For staff: asks them to post an update or resolve."""
    what = names(of) or "its components"
    lost = "The probe that failed no longer checks" if is_checked else "No probe checks"
    more = "" if is_checked else " any more"
    return f"{lost} {what}{more}, so no update is posted automatically: post one, or resolve."


def recovered(of: Sequence[str], *, since: datetime, until: datetime | None) -> str:
    """Everything has recovered and is monitored until `until`. None: staff resolve it, no time is given."""
    text = f"{names(of)} {'have' if len(of) > 1 else 'has'} recovered ({clock(since)})."
    if until is None:
        return text
    pronoun = "them" if len(of) > 1 else "it"
    return f"{text} We'll monitor {pronoun} until {clock(until)} before resolving this incident."


def still(of: Sequence[str], *, until: datetime) -> str:
    """The promised update when nothing has changed."""
    verb = "are" if len(of) > 1 else "is"
    return (
        f"{names(of)} {verb} still not working normally. We're still investigating and will post the next "
        f"update by {clock(until)}, or as soon as this changes."
    )


def said_to_work(of: Sequence[str]) -> str:
    """The promised update while staff report that it works but our checks do not pass yet."""
    return (
        f"Our team reports that {names(of)} {'are' if len(of) > 1 else 'is'} working. "
        "We'll resolve this incident once that is confirmed."
    )


def still_unseen(of: Sequence[str], *, until: datetime) -> str:
    """The promised update while there are no check results."""
    status = "their status" if len(of) > 1 else "its status"
    return (
        f"We have no check results for {names(of)}, so we don't currently know {status}. We're still "
        f"investigating and will post the next update by {clock(until)}, or as soon as this changes."
    )


def resolved(
    of: Sequence[str], *, since: datetime, until: datetime, length: str, is_broken: bool = False
) -> str:
    """The resolving update. `is_broken`: it had recovered for a while in between."""
    verb = "were" if len(of) > 1 else "was"
    return (
        f"{names(of)} {verb} not working normally from {clock(since)} to {clock(until)} "
        f"({length}{' in all, with recoveries in between' if is_broken else ''}). All checks have passed "
        "since then."
    )


CAUGHT_UP = "The statuses in this incident were brought up to date."  # to staff


def proposal(minutes: int) -> str:
    """For staff, when they manage the incident: asks whether to resolve."""
    return f"All checks have passed for {minutes} minutes: resolve?"


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
    """Maintenance has new times."""
    return f"The plan has changed: {span(starts_at, ends_at, now)}."


def work_concerns(of: Sequence[str]) -> str:
    """Maintenance affects other components than announced."""
    return f"The plan has changed: it now affects {names(of)}." if of else "The plan has changed."


def still_down(why: str) -> str:
    """The fact under an incident that opens when maintenance ends."""
    return f"Still failing when planned maintenance ended: {why}".rstrip(": ")


def work_ahead(starts_at: datetime, ends_at: datetime, now: datetime) -> str:
    """The reminder before maintenance."""
    return f"This takes place {span(starts_at, ends_at, now)}, as announced."


def work_began(ends_at: datetime, now: datetime) -> str:
    """Maintenance has started."""
    return f"Maintenance has started. It is planned to end by {clock(ends_at, now)}."


def work_overran(ends_at: datetime, now: datetime) -> str:
    """Maintenance takes longer than planned."""
    return f"Maintenance is taking longer than announced: it was due to end by {clock(ends_at, now)}."


def work_verifying() -> str:
    """The planned time is over; the components are being verified."""
    return "The planned time is over. We're verifying that everything works."


def work_ended(down: Sequence[str]) -> str:
    """Maintenance is complete. `down`: names of components that still fail."""
    if down:
        return (
            f"Maintenance is complete, but {names(down)} {'are' if len(down) > 1 else 'is'} not working yet."
        )
    return "Maintenance is complete."


def work_cancelled() -> str:
    """Maintenance is cancelled."""
    return "This maintenance will not take place."
