"""Addresses of the public pages. A view gathers; the snapshot renders and keeps."""

import re
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache

from components.models import Component
from incidents.models import Incident, Maintenance, Postmortem
from statuspage.ops import metrics as metrics_of
from statuspage.ops.vitals import vitals
from statuspage.public import (
    banners,
    brand,
    evidence,
    history,
    incident_cards,
    kept_rows,
    maintenance_cards,
    page_model,
    postmortem_files,
    postmortems,
)
from statuspage.public.rendering import html as _html
from statuspage.public.rendering import lasting
from statuspage.public.values.pages import IncidentPage, WorkPage, WorksPage
from statuspage.public.world import ACTIVE, PLANNED, World, gather_world, latencies, latest_over
from statuspage.serving.document import Draft, document, eager
from statuspage.staff.access import public

JSON = "application/json; charset=utf-8"
PAST_WORKS = 50
KEY = re.compile(r"[\w-]{1,64}")


@document
def overview(now: datetime) -> Draft:
    """The front page."""
    world = gather_world(now)
    kept_rows.keep_only([component.public_id for component in world.components])
    hours = latencies(page_model.wanted_latencies(world.components), now)
    return _html(world, "public/overview.html", lambda at: page_model.overview(world, hours, at))


@public
def front(request: HttpRequest) -> HttpResponse:
    """The front page, or unsubscribing: mails as Statuspage sends them link to `/?unsubscribe=<key>`."""
    key = request.GET.get("unsubscribe", "")
    if KEY.fullmatch(key):
        return redirect("unsubscribe", key)
    return overview(request)


front.gather = overview.gather  # type: ignore[attr-defined]
eager(front)


@document
def component(now: datetime, public_id: str) -> Draft:
    """One component with its days."""
    world = gather_world(now, only=public_id)
    component = _component(world, public_id)
    hours = latencies([component.pk], now)
    return _html(
        world, "public/component.html", lambda at: page_model.component_page(world, component, hours, at)
    )


def _component(world: World, public_id: str) -> Component:
    """The public component with this id. Raises Http404."""
    for component in world.components:
        if component.public_id == public_id:
            return component
    raise Http404("Component not found.")


@document
def incident(now: datetime, public_id: str) -> Draft:
    """One incident, whole."""
    world, incident = asked_incident(now, public_id)
    shown_evidence = evidence.evidence(incident, now)
    return _html(
        world, "public/incident.html", lambda at: _incident_page(world, incident, shown_evidence, at)
    )


def asked_incident(now: datetime, public_id: str) -> tuple[World, Incident]:
    """The incident at this address, and the world for its page. Raises Http404."""
    # the address of a merged incident shows the one it was merged into
    matches = Q(public_id=public_id) | Q(merged__public_id=public_id, merged__published_at__isnull=False)
    world = gather_world(now, only="-", incidents=Q(resolved_at=None) | matches, maintenances=ACTIVE)
    merged = Incident.objects.filter(public_id=public_id, deleted_at=None).exclude(published_at=None)
    asked = merged.values_list("merged_into__public_id", flat=True).first() or public_id
    incident = next((incident for incident in world.incidents if incident.public_id == asked), None)
    if incident is None:
        raise Http404("Incident not found.")
    return world, incident


def _incident_page(world: World, incident: Incident, shown_evidence: Any, at: datetime) -> IncidentPage:
    fresh = page_model.freshness(world, at)
    card = incident_cards.incident(incident, world, at)
    component_ids = {place.component_id for place in incident_cards.affected(incident)}
    return IncidentPage(
        head=page_model.head_of(world, fresh),
        banner=banners.incident_banner(card),
        incident=card,
        affected=tuple(
            page_model.component_row(world, component, fresh)
            for component in world.components
            if component.pk in component_ids
        ),
        evidence=shown_evidence,
    )


@eager
@document
def history_page(now: datetime, month: str = "", public_id: str = "") -> Draft:
    """Three months, the last one given as "2026-11"; of all components, or of one."""
    try:
        last = history.asked_month(month, now)
    except ValueError as error:
        raise Http404("Month not found.") from error
    world = history.gather(now, last, public_id)
    component = _component(world, public_id) if public_id else None
    return _html(world, "public/history.html", lambda at: history.history_page(world, last, at, component))


@document
def postmortems_page(now: datetime) -> Draft:
    """Every postmortem, and the open actions."""
    world = gather_world(now, only="-", incidents=Q(resolved_at=None))
    reports = list(postmortems.published())
    return _html(
        world, "public/postmortems.html", lambda at: postmortems.postmortems_page(world, reports, at)
    )


@document
def postmortem(now: datetime, public_id: str) -> Draft:
    """One postmortem, whole."""
    world = gather_world(now, only="-", incidents=Q(resolved_at=None))
    postmortem = _postmortem(public_id)
    return _html(
        world, "public/postmortem.html", lambda at: postmortems.postmortem_page(world, postmortem, at)
    )


@document
def postmortem_markdown(now: datetime, public_id: str) -> Draft:
    """The postmortem as Markdown."""
    postmortem = _postmortem(public_id)
    return lasting(postmortem_files.MARKDOWN, lambda at: postmortem_files.as_markdown(postmortem, _day(at)))


