"""The console's overview: what is down, what staff are asked, and the health of this program.

Everything is gathered in a fixed number of queries, however many components and incidents there are.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Case, Count, IntegerField, Prefetch, Q, QuerySet, Value, When
from django.urls import reverse

from components import latency
from components.models import Component, Flip, HourTally, StatusSpan
from components.outcomes import Outcome
from components.status import SEVERITY, State, Status
from components.unsteady import ON_AND_OFF
from incidents import automation, notification_status, staff_questions
from incidents.generated_text import duration, names
from incidents.lifecycle import Phase
from incidents.models import Act, ActionItem, ActionState, ActState, Affected, Incident, Maintenance, Update
from statuspage.console.vital_signs import Vital, system

HOUR = timedelta(hours=1)
MAX_DOWN, MAX_ROWS, MAX_SUGGESTED, MAX_COMING, MAX_ACTIVITY = 6, 40, 5, 6, 12
SPARK_HOURS = 12
TROUBLED = [status for status in Status if status.is_trouble]
BY_SEVERITY = Case(
    *(When(status=status, then=Value(rank)) for status, rank in SEVERITY.items()), output_field=IntegerField()
)


@dataclass(frozen=True, slots=True)
class Down:
    """A component with a problem. `why`: the failure its probes met, or that staff set it."""

    component: Component
    status: Status
    since: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for a suggestion, in words; `url` leads to the evidence."""

    status: Status | None
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An incident that is not published yet."""

    incident: Incident
    draft: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """A public incident that is not over."""

    incident: Incident
    state: State
    phase: Phase
    names: str
    length: str
    overdue: str  # "4 min", empty while the promise holds
    is_well: bool  # all its probes have been up for a while: resolve?


@dataclass(frozen=True, slots=True)
class Row:
    """A component with its last hour, one bar a minute, and its response time."""

    component: Component
    status: Status
    minutes: tuple[Status | None, ...]
    answers_in: str
    points: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Coming:
    """Something with a time: an update that is due, maintenance, an action item."""

    day: date
    at: datetime | None  # None: some time that day
    text: str
    url: str
    what: str
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the overview shows."""

    now: datetime
    down: tuple[Down, ...]
    more_down: int
    suggestions: tuple[Suggestion, ...]
    questions: tuple[staff_questions.Question, ...]
    proposals: tuple[Act, ...]
    opened: tuple[Opened, ...]
    rows: tuple[Row, ...]
    more_rows: int
    system: tuple[Vital, ...]
    failing: tuple[notification_status.Failing, ...]
    coming: tuple[Coming, ...]
    activity: tuple[Update, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether this program itself has no problem."""
        return all(vital.is_well for vital in self.system)


def overview(now: datetime) -> Overview:
    """The overview, in a fixed number of queries."""
    shown = list(Component.objects.order_by(BY_SEVERITY.desc(), "position", "pk")[:MAX_ROWS])
    counts = Component.objects.aggregate(
        every=Count("pk"), troubled=Count("pk", filter=Q(status__in=TROUBLED))
    )
    troubled = [component for component in shown if component.status in TROUBLED]  # by severity
    incidents = _incidents()
    delivery = notification_status.answers().health()
    suggested = [incident for incident in incidents if incident.published_at is None]
    return Overview(
        now=now,
        down=tuple(_down(troubled[:MAX_DOWN])),
        more_down=max(0, counts["troubled"] - MAX_DOWN),
        suggestions=tuple(_suggestions(suggested, now)),
        questions=tuple(
            staff_questions.never_passed(probe) for probe in staff_questions.unproven()[:MAX_SUGGESTED]
        ),
        proposals=tuple(_proposals()),
        opened=tuple(_opened(incident, now) for incident in incidents if incident.published_at),
        rows=tuple(_rows(shown, now)),
        more_rows=counts["every"] - len(shown),
        system=tuple(system(now, delivery)),
        failing=delivery.failing,
        coming=tuple(_coming(now)),
        activity=tuple(Update.objects.select_related("incident", "author").order_by("-id")[:MAX_ACTIVITY]),
    )


def _proposals() -> QuerySet[Act]:
    """Calls of recovery hooks that wait for approval."""
    proposed = Act.objects.filter(state=ActState.PROPOSED).select_related("incident", "component")
    return proposed.order_by("id")[:MAX_SUGGESTED]


def _incidents() -> list[Incident]:
    affected = Affected.objects.as_seen()
    return list(
        Incident.objects.live()
        .filter(resolved_at=None)
        .prefetch_related(Prefetch("affected", affected, to_attr="all_affected"))
    )


def _affected(incident: Incident) -> list[Affected]:
    rows: list[Affected] = incident.all_affected  # type: ignore[attr-defined]
    return rows


def _down(troubled: list[Component]) -> list[Down]:
    spans = {
        span.component_id: span
        for span in StatusSpan.objects.filter(
            component__in=[component.pk for component in troubled], ended_at=None
        )
    }
    last = _last_flips([component.pk for component in troubled])
    rows = []
    for component in troubled:
        flip = last.get(component.pk)
        why = "set by staff" if component.manual_status else (flip.why if flip else "")
        since = spans[component.pk].started_at if component.pk in spans else None
        rows.append(Down(component, Status(component.status), since, why))
    return rows


def _last_flips(component_ids: list[int]) -> dict[int, Flip]:
    """The newest flip for the worse of each component."""
    flips = Flip.objects.filter(
        probe__component__in=component_ids,
        probe__outcome__in=(Outcome.DOWN, Outcome.DEGRADED),
        new__in=(Outcome.DOWN, Outcome.DEGRADED),
        at__gte=datetime.now(UTC) - timedelta(days=60),
    ).select_related("probe")
    return {flip.probe.component_id: flip for flip in flips.order_by("id")}


def _suggestions(suggested: list[Incident], now: datetime) -> list[Suggestion]:
    suggested = suggested[:MAX_SUGGESTED]
    ids = [place.component_id for incident in suggested for place in _affected(incident)]
    flips = _last_flips(ids)
    earlier, works, siblings = _earlier(ids), _recent_work(now), _working(suggested)
    drafts = automation.drafts(suggested, now)
    suggestions = []
    for incident in suggested:
        component_ids = [place.component_id for place in _affected(incident)]
        by_pk = {place.component_id: place.component.name for place in _affected(incident)}
        reasons = [_of_flip(flips[pk], by_pk[pk]) for pk in component_ids if pk in flips]
        beside = [other.name for other in siblings[incident.group_id] if other.pk not in component_ids]
        if beside:
            verb = "answers" if len(beside) == 1 else "answer"
            reasons.append(Reason(Status.OPERATIONAL, f"{names(beside)} in the same group {verb} normally"))
        before = next((earlier[pk] for pk in component_ids if pk in earlier), None)
        if before is not None:
            text = f"Same component as on {before.started_at.day} {before.started_at:%b}: {before.title}"
            reasons.append(Reason(None, text, reverse("console_incident", args=[before.public_id])))
        reasons.append(Reason(None, works or "Not explained by planned maintenance in the last 60 minutes"))
        suggestions.append(Suggestion(incident, drafts[incident.pk], tuple(reasons)))
    return suggestions


def _working(suggested: list[Incident]) -> dict[int | None, list[Component]]:
    """Operational components by group, for the groups of these incidents."""
    by_group: dict[int | None, list[Component]] = defaultdict(list)
    groups = [incident.group_id for incident in suggested if incident.group_id]
    for component in Component.objects.filter(group__in=groups, status=Status.OPERATIONAL):
        by_group[component.group_id].append(component)
    return by_group


def _of_flip(flip: Flip, name: str) -> Reason:
    rule = flip.probe.rule
    times = "" if flip.failure == ON_AND_OFF else f"{rule.confirm_down} checks in a row "
    text = f"{name}: {flip.why or flip.failure} {times}from {flip.probe.region}."
    return Reason(flip.probe.status, text, reverse("console_probe", args=[flip.probe.public_id]))


def _earlier(component_ids: list[int]) -> dict[int, Incident]:
    """The last resolved public incident of each component."""
    rows = Affected.objects.filter(
        component__in=component_ids, incident__in=Incident.objects.public().exclude(resolved_at=None)
    ).select_related("incident")
    return {row.component_id: row.incident for row in rows.order_by("incident__started_at")}


def _recent_work(now: datetime) -> str:
    """Recent maintenance that may explain an outage, in a sentence; empty if there is none."""
    recent = Maintenance.objects.filter(began_at__isnull=False).filter(
        Q(ended_at=None) | Q(ended_at__gte=now - HOUR)
    )
    first = recent.first()
    if first is None:
        return ""
    return f"Planned maintenance “{first.title}” {'ended' if first.ended_at else 'is under way'}"


def _opened(incident: Incident, now: datetime) -> Opened:
    due = incident.next_update_at
    return Opened(
        incident=incident,
        state=incident.state([place for place in _affected(incident) if place.component.is_shown]),
        phase=Phase(incident.phase),
        names=names([place.component.name for place in _affected(incident)]),
        length=duration((now - incident.started_at).total_seconds()),
        overdue=duration((now - due).total_seconds()) if due and due < now else "",
        is_well=incident.proposed_at is not None,
    )


def _rows(components: list[Component], now: datetime) -> list[Row]:
    ids = [component.pk for component in components]
    spans: dict[int, list[StatusSpan]] = defaultdict(list)
    recent = StatusSpan.objects.filter(component__in=ids)
    for span in recent.filter(Q(ended_at=None) | Q(ended_at__gte=now - HOUR)).order_by("started_at"):
        spans[span.component_id].append(span)
    hours: dict[int, list[HourTally]] = defaultdict(list)
    for tally in HourTally.objects.filter(component__in=ids, hour__gt=now - SPARK_HOURS * HOUR).order_by(
        "hour"
    ):
        hours[tally.component_id].append(tally)
    return [_row(component, spans[component.pk], hours[component.pk], now) for component in components]


def _row(component: Component, spans: list[StatusSpan], hours: list[HourTally], now: datetime) -> Row:
    points = tuple(latency.quantile(hour.latency, 0.5) for hour in hours)
    newest = next((point for point in reversed(points) if point is not None), None)
    status = Status(component.status)
    answers = "failing" if status is Status.MAJOR_OUTAGE else "" if newest is None else _ms(newest)
    return Row(component, status, minute_bars(spans, now), answers, points)


def _ms(value: float) -> str:
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def minute_bars(spans: list[StatusSpan], now: datetime) -> tuple[Status | None, ...]:
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


def _coming(now: datetime) -> list[Coming]:
    """What is due, soonest first, so that late ones come first."""
    today = now.date()
    works = Maintenance.objects.filter(state__in=("scheduled", "in_progress", "verifying"))
    coming = [
        Coming(
            work.starts_at.date(),
            work.starts_at,
            work.title,
            reverse("console_work", args=[work.public_id]),
            work.get_state_display(),
        )
        for work in works.order_by("starts_at")[:MAX_COMING]
    ]
    items = (
        ActionItem.objects.exclude(state=ActionState.DONE)
        .filter(due__lte=today + timedelta(days=14))
        .select_related("postmortem__incident")
        .order_by("due")
    )
    coming += [
        Coming(
            item.due, None, f"Action: {item.text}", _editor(item), item.get_state_display(),
            item.is_late(today),
        )
        for item in items[:MAX_COMING]
        if item.due
    ]  # fmt: skip
    return sorted(coming, key=lambda entry: entry.day)[:MAX_COMING]


def _editor(item: ActionItem) -> str:
    return reverse("console_postmortem", args=[item.postmortem.incident.public_id])
