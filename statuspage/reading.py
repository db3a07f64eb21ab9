"""What the pages show, as plain values: the contract between the read model and the templates.

`page.py` gathers these from the database; templates print them and compare
nothing but emptiness and a status word. All times are aware UTC datetimes.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from components.status import PageState, Status


class Step(StrEnum):
    """How old our newest check is (DESIGN.md, section 5, freshness line)."""

    NONE = "none"  # nothing was ever checked
    CURRENT = "current"
    LATE = "late"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Freshness:
    """The age of what we know, judged at a moment. `late_at` and `stale_at` let script judge again."""

    step: Step
    at: datetime  # the moment it was judged at
    checked_at: datetime | None
    late_at: datetime | None
    stale_at: datetime | None
    probes: int = 0  # probes that reported lately
    watched: int = 0  # probes that ever did
    regions: int = 0
    failing: int = 0  # probes that see trouble now


@dataclass(frozen=True, slots=True)
class Head:
    """What every page needs for its frame. `state` decides title and favicon."""

    page_name: str
    page_url: str  # absolute, without trailing slash
    state: PageState
    version: int  # the doorbell token of this rendering
    rendered_at: datetime
    freshness: Freshness
    time_zone: str
    support_url: str = ""
    section: str = ""  # "status", "history", "maintenance" or "": the current entry of the navigation


@dataclass(frozen=True, slots=True)
class Fact:
    """One pair of the banner's <dl>: the value is text, or a time, or both ("08:00 UTC, 38 min ago")."""

    label: str
    text: str = ""
    at: datetime | None = None
    with_age: bool = False


@dataclass(frozen=True, slots=True)
class Banner:
    """The answer in the first line. `eyebrow` is the word of the state while an incident is open."""

    status: Status
    headline: str
    eyebrow: str = ""
    line: str = ""
    line_at: datetime | None = None  # printed after `line` where set
    line_is_ahead: bool = False  # a time to come has no age
    facts: tuple[Fact, ...] = ()
    is_checking: bool = False  # nothing was ever checked: not unknown by failure, but new


@dataclass(frozen=True, slots=True)
class Outage:
    """One stretch of trouble, or of planned work, within a day."""

    status: Status
    started_at: datetime
    ended_at: datetime | None
    duration: str  # "1 h 51 min"
    incident_title: str = ""
    incident_url: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a component. `status` is None when nothing was known before it began."""

    on: date
    status: Status | None
    uptime: str  # "92.29 %", empty without data
    down: str  # "1 h 51 min", empty when none
    outages: tuple[Outage, ...] = ()
    label: str = ""  # "Tue 17 November: major outage, 1 h 51 min"
    coverage: str = ""  # "known for 98 % of the day", empty when whole


@dataclass(frozen=True, slots=True)
class Uptime:
    """A percentage truncated to two decimals, and the time it stands for.

    `outside` is the second figure: the same without maintenance announced before it began.
    """

    percent: str  # "99.85 %", empty without data
    outside: str = ""  # "99.91 %", empty when no time is left
    down: str = ""  # "3 h 3 min down", empty when none
    since: date | None = None  # set when history is younger than the period
    coverage: str = ""  # "no data for 2 h", empty when whole

    @property
    def differs(self) -> bool:
        """Whether the second figure says something else, so that both are printed."""
        return bool(self.outside) and self.outside != self.percent


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """A component as listed. `was` and `was_at` tell the last known state while it is unknown."""

    public_id: str
    url: str
    name: str
    description: str
    status: Status
    label: str  # "Operational", "Checking…", "Unknown"
    since: datetime | None
    days: tuple[Day, ...]  # oldest first, the last one today; empty: no strip (set by hand, no data yet)
    uptime: Uptime
    by_hand: bool = False
    was: str = ""
    was_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GroupCard:
    """A group of components. `kind` is "affected" for the one that moves up, else "group"."""

    public_id: str
    name: str
    kind: str
    rows: tuple[ComponentRow, ...]
    status: Status
    label: str
    is_open: bool
    count: str  # "3 components", "5 of 7 components"


@dataclass(frozen=True, slots=True)
class Change:
    """A component's state before and after an update."""

    name: str
    old: Status
    new: Status


