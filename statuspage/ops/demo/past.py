"""An example as plain values: a past incident and its postmortem."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from components.status import Status
from incidents.lifecycle import Phase
from incidents.models import ActionKind, ActionState

Told = tuple[Phase, datetime, str]


@dataclass(frozen=True, slots=True)
class Action:
    """A corrective action."""

    text: str
    kind: ActionKind
    team: str
    due: date
    state: ActionState
    done_on: date | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """A past incident, and its postmortem if it has one."""

    title: str
    started_at: datetime
    ended_at: datetime
    statuses: Mapping[str, Status]  # by component
    told: Sequence[Told]
    last_word: str
    report: Mapping[str, Any] = field(default_factory=dict)
    actions: Sequence[Action] = ()
    published_at: datetime | None = None


def at(day: str, clock: str) -> datetime:
    """A time in UTC, from "2026-11-12" and "08:21"."""
    return datetime.fromisoformat(f"{day}T{clock}+00:00")


def timeline(day: str, *rows: tuple[str, str, str]) -> list[list[str]]:
    """The timeline of a day, as a postmortem keeps it."""
    return [[at(day, clock).strftime("%Y-%m-%dT%H:%M:%SZ"), tag, text] for clock, tag, text in rows]
