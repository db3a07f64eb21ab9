"""An update as mail, chat message and webhook. What is previewed is what is sent."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from components.status import WATCHING, State, Status, state_of
from incidents.lifecycle import Phase
from incidents.markdown import to_text
from incidents.plain_text import to_plain
from incidents.times import clock, is_today

EMOJI = {
    Status.OPERATIONAL: "🟢",
    Status.DEGRADED_PERFORMANCE: "🟡",
    Status.PARTIAL_OUTAGE: "🟠",
    Status.MAJOR_OUTAGE: "🔴",
    Status.UNDER_MAINTENANCE: "🔵",
    Status.UNKNOWN: "⚪",
}
MAX_SUBJECT_LENGTH = 200
Components = Sequence[tuple[str, Status]]


@dataclass(frozen=True, slots=True)
class Told:
    """What an update says. `text` is Markdown. `components`: (name, status) as they are after it."""

    page_name: str
    title: str
    phase: Phase
    status: Status
    text: str
    at: datetime
    url: str
    components: tuple[tuple[str, Status], ...] = ()
    next_update_at: datetime | None = None
    workaround: str = ""
    is_watching: bool = False  # all of it has recovered, and we watch

    @property
    def state(self) -> State:
        """What heads every message of it."""
        return WATCHING if self.is_watching else state_of(self.status)


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said, in a mail. Both texts are Markdown; `workaround` is what customers can do."""

    label: str
    at: datetime
    text: str
    workaround: str = ""


def subject(told: Told) -> str:
    """ "[Identified] Chat refuses new connections", on one line whatever the title holds."""
    return subject_line(told.phase.label, told.title)


def subject_line(label: str, title: str) -> str:
    """The same of an incident but for the step, so that mail programs keep it in one thread."""
    return header(f"[{label}] {title}")


def header(text: str) -> str:
    """Words for a header of a mail: one line, cut."""
    return one_line(text, most=MAX_SUBJECT_LENGTH)


def one_line(text: str, *, most: int) -> str:
    """One line without control characters or marks that turn the writing round, cut at `most`."""
    kept = (" " if unicodedata.category(one) in ("Cc", "Cs") else one for one in text if one not in TURNING)
    line = " ".join("".join(kept).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


# they reorder what is shown (UAX #9), so that a subject could look like another one
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def plain_mail(told: Told) -> str:
    """The complete plain text of a mail as somebody who chose everything gets it."""
    said = Said(told.phase.label, told.at, told.text, told.workaround)
    lines = told_in_mail(
        told.title, said, state=told.state, components=told.components, next_update_at=told.next_update_at
    )
    own = "(a link for this subscriber)"
    return "\n".join([*lines, told.url, "", *mail_end(why("all components", told.page_name), own, own)])


def told_in_mail(
    title: str,
    said: Said,
    *,
    state: State | None,
    components: Components,
    next_update_at: datetime | None = None,
    facts: Iterable[str] = (),
    sent_at: datetime | None = None,
) -> list[str]:
    """The lines of one story and what is said now. `state` None: there is none to tell."""
    lines = [state_line(state, components), ""] if state else []
    lines += [one_line(title, most=MAX_SUBJECT_LENGTH), said_when(said)]
    lines += facts
    if next_update_at:
        lines.append(next_word(next_update_at, said.at, sent_at))
    lines += ["", plain(said.text), ""]
    if said.workaround:
        lines += ["What you can do:", plain(said.workaround), ""]
    differing = each(components)
    return [*lines, *(f"- {one}" for one in differing), ""] if differing else lines


def state_line(state: State, components: Components) -> str:
    """ "PARTIAL OUTAGE: Chat, Notifications"."""
    of = names(hit(state, components))
    return f"{state.label.upper()}: {of}" if of else state.label.upper()


def hit(state: State, components: Components) -> Components:
    """Those that a state of trouble speaks of; all where it is none, or none of them is in trouble."""
    troubled = [one for one in components if one[1].is_trouble] if state.status.is_trouble else []
    return troubled or components


def names(components: Components) -> str:
    """ "Chat, Notifications", ten at most."""
    listed = [one_line(name, most=100) for name, _ in components[:10]]
    more = len(components) - len(listed)
    return ", ".join([*listed, f"{more} more"] if more else listed)


def each(components: Components) -> list[str]:
    """ "Chat: Partial outage" for each where they differ, twenty at most."""
    if len({status for _, status in components}) < 2:
        return []
    listed = [f"{one_line(name, most=100)}: {status.label}" for name, status in components[:20]]
    more = len(components) - len(listed)
    return [*listed, f"{more} more"] if more else listed


def said_when(said: Said) -> str:
    """ "Identified, 17 Nov 2026 03:46 UTC"."""
    return f"{one_line(said.label, most=60)}, {moment(said.at)}"


def next_word(at: datetime, told_at: datetime, sent_at: datetime | None = None) -> str:
    """ "Next update by 04:15 UTC", with the date where it is another one when it was said or is sent."""
    is_near = is_today(at, told_at) and is_today(at, sent_at or told_at)
    return f"Next update by {clock(at, told_at) if is_near else moment(at)}"


def why(scope: str, page_name: str) -> str:
    """Why somebody gets it; `scope` as "all components", "Chat and Files", "one incident"."""
    return f"You get this because you follow {one_line(scope, most=200)} of {one_line(page_name, most=100)}."


def mail_end(reason: str, choose: str, leave: str) -> list[str]:
    """What stands below the line that mail programs know for an end ("-- ", RFC 3676, section 4.3)."""
    return ["-- ", reason, f"Choose components: {choose}", f"Unsubscribe: {leave}"]


def plain(text: str) -> str:
    """Markdown as lines of plain text, without control characters."""
    kept = (one for one in to_plain(text) if one in "\n\t" or unicodedata.category(one) != "Cc")
    return "".join(kept).strip("\n")


def chat(told: Told) -> str:
    """One message for a chat channel, as a channel without colours and links shows it."""
    due = told.next_update_at
    return chat_text(
        chat_head(told.state, told.phase.label),
        told.title,
        to_text(told.text),
        components=told.components,
        facts=[f"Next update by {clock(due, told.at)}"] if due else [],
        url=told.url,
    )


def chat_head(state: State, label: str) -> str:
    """ "🔴 Major outage · Identified"; once where both would say the same."""
    head = f"{EMOJI[state.status]} {state.label}"
    return head if state.is_watching or label == state.label else f"{head} · {label}"


def chat_text(
    head: str,
    title: str,
    text: str,
    *,
    components: Sequence[tuple[str, Status]] = (),
    facts: Sequence[str] = (),
    url: str = "",
) -> str:
    """The plain words of a chat message: what is previewed, and what notifications show of every kind."""
    parts = [f"{head}: {' '.join(title.split())}", text.strip()]
    parts.append(", ".join(f"{name}: {status.label}" for name, status in components))
    return "\n".join(part for part in [*parts, *facts, url] if part)


def webhook(told: Told) -> dict[str, Any]:
    """What a webhook carries about the update, in short: the full body adds ids."""
    return {
        "page": {"name": told.page_name, "status_description": told.state.label},
        "incident": {
            "name": told.title,
            "status": told.phase.value,
            "shortlink": told.url,
            "incident_updates": [
                {"status": told.phase.value, "body": told.text, "display_at": _iso(told.at)}
            ],
            "components": [{"name": name, "status": status.value} for name, status in told.components],
        },
    }


def moment(at: datetime) -> str:
    """ "17 Nov 2026 03:46 UTC"."""
    utc = at.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y %H:%M} UTC"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