@document
def postmortem_json(now: datetime, public_id: str) -> Draft:
    """The postmortem as JSON."""
    postmortem = _postmortem(public_id)
    return lasting(JSON, lambda at: postmortem_files.as_json(postmortem, _day(at)))


@document
def postmortem_csv(now: datetime, public_id: str) -> Draft:
    """The points of the postmortem's curve as CSV. Raises Http404 without any."""
    body = postmortem_files.as_csv(_postmortem(public_id))
    if body is None:
        raise Http404("No checks were kept for this incident.")
    return lasting(postmortem_files.CSV, lambda _: body)


def _postmortem(public_id: str) -> Postmortem:
    postmortem = postmortems.published().filter(incident__public_id=public_id).first()
    if postmortem is None:
        raise Http404("Postmortem not found.")
    return postmortem


def _day(at: datetime) -> date:
    return at.astimezone(page_model.zone()).date()


@eager
@document
def maintenances(now: datetime) -> Draft:
    """All maintenance: under way, planned, past."""
    shown = PLANNED | latest_over(Maintenance.objects.all(), PAST_WORKS)
    world = gather_world(now, only="-", incidents=Q(resolved_at=None), maintenances=shown)
    return _html(world, "public/maintenances.html", lambda at: _works_page(world, at))


def _works_page(world: World, at: datetime) -> WorksPage:
    return WorksPage(
        head=page_model.head_of(world, page_model.freshness(world, at), section="maintenance"),
        active=tuple(
            maintenance_cards.card(maintenance, at) for maintenance in maintenance_cards.active(world)
        ),
        planned=tuple(
            maintenance_cards.card(maintenance, at) for maintenance in maintenance_cards.planned(world)
        ),
        past=tuple(
            maintenance_cards.card(maintenance, at)
            for maintenance in maintenance_cards.past(world)[:PAST_WORKS]
        ),
    )


@document
def maintenance(now: datetime, public_id: str) -> Draft:
    """One maintenance, whole."""
    world, maintenance = asked_work(now, public_id)
    return _html(world, "public/maintenance.html", lambda at: _work_page(world, maintenance, at))


def asked_work(now: datetime, public_id: str) -> tuple[World, Maintenance]:
    """The maintenance at this address, and the world for its page. Raises Http404."""
    world = gather_world(now, only="-", incidents=Q(resolved_at=None), maintenances=Q(public_id=public_id))
    maintenance = next(
        (maintenance for maintenance in world.maintenances if maintenance.public_id == public_id), None
    )
    if maintenance is None:
        raise Http404("Maintenance not found.")
    return world, maintenance


def _work_page(world: World, maintenance: Maintenance, at: datetime) -> WorkPage:
    fresh = page_model.freshness(world, at)
    component_ids = {component.pk for component in maintenance.components.all()}
    return WorkPage(
        head=page_model.head_of(world, fresh, section="maintenance"),
        work=maintenance_cards.card(maintenance, at),
        affected=tuple(
            page_model.component_row(world, component, fresh)
            for component in world.components
            if component.pk in component_ids
        ),
    )


@eager
@document
def how_we_count(now: datetime) -> Draft:
    """The arithmetic of both uptime figures."""
    world = gather_world(now, only="-", incidents=Q(resolved_at=None), maintenances=ACTIVE)
    return _html(world, "public/how_we_count.html", lambda at: page_model.counting_page(world, at))


@public
def favicon(request: HttpRequest) -> HttpResponse:
    """For browsers that ask for /favicon.ico; public pages have their own, which shows the state."""
    return redirect(static("statuspage/favicon.svg"))


@public
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """This system's own health, for watchdogs."""
    body, code = vitals(timezone.now())
    return JsonResponse(body, status=code, content_type="application/health+json")


@public
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The same for Prometheus; only for those who present METRICS_TOKEN, and not there without one."""
    if not settings.METRICS_TOKEN:
        raise Http404("Metrics are off.")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_compare(token.strip(), settings.METRICS_TOKEN):
        refusal = HttpResponse("Send METRICS_TOKEN as a bearer token.\n", "text/plain", status=401)
        refusal["WWW-Authenticate"] = "Bearer"
        return refusal
    return HttpResponse(metrics_of.text(timezone.now()), metrics_of.CONTENT_TYPE)


def eager_paths() -> list[str]:
    """The addresses that are rendered at once when something changes."""
    opened = Incident.objects.public().filter(resolved_at=None)
    return [
        *(f"/{pattern.pattern}" for pattern in get_resolver().url_patterns if _is_eager(pattern)),
        "/history.atom",
        "/history.rss",
        "/feed.json",
        *brand.eager_paths(),
        *(incident.get_absolute_url() for incident in opened),
        *(maintenance.get_absolute_url() for maintenance in Maintenance.objects.active()),
    ]


def _is_eager(pattern: URLPattern | URLResolver) -> bool:
    """Whether its view is marked eager, and its address has no parameters."""
    return (
        isinstance(pattern, URLPattern)
        and getattr(pattern.callback, "is_eager", False)
        and not pattern.pattern.converters
    )
