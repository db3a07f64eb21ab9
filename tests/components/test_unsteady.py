"""What fails on and off never fails often enough in a row, and is seen all the same."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.health import BADNESS, Rule, State, step
from components.outcomes import Expectation, Outcome
from components.replay import Row, Settings, replay
from components.unsteady import MAX_WINDOW, Limits

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
UP, SLOW, DOWN, BLIND = Outcome.UP, Outcome.DEGRADED, Outcome.DOWN, Outcome.UNKNOWN
LETTERS = {"u": UP, "s": SLOW, "d": DOWN, "?": BLIND}
USUAL = Rule(MINUTE, limits=Limits.beside(2, 3, 10))


def run(story, rule=USUAL):
    """The turns a story brings about: (new, minute of the first, minute noticed), "!" where it fails so."""
    state, turns = State(), []
    for minute, letter in enumerate(story):
        state, turn = step(state, LETTERS[letter], NOON + minute * MINUTE, rule)
        if turn:
            told = (turn.new, (turn.at - NOON) // MINUTE, (turn.noticed_at - NOON) // MINUTE)
            turns.append((*told, "!") if turn.is_failing else told)
    return turns


@pytest.mark.parametrize(
    ("story", "turns"),
    [
        ("u" + "du" * 30, [(SLOW, 1, 5, "!")]),  # every second check: once
        ("u" + "duu" * 20, [(SLOW, 1, 7, "!")]),
        ("u" + "duuu" * 20, [(SLOW, 1, 9, "!")]),
        ("u" + "duuuu" * 20, []),  # two of ten
        ("u" + "d" + "u" * 30, []),
        ("uduud" + "u" * 30, []),
        ("uddu", [(DOWN, 1, 2)]),
        ("udd" + "u" * 30, [(DOWN, 1, 2), (UP, 3, 4)]),  # a plain outage is over when it is over
        ("u" + "d" * 30 + "uu", [(DOWN, 1, 2), (UP, 31, 32)]),
        ("u" + "d" * 30 + "uuduuduu", [(DOWN, 1, 2), (UP, 31, 32)]),
        # well again when one bad check of the last ten is left: that of minute 3 leaves them at 13
        ("ududud" + "u" * 30, [(SLOW, 1, 5, "!"), (UP, 6, 13)]),
        ("ududud" + "u" * 9 + "d", [(SLOW, 1, 5, "!"), (UP, 6, 13)]),
        ("ududududd" + "u" * 30, [(SLOW, 1, 5, "!"), (DOWN, 7, 8), (SLOW, 9, 10), (UP, 9, 17)]),
        ("ududud" + "d" * 30 + "uu", [(SLOW, 1, 5, "!"), (DOWN, 5, 6), (UP, 36, 37)]),  # no on and off now
        ("u?d?u?d?u?d", [(SLOW, 2, 10, "!")]),  # what we could not see neither counts nor clears
        ("ududud???????u", [(SLOW, 1, 5, "!"), (BLIND, 6, 8), (UP, 13, 13)]),
        ("u" + "su" * 10, [(SLOW, 1, 5)]),  # slow on and off is no failure
        ("u" + "su" * 4 + "du" * 8, [(SLOW, 1, 5), (SLOW, 5, 13, "!")]),  # until it fails on and off
        ("ususus" + "ddd", [(SLOW, 1, 5), (DOWN, 6, 7)]),
        ("ususus" + "dudd" + "uu", [(SLOW, 1, 5), (DOWN, 8, 9), (SLOW, 10, 11)]),
        ("uss" + "ds" * 5, [(SLOW, 1, 2), (SLOW, 3, 7, "!")]),
        ("u" + "s" * 30 + "uu", [(SLOW, 1, 2), (UP, 31, 32)]),
        ("d" + "ud" * 4, [(UP, 1, 1), (SLOW, 2, 6, "!")]),  # what was not known is no bad check
    ],
)
def test_what_fails_on_and_off_is_degraded_once_until_it_is_steady(story, turns):
    assert [turn for turn in run(story) if turn != (UP, 0, 0)] == turns


def test_without_it_nothing_of_it_happens():
    rule = Rule(MINUTE, limits=Limits.beside(2, 0, 10))
    assert run("u" + "du" * 30, rule) == [(UP, 0, 0)]


@pytest.mark.parametrize(("down", "count", "window", "limits"), [
    (2, 3, 10, (3, 10)), (5, 3, 10, (6, 11)), (10, 3, 10, (11, 21)), (10, 15, 2, (15, 29)), (2, 1, 2, (3, 5)),
])  # fmt: skip
def test_checks_in_a_row_come_first_and_every_second_check_fits(down, count, window, limits):
    fits = Limits.beside(down, count, window)
    assert (fits.count, fits.window) == limits
    rule = Rule(MINUTE, confirm_down=down, limits=fits)
    assert run("u" + "d" * down, rule)[-1] == (DOWN, 1, down)
    assert run("u" + "du" * 20, rule)[-1] == (SLOW, 1, 2 * fits.count - 1, "!")


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from([UP, UP, SLOW, DOWN, DOWN, BLIND]), max_size=80),
    st.integers(1, 4), st.integers(1, 4), st.integers(1, 8), st.integers(2, MAX_WINDOW),
)  # fmt: skip
def test_it_is_never_better_than_the_last_results_and_never_begins_twice(story, down, up, count, window):
    rule = Rule(MINUTE, down, up, limits=Limits.beside(down, count, window))
    state, heard = State(), []  # the results since a change of mind that was confirmed in a row
    for minute, outcome in enumerate(story):
        before = state
        state, turn = step(state, outcome, NOON + minute * MINUTE, rule)
        if turn:
            assert turn.at <= turn.noticed_at
            assert before.since is None or turn.at >= before.since
            assert not (turn.is_failing and before.memory.kind == state.memory.kind)
        if outcome is not BLIND:
            heard.append(outcome)
        if turn and not state.is_unsteady and not before.is_unsteady:
            heard = []
        bad = sum(BADNESS[one] > 0 for one in heard[-rule.limits.window :])
        if state.is_unsteady:
            assert state.outcome in (SLOW, DOWN)
        if state.outcome is UP:
            assert bad < rule.limits.count
        if before.is_unsteady and state.outcome is UP:
            assert bad <= rule.limits.left
            assert heard[-up:] == [UP] * up
            heard = []
        assert len(state.memory.bad_at) <= MAX_WINDOW
        assert len(state.run) <= 80


def test_the_last_day_shows_it():
    rows = [Row(NOON + n * MINUTE, 20, "refused" if n % 2 and n < 30 else "") for n in range(60)]
    told = replay(rows, Settings(USUAL, Expectation()), end=NOON + 60 * MINUTE)
    assert (told.on_and_off, told.flips, told.outages) == (1, 2, ())
    without = replay(rows, Settings(Rule(MINUTE), Expectation()), end=NOON + 60 * MINUTE)
    assert (without.on_and_off, without.flips) == (0, 0)
