"""The last day by other settings: the same ones give what was, stricter ones more, laxer ones less."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from components import health
from components.outcomes import Expectation, Outcome, Reading, classify
from components.replay import Replay, Row, Settings, replay
from tests.making import NOW, after

MINUTE = timedelta(minutes=1)
FOUND = st.tuples(
    st.sampled_from(("", "", "", "refused", "own_fault")), st.integers(1, 2000), st.integers(1, 400)
)


def rows(found):
    at, made = NOW, []
    for failure, total_ms, gap_s in found:
        at += timedelta(seconds=gap_s)
        made.append(Row(at, total_ms, failure))
    return made


def lived(made, rule, expectation):
    """The flips as the worker would have written them: silence first, then what was found."""
    state, turns = health.State(), []
    for row in made:
        reading = Reading(row.total_ms, row.failure or None)
        outcomes = [classify(reading, expectation)[0]] if not row.failure else []
        if row.failure:
            outcomes = [Outcome.UNKNOWN if row.failure == "own_fault" else Outcome.DOWN]
        if state.heard_at is not None and row.at - state.heard_at >= rule.silence:
            outcomes.insert(0, Outcome.UNKNOWN)
        for outcome in outcomes:
            state, turn = health.step(state, outcome, row.at, rule)
            turns += [turn] if turn else []
    return tuple(turns)


@given(st.lists(FOUND, max_size=60), st.integers(1, 4), st.integers(1, 4), st.sampled_from((None, 500)))
def test_the_same_settings_give_the_flips_that_were(found, down, up, limit):
    made, rule = rows(found), health.Rule(MINUTE, down, up)
    told = replay(made, Settings(rule, Expectation(limit)), end=after(days=1))
    assert told.turns == lived(made, rule, Expectation(limit))
    assert all(begin <= end for begin, end in told.outages)
    assert all(a[1] <= b[0] for a, b in zip(told.outages, told.outages[1:], strict=False))


def blips():
    """Well for an hour, with a single bad result every ten minutes, and one real outage of five minutes."""
    made = []
    for minute in range(60):
        bad = minute % 10 == 9 or 40 <= minute < 45
        made.append(Row(after(minutes=minute), 80, "refused" if bad else ""))
    return made


def flips(confirm):
    return replay(blips(), Settings(health.Rule(MINUTE, confirm, 1)), end=after(hours=1))


def test_asking_twice_forgets_the_blips_and_keeps_the_outage():
    assert flips(1).flips > flips(2).flips == 2
    assert flips(2).outages == ((after(minutes=39), after(minutes=45)),)
    assert flips(2).down == timedelta(minutes=6)


def test_a_limit_makes_slow_answers_degraded():
    made = [Row(after(minutes=n), 900 if n >= 5 else 80) for n in range(10)]
    rule = health.Rule(MINUTE)
    assert replay(made, Settings(rule), end=after(minutes=10)).flips == 0
    assert replay(made, Settings(rule, Expectation(500)), end=after(minutes=10)).flips == 1


def test_a_shorter_timeout_would_have_cut_slow_answers_off():
    made = [Row(after(minutes=n), 4_000 if n >= 5 else 80) for n in range(10)]
    settings = Settings(health.Rule(MINUTE), timeout_ms=3_000)
    assert replay(made, settings, end=after(minutes=10)).outages == ((after(minutes=5), after(minutes=10)),)


def test_an_outage_that_had_begun_before_is_counted_from_its_begin():
    start = health.State(Outcome.DOWN, since=NOW - MINUTE, heard_at=NOW)
    made = [Row(after(minutes=1), 80), Row(after(minutes=2), 80)]
    told = replay(made, Settings(health.Rule(MINUTE)), end=after(hours=1), start=start)
    assert told.outages == ((NOW - MINUTE, after(minutes=1)),)


def test_without_checks_there_is_nothing_to_say():
    assert replay([], Settings(health.Rule(MINUTE)), end=NOW) == Replay((), ())


def test_a_word_of_an_older_version_is_a_failure():
    made = [Row(after(minutes=n), 5, "gone_with_the_wind") for n in range(3)]
    assert replay(made, Settings(health.Rule(MINUTE)), end=after(minutes=3)).outages
