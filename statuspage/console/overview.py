"""The console's overview: what is down, what staff are asked, and the health of this program.

Everything is gathered in a fixed number of queries, however many components and incidents there are.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from components import latency, mixed_rows
from components.mixed_rows import rows
from components.models import HourTally, StatusSpan
from components.prepared import ValuesQuery
from components.status import SEVERITY, State, Status
from incidents import notification_status, staff_questions, times
from incidents.generated_text import duration, names
from incidents.lifecycle import Phase
from statuspage.console.agenda import TROUBLED, Activity, Coming, Proposal, read_agenda
from statuspage.console.board import Open, Shown, read_board, read_suggested
from statuspage.console.failing import Probes, read_probes
from statuspage.console.first_steps import Step
from statuspage.console.suggestions import Suggestion, places, suggestions
from statuspage.console.vital_signs import Vital, system

HOUR = timedelta(hours=1)
MAX_DOWN, MAX_SUGGESTED = 6, 5
SPARK_HOURS = 12
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Down:
    """A component with a problem. `why`: the failure its probes met, or that staff set it.

    `clock`: how `since` reads today.
    """

    public_id: str
    name: str
    status: Status
    since: datetime | None
    clock: str
    why: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A public incident that is not over. `clock`: how `next_update_at` reads today."""

    public_id: str
    title: str
    is_owned: bool
    next_update_at: datetime | None
    clock: str
    state: State
    phase: Phase
    names: str
    length: str
    overdue: str  # "4 min", empty while the promise holds
    is_well: bool  # all its probes have been up for a while: resolve?


@dataclass(frozen=True, slots=True)
class Row:
    """A component with its last hour, one bar a minute, and its response time."""

    public_id: str
    name: str
    status: Status
    minutes: tuple[Status | None, ...]
    answers_in: str
    points: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time with one status; `ended_at` None: it lasts."""

    status: Status
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the overview shows."""

    now: datetime
    down: tuple[Down, ...]
    more_down: int
    suggestions: tuple[Suggestion, ...]
    questions: tuple[staff_questions.Question, ...]
    proposals: tuple[Proposal, ...]
    opened: tuple[Opened, ...]
    rows: tuple[Row, ...]
    more_rows: int
    system: tuple[Vital, ...]
    failing: tuple[notification_status.Failing, ...]
    coming: tuple[Coming, ...]
    activity: tuple[Activity, ...]
    steps: tuple[Step, ...]
    open_incidents: int  # suggestions included

    @property
    def is_healthy(self) -> bool:
        """Whether this program itself has no problem."""
        return all(vital.is_well for vital in self.system)


def overview(now: datetime) -> Overview:
    """The overview, in a fixed number of queries."""
    board = read_board()
    shown, incidents = board.components, board.incidents
    troubled = [component for component in shown if component.status in TROUBLED][:MAX_DOWN]  # by severity
    suggested = read_suggested([each.pk for each in incidents if each.is_suggestion][:MAX_SUGGESTED])
    agenda = read_agenda(suggested, now)
    concerned = [place.component for each in suggested for place in places(each)]
    probes = read_probes(concerned, [component.pk for component in troubled], now)
    spans, points = _past([component.pk for component in shown], now)
    delivery = notification_status.answers().health(now)
    return Overview(
        now=now,
        down=tuple(_down(troubled, spans, probes, now)),
        more_down=max(0, agenda.troubled - MAX_DOWN),
        suggestions=tuple(suggestions(suggested, agenda, probes, now)),
        questions=tuple(staff_questions.never_passed(probe) for probe in probes.unproven),
        proposals=agenda.proposals,
        opened=tuple(_opened(incident, now) for incident in incidents if not incident.is_suggestion),
        rows=tuple(_row(each, spans[each.pk], points[each.pk], now) for each in shown),
        more_rows=agenda.components - len(shown),
        system=tuple(system(now, delivery)),
        failing=delivery.failing,
        coming=agenda.coming,
        activity=agenda.activity,
        steps=agenda.steps,
        open_incidents=len(incidents),
    )


