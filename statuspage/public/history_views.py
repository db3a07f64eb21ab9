"""Addresses under /history: days and hours, search, figures, exports."""

import re
from collections.abc import Callable
from datetime import date, datetime

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.utils import timezone

from components.models import Component
from incidents import api_shapes
from statuspage.public import drilldown, exports, history, page_model, rendering, search
from statuspage.public import figures as figures_of
from statuspage.public.world import World, world
from statuspage.serving.document import Draft, document
from statuspage.staff.access import public

CSV = "text/csv; charset=utf-8"
JSON = "application/json; charset=utf-8"
SEARCH_CACHE_CONTROL = "public, max-age=30"


@document
def day(now: datetime, public_id: str, on: date) -> Draft:
    """One day of a component."""
    found = drilldown.gather_day(now, public_id, on)
    one = _of_day(found, public_id, on)
    kept = drilldown.tallies(one, drilldown.hours_of(on, found.zone))
    return rendering.html(
        found, "public/component_day.html", lambda at: drilldown.day_page(found, one, on, kept, at)
    )


@rendering.unkept
def hour(now: datetime, public_id: str, on: date, hour: str) -> Draft:
    """One hour of a component."""
    found = drilldown.gather_day(now, public_id, on)
    one = _of_day(found, public_id, on)
    start = drilldown.hours_of(on, found.zone).get(hour)
    if start is None or start >= now:
        raise Http404("Hour not found.")
    checks = drilldown.checks_of(one, start)
    found = drilldown.with_spans(found, one, drilldown.spans_of(one, start))
    return rendering.html(
        found,
        "public/component_hour.html",
        lambda at: drilldown.hour_page(found, one, on, at, start=start, checks=checks),
    )


def _of_day(found: World, public_id: str, on: date) -> Component:
    for one in found.components:
        if one.public_id == public_id and drilldown.has_day(found, one, on):
            return one
    raise Http404("Day not found.")


@public
def search_view(request: HttpRequest) -> HttpResponse:
    """What was searched for. Not kept: nobody else asks the same."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    now, number = timezone.now(), request.GET.get("page", "1")
    if not re.fullmatch(r"[1-9][0-9]{0,2}", number) or int(number) > search.MAX_PAGES:
        raise Http404("Page not found.")
    found = world(now, only="-", incidents=Q(resolved_at=None))
    shown = search.search_page(found, request.GET.get("q", ""), int(number), now)
    response = HttpResponse(render_to_string("public/search.html", {"page": shown, "head": shown.head}))
    response["Cache-Control"] = SEARCH_CACHE_CONTROL
    response["X-Robots-Tag"] = "noindex"
    return response


@document
def figures(now: datetime, month: str = "") -> Draft:
    """Figures over three months and twelve, the last one given as "2026-11"."""
    try:
        last = history.asked_month(month, now)
    except ValueError as error:
        raise Http404("Month not found.") from error
    found = _whole_page(now)
    year = figures_of.gather(last)
    return rendering.html(
        found, "public/figures.html", lambda at: figures_of.figures_page(found, last, year, at)
    )


@document
def history_csv(now: datetime) -> Draft:
    """The incidents as CSV."""
    rows = [exports.incident_row(one) for one in exports.newest_incidents()]
    return _export(_whole_page(now), CSV, lambda: exports.as_csv(exports.INCIDENT_FIELDS, rows))


@document
def history_json(now: datetime) -> Draft:
    """The incidents as JSON."""
    found = _whole_page(now)
    rows = [exports.incident_row(one) for one in exports.newest_incidents()]
    body = {"page": api_shapes.page(found.public_id, found.updated_at), "incidents": rows}
    return _export(found, JSON, lambda: exports.as_json(body))


@document
def uptime_csv(now: datetime) -> Draft:
    """Uptime by component and month as CSV."""
    found = _recent(now)
    rows = exports.uptime_rows(found, exports.tallied_months(found.today))
    return _export(found, CSV, lambda: exports.as_csv(exports.UPTIME_FIELDS, rows))


@document
def uptime_json(now: datetime) -> Draft:
    """Uptime by component and month as JSON."""
    found = _recent(now)
    rows = exports.uptime_rows(found, exports.tallied_months(found.today))
    body = {"page": api_shapes.page(found.public_id, found.updated_at), "uptime": rows}
    return _export(found, JSON, lambda: exports.as_json(body))


def _whole_page(now: datetime) -> World:
    """What the frame of a page needs: every component, no days."""
    return world(now, only="-", incidents=Q(resolved_at=None))


def _recent(now: datetime) -> World:
    """Today's spans of every component; the days before it are added up by the database."""
    today = now.astimezone(page_model.zone()).date()
    return world(now, since=today, incidents=Q(resolved_at=None))


def _export(found: World, content_type: str, write: Callable[[], bytes]) -> Draft:
    return rendering.draft(found, content_type, lambda _: write())
