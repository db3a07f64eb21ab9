"""Keeps the self-test's probe, and says whether its last failure was noticed in time.

The probe belongs to an internal component: it is on no page, in no list and in no figure, and what it
finds opens no incident.
"""

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from components.models import Component, Flip, Heartbeat, Probe
from components.models.heartbeat import MAX_AHEAD
from components.outcomes import Outcome
from components.probers.self_test import KIND, PERIOD_S

KEEP_EVERY_S = 10.0
PAUSE = timedelta(seconds=60)  # nobody kept it for this long: it begins anew
NOTICED_WITHIN_S = 60  # of the start of a failure
LIMIT_S = PERIOD_S + NOTICED_WITHIN_S
ROLE = "self_test"  # of two heartbeats: when it was kept last, and since when without a pause
KEPT, SINCE = "kept", "since"
SETTINGS = {
    "target": "self-test", "interval_s": 20, "timeout_s": 5, "retry_s": 5,
    "confirm_down": 2, "confirm_up": 2, "unsteady_count": 0,
}  # fmt: skip

_kept_at = -KEEP_EVERY_S  # monotonic


def keep(now: datetime) -> None:
    """Make the probe if there is none. Called every second; looks every KEEP_EVERY_S."""
    global _kept_at  # noqa: PLW0603 - of this process
    if time.monotonic() - _kept_at < KEEP_EVERY_S:
        return
    _kept_at = time.monotonic()
    if not settings.SELF_TEST:
        Component.everything.filter(is_internal=True).delete()
        Heartbeat.objects.filter(role=ROLE).delete()
        return
    kept = Heartbeat.objects.filter(role=ROLE, name=KEPT).first()
    if kept is None or not -MAX_AHEAD < now - kept.at < PAUSE:
        Heartbeat.objects.beat(ROLE, SINCE, now)
    Heartbeat.objects.beat(ROLE, KEPT, now)
    _make(now)


def _make(now: datetime) -> None:
    probe = Probe.queue.filter(kind=KIND).first()
    if probe is None:
        with transaction.atomic():
            component, _ = Component.everything.get_or_create(
                is_internal=True, defaults={"name": "Self-test", "is_shown": False, "auto_incidents": "off"}
            )
            Component.everything.select_for_update().get(pk=component.pk)  # two ticks make one probe
            if not Probe.queue.filter(component=component).exists():
                Probe.queue.create(component=component, kind=KIND, region=settings.REGION, **SETTINGS)
    elif probe.region != settings.REGION and (probe.heard_s or 0) < now.timestamp() - LIMIT_S:
        Probe.queue.filter(pk=probe.pk).update(region=settings.REGION)  # no one serves the other any more


def forget_old(now: datetime) -> None:
    """Delete its flips of more than a day ago: there are hundreds a day."""
    Flip.objects.filter(probe__kind=KIND, noticed_at__lt=now - timedelta(days=1)).delete()


def noticed_age_s(now: datetime) -> float | None:
    """Seconds since the last failure on purpose was noticed, or since the self-test began; None: it is off.

    More than LIMIT_S means that a failure was missed, or noticed too late.
    """
    since = Heartbeat.objects.filter(role=ROLE, name=SINCE).values_list("at", flat=True).first()
    return age_s(now, since, falls(now + MAX_AHEAD).values_list("noticed_at", flat=True).first())


def falls(until: datetime) -> QuerySet[Flip]:
    """Failures on purpose that were noticed until then (`MAX_AHEAD` of now), the newest first."""
    noticed = Flip.objects.filter(probe__kind=KIND, new=Outcome.DOWN, noticed_at__lte=until)
    return noticed.order_by("-noticed_at")


def age_s(now: datetime, since: datetime | None, newest: datetime | None) -> float | None:
    """`noticed_age_s` from what is stored: when the self-test began, and when it last noticed a failure."""
    if since is None:
        return None
    noticed_at = since if newest is None else max(since, newest)
    return max(0.0, (now - noticed_at).total_seconds())
