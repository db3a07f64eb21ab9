"""What a job's reports make of its probe."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from components.outcomes import Expectation, Outcome, classify
from components.passive import heartbeats, schedules
from components.passive.hearing import Heard
from components.passive.heartbeats import HeartbeatState
from components.passive.reports import Kind, Report

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
GRACE = timedelta(minutes=5)


def minute(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def report(number, kind, run="", status=None, text=""):
    return Report(minute(number), Kind(kind), run=run, exit_status=status, text=text)


def state(*reports) -> HeartbeatState:
    found = HeartbeatState()
    for one in reports:
        found = heartbeats.after(found, one)
    return HeartbeatState.from_json(json.loads(json.dumps(found.as_json)))


def judged(found, number, schedule="1 h", kind="simple", *, listening=None, since=-10_000, zone=BERLIN):
    now = minute(number)
    at = now if listening is None else minute(listening)
    heard = Heard(found.as_json, now, zone, at, minute(since))
    reading = heartbeats.judge(schedules.parse(kind, schedule), GRACE, heard)
    outcome, why = classify(reading, Expectation())
    return outcome, reading.failure and str(reading.failure), why


def test_before_the_first_report_nothing_is_known():
    assert judged(state(), 500)[:2] == (Outcome.UNKNOWN, "no_data")
    assert judged(state(report(0, "log")), 500)[:2] == (Outcome.UNKNOWN, "no_data")


@pytest.mark.parametrize(("number", "outcome"), [(1, "up"), (64.9, "up"), (65, "down"), (200, "down")])
def test_a_job_that_does_not_report_again_is_late_after_its_grace(number, outcome):
    assert judged(state(report(0, "success")), number)[0] == outcome


def test_the_sentence_says_since_when_and_what_was_due():
    assert judged(state(report(0, "success")), 65)[1:] == (
        "late",
        "No report since 27 Nov 12:00:00 UTC: due at 27 Nov 13:00:00 UTC, plus 5 min.",
    )


def test_a_failure_counts_at_once_until_a_success():
    found = state(report(0, "success"), report(10, "exit", status=3, text="disk full"))
    assert judged(found, 10) == (
        "down", "reported", "The job reported a failure (exit status 3) at 27 Nov 12:10:00 UTC.",
    )  # fmt: skip
    assert judged(state(report(0, "fail"), report(1, "exit", status=0)), 2)[0] == "up"


def test_a_log_changes_nothing():
    found = state(report(0, "success"), report(64, "log", text="still here"))
    assert judged(found, 65)[0] == "down"


def test_a_start_without_an_end_is_late_after_the_grace():
    found = state(report(0, "success"), report(10, "start"))
    assert judged(found, 14)[0] == "up"
    outcome, failure, why = judged(found, 15)
    assert (outcome, failure) == ("down", "late")
    assert why == "The run that started at 27 Nov 12:10:00 UTC did not end within 5 min."


def test_runs_that_overlap_do_not_end_each_other():
    found = state(
        report(0, "success"), report(10, "start", "a"), report(11, "start", "b"), report(12, "success", "b")
    )
    assert judged(found, 14)[0] == "up"
    assert judged(found, 15)[:2] == ("down", "late")  # run a is still out
    assert judged(state(report(10, "start", "a"), report(12, "success", "a")), 16)[0] == "up"


def test_a_run_that_died_is_over_once_a_later_one_was_well():
    died = report(10, "start", "a")
    later = (report(70, "start", "b"), report(71, "success", "b"))
    assert judged(state(report(0, "success"), died, *later), 72)[0] == "up"
    assert judged(state(report(0, "success"), died, report(20, "success")), 21)[0] == "up"


def test_in_whatever_order_reports_are_stored_they_say_the_same():
    """Those that waited on disk may be stored behind newer ones."""
    story = [
        report(0, "start", "a"), report(2, "success", "a"), report(60, "start", "b"),
        report(61, "exit", "b", status=1), report(62, "start", "c"), report(63, "success", "c"),
    ]  # fmt: skip
    expected = [judged(state(*story), number) for number in (64, 120, 130)]
    for order in itertools.permutations(story):
        found = state(*order)
        assert [judged(found, number) for number in (64, 120, 130)] == expected


def test_a_cron_job_is_due_by_the_clock_of_its_zone():
    """02:00 UTC in winter; the grace is added in UTC."""
    found = state(report(0, "success"))
    three = 14 * 60  # 03:00 in Berlin
    assert judged(found, three + 4, "0 3 * * *", "cron")[0] == "up"
    assert judged(found, three + 5, "0 3 * * *", "cron")[0] == "down"


@pytest.mark.parametrize(
    ("last", "late_at"),
    [
        ("2026-03-28T01:30:00", "2026-03-29T01:05:00"),  # 02:30 does not exist: due at 03:00 summer time
        ("2026-10-24T00:30:00", "2026-10-25T00:35:00"),  # 02:30, the first of two
        ("2026-10-25T00:31:00", "2026-10-26T01:35:00"),
    ],
)
def test_the_grace_is_right_when_clocks_change(last, late_at):
    at = datetime.fromisoformat(last).replace(tzinfo=UTC)
    found = heartbeats.after(HeartbeatState(), Report(at, Kind.SUCCESS))
    late = datetime.fromisoformat(late_at).replace(tzinfo=UTC)
    for seconds, outcome in ((-1, "up"), (0, "down")):
        now = late + timedelta(seconds=seconds)
        heard = Heard(found.as_json, now, BERLIN, now, at - timedelta(days=1))
        reading = heartbeats.judge(schedules.parse("cron", "30 2 * * *"), GRACE, heard)
        assert classify(reading, Expectation())[0] == outcome


def test_a_calendar_that_has_ended_is_never_late():
    found = state(report(0, "success"))
    assert judged(found, 10_000_000, "2026-11-01 03:00", "oncalendar")[0] == "up"


def test_nobody_is_late_while_no_web_process_takes_reports():
    found = state(report(0, "success"))
    assert judged(found, 65, listening=60)[:2] == ("unknown", "own_fault")
    assert judged(found, 64, listening=60)[0] == "up"
    assert judged(state(report(0, "success"), report(10, "start")), 15, listening=10)[0] == "unknown"


def test_a_report_that_could_not_reach_us_is_not_held_against_the_job():
    found = state(report(0, "success"))
    outcome, failure, why = judged(found, 66, since=62)  # back since 13:02, when one was due at 13:00
    assert (outcome, failure) == ("unknown", "own_fault")
    assert why == (
        "Reports could not be received until 27 Nov 13:02:00 UTC: one that was due at 27 Nov 13:00:00 UTC"
        " may be lost."
    )
    assert judged(found, 62 + 65, since=62)[:2] == ("down", "late")  # the next one is missing, too


def test_a_run_that_began_before_we_listened_may_have_ended_unheard():
    found = state(report(0, "success"), report(10, "start"))
    assert judged(found, 20, since=12)[0] == "up"


def test_a_broken_row_is_an_empty_one():
    assert HeartbeatState.from_json({"alerts": {}, "heard_at": 3}) == HeartbeatState()


def test_many_runs_are_bounded():
    found = state(*(report(number / 100, "start", f"r{number}") for number in range(500)))
    assert len(found.starts) == 100
    assert "r499" in found.starts
