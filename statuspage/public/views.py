"""Addresses of the public pages. A view gathers; the snapshot renders and keeps."""

import re
from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django.views.decorators.cache import never_cache

from components.models import Component
from incidents.models import Incident, Maintenance, Postmortem
from statuspage.ops.vitals import vitals
from statuspage.public import (
    banners,
    brand,
    evidence,
    history,
    incident_cards,
    maintenance_cards,
    page_model,
    postmortem_files,
    postmortems,
)
from statuspage.public.rendering import html as _html
from statuspage.public.rendering import lasting
from statuspage.public.values.pages import IncidentPage, WorkPage, WorksPage
from statuspage.public.world import ACTIVE, PLANNED, World, latencies, latest_over, world
from statuspage.serving.document import Draft, document, eager
from statuspage.staff.access import public

JSON = "application/json; charset=utf-8"
PAST_WORKS = 50
KEY = re.compile(r"[\w-]{1,64}")


@document
def overview(now: datetime) -> Draft:
    """The front page."""
    found = world(now)
    hours = latencies(page_model.wanted_latencies(found.components), now)
    return _html(found, "public/overview.html", lambda at: page_model.overview(found, hours, at))


@public
def front(request: HttpRequest) -> HttpResponse:
    """The front page, or the way out: mails of Statuspage's shape end with `/?unsubscribe=<key>`."""
    key = request.GET.get("unsubscribe", "")
    if KEY.fullmatch(key):
        return redirect("unsubscribe", key)
    return overview(request)


front.gather = overview.gather  # type: ignore[attr-defined]
eager(front)


@document
def component(now: datetime, public_id: str) -> Draft:
    """One component with its days."""
    found = world(now, only=public_id)
    one = _component(found, public_id)
    hours = latencies([one.pk], now)
    return _html(found, "public/component.html", lambda at: page_model.component_page(found, one, hours, at))


def _component(found: World, public_id: str) -> Component:
    """The one of this id that strangers may see. Raises Http404."""
    for one in found.components:
        if one.public_id == public_id:
            return one
    raise Http404("Component not found.")


@document
def incident(now: datetime, public_id: str) -> Draft:
    """One incident, whole."""
    found, one = asked_incident(now, public_id)
    seen = evidence.evidence(one, now)
    return _html(found, "public/incident.html", lambda at: _incident_page(found, one, seen, at))


def asked_incident(now: datetime, public_id: str) -> tuple[World, Incident]:
    """The incident at this address, and what is shown beside it. Raises Http404."""
    # the address of one that turned out to be another leads there
    mine = Q(public_id=public_id) | Q(merged__public_id=public_id, merged__published_at__isnull=False)
    found = world(now, only="-", incidents=Q(resolved_at=None) | mine, maintenances=ACTIVE)
    merged = Incident.objects.filter(public_id=public_id, deleted_at=None).exclude(published_at=None)
    asked = merged.values_list("merged_into__public_id", flat=True).first() or public_id
    one = next((one for one in found.incidents if one.public_id == asked), None)
    if one is None:
        raise Http404("Incident not found.")
    return found, one


def _incident_page(found: World, one: Incident, seen: Any, at: datetime) -> IncidentPage:
    fresh = page_model.freshness(found, at)
    card = incident_cards.incident(one, found, at)
    mine = {place.component_id for place in incident_cards.affected(one)}
    return IncidentPage(
        head=page_model.head_of(found, fresh),
        banner=banners.incident_banner(card),
        incident=card,
        affected=tuple(
            page_model.component_row(found, component, fresh)
            for component in found.components
            if component.pk in mine
        ),
        evidence=seen,
    )


@eager
@document
def history_page(now: datetime, month: str = "", public_id: str = "") -> Draft:
    """Three months, the last one given as "2026-11"; of all components, or of one."""
    try:
        last = history.asked_month(month, now)
    except ValueError as error:
        raise Http404("Month not found.") from error
    found = history.gather(now, last, public_id)
    one = _component(found, public_id) if public_id else None
    return _html(found, "public/history.html", lambda at: history.history_page(found, last, at, one))


@document
def postmortems_page(now: datetime) -> Draft:
    """Every postmortem, and what is still to do."""
    found = world(now, only="-", incidents=Q(resolved_at=None))
    reports = list(postmortems.published())
    return _html(
        found, "public/postmortems.html", lambda at: postmortems.postmortems_page(found, reports, at)
    )


@document
def postmortem(now: datetime, public_id: str) -> Draft:
    """One postmortem, whole."""
    found = world(now, only="-", incidents=Q(resolved_at=None))
    one = _postmortem(public_id)
    return _html(found, "public/postmortem.html", lambda at: postmortems.postmortem_page(found, one, at))


