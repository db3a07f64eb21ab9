"""Taking an incident over from the automation, handing it back, and restoring a deleted one."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from components.models import Page
from incidents import automation
from incidents.lifecycle import Kind
from incidents.models import Incident, recovery


def take_over(incident: Incident, now: datetime, *, author: Any = None) -> None:
    """Let staff manage it from now on; the automation only adds notes and proposes resolving."""
    with transaction.atomic():
        Page.objects.lock()
        incident.refresh_from_db()
        if incident.is_owned:
            return
        incident.is_owned, incident.settle_at, incident.publish_at = True, None, None
        incident.save()
        # what staff set to down may have passed its checks: they are asked now
        automation.catch_up(incident, now)
        incident.write(Kind.NOTE, "Taken over from monitoring.", now, author=author)
        incident.log("taken_over", by=author)
        Page.objects.bump_version(is_public=incident.published_at is not None)


def hand_back(incident: Incident, now: datetime, *, author: Any = None) -> None:
    """Make it automatic again, from what its probes see now. Raises ValidationError."""
    with transaction.atomic():
        Page.objects.lock()
        incident.refresh_from_db()
        incident.refuse_deleted()
        if not incident.is_owned:
            return
        if incident.resolved_at is None and not recovery.is_looked_at(incident):
            raise ValidationError("No probe checks any of its components, so it cannot be handed back.")
        incident.is_owned, incident.proposed_at = False, None
        incident.release_components(now, is_looked_at=True)
        incident.unwatched_at = None
        if incident.resolved_at is None:
            automation.promise_anew(incident, now)
        incident.save()
        incident.write(Kind.NOTE, "Handed back to monitoring.", now, author=author)
        incident.log("handed_back", by=author)
        automation.catch_up(incident, now)
        Page.objects.bump_version(is_public=incident.published_at is not None)


def restore(incident: Incident, now: datetime, *, author: Any = None) -> None:
    """Bring a deleted incident back as it was, managed by staff from now on."""
    with transaction.atomic():
        Page.objects.lock()
        incident.refresh_from_db()
        if incident.deleted_at is None:
            return
        incident.deleted_at, incident.is_owned = None, True
        incident.save()
        incident.write(Kind.NOTE, "Restored.", now, author=author)
        incident.log("restored", by=author)
        automation.catch_up(incident, now)
        Page.objects.bump_version(is_public=incident.published_at is not None)
