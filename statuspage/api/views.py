"""Addresses of the JSON API. An endpoint is a view here, its body in `v2`, and a line in `urls`."""

import json
from collections.abc import Callable
from datetime import datetime

from django.db.models import Case, F, Q, When

from incidents.api_shapes import Body
from incidents.models import Incident, Maintenance
from statuspage.api import v2
from statuspage.public import page_model
from statuspage.public.rendering import draft as _draft
from statuspage.public.views import JSON, asked_incident, asked_work
from statuspage.public.world import ACTIVE, PLANNED, World, gather_world
from statuspage.serving.document import Draft, document, eager


@eager
@document
def summary(now: datetime) -> Draft:
    """`/api/v2/summary.json`."""
    return _json(now, v2.summary, Q(resolved_at=None), PLANNED)


@eager
@document
def status(now: datetime) -> Draft:
    """`/api/v2/status.json`."""
    return _json(now, v2.status_only, Q(resolved_at=None))


@eager
@document
def components(now: datetime) -> Draft:
    """`/api/v2/components.json`."""
    return _json(now, v2.components_only, Q(resolved_at=None))


@eager
@document
def incidents(now: datetime) -> Draft:
    """`/api/v2/incidents.json`."""
    return _json(now, v2.incidents_only, _newest(v2.NEWEST))


@eager
@document
def unresolved(now: datetime) -> Draft:
    """`/api/v2/incidents/unresolved.json`."""
    return _json(now, v2.unresolved_only, Q(resolved_at=None))


@document
def incident(now: datetime, public_id: str) -> Draft:
    """`/api/v2/incidents/<id>.json`."""
    world, body = _asked_body(now, public_id)
    return _draft(world, JSON, lambda at: _dumped({"page": v2.page_body(world), "incident": body(at)}))


@document
def incident_json(now: datetime, public_id: str) -> Draft:
    """`/incidents/<id>.json`: the incident alone, as some clients ask for it."""
    world, body = _asked_body(now, public_id)
    return _draft(world, JSON, lambda at: _dumped(body(at)))


def _asked_body(now: datetime, public_id: str) -> tuple[World, Callable[[datetime], Body]]:
    """An incident, or a maintenance, which is an incident in Statuspage's API. Raises Http404."""
    if Maintenance.objects.filter(public_id=public_id).exists():
        beside, work = asked_work(now, public_id)
        return beside, lambda at: v2.maintenance_body(work, beside, page_model.freshness(beside, at))
    world, incident = asked_incident(now, public_id)
    return world, lambda at: v2.incident_body(incident, world, page_model.freshness(world, at))


@eager
@document
def scheduled(now: datetime) -> Draft:
    """`/api/v2/scheduled-maintenances.json`."""
    return _json(now, v2.maintenances_only, Q(resolved_at=None), _newest_works(v2.NEWEST))


@eager
@document
def upcoming(now: datetime) -> Draft:
    """`/api/v2/scheduled-maintenances/upcoming.json`."""
    return _json(now, v2.upcoming_only, Q(resolved_at=None), PLANNED)


@eager
@document
def active(now: datetime) -> Draft:
    """`/api/v2/scheduled-maintenances/active.json`."""
    return _json(now, v2.active_only, Q(resolved_at=None))


def _json(
    now: datetime, build: Callable[[World, datetime], Body], incidents: Q, maintenances: Q = ACTIVE
) -> Draft:
    world = gather_world(now, only="-", incidents=incidents, maintenances=maintenances)
    return _draft(world, JSON, lambda at: _dumped(build(world, at)))


def _dumped(body: Body) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _newest(count: int) -> Q:
    """The newest public incidents, and all that are open: they decide the state of the page."""
    back_filled = When(resolved_at__lt=F("created_at"), then=F("started_at"))  # as Incident.told_from
    told_from = Case(back_filled, default=F("created_at"))
    newest = Incident.objects.public().order_by(told_from.desc(), "-pk").values("pk")[:count]
    return Q(pk__in=list(newest.values_list("pk", flat=True))) | Q(resolved_at=None)


def _newest_works(count: int) -> Q:
    """The newest maintenances, in any state."""
    newest = Maintenance.objects.order_by("-created_at", "-pk").values_list("pk", flat=True)
    return Q(pk__in=list(newest[:count]))