@document
def postmortem_markdown(now: datetime, public_id: str) -> Draft:
    """The same to keep."""
    one = _postmortem(public_id)
    return lasting(postmortem_files.MARKDOWN, lambda at: postmortem_files.as_markdown(one, _day(at)))


@document
def postmortem_json(now: datetime, public_id: str) -> Draft:
    """The same for machines."""
    one = _postmortem(public_id)
    return lasting(JSON, lambda at: postmortem_files.as_json(one, _day(at)))


@document
def postmortem_csv(now: datetime, public_id: str) -> Draft:
    """The numbers behind its curve."""
    body = postmortem_files.as_csv(_postmortem(public_id))
    if body is None:
        raise Http404("No checks were kept for this incident.")
    return lasting(postmortem_files.CSV, lambda _: body)


def _postmortem(public_id: str) -> Postmortem:
    found = postmortems.published().filter(incident__public_id=public_id).first()
    if found is None:
        raise Http404("Postmortem not found.")
    return found


def _day(at: datetime) -> date:
    return at.astimezone(page_model.zone()).date()


@eager
@document
def maintenances(now: datetime) -> Draft:
    """All planned work: under way, to come, past."""
    shown = PLANNED | latest_over(Maintenance.objects.all(), PAST_WORKS)
    found = world(now, only="-", incidents=Q(resolved_at=None), maintenances=shown)
    return _html(found, "public/maintenances.html", lambda at: _works_page(found, at))


def _works_page(found: World, at: datetime) -> WorksPage:
    return WorksPage(
        head=page_model.head_of(found, page_model.freshness(found, at), section="maintenance"),
        active=tuple(maintenance_cards.card(one, at) for one in maintenance_cards.active(found)),
        planned=tuple(maintenance_cards.card(one, at) for one in maintenance_cards.planned(found)),
        past=tuple(maintenance_cards.card(one, at) for one in maintenance_cards.past(found)[:PAST_WORKS]),
    )


@document
def maintenance(now: datetime, public_id: str) -> Draft:
    """One maintenance, whole."""
    found, one = asked_work(now, public_id)
    return _html(found, "public/maintenance.html", lambda at: _work_page(found, one, at))


def asked_work(now: datetime, public_id: str) -> tuple[World, Maintenance]:
    """The planned work at this address, and what is shown beside it. Raises Http404."""
    found = world(now, only="-", incidents=Q(resolved_at=None), maintenances=Q(public_id=public_id))
    one = next((one for one in found.maintenances if one.public_id == public_id), None)
    if one is None:
        raise Http404("Maintenance not found.")
    return found, one


def _work_page(found: World, one: Maintenance, at: datetime) -> WorkPage:
    fresh = page_model.freshness(found, at)
    mine = {component.pk for component in one.components.all()}
    return WorkPage(
        head=page_model.head_of(found, fresh, section="maintenance"),
        work=maintenance_cards.card(one, at),
        affected=tuple(
            page_model.component_row(found, component, fresh)
            for component in found.components
            if component.pk in mine
        ),
    )


@eager
@document
def how_we_count(now: datetime) -> Draft:
    """The arithmetic of both uptime figures."""
    found = world(now, only="-", incidents=Q(resolved_at=None), maintenances=ACTIVE)
    return _html(found, "public/how_we_count.html", lambda at: page_model.counting_page(found, at))


@public
def favicon(request: HttpRequest) -> HttpResponse:
    """For those who ask for it unasked; public pages bring their own, which tells the state."""
    return redirect(static("statuspage/favicon.svg"))


@public
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """This system's own health, for watchdogs."""
    body, code = vitals(timezone.now())
    return JsonResponse(body, status=code, content_type="application/health+json")


def eager_paths() -> list[str]:
    """The addresses that are rendered at once when something changes."""
    opened = Incident.objects.public().filter(resolved_at=None)
    return [
        *(f"/{pattern.pattern}" for pattern in get_resolver().url_patterns if _is_eager(pattern)),
        "/history.atom",
        "/history.rss",
        "/feed.json",
        *brand.eager_paths(),
        *(one.get_absolute_url() for one in opened),
        *(one.get_absolute_url() for one in Maintenance.objects.active()),
    ]


def _is_eager(pattern: URLPattern | URLResolver) -> bool:
    """Whether it is marked so, and names one address alone."""
    return (
        isinstance(pattern, URLPattern)
        and getattr(pattern.callback, "is_eager", False)
        and not pattern.pattern.converters
    )
