"""When a recovery hook may be called: one sentence why not, or nothing.

Pure: what is known comes in as a `Situation`. What people ask for is judged by `refusal_to_people`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Kinds of components.diagnosis.causes that a hook may be limited to
CAUSES = {
    "not_started": "not started",
    "crash": "crashes",
    "stuck": "stuck",
    "overload": "overload",
    "unhealthy": "health checks fail",
    "db_connections": "database connections used up",
    "deploy": "deploy or drain",
    "network": "network",
    "error": "error on this request",
    "content": "reports a problem",
}
# A call mends none of these, and may do harm: the dependency is elsewhere, the fault is in a file or ours
NEVER = {
    "dependency": "something it depends on fails",
    "certificate": "its certificate is not valid",
    "dns": "its name cannot be resolved",
    "blocked": "our checks are blocked",
    "unauthorized": "our checks are not authorized",
    "own_fault": "the fault is ours",
}


@dataclass(frozen=True, slots=True)
class Failing:
    """What a component fails with: words of `outcomes.Failure`, and kinds of causes.

    A hook for some causes needs one that is `likely`; to hold it back, one that is `possible` is enough.
    """

    failures: frozenset[str] = frozenset()
    likely: frozenset[str] = frozenset()
    possible: frozenset[str] = frozenset()

    @property
    def never(self) -> str:
        """Why no hook is called, in words; empty if one may be."""
        return next((words for kind, words in NEVER.items() if kind in self.possible | self.likely), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that decides. Lengths in seconds; `calls`: when this target was called, of those that count."""

    now: datetime
    is_braked: bool = False
    is_armed: bool = True
    is_over: bool = False  # the incident is resolved, deleted, or merged into another
    is_owned: bool = False  # a person manages the incident
    is_approved: bool = False  # a person approved this very call
    is_refused: bool = False  # a person refused this hook for this incident
    is_set_by_hand: bool = False  # staff set the component's status
    is_worked_on: bool = False
    deployed_at: datetime | None = None
    deploy_quiet_s: int = 0
    failing: Failing | None = None  # None: it does not fail
    failures: Sequence[str] = ()  # that the hook is for; empty: all
    causes: Sequence[str] = ()
    is_busy: bool = False  # another call of this incident or target has not been judged yet
    last_at: datetime | None = None  # of this hook
    cooldown_s: int = 0
    budget: int = 1
    window_s: int = 3600
    calls: Sequence[datetime] = ()


def refusal(it: Situation) -> str:
    """Why the hook is not called now, in one sentence; empty if it is."""
    return refusal_whatever_fails(it) or _by_failure(it)


def refusal_whatever_fails(it: Situation) -> str:
    """The part that does not look at `failing`, which costs the most to know."""
    return _by_people(it) or _by_pace(it)


def refusal_by_failures(it: Situation, failures: frozenset[str] | None) -> str:
    """The part that looks at what it fails with, and at no causes. None: it does not fail."""
    if failures is None:
        return "The component is not failing."
    if it.failures and not failures & set(it.failures):
        return "The hook is not for this failure."
    return ""


def refusal_to_people(*, is_over: bool, is_busy: bool) -> str:
    """Why a person's own call is not made; empty if it is. Budget, brake and causes bind only automation."""
    if is_over:
        return "The incident is over."
    return "Another call has not been judged yet: wait for its settling time." if is_busy else ""


def _by_people(it: Situation) -> str:
    if it.is_braked:
        return "The global brake is on."
    if not it.is_armed:
        return "The hook is not armed."
    if it.is_over:
        return "The incident is over."
    if it.is_owned and not it.is_approved:
        return "A person manages the incident."
    if it.is_refused:
        return "A person refused it for this incident."
    if it.is_set_by_hand:
        return "Staff set the component's status."
    if it.is_worked_on:
        return "Maintenance is under way."
    if it.deployed_at is not None and it.now - it.deployed_at < timedelta(seconds=it.deploy_quiet_s):
        return f"A deploy was marked less than {it.deploy_quiet_s:,} s ago."
    return ""


def _by_failure(it: Situation) -> str:
    if why := refusal_by_failures(it, it.failing.failures if it.failing else None):
        return why
    assert it.failing is not None
    if it.failing.never:
        return f"No hook is called for this cause: {it.failing.never}."
    if it.causes and not it.failing.likely & set(it.causes):
        return "The hook is not for this cause, or no cause is likely enough."
    return ""


def _by_pace(it: Situation) -> str:
    if it.is_busy:
        return "Another call has not been judged yet."
    if it.last_at is not None and it.now - it.last_at < timedelta(seconds=it.cooldown_s):
        return f"It was called less than {it.cooldown_s:,} s ago."
    if spent(it) >= it.budget:
        return f"Its target was called {spent(it)} times within {it.window_s:,} s; the budget is {it.budget}."
    return ""


def spent(it: Situation) -> int:
    """How many calls of this target count against the budget now."""
    since = it.now - timedelta(seconds=it.window_s)
    return sum(at > since for at in it.calls)
