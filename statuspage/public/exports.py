"""Incidents and uptime as CSV and JSON: the figures of the pages, with the arithmetic behind each."""

import csv
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

from django.conf import settings
from django.db.models import Prefetch, Sum
from django.db.models.functions import TruncMonth

from components import texts, uptime
from components.models import Component, DayTally
from components.models.tally import EXCUSED_FIELDS, SECONDS_FIELDS
from components.uptime import Seconds
from incidents.models import Affected, Incident
from statuspage.public import days, history, incident_cards
from statuspage.public.world import World

MAX_INCIDENTS = 1_000
MONTHS = 13  # this one and the twelve before it

INCIDENT_FIELDS = (
    "id", "title", "url", "phase", "impact", "status", "components", "cause", "started_at", "first_word_at",
    "resolved_at", "duration_s", "noticed_by", "ended_at",
)  # fmt: skip
UPTIME_FIELDS = (
    "component_id", "component", "month", "up_s", "degraded_s", "partial_s", "major_s", "unknown_s",
    "maintenance_s", "uptime_percent", "arithmetic", "excused_s", "outside_percent", "outside_arithmetic",
)  # fmt: skip

Row = dict[str, Any]


# Incidents


def newest_incidents() -> list[Incident]:
    """The newest public ones, by their beginning."""
    affected = Affected.objects.as_seen()
    return list(
        Incident.objects.public().prefetch_related(Prefetch("affected", affected, to_attr="all_affected"))[
            :MAX_INCIDENTS
        ]
    )


def incident_row(incident: Incident) -> Row:
    """An incident as plain values: times in UTC, unknown values None."""
    places = incident_cards.affected(incident)
    return {
        "id": incident.public_id,
        "title": incident.title,
        "url": f"{settings.PUBLIC_URL}{incident.get_absolute_url()}",
        "phase": incident.phase,
        "impact": incident.shown_impact.value,
        "status": incident_cards.state_of(incident).status.value,
        "components": [place.component.name for place in places],
        "cause": incident.cause or None,
        "started_at": _moment(incident.started_at),
        "first_word_at": _moment(incident.published_at),
        "resolved_at": _moment(incident.resolved_at),
        "duration_s": int(incident.lasted(incident.resolved_at).total_seconds())
        if incident.resolved_at
        else None,
        "noticed_by": "monitoring" if incident.is_by_machine else "people",
        "ended_at": _moment(incident.ended_at),
    }


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


# Uptime


Months = dict[int, dict[date, days.Counted]]  # by component


def first_month(today: date) -> date:
    """The oldest month in the export."""
    return history.months_before(today, MONTHS - 1)


def tallied_months(today: date) -> Months:
    """The months up to yesterday, added up by the database."""
    rows = (
        DayTally.objects.filter(component__is_shown=True, day__gte=first_month(today), day__lt=today)
        .annotate(month=TruncMonth("day"))
        .values("component_id", "month")
        .annotate(**{f"sum_{name}": Sum(name) for name in (*SECONDS_FIELDS, *EXCUSED_FIELDS)})
        .values_list("component_id", "month", *(f"sum_{n}" for n in (*SECONDS_FIELDS, *EXCUSED_FIELDS)))
    )
    count = len(SECONDS_FIELDS)
    by_component: Months = {}
    for component_id, month, *seconds in rows:
        counted = days.Counted(Seconds(*seconds[:count]), Seconds(*seconds[count:]))
        by_component.setdefault(component_id, {})[month] = counted
    return by_component


def uptime_rows(world: World, tallied: Months) -> list[Row]:
    """A row for each component and month that has any time, oldest month first."""
    rows = []
    for component in world.components:
        months = dict(tallied.get(component.pk, {}))
        this_month = world.today.replace(day=1)
        today = days.counted_by_day(world, component)[world.today]
        months[this_month] = days.added([months[this_month], today]) if this_month in months else today
        rows += [_uptime_row(component, month, months[month]) for month in sorted(months)]
    return rows


def _uptime_row(component: Component, month: date, counted: days.Counted) -> Row:
    seconds, outside = counted.raw, counted.outside
    value, second = uptime.hundredths(seconds), uptime.hundredths(outside)
    return {
        "component_id": component.public_id,
        "component": component.name,
        "month": f"{month:%Y-%m}",
        **{n: uptime.number(getattr(seconds, n.removesuffix("_s"))) for n in SECONDS_FIELDS},
        "uptime_percent": None if value is None else value / 100,
        "arithmetic": arithmetic(seconds),
        "excused_s": uptime.number(counted.excused.whole),
        "outside_percent": None if second is None else second / 100,
        "outside_arithmetic": arithmetic(outside),
    }


def arithmetic(seconds: Seconds) -> str:
    """ "100 × (2592000 − 9039 − 0.3 × 1603) / 2592000 = 99.63": the uncut value and the result."""
    value = uptime.hundredths(seconds)
    if value is None:
        return uptime.in_place(seconds)
    weight = f"0.{uptime.PARTIAL_WEIGHT_TENTHS}"
    known, major, partial = map(uptime.number, (seconds.known, seconds.major, seconds.partial))
    return f"100 × ({known} − {major} − {weight} × {partial}) / {known} = {value // 100}.{value % 100:02d}"


# Writing


def as_csv(fields: Sequence[str], rows: Iterable[Row]) -> bytes:
    """CSV (RFC 4180) with a header row."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(fields)
    writer.writerows([cell(row[name]) for name in fields] for row in rows)
    return out.getvalue().encode()


def cell(value: Any) -> str:
    """A value as a cell. What a spreadsheet would run as a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    text = "; ".join(value) if isinstance(value, list) else str(value)
    return texts.cell(text)


def as_json(body: Row) -> bytes:
    """JSON in UTF-8, without escapes."""
    return json.dumps(body, ensure_ascii=False).encode()
