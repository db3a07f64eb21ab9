"""What other monitors report, and what that makes of a probe."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from components.outcomes import Expectation, Outcome, classify
from components.passive import alerts
from components.passive.alerts import AlertState
from components.passive.hearing import Heard
from components.passive.reports import Kind, Report

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def report(minute, kind, source="a", name="HighLatency", note=""):
    return Report(NOON + timedelta(minutes=minute), Kind(kind), source=source, name=name, note=note)


def state(*reports) -> AlertState:
    found = AlertState()
    for one in reports:
        found, _ = alerts.after(found, one)
    return AlertState.from_json(json.loads(json.dumps(found.as_json)))


def judged(found, minute=30, firing=Outcome.DOWN, silence=None, listening=0):
    now = NOON + timedelta(minutes=minute)
    heard = Heard(found.as_json, now, ZoneInfo("UTC"), now - timedelta(seconds=listening), NOON)
    reading = alerts.judge(firing, silence and timedelta(minutes=silence), heard)
    return (*classify(reading, Expectation()), dict(reading.facts))


def test_before_the_first_report_nothing_is_known():
    assert judged(AlertState())[0] == "unknown"


@pytest.mark.parametrize(
    ("reports", "outcome"),
    [
        ([report(0, "firing")], "down"),
        ([report(0, "firing"), report(1, "resolved")], "up"),
        ([report(0, "firing"), report(1, "firing", "b"), report(2, "resolved")], "down"),
        (
            [
                report(0, "firing"),
                report(1, "firing", "b"),
                report(2, "resolved"),
                report(3, "resolved", "b"),
            ],
            "up",
        ),
        ([report(0, "no_data")], "unknown"),
        ([report(0, "no_data"), report(1, "firing", "b")], "down"),
        ([report(0, "contact")], "up"),
        ([report(0, "log")], "up"),
    ],
)
def test_any_that_fires_counts_and_all_must_be_resolved(reports, outcome):
    assert judged(state(*reports))[0] == outcome


def test_it_can_be_degraded_instead():
    outcome, why, _ = judged(state(report(0, "firing")), firing=Outcome.DEGRADED)
    assert (outcome, why) == ("degraded", "1 alert is firing: HighLatency.")


def test_the_sentence_names_three():
    fires = [report(number, "firing", str(number), f"Rule{number}") for number in range(5)]
    assert judged(state(*fires))[1] == "5 alerts are firing: Rule4, Rule3, Rule2 and 2 more."


def test_a_source_that_is_silent_beyond_the_limit_is_unknown():
    found = state(report(0, "resolved"))
    assert judged(found, 30, silence=30)[0] == "up"
    outcome, why, _ = judged(found, 31, silence=30)
    assert (outcome, why) == (
        "unknown", "The source has been silent since 27 Nov 12:00:00 UTC; the limit is 30 min.",
    )  # fmt: skip
    assert judged(state(report(0, "resolved"), report(20, "contact")), 31, silence=30)[0] == "up"


def test_nobody_is_well_while_no_web_process_takes_reports():
    assert judged(state(report(0, "resolved")), listening=60)[0] == "unknown"


def test_a_repeat_is_no_news():
    found, is_news = alerts.after(AlertState(), report(0, "firing"))
    assert is_news
    found, is_news = alerts.after(found, report(5, "firing"))
    assert not is_news
    assert found.alerts["a"].since == NOON.timestamp()
    assert alerts.after(found, report(6, "resolved"))[1]


def changed(at_s, kind, changed_at, *, ordered=False):
    at = NOON + timedelta(seconds=at_s)
    when = changed_at and NOON.timestamp() + changed_at
    return Report(at, Kind(kind), source="a", name="Slow", changed_at=when, is_ordered=ordered)


@pytest.mark.parametrize(
    ("reports", "state_after"),
    [
        # within a second, by the source's own times: the same firing once more is a late copy
        ([(0, "firing", -9), (0.2, "resolved", -8), (0.4, "firing", -9)], "resolved"),
        ([(0, "firing", -9), (0.2, "resolved", -8), (0.4, "firing", -7)], "firing"),
        ([(0, "firing", -7), (0.2, "resolved", -8)], "firing"),  # they have overtaken each other
        ([(0, "firing", None), (0.2, "resolved", None), (0.4, "firing", None)], "firing"),
        ([(0, "firing", -9), (0.2, "resolved", None), (0.4, "firing", -9)], "firing"),
        # later: Alertmanager goes on with an alert under its first time
        ([(0, "firing", -600), (30, "resolved", 20), (60, "firing", -600)], "firing"),
        # a source's clock that is ahead speaks for nobody's future
        ([(0, "firing", 5_000), (0.5, "resolved", 0.4)], "resolved"),
    ],
)
def test_what_changes_fast_ends_as_the_source_says(reports, state_after):
    found = state(*(changed(*one) for one in reports))
    assert found.alerts["a"].state == state_after


def test_a_source_whose_times_are_in_order_is_taken_at_its_word_however_late():
    late = [(0, "resolved", -5), (3_000, "firing", -60)]  # SNS tries for an hour
    assert state(*(changed(*one, ordered=True) for one in late)).alerts["a"].state == "resolved"
    assert state(*(changed(*one, ordered=False) for one in late)).alerts["a"].state == "firing"


def test_an_alert_that_staff_forgot_is_resolved_until_it_is_reported_again():
    found = state(changed(0, "firing", -600), report(0, "firing", "b"))
    found = alerts.forgotten(found, "a", NOON + timedelta(seconds=60))
    assert judged(found)[1] == "1 alert is firing: HighLatency."
    assert state(*[]).alerts == {}
    waited, is_news = alerts.after(found, changed(59, "firing", -600))  # it waited on disk
    assert (waited.alerts["a"].state, is_news) == ("resolved", False)
    again, is_news = alerts.after(found, changed(61, "firing", -600))
    assert (again.alerts["a"].state, is_news) == ("firing", True)


def test_an_alert_that_an_older_version_stored_is_read():
    row = {"heard_at": 5.0, "alerts": {"a": ["firing", 1.0, 5.0, "Slow", "text"]}, "note": ""}
    assert AlertState.from_json(row).alerts["a"].changed_at is None


def test_in_whatever_order_reports_are_stored_they_say_the_same():
    story = [report(0, "firing"), report(1, "resolved"), report(2, "firing", "b"), report(3, "firing")]
    for order in itertools.permutations(story):
        assert judged(state(*order))[1].startswith("2 alerts are firing")


def test_what_the_sender_left_out_is_noted_until_its_next_message():
    found = state(report(0, "firing", note="The sender left out 3 alerts."))
    assert judged(found)[2] == {"note": "The sender left out 3 alerts."}
    assert judged(state(report(0, "firing", note="x"), report(1, "resolved")))[2] == {}


def test_resolved_ones_are_forgotten_before_those_that_fire():
    fires = [report(0, "firing", f"f{number}") for number in range(400)]
    over = [report(1, "resolved", f"r{number}") for number in range(400)]
    found = state(*fires, *over)
    assert len(found.alerts) == 500
    assert judged(found)[1].startswith("400 alerts are firing")


def test_a_broken_row_is_an_empty_one():
    assert AlertState.from_json({"alerts": [1], "heard_at": "x"}) == AlertState()
    assert AlertState.from_json({"starts": {}}) == AlertState()
