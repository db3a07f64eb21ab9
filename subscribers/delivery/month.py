"""The report of a month for mail: what may still be shown of it, and the part that one subscriber follows."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings

from components.models import Component
from incidents.models import Incident, MonthlyReport


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of a component, or the average, as its page shows them; empty texts are left out.

    `component` and `group` are row ids, as subscribers choose them; 0 for the average and for no group.
    """

    component: int
    group: int
    name: str
    uptime: str
    down: str
    coverage: str
    outside: str
    target: str
    verdict: str
    incidents: int


@dataclass(frozen=True, slots=True)
class Began:
    """An incident that began in the month. `components`: row ids; of an incident without any, empty."""

    components: frozenset[int]
    title: str
    url: str
    state: str
    started_at: datetime
    lasted: str  # "3 h 5 min", until the report was made while it was open
    is_open: bool


@dataclass(frozen=True, slots=True)
class Month:
    """A report. `groups`: (name, rows), the name empty for components without a group.

    `average` is None in a part of it, as it is of all components.
    """

    name: str
    url: str
    csv_url: str
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    average: Row | None
    incidents: tuple[Began, ...]
    first_word: str
    first_word_basis: str

    def part_of(self, components: Collection[int], groups: Collection[int]) -> "Month | None":
        """The report on these components and groups (row ids); None if it has nothing about them.

        Incidents without components are in every part, as they are sent to everyone.
        """
        parts = []
        for name, rows in self.groups:
            chosen = tuple(row for row in rows if row.component in components or row.group in groups)
            parts += [(name, chosen)] if chosen else []
        if not parts:
            return None
        followed = {row.component for _, rows in parts for row in rows}
        incidents = tuple(it for it in self.incidents if not it.components or it.components & followed)
        return replace(self, groups=tuple(parts), average=None, incidents=incidents)


def read(report: MonthlyReport) -> Month | None:
    """What may be shown of it now, in two queries; None if that is nothing.

    Components that were hidden or deleted since are left out, and incidents that were withdrawn or that
    are about such components only.
    """
    body = report.body
    shown = {component.public_id: component for component in Component.objects.filter(is_shown=True)}
    groups = tuple(
        (group["name"], rows)
        for group in body["groups"]
        if (rows := tuple(_row(row, shown[row["id"]]) for row in group["rows"] if row["id"] in shown))
    )
    if not groups:
        return None
    is_whole = all(row["id"] in shown for group in body["groups"] for row in group["rows"])
    return Month(
        name=body["title"],
        url=settings.PUBLIC_URL + body["url"],
        csv_url=settings.PUBLIC_URL + body["csv_url"],
        groups=groups,
        average=_row(body["average"], None) if is_whole else None,
        incidents=_incidents(body["incidents"], shown),
        first_word=body["first_word"],
        first_word_basis=body["first_word_basis"],
    )


def _row(row: dict[str, Any], component: Component | None) -> Row:
    return Row(
        component=component.pk if component else 0,
        group=(component.group_id or 0) if component else 0,
        **{name: row[name] for name in FIGURES},
    )


FIGURES = ("name", "uptime", "down", "coverage", "outside", "target", "verdict", "incidents")


def _incidents(rows: list[dict[str, Any]], shown: dict[str, Component]) -> tuple[Began, ...]:
    ids = [row["id"] for row in rows]
    public = set(Incident.objects.public().filter(public_id__in=ids).values_list("public_id", flat=True))
    return tuple(
        Began(
            components=frozenset(shown[place].pk for place in row["places"] if place in shown),
            title=row["title"],
            url=settings.PUBLIC_URL + row["url"],
            state=row["state"],
            started_at=datetime.fromisoformat(row["started_at"]),
            lasted=row["lasted"],
            is_open=row["is_open"],
        )
        for row in rows
        if row["id"] in public and (not row["places"] or any(place in shown for place in row["places"]))
    )
