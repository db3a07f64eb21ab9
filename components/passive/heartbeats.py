"""Heartbeats of jobs: what is remembered of their reports, and whether they are late.

A report changes the state only forward in time, so that one which comes late (it waited on disk while the
database was away) changes nothing that a newer one has said.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from components.outcomes import Failure, Reading
from components.passive.hearing import NOT_LISTENING, Heard, set_back
from components.passive.lengths import in_words
from components.passive.reports import Kind, Report
from components.passive.schedules import Schedule

MAX_RUNS = 100  # runs at once; the oldest are forgotten first
MAX_FAIL_TEXT = 1_000  # of what a failing job said; all of it is in its signal
NEVER_HEARD = "Nothing has been received yet: send a ping to its address."


@dataclass(frozen=True, slots=True)
class HeartbeatState:
    """Times are seconds since 1970; 0: never. `starts` and `ended` are by run id (empty without one).

    `success_began` is the latest start among the runs that ended well.
    """

    success_at: float = 0.0
    success_began: float = 0.0
    fail_at: float = 0.0
    fail_text: str = ""
    fail_status: int | None = None
    starts: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)

    @property
    def as_json(self) -> dict[str, Any]:
        """For the database."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "HeartbeatState":
        """The state again; an empty one for a row that holds none."""
        try:
            return cls(**{name: row[name] for name in cls.__slots__ if name in row})
        except TypeError:
            return cls()

    def set_back(self, now_s: float, back_s: float) -> "HeartbeatState":
        """The same after the clock was set back: what lies in the future was so much earlier."""
        moved = partial(set_back, now_s=now_s, back_s=back_s)
        return replace(
            self,
            success_at=moved(self.success_at),
            success_began=moved(self.success_began),
            fail_at=moved(self.fail_at),
            starts={run: moved(at) for run, at in self.starts.items()},
            ended={run: moved(at) for run, at in self.ended.items()},
        )

    @property
    def is_failing(self) -> bool:
        """Whether the newest run that ended failed."""
        return self.fail_at > self.success_at


def after(state: HeartbeatState, report: Report) -> HeartbeatState:
    """The state with this report in it."""
    at, run = report.at.timestamp(), report.run
    if report.kind is Kind.START:
        if at < state.ended.get(run, 0.0):
            return state  # its end is known already
        return replace(state, starts=_newest({**state.starts, run: max(at, state.starts.get(run, 0.0))}))
    if not (report.is_success or report.is_failure):
        return state
    began = state.starts.get(run, at)
    starts = {other: since for other, since in state.starts.items() if other != run or since > at}
    ended = _newest({**state.ended, run: max(at, state.ended.get(run, 0.0))})
    state = replace(state, starts=starts, ended=ended)
    if report.is_success:
        return replace(
            state,
            success_at=max(at, state.success_at),
            success_began=max(min(began, at), state.success_began),
        )
    if at < state.fail_at:
        return state
    return replace(state, fail_at=at, fail_text=report.text[:MAX_FAIL_TEXT], fail_status=report.exit_status)


def again(state: HeartbeatState, report: Report) -> HeartbeatState:
    """The state after a repeat of its last report: the same run, so only the time of its end moves."""
    at = report.at.timestamp()
    if report.is_success:
        return replace(state, success_at=max(at, state.success_at))
    return replace(state, fail_at=max(at, state.fail_at)) if report.is_failure else state


def _newest(runs: dict[str, float]) -> dict[str, float]:
    """The newest MAX_RUNS of these."""
    if len(runs) <= MAX_RUNS:
        return runs
    return dict(sorted(runs.items(), key=lambda pair: pair[1])[-MAX_RUNS:])


def judge(schedule: Schedule, grace: timedelta, heard: Heard) -> Reading:
    """What its reports say now, as a check would have found it."""
    state = HeartbeatState.from_json(heard.state)
    if not (state.success_at or state.fail_at or state.starts):
        return Reading(0.0, Failure.NO_DATA, NEVER_HEARD)
    if state.is_failing:
        return _failed(state)
    return _overdue_run(state, grace, heard) or _late(state, schedule, grace, heard) or Reading(0.0)


def next_expected(schedule: Schedule, heard: Heard) -> datetime | None:
    """When the next report is due, without grace; None when none is, or nothing was heard yet."""
    base = _base(HeartbeatState.from_json(heard.state))
    return None if base is None else schedule.next_after(base, heard.zone)


def _failed(state: HeartbeatState) -> Reading:
    status = f" (exit status {state.fail_status})" if state.fail_status else ""
    detail = f"The job reported a failure{status} at {_clock(_time(state.fail_at))}."
    return Reading(0.0, Failure.REPORTED, detail, excerpt=state.fail_text)


def _overdue_run(state: HeartbeatState, grace: timedelta, heard: Heard) -> Reading | None:
    """A run that began and did not end within grace, unless a later run has ended well since.

    One that began before we were listening may have ended unheard.
    """
    since = heard.listening_since.timestamp() if heard.listening_since else 0.0
    for began in sorted(state.starts.values()):
        limit = began + grace.total_seconds()
        if began >= since and limit <= heard.now.timestamp() and state.success_began <= limit:
            if not heard.is_listening:
                return Reading(0.0, Failure.OWN_FAULT, NOT_LISTENING)
            length = in_words(int(grace.total_seconds()))
            started = _clock(_time(began))
            return Reading(
                0.0, Failure.LATE, f"The run that started at {started} did not end within {length}."
            )
    return None


def _late(state: HeartbeatState, schedule: Schedule, grace: timedelta, heard: Heard) -> Reading | None:
    """The report that was due has not come, and would have reached us."""
    base = _base(state)
    due = None if base is None else schedule.next_after(base, heard.zone)
    if base is None or due is None or due + grace > heard.now:
        return None
    if not heard.is_listening:
        return Reading(0.0, Failure.OWN_FAULT, NOT_LISTENING)
    since = heard.listening_since
    if since is not None and since > base:
        later = schedule.next_after(since, heard.zone)
        if later is None or later + grace > heard.now:
            missed = f"Reports could not be received until {_clock(since)}: one that was due at {_clock(due)}"
            return Reading(0.0, Failure.OWN_FAULT, f"{missed} may be lost.")
    length = in_words(int(grace.total_seconds()))
    return Reading(0.0, Failure.LATE, f"No report since {_clock(base)}: due at {_clock(due)}, plus {length}.")


def _base(state: HeartbeatState) -> datetime | None:
    """What the next report is expected after: the last success, else the first sign of life."""
    if state.success_at:
        return _time(state.success_at)
    begun = [*state.starts.values(), *([state.fail_at] if state.fail_at else [])]
    return _time(min(begun)) if begun else None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _clock(at: datetime) -> str:
    """ "27 Nov 03:00:00 UTC"."""
    return at.astimezone(UTC).strftime("%-d %b %H:%M:%S UTC")
