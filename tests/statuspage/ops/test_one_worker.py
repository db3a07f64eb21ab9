"""One worker that does everything: each line on its own, and what hangs or fails holds up no other."""

import threading
import time

import pytest
from django.db import OperationalError

from components import loops
from statuspage.celery import app
from statuspage.ops import layout
from statuspage.ops.layout import Prepared
from statuspage.ops.one_worker import Job, Line, lines, perform, until_next_s


def test_every_task_of_the_schedule_has_a_line_as_the_queues_have_it():
    app.loader.import_default_modules()
    by_line = {
        line.name: {job.name for job in line.jobs} for line in lines(app.conf.beat_schedule, app.tasks)
    }
    assert set.union(*by_line.values()) == {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert by_line["checks"] == {"incidents.tick"}  # nothing long before or after it
    assert {"subscribers.sort_post", "incidents.watch_hooks"} <= by_line["messages"]
    assert "components.prune" in by_line["books"]


@pytest.mark.usefixtures("db")  # it closes old connections
def test_a_job_is_done_as_often_as_it_is_due():
    times = []
    line = Line("books", [Job("a", lambda: times.append(now), 60.0)])
    for now in range(181):
        line.round(float(now))
    assert times == [0, 60, 120, 180]


@pytest.mark.usefixtures("db")  # it closes old connections
def test_a_round_that_begins_a_moment_early_skips_no_second():
    times = []
    line = Line("checks", [Job("a", lambda: times.append(now), 1.0)])
    for now in (0.0, 0.99, 1.98, 2.97):
        line.round(now)
    assert len(times) == 4


@pytest.mark.parametrize(
    ("wall", "begins_s", "pause_s"), [(10.0, 0.25, 0.25), (10.5, 0.25, 0.75), (10.25, 0.25, 1.0)]
)
def test_a_round_begins_at_its_part_of_the_second(wall, begins_s, pause_s):
    assert until_next_s(wall, begins_s) == pytest.approx(pause_s)


@pytest.mark.parametrize("error", [OperationalError("locked"), ValueError("ours"), SystemError("worse")])
@pytest.mark.usefixtures("db")  # it closes old connections
def test_a_job_that_fails_is_logged_and_done_again(error, caplog):
    def fail():
        raise error

    done = []
    line = Line("books", [Job("bad", fail, 1.0), Job("good", lambda: done.append(1), 1.0)])
    line.round(0.0)
    line.round(1.0)
    assert len(done) == 2
    assert sum("bad" in record.getMessage() for record in caplog.records) == 2


def test_a_line_that_hangs_holds_up_no_other_and_marks_no_round():
    hung, released, ticks = threading.Event(), threading.Event(), []

    def hang():
        hung.set()
        released.wait(30)

    loops._marks.pop("hanging", None)
    slow = Line("messages", [Job("hang", hang, 1.0)], marks="hanging")
    fast = Line("checks", [Job("tick", lambda: ticks.append(time.monotonic()), 1.0)])
    slow.thread.start()
    fast.thread.start()
    try:
        assert hung.wait(20)
        before, end = len(ticks), time.monotonic() + 20
        while len(ticks) < before + 3 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(ticks) >= before + 3
        assert "hanging" not in loops._marks
    finally:
        for line in (slow, fast):
            line.stop()
        released.set()
        slow.thread.join(10)
        fast.thread.join(10)
    assert not slow.thread.is_alive()


@pytest.mark.usefixtures("db")  # it closes old connections
def test_the_task_in_hand_is_named_in_the_log(caplog):
    def fail():
        raise ValueError

    perform(Job("components.prune", fail, 1.0))
    assert "components.prune failed" in caplog.text


@pytest.mark.parametrize(
    ("choice", "checks_per_s", "subscribers", "has_own_broker", "is_one"),
    [
        ("auto", 2.0, 10, False, True),
        ("auto", 21.0, 10, False, False),
        ("auto", 2.0, 1_001, False, False),
        ("auto", 2.0, 10, True, False),
        ("few", 500.0, 90_000, True, True),
        ("many", 0.0, 0, False, False),
    ],
)
def test_how_many_processes(choice, checks_per_s, subscribers, has_own_broker, is_one):
    prepared = Prepared(None, checks_per_s, subscribers)
    assert layout.is_one_worker(choice, prepared, has_own_broker=has_own_broker) is is_one
