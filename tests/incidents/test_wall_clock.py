"""Windows keep their hours on the wall at both ends, on the nights when clocks change as well."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil import tz
from dateutil.rrule import WEEKLY, rrule
from django.db.models import Q
from hypothesis import example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from incidents.windows import clock_changes, occurrences, off_the_rule
from statuspage.feeds.calendar import calendar
from statuspage.public import world
from tests.incidents.test_maintenance import plan
from tests.making import watched

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
YEARS = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC))


def at(text, zone, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def window_on(day, first, last, zone, *, rule="FREQ=DAILY", folds=(0, 0)):
    """The window that starts on this day, as its clock shows it, and its length in minutes."""
    start, end = (at(text, zone, fold) for text, fold in zip((first, last), folds, strict=True))
    found = occurrences(rule, start, end - start, ZoneInfo(zone), after=start, before=YEARS[1], most=800)
    local = [tuple(moment.astimezone(ZoneInfo(zone)) for moment in stretch) for stretch in found]
    (ours,) = [stretch for stretch in local if f"{stretch[0]:%Y-%m-%d}" == day]
    lasts = ours[1].astimezone(UTC) - ours[0].astimezone(UTC)
    return f"{ours[0]:%H:%M}-{ours[1]:%H:%M}", lasts // MINUTE


BERLIN, YORK, HOWE, LINE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Kiritimati"
HAVANA, BEIRUT = "America/Havana", "Asia/Beirut"  # midnight is skipped, and 00:00 or 23:00 comes twice

# zone, the night, clock times of every night, what they are that night, minutes
NIGHTS = [
    (BERLIN, "2027-03-28", "01:00", "04:00", "01:00-04:00", 120),
    (BERLIN, "2027-03-28", "02:30", "05:30", "03:30-06:30", 180),  # skipped: it moves as a whole
    (BERLIN, "2027-03-28", "02:15", "02:45", "03:15-03:45", 30),
    (BERLIN, "2027-03-28", "02:30", "03:15", "03:30-04:15", 45),
    (BERLIN, "2027-03-28", "01:30", "02:30", "01:30-03:30", 60),  # only its end is skipped
    (BERLIN, "2027-03-28", "01:00", "02:00", "01:00-03:00", 60),
    (BERLIN, "2027-10-31", "01:00", "04:00", "01:00-04:00", 240),
    (BERLIN, "2027-10-31", "02:00", "03:00", "02:00-03:00", 120),  # comes twice: from the first to the second
    (BERLIN, "2027-10-31", "01:30", "02:30", "01:30-02:30", 120),
    (BERLIN, "2027-10-31", "02:15", "02:45", "02:15-02:45", 90),
    (BERLIN, "2027-10-30", "23:00", "03:00", "23:00-03:00", 300),  # over midnight
    (YORK, "2027-03-14", "01:00", "04:00", "01:00-04:00", 120),
    (YORK, "2027-03-14", "02:30", "03:30", "03:30-04:30", 60),
    (YORK, "2027-11-07", "01:30", "02:30", "01:30-02:30", 120),
    (HOWE, "2027-10-03", "01:00", "04:00", "01:00-04:00", 150),  # half an hour
    (HOWE, "2027-10-03", "02:15", "03:15", "02:45-03:45", 60),
    (HOWE, "2027-04-04", "01:00", "01:45", "01:00-01:45", 75),
    (LINE, "2027-03-28", "01:00", "04:00", "01:00-04:00", 180),
    (HAVANA, "2027-03-14", "00:30", "02:00", "01:30-03:00", 90),
    (HAVANA, "2027-11-07", "00:30", "02:00", "00:30-02:00", 150),
    (BEIRUT, "2027-10-30", "22:00", "23:30", "22:00-23:30", 150),
]


@pytest.mark.parametrize("night", NIGHTS, ids=lambda night: " ".join(night[:4]))
def test_both_ends_keep_their_hour_on_the_night_when_clocks_change(night):
    zone, day, first, last, shown, minutes = night
    ends = "2027-02-02" if last < first else "2027-02-01"
    assert window_on(day, f"2027-02-01 {first}", f"{ends} {last}", zone) == (shown, minutes)


@pytest.mark.parametrize(
    ("first", "last", "folds", "shown", "minutes"),
    [
        ("2027-03-28 01:00", "2027-03-28 04:00", (0, 0), "01:00-04:00", 180),  # two hours, as the first
        ("2027-10-31 01:00", "2027-10-31 04:00", (0, 0), "01:00-04:00", 180),
        ("2027-10-31 02:30", "2027-10-31 02:45", (1, 1), "02:30-02:45", 15),
        ("2027-10-31 02:30", "2027-10-31 02:30", (0, 1), "02:30-03:30", 60),  # the clock tells no length
        ("2027-10-31 02:45", "2027-10-31 02:15", (0, 1), "02:45-03:15", 30),
        ("2027-10-31 02:15", "2027-10-31 02:45", (0, 1), "02:15-03:45", 90),
    ],
)
def test_a_first_window_on_such_a_night_does_not_lead_the_others_astray(first, last, folds, shown, minutes):
    assert window_on("2027-11-08", first, last, BERLIN, folds=folds) == (shown, minutes)


def moments(local, zone):
    """Every minute at which a clock there reads this: found by looking at all of them."""
    guess = local.replace(tzinfo=UTC)
    near = (guess + MINUTE * step for step in range(-15 * 60, 15 * 60))
    return [moment for moment in near if moment.astimezone(zone).replace(tzinfo=None, fold=0) == local]


TIMES = st.tuples(
    st.sampled_from((("2027-03-28", "2027-10-31", BERLIN), ("2027-03-14", "2027-11-07", YORK),
                     ("2027-10-03", "2027-04-04", HOWE), ("2027-03-28", "2027-10-31", LINE))),
    st.integers(0, 1), st.integers(0, 8).map(lambda n: n * 30), st.integers(1, 8).map(lambda n: n * 30),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(TIMES)
@example(((("2027-03-28"), ("2027-10-31"), BERLIN), 0, 60, 180))
def test_a_window_covers_what_its_clock_times_say(times):
    nights, which, start, minutes = times
    zone = ZoneInfo(nights[2])
    night = datetime.fromisoformat(nights[which])
    usual = (night - 60 * DAY + start * MINUTE).replace(tzinfo=zone).astimezone(UTC)
    length = minutes * MINUTE
    found = occurrences("FREQ=DAILY", usual, length, zone, after=usual, before=usual + 62 * DAY, most=100)
    wall = night + start * MINUTE
    ((begins, ends),) = [one for one in found if one[0].astimezone(zone).date() == night.date()]
    starts, finishes = moments(wall, zone), moments(wall + length, zone)
    if starts:
        assert begins == starts[0]
        assert not finishes or ends == finishes[-1]
        assert finishes or ends - begins >= length
    else:
        assert ends - begins == length


def test_the_rule_ends_by_the_clock_of_the_zone():
    first, hour = at("2027-10-29 02:30", BERLIN), HOUR
    for until, count in (("20271031", 3), ("20271031T023000", 3), ("20271031T003000Z", 3),
                         ("20271031T002959Z", 2), ("20271030T235959", 2)):  # fmt: skip
        rule = f"FREQ=DAILY;UNTIL={until}"
        assert len(occurrences(rule, first, hour, ZoneInfo(BERLIN), after=first, before=YEARS[1])) == count


def told(first, last, zone=BERLIN, rule="FREQ=DAILY"):
    start, end = at(first, zone), at(last, zone)
    return clock_changes(rule, start, end - start, ZoneInfo(zone), after=start, before=start + 366 * DAY)


OFF = "The first window starts on Sun 3 Jan 2027, 00:30 in Europe/Berlin, which does not match the rule:"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=WEEKLY;BYDAY=SA", f"{OFF} the next is on Sat 9 Jan 2027, 00:30."),
        ("FREQ=MONTHLY;BYMONTHDAY=2;COUNT=3", f"{OFF} the next is on Tue 2 Feb 2027, 00:30."),
        ("FREQ=WEEKLY;BYDAY=SA;UNTIL=20270105", "No day after the first window matches the rule."),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "No day after the first window matches the rule."),
        ("FREQ=WEEKLY;BYDAY=SU", ""), ("FREQ=WEEKLY", ""), ("FREQ=DAILY;COUNT=1", ""),
        ("FREQ=MONTHLY;BYDAY=1SU", ""),
    ],
)  # fmt: skip
def test_a_first_window_is_on_a_day_of_its_rule_or_said_not_to_be(rule, words):
    assert off_the_rule(rule, at("2027-01-03 00:30", BERLIN), ZoneInfo(BERLIN)) == words


def test_a_first_window_in_a_skipped_or_repeated_hour_is_on_its_day():
    for moment in (at("2027-03-28 02:30", BERLIN), at("2027-10-31 02:30", BERLIN, fold=1)):
        assert off_the_rule("FREQ=DAILY", moment, ZoneInfo(BERLIN)) == ""


def test_a_sentence_says_what_is_unusual_that_night():
    assert told("2027-02-01 02:30", "2027-02-01 04:00") == [
        "28 Mar 2027: clocks skip 02:30 in Europe/Berlin, so this window moves to 03:30–05:00.",
        "31 Oct 2027: clocks go back in Europe/Berlin, "
        "so this window starts at 02:30 the first time it occurs.",
    ]
    assert told("2027-02-01 01:00", "2027-02-01 04:00") == [
        "28 Mar 2027: clocks go forward in Europe/Berlin, so 01:00–04:00 lasts 2 h, not 3 h.",
        "31 Oct 2027: clocks go back in Europe/Berlin, so 01:00–04:00 lasts 4 h, not 3 h.",
    ]
    assert told("2027-02-01 01:30", "2027-02-01 02:30")[1] == (
        "31 Oct 2027: clocks go back in Europe/Berlin, so this window ends at 02:30 the second "
        "time it occurs."
    )
    assert told("2027-02-01 10:00", "2027-02-01 12:00") == []
    assert told("2027-02-01 01:00", "2027-02-01 04:00", LINE) == []


def by_dateutil(first, last, zone, rule):
    """The same windows, counted by another library: starts by rrule, moments by dateutil's own zones."""
    there = tz.gettz(zone)
    for start in rrule(WEEKLY, dtstart=first, until=datetime.fromisoformat("2030-01-01"), bymonth=rule):
        end = start + (last - first)
        begins = tz.resolve_imaginary(start.replace(tzinfo=there))
        if not tz.datetime_exists(start, there):
            yield begins.astimezone(UTC), begins.astimezone(UTC) + (last - first)
            continue
        is_twice = tz.datetime_ambiguous(end, there)
        ends = tz.resolve_imaginary(tz.enfold(end.replace(tzinfo=there), int(is_twice)))
        yield begins.astimezone(UTC), ends.astimezone(UTC)


@pytest.mark.parametrize("zone", [BERLIN, YORK, HOWE, LINE])
def test_the_calendar_tells_the_same_windows_for_two_years(db, settings, zone):
    settings.PAGE_TIME_ZONE = zone
    first = datetime.fromisoformat("2027-03-07 02:15")  # a Sunday
    last = first + timedelta(minutes=75)
    start, end = (one.replace(tzinfo=ZoneInfo(zone)) for one in (first, last))
    one = plan(watched().component, starts=start, ends=end, now=start - DAY,
               rule="FREQ=WEEKLY;BYMONTH=3,4,10,11")  # fmt: skip
    for month in range(25):
        one.plan_ahead(start + month * 30 * DAY)
    read = Calendar.from_ical(calendar(world.these_maintenances(Q()), "All")).events
    wanted = list(by_dateutil(first, last, zone, (3, 4, 10, 11)))
    shown = sorted((event.start.astimezone(UTC), event.end.astimezone(UTC)) for event in read)
    assert shown == wanted[: len(shown)]
    assert len(shown) > 30
    assert {event["DTSTART"].to_ical()[-1:] for event in read} == {b"Z"}  # UTC needs no VTIMEZONE