@dataclass(frozen=True, slots=True)
class UpdateRow:
    """One update. A fact is the machine's (small diamond); `html` is sanitised."""

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
    status: Status  # the state its impact stands for, or operational for none
    impact_label: str  # "Major outage"
    now: str  # "Cause found, fix in progress"
    started_at: datetime
    resolved_at: datetime | None
    duration: str
    next_update_at: datetime | None
    is_overdue: bool
    updates: tuple[UpdateRow, ...]
    not_working: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    working: tuple[str, ...] = ()
    components: tuple[str, ...] = ()  # names of the affected ones
    noticed_by: str = ""  # "Monitoring" or "Our team"
    noticed_after: str = ""  # "2 min"
    summary: str = ""  # first words of the newest update, plain text
    is_by_machine: bool = False
    postmortem_url: str = ""  # empty until one is published
    workaround_html: str = ""  # what customers can do, sanitised; empty once it is over

    @property
    def is_open(self) -> bool:
        """True until it is resolved."""
        return self.resolved_at is None


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
    summary: str  # the same as plain text
    is_active: bool = False
    is_planned: bool = False
    is_overrunning: bool = False
    overran_by: str = ""  # "35 min"; set when it is over, too
    versions: tuple[PlanVersion, ...] = ()  # oldest first; empty when the plan was never changed
    excused: tuple[datetime, datetime] | None = None  # what the second uptime figure leaves out


@dataclass(frozen=True, slots=True)
class PastDays:
    """A day with incidents, or a folded run of quiet ones. `label` is "18 – 21 Nov"."""

    first: date
    last: date
    label: str
    age: str  # "4 days", "4 days ago"
    incidents: tuple[IncidentCard, ...] = ()
    note: str = ""  # "No incidents.", "Not monitored since …"


@dataclass(frozen=True, slots=True)
class ResponseTime:
    """Median and p95 of a component in the last 24 h; points are hourly medians, None is a gap."""

    name: str
    median: str  # "84 ms"
    p95: str
    points: tuple[float | None, ...]
    started_at: datetime
    label: str  # the chart in one sentence

    @property
    def has_curve(self) -> bool:
        """Whether there are two hours to draw a line between."""
        return sum(point is not None for point in self.points) > 1


@dataclass(frozen=True, slots=True)
class Overview:
    """The front page."""

    head: Head
    banner: Banner
    incidents: tuple[IncidentCard, ...]
    groups: tuple[GroupCard, ...]
    response_times: tuple[ResponseTime, ...]
    past: tuple[PastDays, ...]
    active: tuple[WorkCard, ...] = ()
    planned: tuple[WorkCard, ...] = ()


@dataclass(frozen=True, slots=True)
class ComponentPage:
    """One component with its days."""

    head: Head
    row: ComponentRow
    banner: Banner
    days: tuple[Day, ...]  # newest first: the table
    response_time: ResponseTime | None
    incidents: tuple[IncidentCard, ...]
    group_name: str = ""
    group_id: str = ""
    works: tuple[WorkCard, ...] = ()


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
    """What our probes saw, fit for a stranger's eyes."""

    summary: str
    ladder: tuple[Rung, ...]
    rows: tuple[EvidenceRow, ...]
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """One incident, whole."""

    head: Head
    banner: Banner
    incident: IncidentCard
    affected: tuple[ComponentRow, ...]
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class WorkPage:
    """One maintenance, whole."""

    head: Head
    work: WorkCard
    affected: tuple[ComponentRow, ...]


