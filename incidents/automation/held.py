"""Failures whose incident was held back until what they need was checked (`causes`)."""

from datetime import datetime

from django.db import transaction

from components.models import Component, Page
from components.status import Status
from incidents.automation.causes import outlasts_cause
from incidents.automation.ending import catch_up
from incidents.automation.failures import Failed, is_worked_on, last_fall, open_places, shown_before
from incidents.automation.opening import begin, open_apart
from incidents.automation.updates import note_fact
from incidents.models import Affected


def release(now: datetime) -> None:
    """Open the incidents that were held back long enough, dated back to the first failure."""
    for component in Component.objects.filter(held_until__lte=now):
        with transaction.atomic():
            Page.objects.lock()
            component.refresh_from_db()
            component.hold(None)
            if not Status(component.status).is_trouble or component.manual_status:
                continue
            place, fall = open_places(component).first(), last_fall(component)
            if fall is None:
                continue
            failed = Failed(component, fall, shown_before(component))
            if place is None and not is_worked_on(component):
                begin([failed], now)
            elif place is not None and outlasts_cause(place):
                _part(place, failed, now)


def _part(place: Affected, failed: Failed, now: datetime) -> None:
    """Give it an incident of its own, dated back to its first failure."""
    incident = place.incident
    incident.affected.filter(pk=place.pk).update(is_auto_open=False)
    own = open_apart(failed, now)
    incident.affected.filter(pk=place.pk).update(continued_in=own)
    note_fact(
        incident,
        f"{failed.component.name} is still failing, but what it needs has recovered. It continues in"
        f" “{own.title}”.",
        now,
    )
    catch_up(incident, now)
