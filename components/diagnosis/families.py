"""What an answer says in words of its own: a thing, and the state it is in, in one clause.

Exact phrases of known products (`sentences`, `words`) rank first; this reads what none of them knows.
A product that nobody has seen still says that *a database* is *unreachable*, or that *a pool* is
*exhausted*: the tables below pair families of things with families of states. Such a reading is likely at
most, never very likely: the words may be those of a page that only mentions them.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from components.diagnosis import states
from components.diagnosis import vocabulary as things
from components.diagnosis.maker import Maker
from components.diagnosis.prose import clauses
from components.diagnosis.signs import Sign, several
from components.diagnosis.view import View

MAX_QUOTE = 60


class Family(NamedTuple):
    """All of `needs` are looked for in one clause. `statuses`: how those begin at which it is read."""

    needs: tuple[str, ...]
    weights: dict[str, float]
    statuses: str = ""


ERRORS, DENIED, LIMITED, LOST = "5", "403 405 406 418 429 451 503", "5 429", "404 421 5"
GATEWAYS = "502 503 504"  # 500 with "failed to fetch" is any exception's
USED_UP = f"{states.FULL}|{states.SLOW}|{states.AWAY}"
# Which wins where a clause fits several: the first
FAMILIES = (
    Family((things.VISITOR, states.HELD, states.GUARD), {"blocked": 0.72}, DENIED),
    Family((states.CHALLENGE,), {"blocked": 0.7}, DENIED),
    Family((things.CALLER, states.UNMET), {"dependency": 0.64}),
    Family((states.RETRIED,), {"dependency": 0.64}),
    Family((things.POOL, USED_UP), {"db_connections": 0.68, "dependency": 0.41}),
    Family((things.DATA, things.CONNECTIONS, states.FULL), {"db_connections": 0.7, "dependency": 0.41}),
    Family((things.OBTAINED, USED_UP), {"db_connections": 0.64, "dependency": 0.5}),
    Family((states.UNSET,), {"misconfigured": 0.62}),
    Family((things.NAME, states.STATES_DNS), {"dns": 0.62, "dependency": 0.5}),
    Family((things.TLS, states.DISTRUST), {"certificate": 0.64, "dependency": 0.42}),
    Family((things.DATA, f"{states.AWAY}|{states.MARKED}"), {"dependency": 0.7}),
    Family((states.MEMORY,), {"overload": 0.62, "crash": 0.5}),
    Family((states.CLUSTER,), {"dependency": 0.64, "unhealthy": 0.56}),
    Family((things.SERVING, states.NONE), {"unhealthy": 0.68, "not_started": 0.46}),
    Family((states.RAN_LONG,), {"stuck": 0.66, "overload": 0.42}),
    Family((states.OVER,), {"overload": 0.68}, LIMITED),
    Family((things.CONNECTIONS, states.FULL), {"db_connections": 0.64, "overload": 0.5}, "500"),
    Family((things.CONNECTIONS, states.FULL), {"overload": 0.58, "db_connections": 0.54}),
    Family((things.ROOM, states.FULL), {"overload": 0.66}, LIMITED),
    Family((states.UNREADY,), {"not_started": 0.64, "deploy": 0.42}),
    Family((states.STOPPING,), {"deploy": 0.64}),
    Family((states.MAINTENANCE,), {"deploy": 0.66}, GATEWAYS),
    Family((things.SELF, states.STARTING), {"not_started": 0.66, "deploy": 0.45}),
    Family((states.CRASHED,), {"crash": 0.64}),
    Family((things.UPSTREAM, states.SLOW), {"stuck": 0.66, "network": 0.42}),
    Family((things.UPSTREAM, states.REFUSED), {"not_started": 0.62, "network": 0.46, "dependency": 0.42}),
    Family((things.UPSTREAM, states.BROKE), {"crash": 0.62, "not_started": 0.46}),
    Family((things.OTHER, states.UNMET), {"dependency": 0.62}),
    Family((things.WORK, states.SLOW), {"stuck": 0.64, "overload": 0.42}),
    Family((things.ROUTE, states.ASTRAY), {"misconfigured": 0.6}, LOST),
    Family((states.LOST,), {"dependency": 0.6}, GATEWAYS),
    Family((states.ANSWERED, states.NAMED), {"dependency": 0.6}, GATEWAYS),
    Family((states.CHECKED,), {"dependency": 0.56, "unhealthy": 0.5}),
    Family((states.FAILURES, states.NAMED), {"dependency": 0.56}, GATEWAYS),
    Family((states.SLOW,), {"stuck": 0.61, "dependency": 0.42}),
    Family((states.GONE, states.NAMED), {"dependency": 0.58, "not_started": 0.41}, GATEWAYS),
    Family((states.OFF,), {"misconfigured": 0.54, "deploy": 0.41}),
)  # fmt: skip
READERS = tuple(
    (tuple(re.compile(need) for need in row.needs), row.weights, tuple((row.statuses or ERRORS).split()))
    for row in FAMILIES
)
REMEDY, GUESS, REASONS = (re.compile(pattern) for pattern in (states.REMEDY, states.GUESS, states.REASONS))
EXCUSES = ("overload", "deploy")


def families(view: View, maker: Maker) -> Iterator[Sign]:
    """The first clause that a family reads, if all that are read agree enough."""
    lines = _lines(view)
    readings = [reading for line in lines if (reading := _read(line, view.status or 500)) is not None]
    if not readings or _contradict(readings):
        return
    line, weights = min(readings, key=lambda reading: RANKS[id(reading[1])])
    because = f"The response says{view.quoted(line[:MAX_QUOTE], ' so in its own words')}."
    yield from several(because, **weights)


RANKS = {id(weights): rank for rank, (_, weights, _) in enumerate(READERS)}


def _lines(view: View) -> tuple[str, ...]:
    """Of an answer that is an error, or a connection closed with words; not of an ordinary page."""
    if 0 < view.status < 400:
        return ()
    return (
        *clauses(view.facts.excerpt, view.header("content_type")),
        *clauses(view.header("reason")),
        *clauses(view.header("close_reason")),
        *clauses(unquote(view.header("grpc_message"))),
    )


def _read(line: str, status: int) -> tuple[str, dict[str, float]] | None:
    line = REASONS.sub(r"\1 ", REMEDY.sub("", line))
    if GUESS.search(line):
        return None
    if " or " in line and len({_kind(half, status) for half in line.split(" or ")} - {""}) > 1:
        return None  # "overload or maintenance" knows neither
    return _matched(line, status)


def _kind(line: str, status: int) -> str:
    matched = _matched(line, status)
    return next(iter(matched[1])) if matched else ""


def _matched(line: str, status: int) -> tuple[str, dict[str, float]] | None:
    for needs, weights, statuses in READERS:
        if str(status).startswith(statuses) and all(need.search(line) for need in needs):
            return line, weights
    return None


def _contradict(readings: list[tuple[str, dict[str, float]]]) -> bool:
    """Whether a page names overload in one sentence and maintenance in another, as an excuse for anything."""
    first = {next(iter(weights)) for _, weights in readings}
    return first >= set(EXCUSES)
