"""Likely causes of a probe's failure, ranked by rule, each with its reasons.

Nothing is guessed: a cause is named only when a fact supports it, and says which.
What no fact shows (a deploy, an expired card) is left out.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from components import failures

MAX_NAMES = 3
ROSE = 2.0  # times as slow as usual just before it failed
POOL = re.compile(
    r"too many connections|connection pool|pool (?:is )?(?:exhausted|timed? ?out)|remaining connection slots"
    r"|no connections? (?:is |are )?(?:available|left)|connection limit|max_connections|queuepool",
    re.IGNORECASE,
)
DATABASE = re.compile(r"\b(?:database|postgres(?:ql)?|mysql|mariadb|sql(?:ite)?|db)\b", re.IGNORECASE)
# "redis": "down", "search": {"status": "fail"}: the health checks of most frameworks
DEPENDENCY = re.compile(
    r'"([\w.:/ -]{1,40})"\s*:\s*(?:"(?:down|fail(?:ed|ing)?|error|critical|unhealthy|unreachable|timeout)"'
    r'|\{[^{}]{0,200}?"status"\s*:\s*"(?:down|fail(?:ed|ing)?|error|critical|unhealthy|unreachable)")',
    re.IGNORECASE,
)
OF_ALL = {"status", "state", "health", "result", "ok", "message", "error", "code", "checks", "details"}
TIMEOUTS = ("timeout_first_byte", "timeout_transfer", "timeout_connect")
BUSY = (429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a probe that is not well. Times in milliseconds; None: not known."""

    failure: str = ""  # the stored word (components.outcomes.Failure); empty: it answers, but too slowly
    status_code: int | None = None
    detail: str = ""
    excerpt: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    median_ms: float | None = None  # in the hour before
    last_ms: float | None = None  # the last answers before it failed
    answering: tuple[str, ...] = ()  # others of the same group that are well
    failing: tuple[str, ...] = ()  # others of the same group that are not

    @property
    def rose(self) -> bool:
        """Whether it had become much slower just before."""
        known = self.median_ms is not None and self.last_ms is not None
        return known and (self.last_ms or 0) >= ROSE * max(self.median_ms or 0, 1.0)


@dataclass(frozen=True, slots=True)
class Cause:
    """One explanation: what speaks for it, and where to look next."""

    name: str
    because: tuple[str, ...]
    look_next: str


def diagnose(facts: Facts) -> tuple[Cause, ...]:
    """The causes that facts speak for, the best supported first."""
    found = [cause for rule in RULES if (cause := rule(facts)) is not None]
    # stable: of two with as many reasons the more special rule, which stands first, wins
    return tuple(sorted(found, key=lambda cause: -len(cause.because)))


def reasons(facts: Facts) -> tuple[tuple[str, str], ...]:
    """The facts themselves, as (bold words, the rest), whatever they point to."""
    told = [_how(facts)]
    if facts.answering:
        told.append(("Others in this group respond:", f"{_names(facts.answering)}."))
    if facts.failing:
        told.append(("Others in this group also fail:", f"{_names(facts.failing)}."))
    if facts.rose:
        told.append(("Slow just before:", f"response time rose {_rise(facts)}."))
    if "retry_after" in facts.headers:
        told.append(("It asks clients to wait:", f"Retry-After {facts.headers['retry_after'][:40]}."))
    return tuple(told)


def _how(facts: Facts) -> tuple[str, str]:
    if facts.failure == "status" and facts.status_code:
        return f"It responds with {facts.status_code}.", "The server is running, but reports a problem."
    bold, rest = failures.words(facts.failure).how
    return bold, rest or facts.detail


def _pool(facts: Facts) -> Cause | None:
    """The story of many a 503."""
    match = POOL.search(f"{facts.excerpt}\n{facts.detail}")
    if match is None:
        return None
    because = [f"The response says “{match[0]}”."]
    if DATABASE.search(facts.excerpt):
        because.append("It mentions the database.")
    return Cause(
        "The database has run out of connections",
        (*because, *_when_busy(facts)),
        "Check open connections and what holds them: long queries, a leak, too many workers.",
    )


