"""What time alone changes in incidents; the task `incidents.tick` calls it every second."""

from datetime import datetime

from incidents.automation import held
from incidents.automation.ending import PROPOSE_AFTER, notice, propose, settle
from incidents.automation.opening import judge
from incidents.automation.promises import post_promised, publish_after_countdown
from incidents.automation.unwatched import note_unwatched
from incidents.models import Incident


def advance(now: datetime) -> None:
    """Handle settled recoveries, proposals, countdowns and promised updates that are due."""
    opened = Incident.objects.live().filter(resolved_at=None)
    for incident in opened.filter(is_owned=False, settle_at__lte=now):
        settle(incident, now)
    for incident in opened.filter(is_owned=True, proposed_at=None, recovered_since__lte=now - PROPOSE_AFTER):
        propose(incident, now)
    judge(now)
    held.release(now)
    for incident in opened.filter(is_owned=False):
        notice(incident, now)
    for incident in opened.filter(is_owned=False, unwatched_at=None):
        note_unwatched(incident, now)
    for incident in opened.filter(published_at=None, publish_at__lte=now):
        publish_after_countdown(incident, now)
    due = opened.filter(is_owned=False, settle_at=None)
    for incident in due.filter(next_update_at__lte=now):
        post_promised(incident, now)
