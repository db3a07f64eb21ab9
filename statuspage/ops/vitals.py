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

from components import identity, loops, self_test
from components.models import Heartbeat, Probe, RemoteRegion
from components.models.heartbeat import MAX_AHEAD
from incidents import notification_status
from incidents.models import Hook
from statuspage.serving.disk_copies import fault_here, renders_here, stuck_here

PASS, WARN, FAIL = "pass", "warn", "fail"
OVERDUE_S = 15  # a due slot is claimed within a second or two; this long means that no worker claims
SILENT_S = 60  # the same patience the supervisor has
UNSENT_S = 120  # a burst of mails is sent by then; this long means that no worker delivers
STUCK_S = 30  # without a complete rendering; one that fails is tried again within seconds
BROKER_TIMEOUT_S = 1.0
MISSED = "The self-test failed on purpose, and no one noticed in time: outages may be missed."
NO_HOOKS: dict[str, Any] = {"status": PASS, "output": "There are no recovery hooks."}
PASSED = "pipeline:lastPass"
AHEAD = "The newest heartbeat is from the future: the clock was set back."

Found = dict[str, Any]


def vitals(now: datetime) -> tuple[Found, int]:
    """The health body and its status code: 503 when something that matters fails."""
    checks = {
        "database:responseTime": _guarded(_database),
        "probes:lastCheck": _guarded(lambda: _last_check(now)),
        "probes:oldestDueSlot": _guarded(lambda: _oldest_due(now)),
        "regions:lastCheck": _guarded(lambda: _regions(now)),
        "selfTest:lastNoticed": _guarded(lambda: _self_test(now)),
        **_loops(now),
        "regions:lastSeen": _guarded(lambda: _remote_regions(now)),
        "deliveries:oldestDue": _guarded(lambda: _oldest_delivery(now)),
        "broker:responseTime": _guarded(_broker),
        "copies:disk": _copies(),
        "copies:rendered": _rendered(),
        **_guarded_pass(now),
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
        sentence = "The broker is not responding: workers in processes of their own do nothing meanwhile."
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


def _guarded_pass(now: datetime) -> dict[str, Found]:
    """Only of a process that renders: the age of the newest check that went the whole way, onto the page."""
    renders = renders_here()
    return {} if renders is None else {PASSED: _guarded(lambda: _last_pass(now, renders.rendered_at))}


def _last_pass(now: datetime, rendered_at: float) -> Found:
    """A result counts once it was written and all documents were rendered after it."""
    active = Probe.queue.filter(is_paused=False)
    ahead = int((now + MAX_AHEAD).timestamp())
    row = active.aggregate(heard=Max("heard_s", filter=Q(heard_s__lte=ahead)), interval=Min("interval_s"))
    if row["heard"] is None:
        return {"status": PASS, "output": "No check has been run yet."}
    passed_at = min(row["heard"], rendered_at)
    return _age(now.timestamp() - passed_at, max(SILENT_S, 3 * row["interval"]) + SILENT_S)


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


def _regions(now: datetime) -> Found:
    """The region that has been silent for longest; a warning, as what it sees is then unknown."""
    rows = Probe.queue.filter(is_paused=False).order_by().values("region")
    regions = rows.annotate(heard=Max("heard_s"), interval=Min("interval_s"), made=Max("created_at"))
    ages = [
        (now.timestamp() - (row["heard"] or row["made"].timestamp()), max(SILENT_S, 3 * row["interval"]))
        for row in regions
    ]
    silent = [age for age, limit in ages if age > limit]
    found = _age(max((age for age, _ in ages), default=0.0), float("inf"))
    if silent:
        found |= {"status": WARN, "output": f"{len(silent)} of {len(ages)} regions do not report."}
    return found


def _self_test(now: datetime) -> Found:
    """Whether the target that fails on purpose was last noticed in time."""
    age_s = self_test.noticed_age_s(now)
    if age_s is None:
        return {"status": PASS, "output": "The self-test is off, or has not begun."}
    found = _age(age_s, self_test.LIMIT_S)
    return found if found["status"] == PASS else found | {"output": MISSED}


def _loops(now: datetime) -> dict[str, Found]:
    """A check for each role of the registry, by its heartbeats; all of them in one query."""
    beats: dict[str, list[datetime]] = {role: [] for role in loops.LOOPS}

    def read() -> Found:
        for role, at in Heartbeat.objects.filter(role__in=list(beats)).values_list("role", "at"):
            beats[role].append(at)
        return {}

    failed = _guarded(read)
    unused = {} if failed or Hook.objects.exists() else {"hooks:heartbeat": NO_HOOKS}
    return {
        loop.check: failed or _loop(loop, loops.state_of(loop, beats[loop.role], now, _deadline_s(loop)))
        for loop in loops.LOOPS.values()
    } | unused


def _deadline_s(loop: loops.Loop) -> float:
    return float(settings.WORKER_SILENCE_S) if loop.role == "post" else loop.deadline_s


def _loop(loop: loops.Loop, state: loops.State) -> Found:
    """It fails when none of its processes is in time, and warns when one of several is not.

    A heartbeat in the future fails, as it would look fresh for too long.
    """
    if state.age_s is None:
        return {"status": FAIL, "output": AHEAD if state.is_ahead else f"The {loop.name} has never reported."}
    found = _age(state.age_s, float("inf"))
    if state.late == state.known:
        return found | {"status": FAIL, "output": f"The {loop.name} does not report: {loop.loss}."}
    if state.late:
        words = f"{state.late} of {state.known} of these do not report: {loop.name}."
        return found | {"status": WARN, "output": words}
    return found


def _remote_regions(now: datetime) -> Found:
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


def _age(seconds: float, limit: float) -> Found:
    state = PASS if seconds <= limit else FAIL
    return {"status": state, "observedValue": round(max(0.0, seconds), 1), "observedUnit": "s"}
