"""When a probe flips: outcomes in, at most one flip out.

A single bad check proves little, so a probe flips only after `confirm_down`
bad outcomes in a row, and back after `confirm_up` better ones. The flip is
dated to the first of them. An unknown outcome is no result; after `silence`
without any result the probe is unknown.
A target that fails on and off never confirms anything: `unsteady` judges that.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import takewhile

from components.outcomes import Outcome
from components.unsteady import Kind, Limits, Memory

BADNESS = {Outcome.UP: 0, Outcome.DEGRADED: 1, Outcome.DOWN: 2}
MISSING = 2  # results may be late once or twice; when the third is due as well, it is silence
MAX_WAIT = timedelta(minutes=15)  # for a missing result: one a day that is an hour late will not come


@dataclass(frozen=True, slots=True)
class Rule:
    """How many results confirm a change, for one probe."""

    interval: timedelta
    confirm_down: int = 2
    confirm_up: int = 2
    holds: timedelta | None = None  # how long the last result holds, if the interval was another then
    limits: Limits = field(default_factory=Limits)  # of what fails on and off

    @property
    def known_for(self) -> timedelta:
        """How long a result speaks for its target: until the next one is due."""
        return self.interval if self.holds is None else self.holds

    @property
    def silence(self) -> timedelta:
        """How long without a result until we no longer know."""
        return self.known_for + min(MISSING * self.interval, MAX_WAIT)


@dataclass(frozen=True, slots=True)
class State:
    """A probe's verdict. `run` holds the newest results that disagree with `outcome`, oldest first."""

    outcome: Outcome = Outcome.UNKNOWN
    since: datetime | None = None
    heard_at: datetime | None = None  # the newest result; None: never checked
    run: tuple[tuple[Outcome, datetime], ...] = ()
    memory: Memory = field(default_factory=Memory)

    @property
    def is_unsteady(self) -> bool:
        """True while it is slow, or fails, on and off."""
        return self.memory.kind is not Kind.STEADY

    @property
    def is_doubtful(self) -> bool:
        """True while results disagree but are too few: check again soon.

        While it recovers on and off, more frequent checks would not confirm a recovery any sooner.
        """
        return bool(self.run) and not (self.is_unsteady and not _is_worse(self.run[-1][0], self.outcome))


@dataclass(frozen=True, slots=True)
class Turn:
    """A confirmed change of outcome: `at` is its first result, `noticed_at` the one that confirmed it.

    `is_failing`: it fails on and off. It may have been degraded before, so `old` can be `new`.
    """

    old: Outcome
    new: Outcome
    at: datetime
    noticed_at: datetime
    is_failing: bool = False


def step(state: State, outcome: Outcome, at: datetime, rule: Rule) -> tuple[State, Turn | None]:
    """The state after one more outcome, and the turn it brought about, if any.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> step(State(), Outcome.UP, noon, Rule(timedelta(minutes=1)))[0].outcome
    <Outcome.UP: 'up'>
    """
    if outcome is Outcome.UNKNOWN:
        return _fall_silent(state, at, rule)
    if state.is_unsteady and rule.limits.count:
        return _step_unsteady(state, outcome, at, rule)
    state = replace(state, heard_at=at, memory=_remember(state, outcome, at, rule))
    if outcome is state.outcome:
        return replace(state, run=()), None
    run = (*_same_side(state, outcome), (outcome, at))
    settled = _settle(state.outcome, run, rule)
    if settled is not None:
        return _turn(state, *settled, run, rule)
    kind = state.memory.found(rule.limits)
    if _is_worse(outcome, state.outcome) and (
        kind is Kind.FAILING or (kind is Kind.SLOW and state.outcome is Outcome.UP)
    ):
        return _become_unsteady(state, kind, run, rule)
    return replace(state, run=run), None


def _remember(state: State, outcome: Outcome, at: datetime, rule: Rule) -> Memory:
    """The memory with this result, dated if it is worse than the verdict; empty while nothing is known."""
    if not rule.limits.count:
        return Memory()
    if state.outcome is Outcome.UNKNOWN:
        return Memory.steady(BADNESS[outcome])
    return state.memory.after(BADNESS[outcome], at if _is_worse(outcome, state.outcome) else None)


