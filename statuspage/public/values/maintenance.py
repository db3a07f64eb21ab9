"""Maintenance as shown: its card, and every version of its plan."""

from dataclasses import dataclass
from datetime import datetime

from statuspage.public.values.incidents import UpdateRow


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """One version of a plan. `word` is what happened: "Announced", "Changed" or "Cancelled"."""

    word: str
    at: datetime
    starts_at: datetime
    ends_at: datetime
    is_cancelled: bool = False
    is_late: bool = False  # written when the work had begun: no figure follows it


@dataclass(frozen=True, slots=True)
class WorkCard:
    """Planned work as shown on any page. Updates are newest first."""

    public_id: str
    url: str
    title: str
    state: str
    state_label: str  # "In progress"
    starts_at: datetime
    ends_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    planned: str  # "2 h"
    took: str  # "1 h 54 min", empty before it began
    components: tuple[str, ...]
    updates: tuple[UpdateRow, ...]
    html: str  # what it is about
    is_active: bool = False
    is_planned: bool = False
    is_overrunning: bool = False
    overran_by: str = ""  # "35 min"; set when it is over, too
    versions: tuple[PlanVersion, ...] = ()  # oldest first; empty when the plan was never changed
    excused: tuple[datetime, datetime] | None = None  # what the second uptime figure leaves out
