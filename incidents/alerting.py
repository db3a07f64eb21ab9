"""Connects this program's health (`statuspage`) to alerts (`subscribers`), which do not import each other.

`statuspage` registers the health body (`judge_by`), `subscribers` the alert thread (`watch_by`); the web
process starts and stops it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

Vitals = Callable[[datetime], tuple[dict[str, Any], int]]


class Watch(Protocol):
    """Opens, closes and sends alerts to staff."""

    def start(self, *, serves_page: bool) -> None:
        """Start in its own thread; does nothing if it already runs."""
        ...

    def channels(self) -> int:
        """How many channels would get an alert."""
        ...

    def stop(self) -> None:
        """Start no more rounds."""
        ...


_vitals: Vitals | None = None
_watch: Callable[[], Watch] | None = None


def judge_by(vitals: Vitals) -> None:
    """Register the function that returns the health body and its HTTP status."""
    global _vitals  # noqa: PLW0603 - one per process
    _vitals = vitals


def vitals(now: datetime) -> dict[str, dict[str, Any]]:
    """The checks of the health body by name; empty when no function is registered."""
    if _vitals is None:
        return {}
    body, _ = _vitals(now)
    return {name: rows[0] for name, rows in body["checks"].items()}


def is_well(checks: dict[str, dict[str, Any]]) -> bool:
    """Whether no check fails, as for the 200 of /healthz. False when there are no checks."""
    return bool(checks) and all(check["status"] != "fail" for check in checks.values())


def passed_at(checks: dict[str, dict[str, Any]], now: datetime) -> datetime | None:
    """When a check last went the whole way, from its target onto the page; None if none could."""
    age_s = checks.get("pipeline:lastPass", {}).get("observedValue")
    return None if age_s is None else now - timedelta(seconds=age_s)


def watch_by(watch: Callable[[], Watch]) -> None:
    """Register the factory of the alert thread."""
    global _watch  # noqa: PLW0603 - one per process
    _watch = watch


def start(*, serves_page: bool = False) -> None:
    """Start the alert thread, if one is registered. `serves_page`: it also judges this machine's copies."""
    if _watch is not None:
        _watch().start(serves_page=serves_page)


def stop() -> None:
    """Stop the alert thread, if one is registered."""
    if _watch is not None:
        _watch().stop()


def channels() -> int:
    """How many channels would get an alert; 0 while the database is away."""
    return 0 if _watch is None else _watch().channels()
