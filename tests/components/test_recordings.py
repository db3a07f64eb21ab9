"""The diagnosis against answers of real servers, broken on purpose (`python -m tests.recordings`)."""

import pytest

from components.diagnosis import diagnose
from components.diagnosis.causes import KINDS, POSSIBLE
from tests.recordings.case import load
from tests.recordings.score import is_held_out, score

CASES = load()
HALVES = {"made with": False, "held out": True}


def test_there_are_enough_cases_of_enough_servers_and_causes():
    assert len(CASES) >= 80
    assert len({case.server for case in CASES}) >= 9
    kinds = {case.truth[0] for case in CASES if case.truth}
    assert kinds <= set(KINDS)
    assert len(kinds) >= 11
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("half", HALVES)
def test_the_cause_that_was_made_is_named(half):
    """Among those that look the same by every fact, any is right; the strict figures are in the docs."""
    result = score(case for case in CASES if is_held_out(case) is HALVES[half])
    assert result.cases >= 40
    assert result.first >= 0.8, result.misses
    assert result.first_three >= 0.95, result.misses
    assert result.strictly_first >= 0.75, result.misses


def test_no_wrong_cause_is_named_confidently():
    assert score(CASES).confidently_wrong == ()


def test_nothing_is_named_where_nothing_says_why():
    silent = [case for case in CASES if not case.truth]
    assert len(silent) >= 10
    assert score(silent).named_for_nothing == ()


@pytest.mark.parametrize("case", [case for case in CASES if case.truth], ids=lambda case: case.name)
def test_every_cause_has_reasons_a_next_step_and_a_level(case):
    for cause in diagnose(case.facts):
        assert cause.because
        assert cause.look_next.startswith(("Check ", "Allow "))
        assert cause.commands
        assert POSSIBLE <= cause.sure <= 97
        assert cause.level in ("possible", "likely", "very likely")


def test_recordings_hold_no_paths_of_the_machine_that_made_them():
    for case in CASES:
        text = repr(case)
        assert "/tmp/" not in text
        assert "/root/" not in text
