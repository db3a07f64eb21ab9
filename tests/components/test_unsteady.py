"""What fails on and off never fails often enough in a row, and is seen all the same."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.health import BADNESS, Rule, State, step
from components.outcomes import Expectation, Outcome
from components.replay import Row, Settings, replay
from components.unsteady import HISTORY, MAX_WINDOW, Kind, Limits, Memory

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
        # well again when two changes of the last ten are left: those of minutes 5 and 6, at 13
        ("ududud" + "u" * 30, [(SLOW, 1, 5, "!"), (UP, 6, 13)]),
        ("ududud" + "u" * 9 + "d", [(SLOW, 1, 5, "!"), (UP, 6, 13)]),
        ("ududududd" + "u" * 30, [(SLOW, 1, 5, "!"), (DOWN, 7, 8), (SLOW, 9, 10), (UP, 9, 15)]),
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


STORIES = st.lists(st.sampled_from([UP, UP, SLOW, DOWN, DOWN, BLIND]), max_size=80)


def by_the_book(results, limits, least):
    """Nagios' curve over the last results, in exact fractions: 0.8 for the oldest change to 1.2."""
    results = ([UP] * limits.window + list(results))[-limits.window :]
    bad = [BADNESS[result] >= least for result in results]
    last = limits.window - 2
    weights = [Fraction(8, 10) + Fraction(4, 10) * Fraction(place, last) for place in range(last + 1)]
    changes = [weights[place] for place in range(last + 1) if bad[place] != bad[place + 1]]
    return sum(changes, Fraction(0)) / sum(weights), len(changes), sum(bad)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([UP, SLOW, DOWN]), max_size=60), st.integers(1, 8), st.integers(2, MAX_WINDOW)
)
def test_the_weights_are_those_of_a_plain_count(results, count, window):
    limits, memory = Limits.beside(2, count, window), Memory()
    for result in results:
        memory = memory.after(BADNESS[result])
    kinds = []
    for kind, least in ((Kind.FAILING, 2), (Kind.SLOW, 1)):
        share, changes, bad = by_the_book(results, limits, least)
        assert memory.share(limits, least) == pytest.approx(float(share))
        assert memory.bad(limits, least) == bad
        if share >= Fraction(1, 2) and changes >= 3 and bad >= limits.count:
            kinds.append(kind)
    assert memory.found(limits) == next(iter(kinds), Kind.STEADY)
    quiet = all(by_the_book(results, limits, least)[0] < Fraction(1, 4) for least in (1, 2))
    assert memory.is_quiet(limits) == quiet


@settings(max_examples=400, deadline=None)
@given(
    STORIES, st.integers(1, 4), st.integers(1, 4), st.integers(1, 8), st.integers(2, MAX_WINDOW)
)  # fmt: skip
def test_it_begins_by_its_changes_and_ends_when_they_are_few_and_the_last_ones_passed(
    story, down, up, count, window
):
    rule = Rule(MINUTE, down, up, limits=Limits.beside(down, count, window))
    state, heard = State(), []  # the results since it was last known
    for minute, outcome in enumerate(story):
        before = state
        state, turn = step(state, outcome, NOON + minute * MINUTE, rule)
        if turn:
            assert turn.at <= turn.noticed_at
            assert before.since is None or turn.at >= before.since
            assert not (turn.is_failing and before.memory.kind == state.memory.kind)
        if state.outcome is BLIND or outcome is BLIND:
            heard = [] if state.outcome is BLIND else heard
            continue
        heard = [*(heard or [outcome] * MAX_WINDOW), outcome]
        if state.is_unsteady:
            assert state.outcome in (SLOW, DOWN)
        begins = state.is_unsteady and not before.is_unsteady
        if begins:
            least = 2 if state.memory.kind is Kind.FAILING else 1
            share, changes, bad = by_the_book(heard, rule.limits, least)
            assert share >= Fraction(1, max(2, down))
            assert changes >= 3
            assert bad >= rule.limits.count
        if before.is_unsteady and state.outcome is UP:
            quiet = Fraction(1, 2 * max(2, down))
            assert all(by_the_book(heard, rule.limits, least)[0] < quiet for least in (1, 2))
            assert heard[-up:] == [UP] * up
        assert len(state.memory.bad_at) <= MAX_WINDOW
        assert len(state.run) <= 80


