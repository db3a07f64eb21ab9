"""Who is at fault when nothing is done: never a healthy child for another's sake."""

from datetime import UTC, datetime, timedelta

import pytest

from statuspage.ops.looking import Looker, mail_server_error
from statuspage.ops.watch import Look, Watch, stuck

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SILENCE_S = 60


@pytest.mark.parametrize(
    ("silent", "look", "restarted"),
    [
        ({"worker"}, Look(waiting={"worker": 40, "post": 0}), {"worker"}),
        ({"worker", "post"}, Look(waiting={"worker": 40, "post": 40}), {"worker", "post"}),
        # nobody sends: the clock is at fault, not those who wait for it
        ({"worker", "post"}, Look(waiting={"worker": 0, "post": 0}), {"beat"}),
        # its ticks are taken, so it is not stuck; perhaps it cannot write
        ({"worker"}, Look(waiting={"worker": 0, "post": 0}), set()),
        ({"worker", "post"}, Look(broker="refused"), set()),
        ({"worker", "post"}, Look(database="away", waiting={"worker": 40, "post": 40}), set()),
        (set(), Look(waiting={"worker": 40, "post": 0}), set()),
    ],
)
def test_only_who_could_work_and_does_not_is_started_again(silent, look, restarted):
    assert stuck(silent, look) == restarted


@pytest.mark.parametrize(
    ("silent", "look", "restarted"),
    [
        # nobody else sends it work: no queue has to be full for it to be at fault
        ({"worker"}, Look(), {"worker"}),
        ({"post"}, Look(), {"post"}),
        ({"beat", "worker"}, Look(), {"beat", "worker"}),
        ({"worker"}, Look(broker="refused"), set()),
        ({"worker"}, Look(database="away"), set()),
        (set(), Look(), set()),
    ],
)
def test_of_one_worker_that_does_everything_whatever_is_silent_is_at_fault(silent, look, restarted):
    assert stuck(silent, look, is_one_worker=True) == restarted


def signs(second):
    """Both workers report at this second of the wall clock."""
    at = NOW + timedelta(seconds=second)
    return {"worker": frozenset({("worker@a", at)}), "post": frozenset({("post@a", at)})}


@pytest.fixture
def watch():
    told = []
    made = Watch(SILENCE_S, told.append)
    made.told = told
    return made


def test_a_step_of_the_wall_clock_is_no_silence(watch):
    """A row that changes is a sign of life, whatever time stands in it."""
    for second in range(0, 400, 2):
        wall = second if second < 100 else second - 3600 if second < 200 else second + 7200
        look = Look(waiting={"worker": 5, "post": 5}, signs=signs(wall))
        assert watch.take(look, float(second)) == set()


def test_a_worker_that_lets_its_ticks_wait_is_told_after_its_patience(watch):
    watch.take(Look(waiting={"worker": 0, "post": 0}, signs=signs(0)), 0.0)
    for second in range(2, 58, 2):
        look = Look(waiting={"worker": second}, signs={**signs(0), "post": signs(second)["post"]})
        assert watch.take(look, float(second)) == set()
    look = Look(waiting={"worker": 60}, signs={**signs(0), "post": signs(60)["post"]})
    assert watch.take(look, 61.0) == {"worker"}


def test_the_time_without_broker_or_database_counts_for_nobody(watch):
    watch.take(Look(signs=signs(0)), 0.0)
    for second in range(2, 300, 2):
        assert watch.take(Look(broker="refused.", signs=signs(0)), float(second)) == set()
    assert watch.take(Look(waiting={"worker": 9, "post": 9}, signs=signs(0)), 301.0) == set()


def test_a_part_that_is_away_is_told_once_and_when_it_is_back(watch):
    for second in range(10):
        watch.take(Look(broker="127.0.0.1:1 is not responding (refused)."), float(second))
    watch.take(Look(), 11.0)
    watch.take(Look(), 12.0)
    away, back = watch.told
    assert away.startswith(
        "the broker is unavailable: 127.0.0.1:1 is not responding (refused). No checks run"
    )
    assert back == "the broker is available again"


def test_the_first_sign_after_the_start_is_what_the_welcome_waits_for(watch):
    watch.take(Look(signs=signs(0)), 0.0)  # rows of an earlier run
    assert watch.reported == set()
    watch.take(Look(signs={**signs(0), "worker": signs(1)["worker"]}), 1.0)
    assert watch.reported == {"worker"}


def test_what_was_seen_is_the_same_on_one_line():
    look = Look("no\nbroker", "", {"worker": 3}, {**signs(1), "web": frozenset()})
    assert "\n" not in look.to_line()
    assert Look.of_line(look.to_line()) == look


def test_a_broker_nobody_reaches_is_named_without_its_password(db):
    error = Looker("redis://:secret@127.0.0.1:1/0").look().broker
    assert error.startswith("127.0.0.1:1 is not responding")
    assert "secret" not in error


def test_a_mail_server_nobody_reaches_is_named(free_port):
    assert mail_server_error("127.0.0.1", free_port).startswith(f"127.0.0.1:{free_port} is unreachable")
    assert mail_server_error("", 25) == ""
