"""An incident as shown: its card, its updates, and what our probes saw."""

from dataclasses import dataclass
from datetime import datetime

from components.status import State, Status


@dataclass(frozen=True, slots=True)
class Change:
    """A component's state before and after an update."""

    name: str
    old: Status
    new: Status


@dataclass(frozen=True, slots=True)
class UpdateRow:
    """One update. A fact is automatic (small diamond); `html` is sanitised."""

    anchor: str  # "u-3"
    phase: str
    phase_label: str
    at: datetime
    html: str
    is_fact: bool = False
    by_machine: bool = False
    edited_at: datetime | None = None
    first_html: str = ""  # before the first edit
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentCard:
    """An incident as shown on any page. Updates are newest first."""

    public_id: str
    url: str
    title: str
    phase: str
    phase_label: str
    state: State  # now; once it is over, how bad it was
    worst: Status  # how bad it was or is at its worst
    now: str  # "Identified"
    started_at: datetime
    resolved_at: datetime | None
    ended_at: datetime | None  # when everything had recovered, which is before it is resolved
    counts_from: datetime  # its start, moved by the healthy time before a relapse
    duration: str  # until it ended, or until now
    next_update_at: datetime | None
    is_overdue: bool
    updates: tuple[UpdateRow, ...]
    not_working: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    working: tuple[str, ...] = ()
    components: tuple[str, ...] = ()  # names of the affected ones
    component_ids: tuple[str, ...] = ()  # their public ids, in the same order
    noticed_by: str = ""  # "Monitoring" or "Our team"
    noticed_after: str = ""  # "2 min"
    summary: str = ""  # first words of the newest update, plain text
    said_at: datetime | None = None  # when that update was posted
    postmortem_url: str = ""  # empty until one is published
    workaround_html: str = ""  # what customers can do, sanitised; empty once it is over

    @property
    def is_open(self) -> bool:
        """True until it is resolved."""
        return self.resolved_at is None


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the evidence ladder: `state` is "ok", "failed" or "open" (not reached)."""

    name: str
    state: str
    text: str


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """What one probe saw: one bar a minute, oldest first; None is no data."""

    name: str
    first_failure_at: datetime | None
    sees: str
    status: Status
    answers_in: str
    minutes: tuple[Status | None, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What our probes saw, as the public may see it."""

    summary: str
    sentence: str  # "2 of 8 probes see 503 Service Unavailable", for the line under the banner
    first_failure_at: datetime | None
    ladder: tuple[Rung, ...]
    rows: tuple[EvidenceRow, ...]
    started_at: datetime | None = None
    ended_at: datetime | None = None