@st.composite
def rules(draw):
    down, count, window = draw(st.integers(1, 10)), draw(st.integers(1, 15)), draw(st.integers(2, MAX_WINDOW))
    return Rule(MINUTE, down, draw(st.integers(1, 10)), limits=Limits.beside(down, count, window))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([UP, SLOW, DOWN]), st.integers(1, 120), rules())
def test_what_is_always_the_same_never_flaps(outcome, length, rule):
    state = State()
    for minute in range(length):
        state, _ = step(state, outcome, NOON + minute * MINUTE, rule)
        assert not state.is_unsteady


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([SLOW, DOWN]), st.tuples(*[st.integers(0, 60)] * 3), rules())
def test_one_outage_never_flaps_and_is_over_when_enough_have_passed(bad, lengths, rule):
    before, length, later = lengths
    state = State()
    story = [UP] * before + [bad] * length + [UP] * later
    for minute, outcome in enumerate(story):
        state, _ = step(state, outcome, NOON + minute * MINUTE, rule)
        assert not state.is_unsteady
    if later >= rule.confirm_up:
        assert state.outcome is UP


@pytest.mark.parametrize(
    ("story", "turns"),
    [
        ("u" + "du" * 30, [(SLOW, 1, 9, "!")]),
        ("u" + "duu" * 20, [(SLOW, 1, 16, "!")]),
        ("u" + "duuuu" * 20, []),
        ("u" + "du" * 4 + "u" * 30, []),  # eight changes
        ("u" + "du" * 5 + "u" * 30, [(SLOW, 1, 9, "!"), (UP, 10, 25)]),
    ],
)
def test_by_default_it_is_the_last_21(story, turns):
    rule = Rule(MINUTE, limits=Limits.beside(2, 3, HISTORY))
    assert [turn for turn in run(story, rule) if turn != (UP, 0, 0)] == turns


def test_outages_with_time_between_them_are_outages():
    told = run("u" + "ddduuu" * 10, Rule(MINUTE, limits=Limits.beside(2, 3, HISTORY)))
    assert [turn[0] for turn in told] == [UP] + [DOWN, UP] * 10


def test_outages_one_after_the_other_are_flapping_too():
    """Each is confirmed, and so is each recovery: half of all results are changes."""
    rule = Rule(MINUTE, limits=Limits.beside(2, 3, HISTORY))
    told = run("u" + "dduu" * 10 + "u" * 30, rule)
    news = [turn[0] for turn in told]
    assert "!" in [turn[-1] for turn in told]
    first = next(place for place, turn in enumerate(told) if turn[-1] == "!")
    assert UP not in news[first:-1]
    assert news[-1] is UP


@pytest.mark.parametrize("down", range(2, 11))
def test_what_stays_just_short_of_a_row_is_noticed(down):
    """Failing all but one check of so many is never confirmed in a row."""
    rule = Rule(MINUTE, down, limits=Limits.beside(down, 3, HISTORY))
    told = run("u" + ("d" * (down - 1) + "u") * 20, rule)
    assert [turn[-1] for turn in told if turn[0] is SLOW] == ["!"]


def test_a_memory_of_an_older_version_is_read_on():
    """It held nothing while a probe was down: at most one change too many."""
    rule = Rule(MINUTE, limits=Limits.beside(2, 3, HISTORY))
    state = State(DOWN, since=NOON, heard_at=NOON, memory=Memory(0))
    for minute, letter in enumerate("d" * 5 + "u" * 30):
        state, _ = step(state, LETTERS[letter], NOON + minute * MINUTE, rule)
        assert not state.is_unsteady
    old = State(SLOW, NOON, NOON, memory=Memory(0b10_00_10_00_10, (NOON,), Kind.FAILING))
    for minute, letter in enumerate("u" * 30):
        old, _ = step(old, LETTERS[letter], NOON + minute * MINUTE, rule)
    assert (old.outcome, old.is_unsteady) == (UP, False)


def test_the_last_day_shows_it():
    rows = [Row(NOON + n * MINUTE, 20, "refused" if n % 2 and n < 30 else "") for n in range(60)]
    told = replay(rows, Settings(USUAL, Expectation()), end=NOON + 60 * MINUTE)
    assert (told.on_and_off, told.flips, told.outages) == (1, 2, ())
    without = replay(rows, Settings(Rule(MINUTE), Expectation()), end=NOON + 60 * MINUTE)
    assert (without.on_and_off, without.flips) == (0, 0)
