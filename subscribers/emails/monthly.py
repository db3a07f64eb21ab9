"""The monthly report as a mail: the figures of its page, for the components that the receiver follows."""

from itertools import chain
from typing import Any

from incidents import messages
from incidents.messages import one_line
from incidents.times import clock
from subscribers.delivery.envelope import Envelope
from subscribers.delivery.month import Began, Month, Row
from subscribers.emails.sheet import Sheet, rendered, scope

ROW_BYTES, INCIDENT_BYTES = 100, 200  # of the budget; HTML takes about four times as much
NO_DATA = "no data"
NONE_BEGAN = "No incidents began in this month."
BASIS = "A target is met or missed by the figure outside announced maintenance."


def monthly(envelope: Envelope, month: Month, most: int) -> Sheet:
    """The report, cut to as many components and incidents as `most` bytes allow."""
    page = one_line(envelope.house.name, most=100)
    subject = messages.header(f"{page}: report for {month.name}")
    groups, more_rows = _first_rows(month, most // ROW_BYTES)
    incidents = month.incidents[: most // INCIDENT_BYTES]
    shown = {
        "title": f"{page}: {month.name}",
        "groups": [(_name(name), [_cells(row) for row in rows]) for name, rows in groups],
        "average": _cells(month.average) if month.average else None,
        "incidents": [_incident(incident) for incident in incidents],
        "more": _more(more_rows, len(month.incidents) - len(incidents)),
        "first_word": _first_word(month),
        "basis": BASIS if _has_target(month) else "",
        "none_began": "" if month.incidents else NONE_BEGAN,
        "url": month.url,
        "csv_url": month.csv_url,
    }
    reason = f"You get this because you asked for the monthly report of {page}, about {scope(envelope)}."
    html = rendered("monthly", envelope, subject, month=shown, reason=reason)
    return Sheet(subject, "\n".join(_text(shown, envelope, reason)) + "\n", html)


def _first_rows(month: Month, most: int) -> tuple[list[tuple[str, tuple[Row, ...]]], int]:
    """The first `most` components by group, and how many more there are."""
    groups, room = [], most
    for name, rows in month.groups:
        if rows[:room]:
            groups.append((name, rows[:room]))
        room = max(0, room - len(rows))
    return groups, sum(len(rows) for _, rows in month.groups) - sum(len(rows) for _, rows in groups)


def _cells(row: Row) -> dict[str, Any]:
    """A row as texts: the two figures first, the rest in `facts`."""
    target = f"target {row.target}{f': {row.verdict}' if row.verdict else ''}" if row.target else ""
    incidents = f"{row.incidents} incident{'' if row.incidents == 1 else 's'}"
    return {
        "name": _name(row.name),
        "uptime": row.uptime or NO_DATA,
        "outside": row.outside or NO_DATA,
        "facts": [fact for fact in (row.down, row.coverage, target, incidents) if fact],
    }


def _incident(incident: Began) -> dict[str, str]:
    lasted = f"{incident.lasted} so far" if incident.is_open else f"lasted {incident.lasted}"
    return {
        "title": one_line(incident.title, most=messages.MAX_SUBJECT_LENGTH),
        "url": incident.url,
        "facts": f"{incident.state}, started {clock(incident.started_at)}, {lasted}",
    }


def _more(rows: int, incidents: int) -> str:
    """ "30 more components and 2 more incidents are on the page."; empty if there are none."""
    parts = [
        f"{number} more {word}{'' if number == 1 else 's'}"
        for number, word in ((rows, "component"), (incidents, "incident"))
        if number
    ]
    is_one = rows + incidents == 1
    return f"{' and '.join(parts)} {'is' if is_one else 'are'} on the page." if parts else ""


def _first_word(month: Month) -> str:
    basis = f" ({month.first_word_basis})" if month.first_word_basis else ""
    return (
        f"Median time from the first failure to our first public update, over twelve months: "
        f"{month.first_word}{basis}"
    )


def _has_target(month: Month) -> bool:
    rows = [*chain.from_iterable(rows for _, rows in month.groups), month.average]
    return any(row and row.target for row in rows)


def _name(text: str) -> str:
    return one_line(text, most=100)


def _text(shown: dict[str, Any], envelope: Envelope, reason: str) -> list[str]:
    lines = [shown["title"], "", "Uptime (outside announced maintenance)", ""]
    for name, rows in shown["groups"]:
        lines += [f"{name}:"] if name else []
        lines += [_line(row) for row in rows]
        lines.append("")
    lines += [_line(shown["average"]), ""] if shown["average"] else []
    lines += [shown["basis"], ""] if shown["basis"] else []
    lines += ["Incidents", ""]
    for incident in shown["incidents"]:
        lines += [incident["title"], incident["facts"], incident["url"], ""]
    for sentence in (shown["none_began"], shown["more"], shown["first_word"]):
        lines += [sentence, ""] if sentence else []
    lines += [f"The report: {shown['url']}", f"CSV: {shown['csv_url']}", ""]
    links = envelope.links
    return [*lines, "-- ", reason, f"Choose what you get: {links.manage}", f"Stop this report: {links.leave}"]


def _line(row: dict[str, Any]) -> str:
    return f"{row['name']}: {row['uptime']} ({row['outside']}), {', '.join(row['facts'])}"
