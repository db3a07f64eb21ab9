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
class UpdateMessage:
    """An update to be sent. `text` is Markdown; `components` are (name, status) after the update."""

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
    is_watching: bool = False  # everything has recovered and is being monitored

    @property
    def state(self) -> State:
        """The state shown first in every message."""
        return WATCHING if self.is_watching else state_of(self.status)


@dataclass(frozen=True, slots=True)
class MailEntry:
    """One update in a mail. `text` and `workaround` (what customers can do) are Markdown."""

    label: str
    at: datetime
    text: str
    workaround: str = ""


def subject(update: UpdateMessage) -> str:
    """ "[Identified] Chat refuses new connections", on one line whatever the title holds."""
    return subject_line(update.phase.label, update.title)


def subject_line(label: str, title: str) -> str:
    """A mail subject. Only the label changes within an incident, so mail programs keep it in one thread."""
    return header(f"[{label}] {title}")


def header(text: str) -> str:
    """Text for a mail header: one line, at most MAX_SUBJECT_LENGTH characters."""
    return one_line(text, most=MAX_SUBJECT_LENGTH)


def one_line(text: str, *, most: int) -> str:
    """One line without control characters or marks of writing direction, at most `most` characters."""
    chars = (
        " " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text if char not in TURNING
    )
    line = " ".join("".join(chars).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


# they reorder what is shown (UAX #9), so that a subject could look like another one
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def plain_mail(update: UpdateMessage) -> str:
    """The complete plain text of a mail, as sent to a subscriber of all components."""
    entry = MailEntry(update.phase.label, update.at, update.text, update.workaround)
    lines = mail_lines(
        update.title,
        entry,
        state=update.state,
        components=update.components,
        next_update_at=update.next_update_at,
    )
    own = "(a link for this subscriber)"
    return "\n".join([*lines, update.url, "", *mail_end(why("all components", update.page_name), own, own)])


def mail_lines(
    title: str,
    entry: MailEntry,
    *,
    state: State | None,
    components: Components,
    next_update_at: datetime | None = None,
    facts: Iterable[str] = (),
    sent_at: datetime | None = None,
) -> list[str]:
    """The plain-text lines of one update. `state` None: no state is shown. `facts`: further lines."""
    lines = [state_line(state, components), ""] if state else []
    lines += [one_line(title, most=MAX_SUBJECT_LENGTH), dated_label(entry)]
    lines += facts
    if next_update_at:
        lines.append(next_update_line(next_update_at, entry.at, sent_at))
    lines += ["", plain(entry.text), ""]
    if entry.workaround:
        lines += ["What you can do:", plain(entry.workaround), ""]
    differing = component_lines(components)
    return [*lines, *(f"- {line}" for line in differing), ""] if differing else lines


def state_line(state: State, components: Components) -> str:
    """ "PARTIAL OUTAGE: Chat, Notifications"."""
    of = names(affected_by(state, components))
    return f"{state.label.upper()}: {of}" if of else state.label.upper()


def affected_by(state: State, components: Components) -> Components:
    """The components with a problem, if the state is one; else, or if none has one, all of them."""
    troubled = [row for row in components if row[1].is_trouble] if state.status.is_trouble else []
    return troubled or components


def names(components: Components) -> str:
    """ "Chat, Notifications", ten at most."""
    listed = [one_line(name, most=100) for name, _ in components[:10]]
    more = len(components) - len(listed)
    return ", ".join([*listed, f"{more} more"] if more else listed)


def component_lines(components: Components) -> list[str]:
    """ "Chat: Partial outage" for each where they differ, twenty at most."""
    if len({status for _, status in components}) < 2:
        return []
    listed = [f"{one_line(name, most=100)}: {status.label}" for name, status in components[:20]]
    more = len(components) - len(listed)
    return [*listed, f"{more} more"] if more else listed


def dated_label(entry: MailEntry) -> str:
    """ "Identified, 17 Nov 2026 03:46 UTC"."""
    return f"{one_line(entry.label, most=60)}, {moment(entry.at)}"


def next_update_line(at: datetime, told_at: datetime, sent_at: datetime | None = None) -> str:
    """ "Next update by 04:15 UTC", with the date unless it is the day of writing (`told_at`) and sending."""
    is_near = is_today(at, told_at) and is_today(at, sent_at or told_at)
    return f"Next update by {clock(at, told_at) if is_near else moment(at)}"


def why(scope: str, page_name: str) -> str:
    """Why the subscriber gets it; `scope` as in "all components", "Chat and Files", "one incident"."""
    return f"You get this because you follow {one_line(scope, most=200)} of {one_line(page_name, most=100)}."


def mail_end(reason: str, choose: str, leave: str) -> list[str]:
    """The mail's footer, after the signature separator "-- " (RFC 3676, section 4.3)."""
    return ["-- ", reason, f"Choose components: {choose}", f"Unsubscribe: {leave}"]


def plain(text: str) -> str:
    """Markdown as lines of plain text, without control characters."""
    chars = (char for char in to_plain(text) if char in "\n\t" or unicodedata.category(char) != "Cc")
    return "".join(chars).strip("\n")


def chat(update: UpdateMessage) -> str:
    """The message for a chat channel, as one without colours and links shows it."""
    due = update.next_update_at
    return chat_text(
        chat_head(update.state, update.phase.label),
        update.title,
        to_text(update.text),
        components=update.components,
        facts=[f"Next update by {clock(due, update.at)}"] if due else [],
        url=update.url,
    )


def chat_head(state: State, label: str) -> str:
    """ "🔴 Major outage · Identified"; the state alone where both would say the same."""
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
    """The plain text of a chat message, for previews and for notifications of every vendor."""
    parts = [f"{head}: {' '.join(title.split())}", text.strip()]
    parts.append(", ".join(f"{name}: {status.label}" for name, status in components))
    return "\n".join(part for part in [*parts, *facts, url] if part)


def webhook(update: UpdateMessage) -> dict[str, Any]:
    """A short form of the webhook's body; the full one adds ids."""
    return {
        "page": {"name": update.page_name, "status_description": update.state.label},
        "incident": {
            "name": update.title,
            "status": update.phase.value,
            "shortlink": update.url,
            "incident_updates": [
                {"status": update.phase.value, "body": update.text, "display_at": _iso(update.at)}
            ],
            "components": [{"name": name, "status": status.value} for name, status in update.components],
        },
    }


def moment(at: datetime) -> str:
    """ "17 Nov 2026 03:46 UTC"."""
    utc = at.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y %H:%M} UTC"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
