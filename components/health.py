"""When a probe changes its mind: outcomes in, at most one flip out.

A single bad check proves little, so a probe flips only after `confirm_down`
bad outcomes in a row, and back after `confirm_up` better ones. The flip is
dated to the first of them. An outcome we could not see is no result; after
`silence` without any result the probe says that it does not know.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from components.outcomes import Outcome

BADNESS = {Outcome.UP: 0, Outcome.DEGRADED: 1, Outcome.DOWN: 2}
MISSING = 2  # results may be late once or twice; when the third is due as well, it is silence
LONGEST_WAIT = timedelta(minutes=15)  # for a missing result: one a day that is an hour late will not come


@dataclass(frozen=True, slots=True)
class Rule:
    """How sure is sure enough, for one probe."""

    interval: timedelta
    confirm_down: int = 2
    confirm_up: int = 2
    holds: timedelta | None = None  # how long the last result holds, if the interval was another then

    @property
    def known_for(self) -> timedelta:
        """How long a result speaks for its target: until the next one is due."""
        return self.interval if self.holds is None else self.holds

    @property
    def silence(self) -> timedelta:
        """How long without a result until we no longer know."""
        return self.known_for + min(MISSING * self.interval, LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class State:
    """What a probe thinks. `run` holds the newest results that disagree with `outcome`, oldest first."""

    outcome: Outcome = Outcome.UNKNOWN
    since: datetime | None = None
    heard_at: datetime | None = None  # the newest result; None: never checked
    run: tuple[tuple[Outcome, datetime], ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """True while results disagree but are too few: check again soon."""
        return bool(self.run)


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of mind: `at` is the first result that said so, `noticed_at` the one that made us sure."""

    old: Outcome
    new: Outcome
    at: datetime
    noticed_at: datetime


def step(state: State, outcome: Outcome, at: datetime, rule: Rule) -> tuple[State, Turn | None]:
    """The state after one more outcome, and the turn it brought about, if any.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> step(State(), Outcome.UP, noon, Rule(timedelta(minutes=1)))[0].outcome
    <Outcome.UP: 'up'>
    """
    if outcome is Outcome.UNKNOWN:
        return _fall_silent(state, at, rule)
    heard = replace(state, heard_at=at)
    if outcome is state.outcome:
        return replace(heard, run=()), None
    run = (*_same_side(state, outcome), (outcome, at))
    settled = _settle(state.outcome, run, rule)
    if settled is None:
        return replace(heard, run=run), None
    new, since = settled
    turn = Turn(state.outcome, new, since, at)
    return State(outcome=new, since=since, heard_at=at, run=_tail(run, new)), turn


def _fall_silent(state: State, at: datetime, rule: Rule) -> tuple[State, Turn | None]:
    """Nothing seen: unknown once the silence is long enough, dated to the first missing result."""
    if state.outcome is Outcome.UNKNOWN or state.heard_at is None:
        return state, None
    if at - state.heard_at < rule.silence:
        return state, None
    since = state.heard_at + rule.known_for
    turn = Turn(state.outcome, Outcome.UNKNOWN, since, at)
    return State(Outcome.UNKNOWN, since=since, heard_at=state.heard_at), turn


def _is_worse(outcome: Outcome, than: Outcome) -> bool:
    """From unknown every result but up counts as worse: bad news wants confirming, good news does not."""
    return BADNESS[outcome] > BADNESS.get(than, 0)


def _same_side(state: State, outcome: Outcome) -> tuple[tuple[Outcome, datetime], ...]:
    """The run so far, if it disagreed in the same direction; else a new one begins."""
    if state.run and _is_worse(state.run[-1][0], state.outcome) != _is_worse(outcome, state.outcome):
        return ()
    return state.run


def _settle(
    current: Outcome, run: tuple[tuple[Outcome, datetime], ...], rule: Rule
) -> tuple[Outcome, datetime] | None:
    """The outcome the run has confirmed and since when; None while it is too short.

    All of the last n results are at least that bad (or that good).
    """
    worse = _is_worse(run[-1][0], current)
    needed = rule.confirm_down if worse else rule.confirm_up
    if current is Outcome.UNKNOWN and not worse:
        needed = 1
    if len(run) < needed:
        return None
    pick = min if worse else max
    new = pick((outcome for outcome, _ in run[-needed:]), key=BADNESS.__getitem__)
    since = run[-1][1]
    for outcome, at in reversed(run):
        if (BADNESS[outcome] < BADNESS[new]) if worse else (BADNESS[outcome] > BADNESS[new]):
            break
        since = at
    return new, since


def _tail(run: tuple[tuple[Outcome, datetime], ...], new: Outcome) -> tuple[tuple[Outcome, datetime], ...]:
    """The newest results that disagree with the new outcome in the direction of the last one."""
    kept: list[tuple[Outcome, datetime]] = []
    for outcome, at in reversed(run):
        if outcome is new or _is_worse(outcome, new) != _is_worse(run[-1][0], new):
            break
        kept.append((outcome, at))
    return tuple(reversed(kept))
