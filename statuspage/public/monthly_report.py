"""The report of a month for mail: made once its figures are final, from the values that its page shows.

A month is mailed at 08:00 of the page's zone on the first day of the next. By then what came late has been
counted: reports that waited on disk, results that a region kept, outages confirmed after midnight and dated
back. It is also the hour of the daily digests, so that no one gets mail at night. If the tallies are behind,
as after a long outage of ours, the report waits for them.
"""

from datetime import date, datetime
from typing import Any

from django.urls import reverse

from components import identity, uptime
from components.models import Page
from incidents.models import Incident, MonthlyReport
from statuspage.public import figures, history, incident_cards, promises
from statuspage.public.values.promises import ReportGroup, ReportIncident, ReportRow
from statuspage.public.world import World

HOUR = 8
MAX_MONTHS = 12  # made up for after a pause of the program

Body = dict[str, Any]


def make(now: datetime) -> list[MonthlyReport]:
    """Make the reports that are due, oldest first. Safe to run twice and at once."""
    made = []
    for month in due_months(now):
        ended_at = uptime.day_bounds(_after(month), identity.current().zone)[0]
        if not _is_counted(ended_at):
            break
        made.append(MonthlyReport.objects.keep(month, body_of(now, month), ended_at=ended_at, now=now))
    return made


def due_months(now: datetime) -> list[date]:
    """The months whose time has come and that have no report yet, oldest first.

    Those after the last report; on an installation that never made one, the last month alone.
    """
    identity.learn(Page.objects.this())
    zone = identity.current().zone
    this = now.astimezone(zone).date().replace(day=1)
    last = history.months_before(
        this, 1 if now >= datetime(this.year, this.month, 1, HOUR, tzinfo=zone) else 2
    )
    newest = MonthlyReport.objects.order_by("-month").values_list("month", flat=True).first()
    if newest is None:
        return [last]
    months = [history.months_before(last, back) for back in reversed(range(MAX_MONTHS))]
    return [month for month in months if month > newest]


def _is_counted(ended_at: datetime) -> bool:
    """Whether both tallies have reached the end of the month; what is dated back sets them back."""
    page = Page.objects.this()
    return all(upto is not None and upto >= ended_at for upto in (page.days_upto, page.excused_upto))


def body_of(now: datetime, month: date) -> Body:
    """The values of the month's page as plain data, with the ids that a part of it is chosen by."""
    world = promises.gather_report(now, month)
    page = promises.report_page(world, month, figures.gather(month), now)
    incidents = zip(page.incidents, promises.began_in(world, month), strict=True)
    return {
        "title": page.month,
        "url": reverse("report", args=[f"{month:%Y-%m}"]),
        "csv_url": page.csv_url,
        "average": _row(page.average, ""),
        "groups": _groups(world, page.groups),
        "incidents": [_incident(shown, incident) for shown, incident in incidents],
        "first_word": page.first_word,
        "first_word_basis": page.first_word_basis,
    }


def _groups(world: World, shown: tuple[ReportGroup, ...]) -> list[Body]:
    components = {reverse("component", args=[place.public_id]): place for place in world.components}
    groups = []
    for group in shown:
        group_id = components[group.rows[0].url].group_id
        rows = [_row(row, components[row.url].public_id) for row in group.rows]
        groups.append(
            {
                "id": world.groups[group_id].public_id if group_id else "",
                "name": group.name,
                "rows": rows,
            }
        )
    return groups


def _row(row: ReportRow, public_id: str) -> Body:
    return {
        "id": public_id,
        "name": row.name,
        "uptime": row.uptime.percent or _named(row.uptime.instead),
        "down": row.uptime.down,
        "coverage": row.uptime.coverage,
        "outside": row.uptime.outside or _named(row.uptime.outside_instead),
        "target": row.target,
        "verdict": row.verdict,
        "incidents": row.incidents,
    }


def _named(instead: str) -> str:
    """Empty for no data: a month that has nothing else is not mailed."""
    return "" if instead == uptime.NO_DATA else instead


def _incident(shown: ReportIncident, incident: Incident) -> Body:
    return {
        "id": incident.public_id,
        "title": shown.title,
        "url": shown.url,
        "state": shown.status.label,
        "started_at": shown.started_at.isoformat(),
        "lasted": shown.lasted,
        "is_open": incident.resolved_at is None,
        "places": [place.component.public_id for place in incident_cards.affected(incident)],
    }


def _after(month: date) -> date:
    return history.months_before(month, -1)
