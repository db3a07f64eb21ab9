"""From a day to its hours, from an hour to its checks: only what a stranger may see."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from django.http import Http404
from django.urls import resolve

from components.models import Check, Component, HourTally, Probe, StatusSpan
from components.status import Status
from components.tasks import tally_days, tally_hours, tally_latency
from statuspage.public import drilldown, history_views, views
from tests.filling import fill
from tests.making import NOW, after, fell, found, rose, watched

BERLIN = ZoneInfo("Europe/Berlin")


def day_page(public_id, on, now=NOW):
    world = drilldown.gather_day(now, public_id, on)
    one = next(one for one in world.components if one.public_id == public_id)
    kept = drilldown.tallies(one, drilldown.hours_of(on, world.zone))
    return drilldown.day_page(world, one, on, kept, now)


def visit(address):
    """The gathering function of an address, and what it is called with. Raises Http404."""
    match = resolve(address)
    return {"gather": match.func.__wrapped__, **match.kwargs}


def html(gather, now=NOW, **named):
    return gather(now, **named).render(now).decode()


@pytest.fixture
def outage(db):
    """API was down from 03:00 to 04:30 today, seen each minute, and works since."""
    probe = watched("API", target="http://127.0.0.1:9/secret")
    Probe.objects.update(name="internal-lb-7")
    found(probe, "up", after(hours=-26))
    down = after(hours=-5)
    fell(probe, down)
    for minute in range(1, 90):
        found(probe, "down", down + timedelta(minutes=minute))
    rose(probe, after(hours=-3, minutes=-30))
    found(probe, "up", NOW)
    now = after(seconds=70)
    for task in (tally_hours, tally_days, tally_latency):
        task(now)
    return probe, now


# Which hours a day has


@pytest.mark.parametrize(
    ("on", "zone", "count", "names"),
    [
        (date(2026, 11, 12), ZoneInfo("UTC"), 24, "00 23"),
        (date(2026, 3, 29), BERLIN, 23, "00 23"),
        (date(2026, 10, 25), BERLIN, 25, "00 23"),
        (date(2026, 11, 12), ZoneInfo("Asia/Kolkata"), 24, "00 23"),
        (date(2026, 11, 12), ZoneInfo("Asia/Kathmandu"), 24, "00 23"),
        (date(2026, 4, 5), ZoneInfo("Australia/Lord_Howe"), 25, "00 23"),
    ],
)
def test_the_hours_of_a_day(on, zone, count, names):
    hours = drilldown.hours_of(on, zone)
    starts = list(hours.values())
    assert (len(hours), f"{min(hours)} {max(hours)}") == (count, names)
    assert all(start.astimezone(zone).date() == on for start in starts)
    assert {later - earlier for earlier, later in zip(starts, starts[1:], strict=False)} == {
        timedelta(hours=1)
    }


def test_when_clocks_change_an_hour_is_missing_or_there_twice():
    spring, autumn = (
        drilldown.hours_of(date(2026, 3, 29), BERLIN),
        drilldown.hours_of(date(2026, 10, 25), BERLIN),
    )
    assert "02" not in spring
    assert list(autumn)[2:5] == ["02", "02b", "03"]
    assert autumn["02b"] - autumn["02"] == timedelta(hours=1)


@pytest.mark.parametrize("zone", [BERLIN, ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")])
def test_every_hour_belongs_to_one_day(zone):
    year = [
        start
        for n in range(366)
        for start in drilldown.hours_of(date(2026, 1, 1) + timedelta(n), zone).values()
    ]
    assert {later - earlier for earlier, later in zip(year, year[1:], strict=False)} == {timedelta(hours=1)}


def test_the_page_of_a_day_with_25_hours(db, settings):
    settings.PAGE_TIME_ZONE = "Europe/Berlin"
    (part, *_), _ = fill(days=30, incidents=0)
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    HourTally.objects.bulk_create(
        HourTally(
            component=part, hour=start + timedelta(hours=n), up_s=3600 - 60 * (n == 3), major_s=60 * (n == 3)
        )
        for n in range(25)
    )
    page = day_page(part.public_id, date(2026, 10, 25))
    assert len(page.hours) == 25
    assert [hour.short for hour in page.hours[1:5]] == ["01", "02", "02", "03"]
    bad = [hour for hour in page.hours if hour.url]
    assert [hour.url for hour in bad] == [f"/components/{part.public_id}/days/2026-10-25/02b"]
    assert bad[0].label == "02:00 – 03:00"


# A day


def test_an_hour_down_shows_its_minutes_and_leads_on(outage):
    probe, now = outage
    public_id = probe.component.public_id
    page = day_page(public_id, date(2026, 11, 12), now)
    by_label = {hour.label: hour for hour in page.hours}
    assert by_label["03:00 – 04:00"].major == "1 h"
    assert (by_label["04:00 – 05:00"].major, by_label["04:00 – 05:00"].up) == ("30 min", "30 min")
    assert by_label["03:00 – 04:00"].url == f"/components/{public_id}/days/2026-11-12/03"
    assert by_label["04:00 – 05:00"].median == "20 ms"
    assert by_label["05:00 – 06:00"].url == ""
    assert by_label["05:00 – 06:00"].status is Status.OPERATIONAL
    assert by_label["20:00 – 21:00"].is_ahead
    assert page.day.status is Status.MAJOR_OUTAGE
    assert page.uptime.down == "1 h 30 min down"
    assert [one.title for one in page.incidents] == ["API is returning errors"]


def test_yesterday_is_read_from_its_tallies(outage):
    probe, now = outage
    page = day_page(probe.component.public_id, date(2026, 11, 11), now)
    assert (page.hours[7].up, page.hours[5].up, page.hours[5].status) == ("1 h", "", None)
    assert page.later == f"/components/{probe.component.public_id}/days/2026-11-12"
    assert page.incidents == ()


def test_rows_of_the_component_page_lead_to_its_days(db):
    (part, *_), _ = fill(days=30)
    text = html(views.component.gather, public_id=part.public_id)
    address = f"/components/{part.public_id}/days/2026-11-05"
    assert f'<a href="{address}">Thu 5 Nov 2026</a>' in text
    assert "Thursday 5 November 2026" in html(**visit(address))


def test_hours_that_are_no_longer_kept_are_said_to_be_gone(db, settings):
    (part, *_), _ = fill(days=60, incidents=0)
    settings.HOUR_RETENTION_DAYS = 40
    assert (
        day_page(part.public_id, date(2026, 9, 20)).note
        == "Hours are kept for 40 days; those of this day have been deleted."
    )
    assert day_page(part.public_id, date(2026, 11, 1)).note == ""


# An hour


def hour_html(probe, now, hour="03"):
    return html(**visit(f"/components/{probe.component.public_id}/days/2026-11-12/{hour}"), now=now)


def test_an_hour_tells_its_stretches_and_failed_checks_in_public_words(outage):
    probe, now = outage
    text = hour_html(probe, now)
    assert text.count("503 Service Unavailable") == 61  # one a minute, and the one that confirmed it
    assert "20 ms" in text
    assert "local" in text
    assert "Major outage" in text
    for secret in ("internal-lb-7", "/secret", "127.0.0.1", "Responded with 503, which"):
        assert secret not in text
    later = hour_html(probe, now, "04")
    assert "30 min" in later
    assert "Operational" in later


def test_a_component_that_shows_no_evidence_shows_no_checks(outage):
    probe, now = outage
    Component.objects.update(shows_evidence=False)
    text = hour_html(probe, now)
    assert "503" not in text
    assert "Individual checks of this component are not shown." in text
    assert "Major outage" in text


def test_checks_that_are_gone_are_said_to_be_gone(outage, settings):
    probe, now = outage
    Check.objects.all().delete()
    assert "No check failed in this hour." in hour_html(probe, now)
    settings.CHECK_RETENTION_DAYS = 14
    later = now + timedelta(days=15)
    assert "Individual checks are kept for 14 days; those of this hour have been deleted." in hour_html(
        probe, later
    )


def test_a_flood_of_checks_is_cut_and_said_to_be(outage):
    probe, now = outage
    Check.objects.all().delete()
    start = int(after(hours=-5).timestamp())
    Check.objects.bulk_create(
        Check(probe=probe, slot=start + n * 5, region="fra", outcome="down", total_ms=5, failure="refused")
        for n in range(700)
    )
    text = hour_html(probe, now)
    assert text.count("Connection refused") == 200
    assert text.count("no response") == 200
    assert "Only the first 200 are shown." in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"outcome": "down", "failure": "status", "status_code": 503}, "503 Service Unavailable"),
        ({"outcome": "down", "failure": "status", "status_code": 799}, "799"),
        ({"outcome": "down", "failure": "assertion", "status_code": 200}, "Unexpected content"),
        ({"outcome": "down", "failure": "timeout_first_byte"}, "No response"),
        ({"outcome": "down", "failure": "denied"}, "Failed"),
        ({"outcome": "down", "failure": "of the future"}, "Failed"),
        ({"outcome": "degraded", "status_code": 200, "total_ms": 900}, "Slow response"),
        ({"outcome": "degraded", "total_ms": 20, "days_left": 3}, "Certificate expires soon"),
        ({"outcome": "degraded", "days_left": 90, "facts": {"value": "0.9"}}, "Value near its limit"),
        ({"outcome": "degraded", "days_left": 90, "facts": {"health": "degraded"}}, "Reports a problem"),
        ({"outcome": "down", "failure": "limit", "status_code": 200}, "Value beyond its limit"),
        ({"outcome": "down", "failure": "reported", "status_code": 200}, "Reports a problem"),
    ],
)
def test_what_a_check_saw(fields, words):
    check = Check(
        probe=Probe(latency_limit_ms=500, least_days_left=14), **{"slot": 0, "total_ms": 20, **fields}
    )
    assert drilldown.sees(check) == words


def test_while_nobody_checks_the_hour_does_not_claim_to_be_well(db):
    probe = watched("API", interval_s=60)
    found(probe, "up", after(minutes=-30))
    text = hour_html(probe, NOW, "07")
    assert "1 min" in text
    assert "ongoing" not in text


# Addresses


@pytest.mark.parametrize(
    "rest",
    [
        "2026-11-13", "2027-01-01", "1999-01-01", "2020-01-01", "2026-02-30", "2026-13-01", "0000-01-01",
        "0001-01-01", "9999-12-31", "99999-01-01", "2026-1-1", "٢٠٢٦-١١-١٢", "2026-11-12x", "2026-11-12%0A",
        "x", "2026-11-12/24", "2026-11-12/2", "2026-11-12/02b", "2026-11-12/99", "2026-11-12/٠٣",
        "2026-11-12/23", "2026-11-12/-1", "2026-11-12/03/x", "2026-11-12%00", "2026-11-12/" + "0" * 3000,
    ],
)  # fmt: skip
def test_a_day_or_hour_that_cannot_be_is_not_found(db, rest):
    probe = watched("API")
    with pytest.raises(Http404):
        html(**visit(f"/components/{probe.component.public_id}/days/{unquote(rest)}"))


@pytest.mark.parametrize(
    "rest",
    [
        "2026-02-30",
        "0000-01-01",
        "9999-12-31",
        "٢٠٢٦-١١-١٢",
        "2026-11-12%0A",
        "2026-11-12%00",
        "1999-01-01/03",
    ],
)
def test_the_404_is_a_plain_page(client, db, rest):
    probe = watched("API")
    answer = client.get(f"/components/{probe.component.public_id}/days/{rest}")
    assert answer.status_code == 404
    assert "Page not found" in answer.content.decode()


def test_a_hidden_or_unknown_component_has_no_days(db):
    hidden = watched("Secret", shown=False).component.public_id
    for public_id in (hidden, "zzzzzzzzzzzz", "b" * 3000):
        for rest in ("2026-11-12", "2026-11-12/03"):
            with pytest.raises(Http404):
                html(**visit(f"/components/{public_id}/days/{rest}"))


def test_a_name_with_script_is_shown_not_run(db):
    probe = watched("<script>alert(1)</script>")
    fell(probe)
    named = {"public_id": probe.component.public_id, "on": NOW.date()}
    assert "<script>alert" not in html(history_views.day.gather, after(minutes=5), **named)
    assert "<script>alert" not in hour_html(probe, after(minutes=5), "08")


def test_an_hour_of_long_ago_reads_the_spans_of_then(db):
    (part, *_), _ = fill(days=60, incidents=0)
    whole = StatusSpan.objects.get(component=part)
    start = datetime(2026, 10, 1, 10, 20, tzinfo=UTC)
    whole.ended_at = start
    whole.save()
    StatusSpan.objects.create(
        component=part, status="partial_outage", started_at=start, ended_at=start + timedelta(minutes=5)
    )
    StatusSpan.objects.create(component=part, status="operational", started_at=start + timedelta(minutes=5))
    text = html(**visit(f"/components/{part.public_id}/days/2026-10-01/10"))
    assert text.count("Partial outage") == 1
    assert "5 min" in text
    assert "35 min" in text
