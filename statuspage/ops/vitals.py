"""The health of this program: the body of /healthz.

The format is that of draft-inadarei-api-health-check-06 (application/health+json).
A check fails if the page may be wrong, and warns if it is only slower.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Max, Min, Q

from components import identity
from components.models import Heartbeat, Probe, RemoteRegion
from components.models.heartbeat import MAX_AHEAD
from incidents import notification_status
from incidents.models import Hook
from statuspage.serving.disk_copies import fault_here, stuck_here

PASS, WARN, FAIL = "pass", "warn", "fail"
OVERDUE_S = 15  # a due slot is claimed within a second or two; this long means that no worker claims
SILENT_S = 60  # the same patience the supervisor has
UNSENT_S = 120  # a burst of mails is sent by then; this long means that no worker delivers
STUCK_S = 30  # without a complete rendering; one that fails is tried again within seconds
BROKER_TIMEOUT_S = 1.0
AHEAD = "The newest heartbeat is from the future: the clock was set back."

Found = dict[str, Any]


def vitals(now: datetime) -> tuple[Found, int]:
    """The health body and its status code: 503 when something that matters fails."""
    checks = {
        "database:responseTime": _guarded(_database),
        "probes:lastCheck": _guarded(lambda: _last_check(now)),
        "probes:oldestDueSlot": _guarded(lambda: _oldest_due(now)),
        "worker:heartbeat": _guarded(lambda: _heartbeat(now)),
        "regions:lastSeen": _guarded(lambda: _regions(now)),
        "deliveries:oldestDue": _guarded(lambda: _oldest_delivery(now)),
        "deliveries:heartbeat": _guarded(lambda: _post_heartbeat(now)),
        "hooks:heartbeat": _guarded(lambda: _hooks_heartbeat(now)),
        "broker:responseTime": _guarded(_broker),
        "copies:disk": _copies(),
        "copies:rendered": _rendered(),
    }
    states = [check["status"] for check in checks.values()]
    overall = FAIL if FAIL in states else WARN if WARN in states else PASS
    stamp = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    body = {
        "status": overall,
        "description": f"{identity.last_known().name}: the status page's own health",
        "checks": {name: [{**check, "time": stamp}] for name, check in checks.items()},
    }
    return body, 503 if overall == FAIL else 200


def _guarded(look: Callable[[], Found]) -> Found:
    """Run a check; an exception counts as failed, without details, as the answer is public."""
    try:
        return look()
    except DatabaseError:
        return {"status": FAIL, "output": "The database is not responding."}
    except redis.RedisError:
        sentence = "The broker is not responding: no checks run and no one is notified meanwhile."
        return {"status": WARN, "output": sentence}


def _database() -> Found:
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return _took(began)


def _broker() -> Found:
    began = time.monotonic()
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=BROKER_TIMEOUT_S,
        socket_timeout=BROKER_TIMEOUT_S,
    )
    try:
        client.ping()
    finally:
        client.close()
    return _took(began)


def _copies() -> Found:
    """Whether copies can be written: without them the page would not survive a restart without database."""
    fault = fault_here()
    if not fault:
        return {"status": PASS}
    reason = fault.rpartition(": ")[2]
    return {"status": FAIL, "output": f"Copies of the page cannot be saved to disk: {reason}."}


def _rendered() -> Found:
    """Whether documents can be rendered: otherwise old ones are shown, and changes are not seen."""
    stuck_s = stuck_here()
    if stuck_s <= STUCK_S:
        return {"status": PASS}
    return {"status": FAIL, "output": "The page cannot be rendered: its last version is shown. See the log."}


def _took(began: float) -> Found:
    took_ms = round((time.monotonic() - began) * 1000, 1)
    return {"status": PASS, "observedValue": took_ms, "observedUnit": "ms"}


def _last_check(now: datetime) -> Found:
    """The newest result may be three intervals of the busiest probe old, and a minute at least."""
    active = Probe.objects.filter(is_paused=False)
    ahead = int((now + MAX_AHEAD).timestamp())
    newest = Max("heard_s", filter=Q(heard_s__lte=ahead))  # ignore results in the future
    row = active.aggregate(
        heard=newest, any=Max("heard_s"), interval=Min("interval_s"), made=Max("created_at")
    )
    if row["interval"] is None:
        return {"status": PASS, "output": "There are no probes."}
    limit = max(SILENT_S, 3 * row["interval"])
    if row["heard"] is None and row["any"] is not None:
        return {"status": FAIL, "output": AHEAD}
    since = row["heard"] or row["made"].timestamp()
    return _age(now.timestamp() - since, limit)


def _oldest_due(now: datetime) -> Found:
    # a new probe is due since 1970: it says nothing about our lateness
    due = Probe.objects.filter(Q(claimed_slot=None), Q(next_slot__gt=0), is_paused=False)
    due = due.exclude(region__in=RemoteRegion.objects.names())  # whose lateness is its own
    oldest = due.aggregate(oldest=Min("next_slot"))["oldest"]
    return _age(0 if oldest is None else max(0, now.timestamp() - oldest), OVERDUE_S)


def _heartbeat(now: datetime) -> Found:
    return _sign_of_life(now, "worker", SILENT_S, never="No worker has ever reported.")


def _regions(now: datetime) -> Found:
    """Remote regions that stopped asking for work. Their probes are unknown: the page is not wrong.

    Without their names, as the answer is public. One that has never asked is still being set up.
    """
    regions = list(RemoteRegion.objects.filter(is_active=True, last_seen_at__isnull=False))
    silent = sum(not region.is_seen(now) for region in regions)
    if not silent:
        return {"status": PASS, "observedValue": len(regions), "observedUnit": "regions"}
    verb = "has" if silent == 1 else "have"
    sentence = f"{silent} of {len(regions)} remote regions {verb} not asked for work for a minute."
    return {"status": WARN, "output": sentence}


def _oldest_delivery(now: datetime) -> Found:
    return _age(notification_status.answers().oldest_due_s(now), UNSENT_S)


def _post_heartbeat(now: datetime) -> Found:
    """The heartbeat of the worker for messages."""
    never = "The message worker has never reported."
    return _sign_of_life(now, "post", settings.WORKER_SILENCE_S, never=never)


def _hooks_heartbeat(now: datetime) -> Found:
    """Who calls recovery hooks: a safeguard that is itself watched."""
    if not Hook.objects.exists():
        return {"status": PASS, "output": "There are no recovery hooks."}
    return _sign_of_life(now, "hooks", SILENT_S, never="The hook runner has never reported.")


def _sign_of_life(now: datetime, role: str, limit_s: float, *, never: str) -> Found:
    """The newest heartbeat of a role. One in the future fails, as it would look fresh for too long."""
    newest = Heartbeat.objects.newest(now, role)
    if newest is not None:
        return _age((now - newest).total_seconds(), limit_s)
    is_ahead = Heartbeat.objects.filter(role=role).exists()
    return {"status": FAIL, "output": AHEAD if is_ahead else never}


def _age(seconds: float, limit: float) -> Found:
    state = PASS if seconds <= limit else FAIL
    return {"status": state, "observedValue": round(max(0.0, seconds), 1), "observedUnit": "s"}