def _dependency(facts: Facts) -> Cause | None:
    names = [name for name in DEPENDENCY.findall(facts.excerpt) if name.lower() not in OF_ALL]
    if not names:
        return None
    listed = _names(tuple(dict.fromkeys(names)))
    return Cause(
        f"A dependency is failing: {listed}",
        (f"The response itself reports {listed} as failing.",),
        f"Check {listed} before the service that reports it.",
    )


def _not_started(facts: Facts) -> Cause | None:
    if facts.failure not in ("refused", "dns", "unreachable"):
        return None
    because = {
        "refused": "The host refuses the connection: no process listens on the port.",
        "dns": "The name cannot be resolved.",
        "unreachable": "There is no route to the host.",
    }[facts.failure]
    more = (f"{_names(facts.answering)} in the same group still respond.",) if facts.answering else ()
    if facts.failure == "refused":
        return Cause(
            "The process is not running, or not accepting connections",
            (because, *more),
            "Check whether the process is up, its last log lines, and whether its accept queue is full.",
        )
    return Cause(
        "The host or its DNS name is gone", (because, *more), "Check the DNS zone, the host and the route."
    )


def _overload(facts: Facts) -> Cause | None:
    is_busy = facts.status_code in BUSY or facts.failure in TIMEOUTS or facts.failure in ("reset", "")
    because = _when_busy(facts)
    if not is_busy or not because:
        return None
    if facts.status_code in BUSY:
        because = (f"Servers return {facts.status_code} when they are out of capacity.", *because)
    if facts.failure in TIMEOUTS:
        because = ("It accepts connections but is too slow to respond.", *because)
    return Cause(
        "Overload: more work than it can handle",
        because,
        "Check requests per second, busy workers and the slowest queries since it slowed down.",
    )


def _when_busy(facts: Facts) -> tuple[str, ...]:
    told = []
    if "retry_after" in facts.headers:
        told.append(f"It asks clients to retry later: Retry-After {facts.headers['retry_after'][:40]}.")
    if facts.rose:
        told.append(f"Responses slowed down just before: {_rise(facts)}.")
    return tuple(told)


def _health_check(facts: Facts) -> Cause | None:
    if facts.failure != "assertion":
        return None
    return Cause(
        "The service is running, but reports that it is unhealthy",
        (facts.detail or "The content is not as expected.",),
        "Check which part of the response changed; if the change is intended, edit the probe.",
    )


def _certificate(facts: Facts) -> Cause | None:
    if facts.failure != "tls":
        return None
    end = facts.headers.get("not_after", "")
    because = (facts.detail or "The TLS handshake fails.", *((f"It expires {end}.",) if end else ()))
    return Cause("The certificate is not valid", because, "Check the renewal and the chain it serves.")


def _error(facts: Facts) -> Cause | None:
    code = facts.status_code or 0
    if facts.failure != "status" or code in BUSY or code < 400:
        return None
    if code in (401, 403):
        name, look = "The probe is not authorized", "Check the credentials in the probe's headers."
    elif code in (404, 410):
        name, look = (
            "The address no longer exists",
            "Check whether the path has moved; if so, edit the probe.",
        )
    elif code < 500:
        name, look = (
            "The request is rejected",
            ("Check what the server expects now; you may need to edit the probe."),
        )
    else:
        name, look = "The application fails on this request", "Check the error log for this path."
    return Cause(name, (f"It responds with {code}.",), look)


RULES: tuple[Callable[[Facts], Cause | None], ...] = (
    _pool, _dependency, _not_started, _overload, _certificate, _health_check, _error,
)  # fmt: skip


def _rise(facts: Facts) -> str:
    return f"from {facts.median_ms or 0:,.0f} to {facts.last_ms or 0:,.0f} ms"


def _names(of: tuple[str, ...]) -> str:
    more = len(of) - MAX_NAMES
    return ", ".join(of[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
