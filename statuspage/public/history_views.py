"""Addresses under /history: days and hours, search, figures, exports."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.utils import timezone

from components.models import Component
from incidents import api_shapes
from statuspage.public import drilldown, exports, history, page_model, promises, rendering, search
from statuspage.public import figures as figures_of
from statuspage.public.world import World, gather_world
from statuspage.serving.document import Draft, document
from statuspage.staff.access import public

CSV = "text/csv; charset=utf-8"
JSON = "application/json; charset=utf-8"
SEARCH_CACHE_CONTROL = "public, max-age=30"


@document
def day(now: datetime, public_id: str, on: date) -> Draft:
    """One day of a component."""
    world = drilldown.gather_day(now, public_id, on)
    component = _of_day(world, public_id, on)
    hour_tallies = drilldown.tallies(component, drilldown.hours_of(on, world.zone))
    return rendering.html(
        world,
        "public/component_day.html",
        lambda at: drilldown.day_page(world, component, on, hour_tallies, at),
    )


@rendering.unkept
def hour(now: datetime, public_id: str, on: date, hour: str) -> Draft:
    """One hour of a component."""
    world = drilldown.gather_day(now, public_id, on)
    component = _of_day(world, public_id, on)
    start = drilldown.hours_of(on, world.zone).get(hour)
    if start is None or start >= now:
        raise Http404("Hour not found.")
    checks = drilldown.checks_of(component, start)
    world = drilldown.with_spans(world, component, drilldown.spans_of(component, start))
    return rendering.html(
        world,
        "public/component_hour.html",
        lambda at: drilldown.hour_page(world, component, on, at, start=start, checks=checks),
    )


def _of_day(world: World, public_id: str, on: date) -> Component:
    for component in world.components:
        if component.public_id == public_id and drilldown.has_day(world, component, on):
            return component
    raise Http404("Day not found.")


@public
def search_view(request: HttpRequest) -> HttpResponse:
    """The search results. Not kept as a document: each query is different."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    now, number = timezone.now(), request.GET.get("page", "1")
    if not re.fullmatch(r"[1-9][0-9]{0,2}", number) or int(number) > search.MAX_PAGES:
        raise Http404("Page not found.")
    world = gather_world(now, only="-", incidents=Q(resolved_at=None))
    shown = search.search_page(world, request.GET.get("q", ""), int(number), now)
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
    world = _whole_page(now)
    is_promised = last == world.today.replace(day=1) and promises.is_any(world)
    year = figures_of.gather(last)
    promised = promises.promises(promises.gather(now)) if is_promised else ()
    return rendering.html(
        world,
        "public/figures.html",
        lambda at: replace(figures_of.figures_page(world, last, year, at), promises=promised),
    )


@document
def report(now: datetime, month: str) -> Draft:
    """The report of a month, such as "2026-11"."""
    asked = _report_month(month, now)
    world, year = promises.gather_report(now, asked), figures_of.gather(asked)
    return rendering.html(
        world, "public/report.html", lambda at: promises.report_page(world, asked, year, at)
    )


@document
def report_csv(now: datetime, month: str) -> Draft:
    """The same by component as CSV."""
    asked = _report_month(month, now)
    world = promises.gather_report(now, asked)
    rows = promises.csv_rows(world, asked)
    return _export(world, CSV, lambda: exports.as_csv(promises.FIELDS, rows))


def _report_month(month: str, now: datetime) -> date:
    try:
        return history.asked_month(month, now)
    except ValueError as error:
        raise Http404("Month not found.") from error


@document
def history_csv(now: datetime) -> Draft:
    """The incidents as CSV."""
    rows = [exports.incident_row(incident) for incident in exports.newest_incidents()]
    return _export(_whole_page(now), CSV, lambda: exports.as_csv(exports.INCIDENT_FIELDS, rows))


@document
def history_json(now: datetime) -> Draft:
    """The incidents as JSON."""
    world = _whole_page(now)
    rows = [exports.incident_row(incident) for incident in exports.newest_incidents()]
    body = {"page": api_shapes.page(world.public_id, world.updated_at), "incidents": rows}
    return _export(world, JSON, lambda: exports.as_json(body))


@document
def uptime_csv(now: datetime) -> Draft:
    """Uptime by component and month as CSV."""
    world = _recent(now)
    rows = exports.uptime_rows(world, exports.tallied_months(world.today))
    return _export(world, CSV, lambda: exports.as_csv(exports.UPTIME_FIELDS, rows))


@document
def uptime_json(now: datetime) -> Draft:
    """Uptime by component and month as JSON."""
    world = _recent(now)
    rows = exports.uptime_rows(world, exports.tallied_months(world.today))
    body = {"page": api_shapes.page(world.public_id, world.updated_at), "uptime": rows}
    return _export(world, JSON, lambda: exports.as_json(body))


def _whole_page(now: datetime) -> World:
    """The world for a page's frame: every component, no days."""
    return gather_world(now, only="-", incidents=Q(resolved_at=None))


def _recent(now: datetime) -> World:
    """The world with today's spans of every component; the database adds up earlier days."""
    today = now.astimezone(page_model.zone()).date()
    return gather_world(now, since=today, incidents=Q(resolved_at=None))


def _export(world: World, content_type: str, write: Callable[[], bytes]) -> Draft:
    return rendering.draft(world, content_type, lambda _: write())
