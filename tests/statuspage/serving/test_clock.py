"""The clock of the workers."""

import pickle
from datetime import UTC, datetime, timedelta

import pytest

from statuspage.celery import EachSecond

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last_s", "now_s", "is_due", "next_s"),
    [
        (-0.1, 0.02, True, 1.0),
        (0.02, 0.99, False, 0.03),
        (0.02, 1.01, True, 1.01),
        (0.9, 1.5, True, 0.52),
        (0.0, 7.25, True, 0.77),
        (3600.0, 0.5, True, 0.52),  # the clock was put back
    ],
)
def test_each_second_is_begun_once_and_at_its_beginning(last_s, now_s, is_due, next_s):
    clock = EachSecond(1.0, nowfun=lambda: NOON + timedelta(seconds=now_s))
    state = clock.is_due(NOON + timedelta(seconds=last_s))
    assert state.is_due is is_due
    assert state.next == pytest.approx(next_s)


def test_the_clock_is_kept_in_a_file_as_beat_keeps_it():
    assert isinstance(pickle.loads(pickle.dumps(EachSecond(1.0))), EachSecond)
