"""From a report to what the page says: verdicts, incidents, uptime, and what staff have set."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from components.models import Check, Flip, Heartbeat, HourTally, Inbox, Probe, Signal, inbox
from components.passive.reports import Kind, Report
from components.passive.spool import Batch
from components.receiving import Arrival, as_row, store
from components.status import Status
from components.tasks import MAX_SIGNALS, prune_signals, tally_latency
from incidents import tasks
from incidents.models import Incident
from tests.components.passive.judging import arrive, judge_now, listening
from tests.making import NOW, after, watched

pytestmark = [pytest.mark.django_db, pytest.mark.data]


@pytest.fixture
def job():
    return watched("Backup", kind="heartbeat", target="1 h", confirm_down=1, confirm_up=1)


def report(at, kind="success", **more):
    return Report(at, Kind(kind), **more)


def status(probe):
    probe.component.refresh_from_db()
    return probe.component.status


def test_a_job_runs_is_late_and_runs_again(job):
    job.interval_s = 3600  # no check of ours is missing in between
    job.save()
    assert judge_now(job, NOW).outcome == "unknown"
    assert Check.objects.get().failure == "no_data"
    arrive(job, report(after(seconds=5)), now=after(seconds=5))
    assert judge_now(job, after(seconds=6)).outcome == "up"
    assert judge_now(job, after(minutes=64)).outcome == "up"
    assert judge_now(job, after(minutes=66)).outcome == "down"
    incident = Incident.objects.get()
    assert incident.title == "Backup has not run on time"
    assert status(job) == Status.MAJOR_OUTAGE
    arrive(job, report(after(minutes=70)), now=after(minutes=70))
    assert judge_now(job, after(minutes=70)).outcome == "up"
    assert [flip.new for flip in Flip.objects.filter(probe=job).order_by("id")] == ["up", "down", "up"]


def test_a_failure_is_due_at_once_and_its_words_are_for_staff(job):
    arrive(job, report(NOW), now=NOW)
    judge_now(job, NOW)
    Probe.objects.filter(pk=job.pk).update(next_slot=after(hours=1).timestamp())
    at = after(minutes=1)
    arrive(job, report(at, "exit", exit_status=2, text="disk full"), now=at)
    assert Probe.objects.get(pk=job.pk).next_slot == int(at.timestamp())
    assert judge_now(job, at).outcome == "down"
    check = Check.objects.get(outcome="down")
    assert (check.failure, check.excerpt) == ("reported", "disk full")
    assert Incident.objects.get().title == "Backup is reporting a problem"


def test_two_confirmations_can_be_asked_for(job):
    Probe.objects.filter(pk=job.pk).update(confirm_down=2)
    arrive(job, report(NOW), now=NOW)
    judge_now(job, NOW)
    arrive(job, report(after(seconds=9), "fail"), now=after(seconds=9))
    assert judge_now(job, after(seconds=10)).outcome == "up"
    assert judge_now(job, after(seconds=15)).outcome == "down"


def test_alerts_come_and_go_and_a_person_s_status_wins():
    probe = watched("API", kind="inbound", target="alertmanager", confirm_down=1, confirm_up=1)
    arrive(probe, report(NOW, "resolved", source="a", name="Slow"), now=NOW)
    assert judge_now(probe, NOW).outcome == "up"
    at = after(minutes=1)
    arrive(probe, report(at, "firing", source="a", name="Slow"), report(at, "firing", source="b"), now=at)
    assert judge_now(probe, at).outcome == "down"
    assert status(probe) == Status.MAJOR_OUTAGE
    probe.component.manual_status = Status.UNDER_MAINTENANCE
    probe.component.save()
    probe.component.refresh(after(minutes=2))
    assert status(probe) == Status.UNDER_MAINTENANCE
    later = after(minutes=3)
    arrive(probe, report(later, "resolved", source="a"), now=later)
    assert judge_now(probe, later).outcome == "down"
    arrive(probe, report(later, "resolved", source="b"), now=later)
    assert judge_now(probe, after(minutes=4)).outcome == "up"
    assert status(probe) == Status.UNDER_MAINTENANCE


@pytest.mark.parametrize(
    ("kind", "target", "says"), [("inbound", "grafana", "firing"), ("heartbeat", "1 h", "fail")]
)
def test_the_very_first_report_may_be_bad_news(kind, target, says):
    """Of a probe that looks, it might be a wrong address."""
    probe = watched("API", kind=kind, target=target, confirm_down=1, confirm_up=1)
    arrive(probe, report(NOW, says, source="a", name="Slow"), now=NOW)
    assert judge_now(probe, NOW).outcome == "down"
    assert status(probe) == Status.MAJOR_OUTAGE
    assert Incident.objects.get().title == "API is reporting a problem"


@pytest.mark.parametrize(
    ("kinds", "outcome"), [("firing resolved firing", "down"), ("firing resolved firing resolved", "up")]
)
def test_what_fires_again_within_a_second_fires(kinds, outcome):
    probe = watched("API", kind="inbound", target="generic", confirm_down=1, confirm_up=1)
    for tenth, kind in enumerate(kinds.split()):
        at = after(milliseconds=200 * tenth)
        arrive(probe, report(at, kind, source="a", text="It broke"), now=at)
    assert judge_now(probe, after(seconds=1)).outcome == outcome
    assert Signal.objects.count() == len(kinds.split())


@pytest.mark.parametrize(
    ("kinds", "outcome"), [("fail success fail", "down"), ("success fail success", "up")]
)
def test_a_job_that_fails_again_within_a_second_has_failed(job, kinds, outcome):
    for tenth, kind in enumerate(kinds.split()):
        at = after(milliseconds=200 * tenth)
        arrive(job, report(at, kind), now=at)
    assert judge_now(job, after(seconds=1)).outcome == outcome
    assert Signal.objects.count() == 3


def test_the_same_twice_within_a_second_is_once(job):
    for tenth in range(3):
        at = after(milliseconds=200 * tenth)
        arrive(job, report(at, "start", run="a"), report(at, "log", text="x"), now=at)
    assert sorted(Signal.objects.values_list("kind", flat=True)) == ["log", "start"]


def test_a_repeat_counts_even_if_what_came_between_is_stored_after_it(job):
    """Two web processes: each stores what came to it."""
    first = [report(NOW, "fail"), report(after(milliseconds=400), "fail")]
    arrive(job, *first, now=after(seconds=1))
    arrive(job, report(after(milliseconds=200), "success"), now=after(seconds=1))
    assert judge_now(job, after(seconds=1)).outcome == "down"


def test_another_attempt_to_deliver_a_message_says_nothing_new():
    probe = watched("API", kind="inbound", target="generic", confirm_down=1, confirm_up=1)
    fires = report(NOW, "firing", source="a", message_id="msg_1")
    over = report(after(seconds=3), "resolved", source="a", message_id="msg_2")
    again = report(after(seconds=5), "firing", source="a", message_id="msg_1")
    for one in (fires, over, again):
        arrive(probe, one, now=one.at)
    assert judge_now(probe, after(seconds=6)).outcome == "up"
    arrive(probe, report(after(seconds=8), "firing", source="a", message_id="msg_3"), now=after(seconds=8))
    assert judge_now(probe, after(seconds=8)).outcome == "down"


def test_what_came_to_the_old_address_in_time_counts_and_later_does_not(job):
    old = job.inbox.key_hash
    job.inbox.change_key(after(seconds=10))
    assert job.inbox.key_hash != old
    rows = [Arrival(old, report(after(seconds=s), text=str(s))) for s in (9, 10, 11)]
    rows.append(Arrival(job.inbox.key_hash, report(after(seconds=12), text="12")))
    store(Batch("waiting", 0, 1, tuple(map(as_row, rows))), after(seconds=13))
    assert sorted(Signal.objects.values_list("text", flat=True)) == ["12", "9"]
    assert [row[0] for row in inbox.known()] == [job.inbox.key_hash]


def test_when_the_source_cannot_tell_nothing_is_known():
    probe = watched("API", kind="inbound", target="cloudwatch", confirm_down=1, confirm_up=1)
    arrive(probe, report(NOW, "resolved", source="a"), now=NOW)
    judge_now(probe, NOW)
    arrive(probe, report(after(minutes=1), "no_data", source="a"), now=after(minutes=1))
    for minute in (1, 2, 3, 4):
        found = judge_now(probe, after(minutes=minute))
    assert (found.outcome, status(probe)) == ("unknown", Status.UNKNOWN)
    assert not Incident.objects.exists()


def test_no_web_process_no_verdict(job):
    arrive(job, report(NOW), now=NOW)
    judge_now(job, NOW)
    for minute in (65, 66, 67, 70):
        found = judge_now(job, after(minutes=minute), is_listening=False)
    assert found.outcome == "unknown"
    assert not Incident.objects.exists()


def test_a_gap_in_listening_is_known_and_a_restart_is_none():
    listening(NOW, after(days=-1))
    listening(after(seconds=40), after(seconds=40))  # restarted
    job = watched(kind="heartbeat", target="1 h")
    since = lambda: Inbox.objects.heard([job], NOW)[job.pk].listening_since  # noqa: E731
    assert since() == after(days=-1)
    listening(after(minutes=20), after(days=-1))  # it listened all the time, the database was away
    assert since() == after(days=-1)
    listening(after(minutes=40), after(minutes=39))
    assert since() == after(minutes=39)


def test_a_batch_asks_once_and_one_without_passive_probes_never(django_assert_num_queries):
    others = [watched(f"C{number}") for number in range(3)]
    jobs = [watched(f"J{number}", kind="heartbeat", target="1 h") for number in range(5)]
    with django_assert_num_queries(1):
        assert set(Inbox.objects.heard([*others, *jobs], NOW)) == {job.pk for job in jobs}
    with django_assert_num_queries(0):
        assert Inbox.objects.heard(others, NOW) == {}


def test_a_batch_of_reports_is_few_queries():
    jobs = [watched(f"J{number}", kind="heartbeat", target="1 h") for number in range(20)]
    for job in jobs:
        Probe.objects.filter(pk=job.pk).update(outcome="up")
    with CaptureQueriesContext(connection) as few:
        arrive(jobs[0], report(NOW), now=NOW)
    with CaptureQueriesContext(connection) as many:
        arrive(jobs[0], *(report(after(seconds=2 * n)) for n in range(1, 100)), now=NOW)
    assert len(many) <= len(few) + 2


def test_another_schedule_or_source_forgets_what_was_reported(job):
    arrive(job, report(NOW), now=NOW)
    judge_now(job, NOW)
    probe = Probe.objects.get(pk=job.pk)
    probe.options = {"grace": "10 min"}
    probe.save()
    assert Inbox.objects.get(probe=job).state["success_at"] == NOW.timestamp()
    probe = Probe.objects.get(pk=job.pk)
    probe.kind, probe.target, probe.options = "inbound", "grafana", {}
    probe.save()
    assert Inbox.objects.get(probe=job).state == {}
    assert judge_now(probe, after(minutes=1)).outcome == "unknown"


def test_a_probe_that_looks_again_takes_no_reports(job):
    hidden = job.inbox
    Probe.objects.filter(pk=job.pk).update(kind="tcp", target="127.0.0.1:9")
    arrive(Probe.objects.get(pk=job.pk), report(NOW), now=NOW)
    assert not Signal.objects.exists()
    hidden.refresh_from_db()
    assert hidden.state == {}


def test_what_is_only_reported_has_no_response_time(job):
    arrive(job, report(NOW), now=NOW)
    judge_now(job, NOW)
    tally_latency(after(minutes=10))
    assert not HourTally.objects.exclude(latency={}).exists()


def test_signals_are_kept_for_a_while_and_not_without_end(job, settings):
    settings.SIGNAL_RETENTION_DAYS = 7
    old = [report(after(days=-8)), report(after(days=-6))]
    arrive(job, *old, now=NOW)
    prune_signals(NOW)
    assert Signal.objects.count() == 1
    rows = [Signal.of(job.pk, report(NOW - timedelta(seconds=n), "log")) for n in range(MAX_SIGNALS + 30)]
    Signal.objects.bulk_create(rows)
    prune_signals(NOW)
    assert Signal.objects.count() == MAX_SIGNALS
    assert Inbox.objects.get(probe=job).state["success_at"] == after(days=-6).timestamp()


def test_a_clock_that_is_ahead_does_not_speak_for_the_future(job):
    arrive(job, report(after(hours=5)), now=NOW)
    arrive(job, report(after(minutes=1), "fail"), now=after(minutes=1))
    assert judge_now(job, after(minutes=1)).outcome == "down"


def test_the_command_sends_staff_to_the_console():
    with pytest.raises(CommandError, match="in the console"):
        call_command("probe", "heartbeat://10 min")


def test_an_unreadable_key_is_said(job, settings):
    settings.SECRET_KEY = "another" * 9
    assert Inbox.objects.get(probe=job).key == ""
    arrive(job, report(NOW), now=NOW)  # it still works
    assert Signal.objects.count() == 1


HOUR = timedelta(hours=1)


def clock_went_back(now):
    """As a worker notices it: its own heartbeat lies in the future."""
    Heartbeat.objects.update_or_create(role="worker", name="w", defaults={"at": now + HOUR})
    tasks._beat(now)


def test_after_the_clock_was_set_back_a_failure_counts_at_once(job):
    arrive(job, report(after(minutes=60)), now=after(minutes=60))
    assert judge_now(job, after(minutes=60)).outcome == "up"
    back = after(minutes=1)
    clock_went_back(back)
    arrive(job, report(after(minutes=2), "fail"), now=after(minutes=2))
    assert judge_now(job, after(minutes=2)).outcome == "down"


def test_after_the_clock_was_set_back_a_job_is_late_when_it_is(job):
    arrive(job, report(after(minutes=60)), now=after(minutes=60))
    clock_went_back(after(minutes=0.5))
    state = Inbox.objects.get().state
    assert state["success_at"] == NOW.timestamp()
    assert judge_now(job, after(minutes=64)).outcome == "up"
    assert judge_now(job, after(minutes=66)).outcome == "down"


def test_after_the_clock_was_set_back_an_alert_can_be_resolved():
    probe = watched("API", kind="inbound", target="alertmanager", confirm_down=1, confirm_up=1)
    arrive(probe, report(after(minutes=60), "firing", source="a", name="Slow"), now=after(minutes=60))
    assert judge_now(probe, after(minutes=60)).outcome == "down"
    clock_went_back(after(minutes=1))
    arrive(probe, report(after(minutes=2), "resolved", source="a"), now=after(minutes=2))
    assert judge_now(probe, after(minutes=2)).outcome == "up"


def test_a_web_process_from_the_future_takes_no_reports(job):
    arrive(job, report(NOW), now=NOW)
    judge_now(job, NOW)
    listening(after(hours=3), NOW - HOUR)
    (heard,) = Inbox.objects.heard([job], after(minutes=70)).values()
    assert not heard.is_listening
