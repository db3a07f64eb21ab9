"""Short lists of the console's overview, in one statement: what waits, what is due, what was done last.

They are of many tables, and most of them are empty most of the time.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, DateTimeField, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast, JSONObject
from django.urls import reverse

from components import identity, mixed_rows
from components.mixed_rows import Row, first, rows
from components.models import Component
from components.status import Status
from incidents.models import Act, ActionItem, ActionState, ActState, Affected, Incident, Maintenance, Update
from incidents.models.hook import Action
from incidents.models.work import State
from statuspage.console import first_steps
from statuspage.console.first_steps import Step
from statuspage.console.suggestions import Beside, Earlier, places

HOUR = timedelta(hours=1)
MAX_PROPOSALS, MAX_COMING, MAX_ACTIVITY = 5, 6, 12
DUE_DAYS = 14
TROUBLED = [status for status in Status if status.is_trouble]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A call of a recovery hook that waits for approval."""

    key: str
    created_at: datetime
    hook_name: str
    action: str
    target: str
    component_name: str
    incident_id: str
    incident_title: str


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
class Activity:
    """An entry of an incident's timeline. `author`: their name, empty for a machine's."""

    at: datetime
    author: str
    is_by_machine: bool
    number: int
    kind: str
    phase: str
    incident_id: str
    incident_title: str


@dataclass(frozen=True, slots=True)
class Agenda:
    """`beside`, `earlier`, `works`: what suggestions say beside their own (`console.suggestions`)."""

    components: int
    troubled: int
    proposals: tuple[Proposal, ...]
    coming: tuple[Coming, ...]
    activity: tuple[Activity, ...]
    steps: tuple[Step, ...]
    beside: Mapping[int, list[Beside]]
    earlier: Mapping[int, Earlier]
    works: str


def read_agenda(suggested: Sequence[Incident], now: datetime) -> Agenda:
    """All of it, as of `now`, in one query."""
    today = identity.day_of(now)
    affected = [place for incident in suggested for place in places(incident)]
    groups = {place.component.group_id for place in affected} | {each.group_id for each in suggested}
    by_kind = STATEMENT.read(
        until=today + timedelta(days=DUE_DAYS),
        ended_after=now - HOUR,
        components={place.component_id for place in affected},
        groups={pk for pk in groups if pk is not None},
    )
    return Agenda(
        components=sum(row.a or 0 for row in by_kind["status"]),
        troubled=sum(row.a or 0 for row in by_kind["status"] if row.key in TROUBLED),
        proposals=tuple(_proposal(row) for row in sorted(by_kind["act"], key=_number)),
        coming=tuple(_coming(by_kind, today)),
        activity=tuple(_entry(row) for row in sorted(by_kind["update"], key=_number, reverse=True)),
        steps=first_steps.steps(by_kind),
        beside=_by_group(by_kind["beside"]),
        earlier={row.a or 0: Earlier(row.key, row.text, _at(row)) for row in by_kind["earlier"]},
        works=next((_explained(row) for row in by_kind["recent"]), ""),
    )


def _parts(
    until: date, ended_after: datetime, components: list[int], groups: list[int]
) -> list[QuerySet[Any, Any]]:
    statuses = Component.objects.order_by().values("status").annotate(count=Count("pk"))
    return [
        rows("status", statuses, key="status", a="count"),
        *_waiting(until),
        _activity(),
        _recent_work(ended_after),
        *_around(components, groups),
        *first_steps.parts(),
    ]


STATEMENT = mixed_rows.Statement(_parts)


