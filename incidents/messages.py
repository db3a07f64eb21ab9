"""An update in the words of each way it is told: mail, chat, webhook. What is previewed is what is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from components.status import Status
from incidents.lifecycle import Phase
from incidents.words import clock

EMOJI = {
    Status.OPERATIONAL: "🟢",
    Status.DEGRADED_PERFORMANCE: "🟡",
    Status.PARTIAL_OUTAGE: "🟠",
    Status.MAJOR_OUTAGE: "🔴",
    Status.UNDER_MAINTENANCE: "🔵",
    Status.UNKNOWN: "⚪",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What an update says. `components`: (name, status) as they are after it."""

    page_name: str
    title: str
    phase: Phase
    status: Status
    text: str
    at: datetime
    url: str
    components: tuple[tuple[str, Status], ...] = ()
    next_update_at: datetime | None = None


def subject(told: Told) -> str:
    """ "[Identified] Chat refuses new connections", on one line whatever the title holds."""
    return " ".join(f"[{told.phase.label}] {told.title}".split())


def plain_mail(told: Told) -> str:
    """The complete plain text of a mail."""
    lines = [f"{told.status.label.upper()}: {told.title}", f"{told.phase.label}, {_moment(told.at)}", ""]
    lines += [told.text.strip(), ""]
    lines += [f"- {name}: {status.label}" for name, status in told.components]
    if told.next_update_at:
        lines += ["", f"Next update by {_moment(told.next_update_at)}."]
    return "\n".join([*lines, "", told.url, "", f"-- \n{told.page_name}"])


def chat(told: Told) -> str:
    """One message for a chat channel, as a channel without colours and links shows it."""
    due = told.next_update_at
    return chat_text(
        f"{EMOJI[told.status]} {told.status.label} · {told.phase.label}",
        told.title,
        told.text,
        components=told.components,
        facts=[promise(due)] if due else [],
        url=told.url,
    )


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


def promise(due: datetime) -> str:
    """ "Next update by 03:50 UTC"."""
    return f"Next update by {clock(due.astimezone(UTC))}"


def webhook(told: Told) -> dict[str, Any]:
    """What a webhook carries about the update, in short: the full body adds ids."""
    return {
        "page": {"name": told.page_name, "status_description": told.status.label},
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


def _moment(at: datetime) -> str:
    utc = at.astimezone(UTC)
    return f"{utc.day} {utc:%b}, {utc:%H:%M} UTC"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
