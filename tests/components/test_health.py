"""When a probe changes its mind."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.health import BADNESS, Rule, State, step
from components.outcomes import Outcome

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
UP, SLOW, DOWN, BLIND = Outcome.UP, Outcome.DEGRADED, Outcome.DOWN, Outcome.UNKNOWN
LETTERS = {"u": UP, "s": SLOW, "d": DOWN, "?": BLIND}


def run(outcomes, rule=None, gap=MINUTE):
    """The turns that a story like "uuddu" brings about: (new, minute of first, minute noticed)."""
    rule = rule or Rule(MINUTE)
    state, turns = State(), []
    for minute, letter in enumerate(outcomes):
        state, turn = step(state, LETTERS[letter], NOON + minute * gap, rule)
        if turn:
            turns.append((turn.new, (turn.at - NOON) // gap, (turn.noticed_at - NOON) // gap))
    return turns


@pytest.mark.parametrize(
    ("story", "turns"),
    [
        ("u", [(UP, 0, 0)]),  # good news needs no confirming when we knew nothing
        ("d", []),  # one bad check proves little
        ("dd", [(DOWN, 0, 1)]),
        ("du", [(UP, 1, 1)]),
        ("uud", [(UP, 0, 0)]),
        ("uudu", [(UP, 0, 0)]),
        ("uududud", [(UP, 0, 0)]),  # never two in a row
        ("uudd", [(UP, 0, 0), (DOWN, 2, 3)]),  # dated to the first failure
        ("uuddu", [(UP, 0, 0), (DOWN, 2, 3)]),
        ("uudduu", [(UP, 0, 0), (DOWN, 2, 3), (UP, 4, 5)]),
        ("uuss", [(UP, 0, 0), (SLOW, 2, 3)]),  # slow is not down
        ("uusd", [(UP, 0, 0), (SLOW, 2, 3)]),  # at least slow twice, down only once
        ("uusdd", [(UP, 0, 0), (SLOW, 2, 3), (DOWN, 3, 4)]),
        ("uuds", [(UP, 0, 0), (SLOW, 2, 3)]),
        ("uuddss", [(UP, 0, 0), (DOWN, 2, 3), (SLOW, 4, 5)]),
        ("uuddsu", [(UP, 0, 0), (DOWN, 2, 3), (SLOW, 4, 5)]),
        ("uuddsuu", [(UP, 0, 0), (DOWN, 2, 3), (SLOW, 4, 5), (UP, 5, 6)]),
        ("uud?d", [(UP, 0, 0), (DOWN, 2, 4)]),  # what we could not see neither counts nor clears
        ("uu??", [(UP, 0, 0)]),
        ("uu???", [(UP, 0, 0), (BLIND, 2, 4)]),  # dated to the first result that was missing
        ("uu????u", [(UP, 0, 0), (BLIND, 2, 4), (UP, 6, 6)]),
        ("uu????dd", [(UP, 0, 0), (BLIND, 2, 4), (DOWN, 6, 7)]),
        ("????", []),  # never heard of it: unknown already
    ],
)
def test_a_probe_flips_only_when_sure(story, turns):
    assert run(story) == turns


def test_a_gap_alone_is_silence_once_somebody_asks():
    state, _ = step(State(), UP, NOON, Rule(MINUTE))
    state, turn = step(state, BLIND, NOON + 3 * MINUTE, Rule(MINUTE))
    assert (turn.new, turn.at) == (BLIND, NOON + MINUTE)


def test_one_confirmation_is_enough_where_one_is_asked_for():
    assert run("uduu", Rule(MINUTE, confirm_down=1, confirm_up=3)) == [
        (UP, 0, 0),
        (DOWN, 1, 1),
    ]


def reference(story, rule):
    """The same rule told from the whole history, forty lines, no state kept between results."""
    current, heard, flips = BLIND, None, []
    since_flip = []  # results since the current state was settled: (outcome, minute)
    for minute, outcome in enumerate(story):
        if outcome is BLIND:
            if current is not BLIND and heard is not None and minute - heard >= 3:
                current, since_flip = BLIND, []
                flips.append((BLIND, heard + 1))
            continue
        heard = minute
        since_flip.append((outcome, minute))
        floor = BADNESS.get(current, 0)
        worse = [BADNESS[o] > floor for o, _ in since_flip]
        tail = []
        for (o, m), is_worse in zip(reversed(since_flip), reversed(worse), strict=True):
            if o is current or is_worse != worse[-1]:
                break
            tail.insert(0, (o, m))
        need = rule.confirm_down if worse[-1] else rule.confirm_up
        if current is BLIND and not worse[-1]:
            need = 1
        if not tail or len(tail) < need:
            continue
        last = [BADNESS[o] for o, _ in tail[-need:]]
        level = min(last) if worse[-1] else max(last)
        keep = [m for o, m in tail]
        for o, m in tail:
            if (BADNESS[o] < level) if worse[-1] else (BADNESS[o] > level):
                keep = [k for k in keep if k > m]
        current = next(o for o in BADNESS if BADNESS[o] == level)
        flips.append((current, keep[0]))
        rest, floor = [], level
        for o, m in reversed(tail):
            if BADNESS[o] == level or (BADNESS[o] > floor) != (BADNESS[tail[-1][0]] > floor):
                break
            rest.insert(0, (o, m))
        since_flip = rest
    return flips


@settings(max_examples=1500, deadline=None)
@given(
    st.lists(st.sampled_from([UP, SLOW, DOWN, BLIND]), max_size=80),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_the_state_machine_agrees_with_the_reference(story, confirm_down, confirm_up):
    rule = Rule(MINUTE, confirm_down, confirm_up)
    state, flips = State(), []
    for minute, outcome in enumerate(story):
        before = state
        state, turn = step(state, outcome, NOON + minute * MINUTE, rule)
        if turn:
            flips.append((turn.new, (turn.at - NOON) // MINUTE))
            assert turn.old is before.outcome is not turn.new
            assert turn.at <= turn.noticed_at
            assert before.since is None or turn.at >= before.since
    assert flips == reference(story, rule)
