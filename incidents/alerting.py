"""Connects this program's health (`statuspage`) to alerts (`subscribers`), which do not import each other.

`statuspage` registers the health body (`judge_by`), `subscribers` the alert thread (`watch_by`); the web
process starts and stops it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

Vitals = Callable[[datetime], tuple[dict[str, Any], int]]


class Watch(Protocol):
    """Looks for what staff should know, and tells them."""

    def start(self, *, serves_page: bool) -> None:
        """In a thread of its own; does nothing when it already runs."""
        ...

    def channels(self) -> int:
        """How many channels would be told of something."""
        ...

    def stop(self) -> None:
        """Claim nothing more."""
        ...


_vitals: Vitals | None = None
_watch: Callable[[], Watch] | None = None


def judge_by(vitals: Vitals) -> None:
    """From now on this one says how the system is."""
    global _vitals  # noqa: PLW0603 - one house, one judge
    _vitals = vitals


def vitals(now: datetime) -> dict[str, dict[str, Any]]:
    """The checks of the health body by name; none when nobody judges."""
    if _vitals is None:
        return {}
    body, _ = _vitals(now)
    return {name: rows[0] for name, rows in body["checks"].items()}


def is_well(checks: dict[str, dict[str, Any]]) -> bool:
    """Whether nothing that matters fails: what /healthz answers 200 to."""
    return bool(checks) and all(check["status"] != "fail" for check in checks.values())


def watch_by(watch: Callable[[], Watch]) -> None:
    """From now on this one watches."""
    global _watch  # noqa: PLW0603 - one house, one watch
    _watch = watch


def start(*, serves_page: bool = False) -> None:
    """Begin to watch, where somebody does. Only a process that serves the page knows of its copies."""
    if _watch is not None:
        _watch().start(serves_page=serves_page)


def stop() -> None:
    """Watch no more."""
    if _watch is not None:
        _watch().stop()


def channels() -> int:
    """How many channels would be told of something; 0 while the database does not say."""
    return 0 if _watch is None else _watch().channels()
