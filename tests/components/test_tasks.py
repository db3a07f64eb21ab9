"""Book-keeping: what is old goes, what the page is counted from stays."""

import random
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from components import freshness
from components.models import Check, DayTally, HourTally, Page, Probe, StatusSpan
from components.status import Status
from components.tasks import prune, tally_days, tally_hours, tally_latency
from tests.making import NOW, after, found, watched


def checks(probe, *days_ago):
    now = int(datetime.now(UTC).timestamp())
    Check.objects.bulk_create(
        Check(probe=probe, slot=now - int(days * 86_400), region="local", outcome="up", total_ms=20)
        for days in days_ago
    )


def test_raw_checks_are_kept_two_weeks_hours_400_days_and_days_for_ever(db, settings):
    probe = watched()
    now = datetime.now(UTC)
    checks(probe, 0.1, 13.9, 15.1, 40)  # by whole days (UTC)
    for days in (1, 399, 401):
        hour = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
        HourTally.objects.create(component=probe.component, hour=hour)
        DayTally.objects.create(component=probe.component, day=hour.date(), up_s=86_400)
    prune()
    prune()  # twice does no harm
    assert (Check.objects.count(), HourTally.objects.count(), DayTally.objects.count()) == (2, 2, 3)
    settings.CHECK_RETENTION_DAYS = 5
    prune()
    assert Check.objects.count() == 1


def test_many_old_checks_go_in_small_bites(db, monkeypatch):
    monkeypatch.setattr("components.tasks.DELETE_BATCH", 10)
    checks(watched(), *(20 + n / 100 for n in range(55)))
    prune()
    assert Check.objects.count() == 0


def test_response_times_are_counted_once_into_their_hour(db):
    probe = watched()
    for minute in range(10):
        found(probe, "up", after(minutes=minute), ms=50.0)
    tally_latency(after(minutes=30))
    tally_latency(after(minutes=31))
    (hour,) = HourTally.objects.exclude(latency={})
    assert sum(hour.latency.values()) == 10


def test_a_day_is_the_pages_own_even_when_clocks_change(db, settings):
    settings.PAGE_TIME_ZONE = "Europe/Berlin"
    probe = watched()
    StatusSpan.objects.create(
        component=probe.component, status="operational", started_at=datetime(2026, 3, 27, tzinfo=UTC)
    )
    tally_days(datetime(2026, 3, 31, tzinfo=UTC))
    lengths = {day.day.day: day.seconds.whole for day in DayTally.objects.all()}
    assert lengths[29] == 23 * 3600  # clocks go forward
    assert lengths[28] == lengths[30] == 24 * 3600


def test_tallying_asks_as_much_for_one_component_as_for_many(db):
    counts = []
    for size in (1, 20):
        DayTally.objects.all().delete()
        StatusSpan.objects.all().delete()
        for n in range(size):
            found(watched(f"C{size}-{n}"), "up", after(hours=-1))
        tally_days(after(minutes=-1))
        with CaptureQueriesContext(connection) as asked:
            tally_days(after())
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_a_quarter_of_a_year_of_changes_is_counted_to_the_second(db):
    """70 outages that begin on the second and do not end on it: a cut at both ends loses each fraction."""
    one = watched("API").component
    chance, at, down = random.Random(7), NOW - timedelta(days=89), timedelta()
    one.spans.all().delete()
    for _ in range(70):
        up = timedelta(seconds=chance.randint(20_000, 90_000) + 0.05)
        out = timedelta(seconds=chance.randint(30, 3_000) + 0.95)
        one.spans.create(status=Status.OPERATIONAL, started_at=at, ended_at=at + up)
        one.spans.create(status=Status.MAJOR_OUTAGE, started_at=at + up, ended_at=at + up + out)
        at, down = at + up + out, down + out
    tally_days(NOW)
    tally_hours(NOW)
    for model in (DayTally, HourTally):
        total = model.objects.filter(component=one).aggregate(down=Sum("major_s"))["down"]
        assert abs(total - down.total_seconds()) <= 1


def statements_to_tally(components, minute):
    """How many statements it takes to count one check of each of these."""
    Page.objects.update(rolled_up_to=int(after(minutes=minute - 5).timestamp()))
    slot = int(after(minutes=minute - 3).timestamp())
    probes = [watched(f"C{minute} {number}") for number in range(components)]
    Check.objects.write(
        [Check(probe=probe, slot=slot, region="local", outcome="up", total_ms=30) for probe in probes]
    )
    with CaptureQueriesContext(connection) as asked:
        tally_latency(after(minutes=minute))
    return len(asked)


def test_response_times_of_many_components_are_counted_by_as_many_statements_as_of_one(db):
    """The page is locked meanwhile: thousands of components must not hold it for seconds."""
    Page.objects.this()
    assert statements_to_tally(1, 60) == statements_to_tally(30, 120)
    assert HourTally.objects.exclude(latency={}).count() == 31


def test_a_silent_component_is_found_among_those_that_report_without_reading_them_all(db):
    """It is silent once all of its probes are; a probe with an interval of its own is judged by that."""
    reporting, silent, half = watched("Reporting"), watched("Silent"), watched("Half")
    slow = watched("Slow", interval_s=3600)
    beside = Probe.objects.create(component=half.component, kind="http", target="http://127.0.0.1:9/")
    heard, long_ago = int(NOW.timestamp()), int(after(minutes=-20).timestamp())
    Probe.objects.update(heard_s=long_ago)
    Probe.objects.filter(pk__in=[reporting.pk, beside.pk]).update(heard_s=heard)
    lost = freshness.silent_since(NOW)
    assert lost == {silent.component_id: after(minutes=-19)}
    edge = NOW - silent.rule.silence
    for probe, seconds, is_lost in ((slow, 0, False), (silent, 1, False), (silent, 0, True)):
        Probe.objects.filter(pk=probe.pk).update(heard_s=int(edge.timestamp()) + seconds)
        assert (probe.component_id in freshness.silent_since(NOW)) is is_lost
    Probe.objects.update(heard_s=heard)
    with CaptureQueriesContext(connection) as asked:
        assert freshness.silent_since(NOW) == {}
    assert len(asked) == 1, "none is silent, so none is read"