def _waiting(until: date) -> list[QuerySet[Any, Any]]:
    """Calls that wait for approval; what is planned or promised, soonest first."""
    acts = Act.objects.filter(state=ActState.PROPOSED).order_by("id")
    works = Maintenance.objects.filter(state__in=("scheduled", "in_progress", "verifying"))
    items = ActionItem.objects.exclude(state=ActionState.DONE).filter(due__lte=until)
    of_act = JSONObject(
        hook_name="hook_name",
        action="action",
        target="target",
        component_name="component__name",
        incident_id="incident__public_id",
        incident_title="incident__title",
    )
    return [
        rows("act", first(acts, MAX_PROPOSALS), key="key", more=of_act, at="created_at", a="pk"),
        rows("work", first(works.order_by("starts_at"), MAX_COMING),
             key="public_id", text="title", note="state", at="starts_at", a="pk"),
        rows("item", first(items.order_by("due"), MAX_COMING), key="postmortem__incident__public_id",
             text="text", note="state", at=Cast("due", DateTimeField()), a="pk"),
    ]  # fmt: skip


def _activity() -> QuerySet[Any, Any]:
    entry = JSONObject(number="number", kind="kind", phase="phase", incident_title="incident__title")
    return rows(
        "update",
        first(Update.objects.order_by("-id"), MAX_ACTIVITY),
        key="incident__public_id",
        text="author__username",
        more=entry,
        at="at",
        a="pk",
        b=Cast("is_by_machine", IntegerField()),
    )


def _recent_work(ended_after: datetime) -> QuerySet[Any, Any]:
    """Recent maintenance that may explain an outage."""
    recent = Maintenance.objects.filter(
        Q(ended_at=None) | Q(ended_at__gte=ended_after), began_at__isnull=False
    )
    return rows("recent", first(recent, 1), text="title", until="ended_at")


def _explained(row: Row) -> str:
    return f"Planned maintenance “{row.text}” {'ended' if row.until else 'is under way'}"


def _around(components: list[int], groups: list[int]) -> list[QuerySet[Any, Any]]:
    """What works in the groups of suggestions, and the last resolved public incident of each component."""
    beside = Component.objects.filter(group__in=groups, status=Status.OPERATIONAL)
    past = Affected.objects.filter(incident__in=Incident.objects.public().exclude(resolved_at=None))
    newest = past.filter(component=OuterRef("component")).order_by("-incident__started_at", "-pk")
    earlier = past.filter(component__in=components, pk=Subquery(newest.values("pk")[:1]))
    return [
        rows("beside", beside, text="name", a="group", b="pk", c=Cast("is_shown", IntegerField()),
             d="position"),
        rows("earlier", earlier, key="incident__public_id", text="incident__title", at="incident__started_at",
             a="component"),
    ]  # fmt: skip


def _by_group(working: Sequence[Row]) -> Mapping[int, list[Beside]]:
    by_group: dict[int, list[Beside]] = defaultdict(list)
    for row in sorted(working, key=lambda row: (row.d, row.b)):
        by_group[row.a or 0].append(Beside(row.b or 0, row.text, bool(row.c)))
    return by_group


def _number(row: Row) -> int:
    return row.a or 0


def _at(row: Row) -> datetime:
    assert row.at is not None  # a column that is never empty
    return row.at


def _proposal(row: Row) -> Proposal:
    values = json.loads(row.more)
    values["action"] = Action(values["action"]).label
    return Proposal(key=row.key, created_at=_at(row), **values)


def _entry(row: Row) -> Activity:
    return Activity(
        at=_at(row),
        author=row.text or "",
        is_by_machine=bool(row.b),
        incident_id=row.key,
        **json.loads(row.more),
    )


def _coming(by_kind: Mapping[str, list[Row]], today: date) -> list[Coming]:
    """What is due, soonest first, so that late ones come first."""
    works = sorted(by_kind["work"], key=lambda row: (_at(row), row.a))
    items = sorted(by_kind["item"], key=lambda row: (_at(row), row.a))
    coming = [
        Coming(
            identity.day_of(_at(row)), row.at, row.text, reverse("console_work", args=[row.key]),
            State(row.note).label,
        )
        for row in works
    ]  # fmt: skip
    coming += [
        Coming(
            _at(row).date(), None, f"Action: {row.text}", reverse("console_postmortem", args=[row.key]),
            ActionState(row.note).label, _at(row).date() < today,
        )
        for row in items
    ]  # fmt: skip
    return sorted(coming, key=lambda entry: entry.day)[:MAX_COMING]
