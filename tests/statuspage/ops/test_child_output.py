"""The log of a child that fails: the reason once, then counts."""

import pytest

from statuspage.ops.child_output import Relay, reason

TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "celery/app/trace.py", line 7, in <module>',
    "    import packaging",
    "ModuleNotFoundError: No module named 'packaging'",
]


@pytest.fixture
def relay():
    made = Relay("beat", lambda role, line: made.lines.append(line))
    made.lines = []
    return made


def feed(relay, lines, now):
    for line in lines:
        relay.take(line, now)


def test_the_same_traceback_is_shown_once_and_then_counted(relay):
    for start in range(30):
        relay.begin()
        feed(relay, TRACEBACK, float(start * 5))
    assert relay.lines[:4] == TRACEBACK
    later = relay.lines[4:]
    assert all("like those above" in line for line in later)
    assert len(later) <= 3  # in 145 s


def test_lines_that_differ_by_moment_wait_or_try_alone_are_the_same(relay):
    for second in range(40):
        relay.take(f"2026-11-26 00:00:{second:02}.1 ERROR celery Cannot connect. Trying again in {second}.00 "
                   f"seconds... ({second}/100)", 1000.0 + second)  # fmt: skip
    assert len(relay.lines) == 2  # the line, and the first count


def test_what_happened_is_always_shown(relay):
    for _ in range(3):
        relay.take("2026-11-26 00:00:00,000 INFO incidents incident.opened id=7", 1.0)
    assert len(relay.lines) == 3


def test_lines_about_different_things_are_different(relay):
    feed(relay, ["probe 7 cannot be run", "probe 8 cannot be run"], 1.0)
    assert len(relay.lines) == 2


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (TRACEBACK, "ModuleNotFoundError: No module named 'packaging'"),
        ([*TRACEBACK, "", "worker  cleaning up"], "ModuleNotFoundError: No module named 'packaging'"),
        (["usage: celery", "Error: No such option: -Z"], "Error: No such option: -Z"),
        ([*TRACEBACK[:-1], "redis.ConnectionError: refused"], "redis.ConnectionError: refused"),
        ([*TRACEBACK[:-1], "some.Odd: thing"], "some.Odd: thing"),
        ([], "it printed nothing"),
    ],
)
def test_the_reason_is_found_in_the_last_words(lines, why):
    assert reason(lines) == why