@dataclass(frozen=True, slots=True)
class WorksPage:
    """All maintenance: under way, planned (the next one first), past (the newest first)."""

    head: Head
    active: tuple[WorkCard, ...]
    planned: tuple[WorkCard, ...]
    past: tuple[WorkCard, ...]


@dataclass(frozen=True, slots=True)
class CountingPage:
    """How the figures are counted. `weights` are (state, "1", what that means)."""

    head: Head
    weights: tuple[tuple[Status, str], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A day in a month's calendar; `status` None: future, or before we began."""

    on: date | None  # None: padding before the first
    status: Status | None = None
    label: str = ""
    is_today: bool = False
    url: str = ""  # where a day that was not well is told
    is_planned: bool = False  # maintenance is announced for it


@dataclass(frozen=True, slots=True)
class Listed:
    """An incident in the list of the month it began in. `anchor` is set for the first one of its day."""

    card: IncidentCard
    on: str  # "Tue 17 Nov"
    until: str = ""  # "until 19 Nov" when it did not end on the day it began
    anchor: str = ""  # "day-2026-11-17"


@dataclass(frozen=True, slots=True)
class Choice:
    """A component one may look at alone."""

    name: str
    url: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the history, in weeks of seven cells, Monday first."""

    name: str  # "November 2026"
    key: str  # "2026-11"
    weeks: tuple[tuple[Cell, ...], ...]
    incidents: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class UptimeRow:
    """Uptime of a component: one figure a month, then 90 days."""

    name: str
    url: str
    figures: tuple[Uptime, ...]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Three months. `earlier` and `later` are addresses or empty; `chosen` is the component, if one is."""

    head: Head
    months: tuple[Month, ...]  # oldest first
    uptimes: tuple[UptimeRow, ...]
    period: str  # "Sep – Nov 2026"
    earlier: str = ""
    later: str = ""
    columns: tuple[str, ...] = field(default_factory=tuple)
    choices: tuple[Choice, ...] = ()
    chosen: str = ""
    count: int = 0  # incidents that began in these months
    figures_url: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A named moment on the curve. `x` is a percentage; labels too close stand on rows of their own."""

    number: int
    at: datetime
    name: str
    x: float
    row: int
    is_last: bool  # its label stands before the line, as there is no room after it


@dataclass(frozen=True, slots=True)
class Curve:
    """The share of checks that were well. Positions are percentages of the width."""

    label: str  # the chart in one sentence
    step: str  # "minute", "5 minutes"
    status: Status  # the worst it came to
    points: tuple[float | None, ...]  # percentages; None is a gap
    band: tuple[float, float]  # where the trouble lies: start and width
    moments: tuple[Moment, ...]
    ticks: tuple[tuple[float, str], ...]  # "08:30"
    rows: tuple[tuple[datetime, int, int], ...]  # for the CSV: when, checks that were well, all checks


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A moment of a postmortem. `day` where it is another day than the one before."""

    at: datetime
    tag: str
    html: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class ActionRow:
    """What was promised. `state` is "done", "doing", "todo" or "late"."""

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
    """A change after publication: what, and the words before it as (name, HTML)."""

    at: datetime
    what: str
    before: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A published postmortem. All `html` is sanitised; texts may be empty."""

    public_id: str
    url: str
    incident_url: str
    incident_title: str
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
    sections: tuple[tuple[str, str, str], ...]  # anchor, heading, HTML: of those that have words
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
        """The section of this name; empty when it has no words."""
        return next((html for name, _, html in self.sections if name == anchor), "")


@dataclass(frozen=True, slots=True)
class PostmortemPage:
    """One postmortem, whole."""

    head: Head
    report: Report


@dataclass(frozen=True, slots=True)
class OpenAction:
    """A promise not kept yet, and whose it is."""

    action: ActionRow
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class PostmortemsPage:
    """All postmortems, newest first, and what is still to do, late first."""

    head: Head
    reports: tuple[Report, ...]
    open_actions: tuple[OpenAction, ...]
