"""What falls due without a flip: a promised update, the countdown of a suggestion."""

from datetime import datetime

from django.db import transaction

from components.models import Page
from components.status import Status
from incidents import generated_text
from incidents.automation.ending import catch_up
from incidents.automation.texts import PROMISES
from incidents.automation.updates import publish, say_step
from incidents.lifecycle import Kind, Phase
from incidents.models import Incident, recovery
from incidents.steps import Step


def post_promised(incident: Incident, now: datetime) -> None:
    """Post the promised update although nothing has changed."""
    with transaction.atomic():
        Page.objects.lock()
        incident.refresh_from_db()
        if incident.is_owned or incident.resolved_at:
            return
        if not incident.concerns_public:  # hidden since it was promised
            incident.next_update_at = None
            incident.save(update_fields=["next_update_at", "updated_at"])
            return
        catch_up(incident, now)
        if incident.next_update_at is None or incident.next_update_at > now:
            return  # something changed, and `catch_up` posted that instead
        names = [
            row.component.name for row in recovery.disputed(incident) if row.status == Status.OPERATIONAL
        ]
        if names and not incident.troubled():
            incident.next_update_at = None  # staff are asked
            say_step(incident, Step.STILL, generated_text.said_to_work(names), Phase(incident.phase), now)
            return
        incident.still_said += 1
        incident.next_update_at = now + PROMISES[min(incident.still_said, len(PROMISES) - 1)]
        of, until = incident.troubled(), incident.next_update_at
        body = (
            generated_text.still(of, until=until)
            if of
            else generated_text.still_unseen(incident.names(), until=until)
        )
        say_step(incident, Step.STILL, body, Phase(incident.phase), now)


def publish_after_countdown(incident: Incident, now: datetime) -> None:
    """Publish a suggestion whose countdown ended without anyone acting on it."""
    with transaction.atomic():
        Page.objects.lock()
        incident.refresh_from_db()
        if (
            incident.published_at
            or incident.publish_at is None
            or incident.publish_at > now
            or incident.resolved_at
        ):
            return
        if not incident.concerns_public:  # hidden since the countdown began
            incident.publish_at = None
            incident.save(update_fields=["publish_at", "updated_at"])
            return
        publish(incident, now)
        incident.write(Kind.NOTE, "Published automatically: no one acted in time.", now)