def _down(
    troubled: Iterable[Shown], spans: Mapping[int, list[Span]], probes: Probes, now: datetime
) -> list[Down]:
    rows = []
    for component in troubled:
        flip = probes.falls.get(component.pk)
        why = "set by staff" if component.is_set else (flip.why if flip else "")
        since = next((span.started_at for span in spans[component.pk] if span.ended_at is None), None)
        clock = times.clock(since, now, seconds=True) if since else ""
        rows.append(Down(component.public_id, component.name, component.status, since, clock, why))
    return rows


def _opened(incident: Open, now: datetime) -> Opened:
    due = incident.next_update_at
    return Opened(
        public_id=incident.public_id,
        title=incident.title,
        is_owned=incident.is_owned,
        next_update_at=due,
        clock=times.clock(due, now) if due else "",
        state=incident.state,
        phase=incident.phase,
        names=names(incident.names),
        length=duration((now - incident.started_at).total_seconds()),
        overdue=duration((now - due).total_seconds()) if due and due < now else "",
        is_well=incident.is_well,
    )


def _past(
    components: list[int], now: datetime
) -> tuple[Mapping[int, list[Span]], Mapping[int, list[float | None]]]:
    """Of each component its spans of the last hour and its response times of the last hours, oldest first."""
    spans: dict[int, list[Span]] = defaultdict(list)
    for row in sorted(SPANS.read(ids=components, ended_after=now - HOUR)["span"], key=_at):
        spans[row.a or 0].append(Span(Status(row.key), _at(row), row.until))
    points: dict[int, list[float | None]] = defaultdict(list)
    for pk, _, histogram in sorted(HOURS.read(ids=components, hours_after=now - SPARK_HOURS * HOUR)):
        points[pk].append(_median(histogram))
    return spans, points


def _spans(ids: list[int], ended_after: datetime) -> list[QuerySet[Any, Any]]:
    recent = StatusSpan.objects.filter(Q(ended_at=None) | Q(ended_at__gte=ended_after), component__in=ids)
    return [rows("span", recent, a="component", key="status", at="started_at", until="ended_at")]


def _hours(ids: list[int], hours_after: datetime) -> QuerySet[Any, Any]:
    """Some hundred rows, so as little of each as there can be; the hour is text, for the order alone."""
    tallies = HourTally.objects.filter(component__in=ids, hour__gt=hours_after).order_by()
    return tallies.values_list("component_id", Cast("hour", TextField()), Cast("latency", TextField()))


SPANS = mixed_rows.Statement(_spans)
HOURS = ValuesQuery(_hours)


def _at(row: mixed_rows.Row) -> datetime:
    return row.at or NEVER


@lru_cache(maxsize=4_000)
def _median(histogram: str) -> float | None:
    """The median of an hour, whose histogram is JSON: most hours are over and stay as they are."""
    return latency.quantile(json.loads(histogram), 0.5)


def _row(component: Shown, spans: list[Span], points: list[float | None], now: datetime) -> Row:
    newest = next((point for point in reversed(points) if point is not None), None)
    status = component.status
    answers = "failing" if status is Status.MAJOR_OUTAGE else "" if newest is None else _ms(newest)
    return Row(component.public_id, component.name, status, minute_bars(spans, now), answers, tuple(points))


def _ms(value: float) -> str:
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def minute_bars(spans: Iterable[Span | StatusSpan], now: datetime) -> tuple[Status | None, ...]:
    """The worst status of each of the last 60 minutes; None without data."""
    first = now - HOUR
    bars: list[Status | None] = [None] * 60
    for span in spans:
        begin = max(0, int((span.started_at - first).total_seconds() // 60))
        end = min(59, int(((span.ended_at or now) - first).total_seconds() // 60))
        status = Status(span.status)
        for place in range(begin, end + 1):
            held = bars[place]
            if held is None or SEVERITY[status] > SEVERITY[held]:
                bars[place] = status
    return tuple(bars)
