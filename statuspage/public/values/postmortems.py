"""A published postmortem: its texts, chart, timeline and actions."""

from dataclasses import dataclass
from datetime import date, datetime

from components.status import Status
from statuspage.public.values.frame import Head


@dataclass(frozen=True, slots=True)
class Moment:
    """A named moment on the curve. `x` is a percentage; labels too close stand on rows of their own."""

    number: int
    at: datetime
    clock: str  # "08:21", in UTC
    tag: str  # "cause found"
    x: float
    row: int
    is_last: bool  # its label stands before the line, as there is no room after it


@dataclass(frozen=True, slots=True)
class Curve:
    """The share of checks that passed. Positions are percentages of the width."""

    label: str  # the chart in one sentence
    step: str  # "minute", "5 minutes"
    status: Status  # the worst status
    points: tuple[float | None, ...]  # percentages; None is a gap
    band: tuple[float, float]  # the incident: start and width
    moments: tuple[Moment, ...]
    ticks: tuple[tuple[float, str, datetime], ...]  # "08:30", in UTC
    form: str  # how script writes the ticks: clock, or month where they are days
    rows: tuple[tuple[datetime, int, int], ...]  # for the CSV: when, passed checks, all checks


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A moment of a postmortem. `day` where it is another day than the one before."""

    at: datetime
    tag: str
    html: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class ActionRow:
    """A corrective action. `state` is "done", "doing", "todo" or "late"."""

    number: int
    text: str
    kind: str
    team: str
    due: date | None
    state: str
    label: str
    link: str = ""
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EditRow:
    """A change after publication: what, and the earlier texts as (name, HTML)."""

    at: datetime
    what: str
    before: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A published postmortem. All `html` is sanitised; texts may be empty."""

    public_id: str
    url: str
    incident_url: str
    title: str
    authors: str
    published_at: datetime
    updated_at: datetime  # the last change, or the publication
    read_min: int
    started_at: datetime
    ended_at: datetime
    duration: str
    impact: str
    users: str  # "75 %", empty when not measured
    users_how: str
    detected_by: str  # "Monitoring", empty when the text has no such beginning
    detection: str
    detected_after: str  # "2 min"
    told_after: str  # "6 min"
    components: tuple[str, ...]
    sections: tuple[tuple[str, str, str], ...]  # anchor, heading, HTML: of those with text
    timeline: tuple[TimelineRow, ...]
    misled: tuple[tuple[str, str], ...]  # HTML: what we saw, what was true
    actions: tuple[ActionRow, ...]
    done: int
    doing: int
    edits: tuple[EditRow, ...]  # newest first
    curve: Curve | None = None

    @property
    def progress(self) -> str:
        """ "3 of 6 done"."""
        return f"{self.done} of {len(self.actions)} done"

    def html(self, anchor: str) -> str:
        """The section with this anchor; empty if it has no text."""
        return next((html for name, _, html in self.sections if name == anchor), "")


@dataclass(frozen=True, slots=True)
class PostmortemPage:
    """One postmortem, whole."""

    head: Head
    report: Report


@dataclass(frozen=True, slots=True)
class OpenAction:
    """A corrective action that is not done, and its postmortem."""

    action: ActionRow
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class PostmortemsPage:
    """All postmortems, newest first, and their open actions, late ones first."""

    head: Head
    reports: tuple[Report, ...]
    open_actions: tuple[OpenAction, ...]
