"""The last day's checks judged with other settings: stored checks in, flips and outages out.

The checks are those that were made, at the times they were made. A shorter
timeout can be replayed (a slower answer would have been cut off); a longer one
cannot, nor another address: there are no checks of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from components import health
from components.outcomes import Expectation, Failure, Outcome, Reading, classify


@dataclass(frozen=True, slots=True)
class Row:
    """A stored check: its time and reading. `failure` is the stored value, empty without one.

    `is_degraded`: by what it said, not by a limit of its response time or certificate.
    """

    at: datetime
    total_ms: float
    failure: str = ""
    days_left: int | None = None
    is_degraded: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a probe that do not change the request."""

    rule: health.Rule
    expectation: Expectation = field(default_factory=Expectation)
    timeout_ms: float | None = None  # None: no check was cut off that was not


@dataclass(frozen=True, slots=True)
class Replay:
    """The confirmed changes of outcome, and from when to when it was down."""

    turns: tuple[health.Turn, ...]
    outages: tuple[tuple[datetime, datetime], ...]

    @property
    def on_and_off(self) -> int:
        """How often it began to fail on and off."""
        return sum(turn.is_failing for turn in self.turns)

    @property
    def flips(self) -> int:
        """Confirmed changes between known outcomes; the first result and silence do not count."""
        return sum(
            Outcome.UNKNOWN not in (turn.old, turn.new) and turn.old is not turn.new for turn in self.turns
        )

    @property
    def down(self) -> timedelta:
        """The total length of the outages."""
        return sum((end - begin for begin, end in self.outages), timedelta())


def replay(
    rows: Iterable[Row], settings: Settings, *, end: datetime, start: health.State | None = None
) -> Replay:
    """Judge these checks (oldest first) by these settings, beginning with this state."""
    state, turns = start or health.State(), []
    for row in rows:
        for outcome in _outcomes(state, row, settings):
            state, turn = health.step(state, outcome, row.at, settings.rule)
            if turn is not None:
                turns.append(turn)
    return Replay(tuple(turns), tuple(_outages(turns, start, end)))


def _outcomes(state: health.State, row: Row, settings: Settings) -> Iterable[Outcome]:
    """This check's outcome; before it the silence, when there was one."""
    if state.heard_at is not None and row.at - state.heard_at >= settings.rule.silence:
        yield Outcome.UNKNOWN
    yield classify(_reading(row, settings.timeout_ms), settings.expectation)[0]


def _reading(row: Row, timeout_ms: float | None) -> Reading:
    failure = _failure(row.failure)
    if failure is None and timeout_ms is not None and row.total_ms >= timeout_ms:
        failure = Failure.TIMEOUT_FIRST_BYTE
    degraded = "It reported a problem." if row.is_degraded else ""
    return Reading(row.total_ms, failure, days_left=row.days_left, degraded=degraded)


def _failure(word: str) -> Failure | None:
    """The failure; a value of an older version also counts as one."""
    if not word:
        return None
    return Failure(word) if word in set(Failure) else Failure.PROTOCOL


def _outages(
    turns: list[health.Turn], start: health.State | None, end: datetime
) -> Iterable[tuple[datetime, datetime]]:
    began = start.since if start is not None and start.outcome is Outcome.DOWN else None
    for turn in turns:
        if turn.new is Outcome.DOWN:
            began = turn.at
        elif began is not None:
            yield began, max(began, turn.at)
            began = None
    if began is not None:
        yield began, max(began, end)