def _turn(
    state: State, new: Outcome, since: datetime, run: tuple[tuple[Outcome, datetime], ...], rule: Rule
) -> tuple[State, Turn | None]:
    """What results in a row have confirmed; a recovery only if it does not change all the time."""
    at = run[-1][1]
    kind = state.memory.found(rule.limits, is_confirmed=True)
    if new is not Outcome.UP or state.outcome is Outcome.UNKNOWN or kind is Kind.STEADY:
        turn = Turn(state.outcome, new, since, at)
        memory = replace(state.memory, bad_at=())  # those of an outage that has been dated
        return State(new, since=since, heard_at=at, run=_tail(run, new), memory=memory), turn
    is_new, is_failing = state.outcome is not Outcome.DEGRADED, kind is Kind.FAILING
    unsteady = replace(
        state, outcome=Outcome.DEGRADED, since=since if is_new else state.since, run=run,
        memory=replace(state.memory, kind=kind),
    )  # fmt: skip
    if not (is_new or is_failing):
        return unsteady, None
    return unsteady, Turn(state.outcome, Outcome.DEGRADED, since, at, is_failing=is_failing)


def _become_unsteady(
    state: State, kind: Kind, run: tuple[tuple[Outcome, datetime], ...], rule: Rule
) -> tuple[State, Turn]:
    """The last results change too often between good and bad, though none are confirmed."""
    at = run[-1][1]
    since = _first_bad(state, rule, at)
    turn = Turn(state.outcome, Outcome.DEGRADED, since, at, is_failing=kind is Kind.FAILING)
    is_new = state.outcome is not Outcome.DEGRADED
    alike = tuple(takewhile(lambda result: _is_down(result) == _is_down(run[-1]), reversed(run)))
    return replace(
        state, outcome=Outcome.DEGRADED, since=since if is_new else state.since, run=alike[::-1],
        memory=replace(state.memory, kind=kind),
    ), turn  # fmt: skip


def _step_unsteady(state: State, outcome: Outcome, at: datetime, rule: Rule) -> tuple[State, Turn | None]:
    """It was unsteady: never better than degraded until few changes are left, and down as ever.

    Here `run` holds the last results that all failed, or that all did not.
    """
    memory = state.memory.after(BADNESS[outcome], at if BADNESS[outcome] else None)
    goes_on = bool(state.run) and _is_down(state.run[-1]) == (outcome is Outcome.DOWN)
    run = (*(state.run if goes_on else ()), (outcome, at))
    run = run[-max(rule.confirm_down, rule.confirm_up, rule.limits.window) :]
    state = replace(state, heard_at=at, memory=memory, run=run)
    good = tuple(takewhile(lambda result: result[0] is Outcome.UP, reversed(run)))
    is_quiet = memory.is_quiet(rule.limits)
    if is_quiet and len(good) >= rule.confirm_up:
        turn = Turn(state.outcome, Outcome.UP, good[-1][1], at)
        steady = replace(memory, kind=Kind.STEADY)
        return State(Outcome.UP, since=turn.at, heard_at=at, memory=steady), turn
    if is_quiet and outcome is state.outcome:
        steady = replace(memory, kind=Kind.STEADY)
        return replace(state, run=(), memory=steady), None  # as bad all the time: no on and off
    begins_to_fail = memory.kind is Kind.SLOW and memory.found(rule.limits) is Kind.FAILING
    if begins_to_fail:
        state = replace(state, memory=replace(memory, kind=Kind.FAILING))
    needed = rule.confirm_down if outcome is Outcome.DOWN else rule.confirm_up
    new = Outcome.DOWN if outcome is Outcome.DOWN else Outcome.DEGRADED
    if len(run) >= needed and new is not state.outcome:
        turn = Turn(state.outcome, new, run[0][1], at)
        return replace(state, outcome=new, since=turn.at), turn
    if begins_to_fail and state.outcome is Outcome.DEGRADED:
        return state, Turn(state.outcome, state.outcome, _first_bad(state, rule, at), at, is_failing=True)
    return state, None


def _first_bad(state: State, rule: Rule, at: datetime) -> datetime:
    """The first bad result of the window since the probe was last healthy, at the latest now."""
    return state.memory.since(rule.limits, state.since) or at


def _is_down(result: tuple[Outcome, datetime]) -> bool:
    return result[0] is Outcome.DOWN


def _fall_silent(state: State, at: datetime, rule: Rule) -> tuple[State, Turn | None]:
    """No result: unknown once the silence is long enough, dated to the first missing result."""
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
    newest: list[tuple[Outcome, datetime]] = []
    for outcome, at in reversed(run):
        if outcome is new or _is_worse(outcome, new) != _is_worse(run[-1][0], new):
            break
        newest.append((outcome, at))
    return tuple(reversed(newest))
