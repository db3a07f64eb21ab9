"""The two long lists of the console overview, in one statement: components by severity, and open incidents.

They are values, of the columns that are shown. The few suggestions, which need more, are whole rows.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Cast, JSONObject

from components import mixed_rows
from components.mixed_rows import Row, first, rows
from components.models import Component
from components.prepared import ModelQuery
from components.status import SEVERITY, Impact, State, Status
from components.texts import one_line
from incidents.lifecycle import Phase
from incidents.models import Affected, Incident
from incidents.state import place_in, state_now

MAX_ROWS = 40
BY_SEVERITY = Case(
    *(When(status=status, then=Value(rank)) for status, rank in SEVERITY.items()), output_field=IntegerField()
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A component. `is_set`: staff set its status."""

    pk: int
    public_id: str
    name: str
    status: Status
    is_set: bool


@dataclass(frozen=True, slots=True)
class Open:
    """An incident that is not over. `names`: of all its components, in order."""

    pk: int
    public_id: str
    title: str
    phase: Phase
    state: State
    names: tuple[str, ...]
    is_owned: bool
    is_suggestion: bool
    is_well: bool
    started_at: datetime
    next_update_at: datetime | None


@dataclass(frozen=True, slots=True)
class Board:
    """`components`: the worst first, `MAX_ROWS` at most. `incidents`: the newest first."""

    components: tuple[Shown, ...]
    incidents: tuple[Open, ...]


def read_board() -> Board:
    """Both lists, in one query. Raises DatabaseError."""
    by_kind = STATEMENT.read()
    places: dict[int, list[Row]] = defaultdict(list)
    for row in sorted(by_kind["place"], key=lambda row: (row.b, row.c)):
        places[row.a or 0].append(row)
    return Board(
        components=_by_severity(by_kind["component"]),
        incidents=tuple(
            _open(row, places[row.a or 0])
            for row in sorted(by_kind["incident"], key=lambda row: (row.at, row.a), reverse=True)
        ),
    )


def read_suggested(pks: Sequence[int]) -> list[Incident]:
    """These incidents, the newest first, each with its components as `all_affected`; in two queries."""
    places: dict[int, list[Affected]] = defaultdict(list)
    for place in PLACES.read(ids=list(pks)):
        places[place.incident_id].append(place)
    incidents = INCIDENTS.read(ids=list(pks))
    for incident in incidents:
        incident.all_affected = places[incident.pk]  # type: ignore[attr-defined]
        for place in places[incident.pk]:
            place.incident = incident
    return incidents


def _parts() -> list[QuerySet[Any, Any]]:
    worst = first(Component.objects.order_by(BY_SEVERITY.desc(), "position", "pk"), MAX_ROWS)
    opened = Incident.objects.live().filter(resolved_at=None)
    impact = JSONObject(override="impact_override", impact="impact")
    affected = Affected.objects.filter(incident__in=opened.order_by().values("pk"))
    work = Component.objects.filter(
        pk=OuterRef("component"), maintenances__state__in=("in_progress", "verifying")
    )
    return [
        rows("component", worst, key="public_id", text="name", note="status", more="manual_status",
             a="pk", b="position"),
        rows("incident", opened, key="public_id", text="title", note="phase", more=impact, at="started_at",
             until="next_update_at", a="pk", b=Cast("is_owned", IntegerField()),
             c=_is_set("published_at"), d=_is_set("proposed_at")),
        rows("place", affected, key="component__status", text="component__name", note="status",
             more=JSONObject(worst="worst_status", manual="component__manual_status"), a="incident_id",
             b="component__position", c="pk", d=Cast("component__is_shown", IntegerField()),
             e=Case(When(Exists(work), then=Value(1)), default=Value(0))),
    ]  # fmt: skip


def _is_set(name: str) -> Case:
    return Case(When(Q(**{f"{name}__isnull": False}), then=Value(1)), default=Value(0))


STATEMENT = mixed_rows.Statement(_parts)
INCIDENTS = ModelQuery(lambda ids: Incident.objects.filter(pk__in=ids))
PLACES = ModelQuery(lambda ids: Affected.objects.as_seen().filter(incident__in=ids))


def _by_severity(components: Sequence[Row]) -> tuple[Shown, ...]:
    ordered = sorted(components, key=lambda row: (-SEVERITY[Status(row.note)], row.b, row.a))
    return tuple(
        Shown(row.a or 0, row.key, _line(row.text), Status(row.note), bool(row.more)) for row in ordered
    )


def _open(row: Row, places: Sequence[Row]) -> Open:
    assert row.at is not None  # a column that is never empty
    phase, is_owned = Phase(row.note), bool(row.b)
    shown = tuple((place.key, place.note, place.more, bool(place.e)) for place in places if place.d)
    return Open(
        pk=row.a or 0,
        public_id=row.key,
        title=_line(row.text),
        phase=phase,
        state=_state(phase, row.more, shown, is_owned=is_owned),
        names=tuple([_line(place.text) for place in places]),
        is_owned=is_owned,
        is_suggestion=not row.c,
        is_well=bool(row.d),
        started_at=row.at,
        next_update_at=row.until,
    )


@lru_cache(maxsize=2_000)
def _state(
    phase: Phase, impact: str, shown: tuple[tuple[str, str, str, bool], ...], *, is_owned: bool
) -> State:
    """As `Incident.state` says. `shown`: of each public component what `_status` takes."""
    values: Mapping[str, str] = json.loads(impact)
    override = values["override"]
    statuses = [_status(phase, *place, is_owned=is_owned) for place in shown]
    return state_now(phase, statuses, override=override, impact=Impact(override or values["impact"]))


def _status(
    phase: Phase, component: str, row: str, more: str, is_worked_on: bool, *, is_owned: bool
) -> Status:
    """As `Affected.status_in` says."""
    values: Mapping[str, str] = json.loads(more)
    return place_in(
        phase,
        Status(component),
        Status(row),
        Status(values["worst"]),
        manual=values["manual"],
        is_owned=is_owned,
        is_worked_on=is_worked_on,
    )


@lru_cache(maxsize=2_000)
def _line(text: str) -> str:
    """A line of text as the model's field reads it (`components.models.lines`)."""
    return one_line(text)
