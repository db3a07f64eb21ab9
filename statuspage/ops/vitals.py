"""The health of this program: the body of /healthz.

The format is that of draft-inadarei-api-health-check-06 (application/health+json).
A check fails if the page may be wrong, and warns if it is only slower.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError

from components import identity, loops, self_test
from components.models.remote_region import was_seen
from incidents import notification_status
from statuspage.ops.vital_rows import RegionProbes, VitalRows, vital_rows
from statuspage.serving.disk_copies import fault_here, renders_here, stuck_here

PASS, WARN, FAIL = "pass", "warn", "fail"
OVERDUE_S = 15  # a due slot is claimed within a second or two; this long means that no worker claims
SILENT_S = 60  # the same patience the supervisor has
UNSENT_S = 120  # a burst of mails is sent by then; this long means that no worker delivers
STUCK_S = 30  # without a complete rendering; one that fails is tried again within seconds
BROKER_TIMEOUT_S = 1.0
MISSED = "The self-test failed on purpose, and no one noticed in time: outages may be missed."
NO_DATABASE: dict[str, Any] = {"status": FAIL, "output": "The database is not responding."}
NO_HOOKS: dict[str, Any] = {"status": PASS, "output": "There are no recovery hooks."}
PASSED = "pipeline:lastPass"
AHEAD = "The newest heartbeat is from the future: the clock was set back."

Found = dict[str, Any]


def vitals(now: datetime) -> tuple[Found, int]:
    """The health body and its status code: 503 when something that matters fails."""
    try:
        stored = vital_rows(now)
    except DatabaseError:
        return _body(_checks(None, lambda: NO_DATABASE, now), now)
    return _body(_checks(stored, lambda: _oldest_delivery(now), now), now)


def vitals_of(stored: VitalRows, oldest_due_s: float, now: datetime) -> Found:
    """The checks by name, for a page that has read what is stored."""
    return _checks(stored, lambda: _age(oldest_due_s, UNSENT_S), now)


def _checks(stored: VitalRows | None, delivery: Callable[[], Found], now: datetime) -> Found:
    """`stored`: None while the database does not respond."""

    def of(judge: Callable[[VitalRows, datetime], Found]) -> Found:
        return NO_DATABASE if stored is None else judge(stored, now)

    return {
        "database:responseTime": of(_database),
        "probes:lastCheck": of(_last_check),
        "probes:oldestDueSlot": of(_oldest_due),
        "regions:lastCheck": of(_regions),
        "selfTest:lastNoticed": of(_self_test),
        **_loops(stored, now),
        "regions:lastSeen": of(_remote_regions),
        "deliveries:oldestDue": _guarded(delivery),
        "broker:responseTime": _guarded(_broker),
        "copies:disk": _copies(),
        "copies:rendered": _rendered(),
        **_passes(stored, now),
    }


def _body(checks: Found, now: datetime) -> tuple[Found, int]:
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
        return NO_DATABASE
    except redis.RedisError:
        sentence = "The broker is not responding: workers in processes of their own do nothing meanwhile."
        return {"status": WARN, "output": sentence}


def _database(stored: VitalRows, _: datetime) -> Found:
    return _took(stored.took_ms)


def _broker() -> Found:
    began = time.monotonic()
    client = _client(settings.REDIS_URL)
    try:
        client.ping()
    finally:
        client.connection_pool.disconnect(inuse_connections=False)
    return _took((time.monotonic() - began) * 1000)


@lru_cache(maxsize=1)
def _client(url: str) -> redis.Redis:
    """Kept, as making one costs more than asking it; its connections are not."""
    return redis.Redis.from_url(url, socket_connect_timeout=BROKER_TIMEOUT_S, socket_timeout=BROKER_TIMEOUT_S)


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


def _passes(stored: VitalRows | None, now: datetime) -> Found:
    """Only of a process that renders: the age of the newest check that went the whole way, onto the page."""
    renders = renders_here()
    if renders is None:
        return {}
    return {PASSED: NO_DATABASE if stored is None else _last_pass(stored, now, renders.rendered_at)}


def _last_pass(stored: VitalRows, now: datetime, rendered_at: float) -> Found:
    """A result counts once it was written and all documents were rendered after it."""
    heard = [row.heard_s for row in stored.probes if row.heard_s is not None]
    if not heard:
        return {"status": PASS, "output": "No check has been run yet."}
    passed_at, interval_s = min(max(heard), rendered_at), min(row.interval_s for row in stored.probes)
    return _age(now.timestamp() - passed_at, max(SILENT_S, 3 * interval_s) + SILENT_S)


def _took(took_ms: float) -> Found:
    return {"status": PASS, "observedValue": round(took_ms, 1), "observedUnit": "ms"}


def _last_check(stored: VitalRows, now: datetime) -> Found:
    """The newest result may be three intervals of the busiest probe old, and a minute at least."""
    probes = [row for row in stored.probes if not row.is_self_test]
    if not probes:
        return {"status": PASS, "output": "There are no probes."}
    heard = max((row.heard_s for row in probes if row.heard_s is not None), default=None)
    if heard is None and any(row.newest_s is not None for row in probes):
        return {"status": FAIL, "output": AHEAD}  # results in the future say nothing
    since = heard or max(row.made_at for row in probes).timestamp()
    return _age(now.timestamp() - since, max(SILENT_S, 3 * min(row.interval_s for row in probes)))


def _oldest_due(stored: VitalRows, now: datetime) -> Found:
    # the lateness of a remote region is its own
    probes = [row for row in stored.probes if not row.is_self_test and row.region not in stored.remote]
    oldest = min((row.due_s for row in probes if row.due_s is not None), default=None)
    return _age(0 if oldest is None else max(0, now.timestamp() - oldest), OVERDUE_S)


def _regions(stored: VitalRows, now: datetime) -> Found:
    """The region that has been silent for longest; a warning, as what it sees is then unknown."""
    regions: dict[str, list[RegionProbes]] = defaultdict(list)
    for row in stored.probes:
        regions[row.region].append(row)
    ages = [_silence(rows, now) for rows in regions.values()]
    silent = [age for age, limit in ages if age > limit]
    found = _age(max((age for age, _ in ages), default=0.0), float("inf"))
    if silent:
        found |= {"status": WARN, "output": f"{len(silent)} of {len(ages)} regions do not report."}
    return found


def _silence(rows: Sequence[RegionProbes], now: datetime) -> tuple[float, float]:
    """How long (s) a region has not reported, and how long it may be silent."""
    heard = max(row.newest_s or 0 for row in rows)
    since = heard or max(row.made_at for row in rows).timestamp()
    return now.timestamp() - since, max(SILENT_S, 3 * min(row.interval_s for row in rows))


def _self_test(stored: VitalRows, now: datetime) -> Found:
    """Whether the target that fails on purpose was last noticed in time."""
    started = [
        beat.at for beat in stored.beats if (beat.role, beat.name) == (self_test.ROLE, self_test.SINCE)
    ]
    age_s = self_test.age_s(now, next(iter(started), None), stored.noticed_at)
    if age_s is None:
        return {"status": PASS, "output": "The self-test is off, or has not begun."}
    found = _age(age_s, self_test.LIMIT_S)
    return found if found["status"] == PASS else found | {"output": MISSED}


def _loops(stored: VitalRows | None, now: datetime) -> Found:
    """A check for each role of the registry, by its heartbeats."""
    if stored is None:
        return {loop.check: NO_DATABASE for loop in loops.LOOPS.values()}
    beats: dict[str, list[datetime]] = defaultdict(list)
    for beat in stored.beats:
        beats[beat.role].append(beat.at)
    unused = {} if stored.has_hooks else {"hooks:heartbeat": NO_HOOKS}
    return {
        loop.check: _loop(loop, loops.state_of(loop, beats[loop.role], now, _deadline_s(loop)))
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


def _remote_regions(stored: VitalRows, now: datetime) -> Found:
    """Remote regions that stopped asking for work. Their probes are unknown: the page is not wrong.

    Without their names, as the answer is public. One that has never asked is still being set up.
    """
    regions = [seen_at for seen_at in stored.remote.values() if seen_at is not None]
    silent = sum(not was_seen(seen_at, now) for seen_at in regions)
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
