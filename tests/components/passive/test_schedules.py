"""When a report is due: in any zone, when clocks change, and for schedules that end."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from components.passive import lengths, schedules
from components.passive.schedules import ScheduleError

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "text", "at", "zone", "due"),
    [
        ("simple", "10 min", "2026-11-27T12:00:00", BERLIN, "2026-11-27T12:10:00"),
        ("simple", "every 1 h 30 min", "2026-11-27T12:00:00", BERLIN, "2026-11-27T13:30:00"),
        ("cron", "0 3 * * *", "2026-11-27T12:00:00", BERLIN, "2026-11-28T02:00:00"),
        ("cron", "0 3 * * *", "2026-11-27T12:00:00", ZoneInfo("UTC"), "2026-11-28T03:00:00"),
        # clocks go on at 02:00, 29 March: what was due in the missing hour is due when it ends
        ("cron", "30 2 * * *", "2026-03-28T12:00:00", BERLIN, "2026-03-29T01:00:00"),
        ("cron", "30 2 * * *", "2026-03-29T02:00:00", BERLIN, "2026-03-30T00:30:00"),
        # clocks go back at 03:00, 25 October: 02:30 comes twice, and only the first counts
        ("cron", "30 2 * * *", "2026-10-24T12:00:00", BERLIN, "2026-10-25T00:30:00"),
        ("cron", "30 2 * * *", "2026-10-25T01:10:00", BERLIN, "2026-10-26T01:30:00"),
        ("cron", "*/30 * * * *", "2026-10-25T00:40:00", BERLIN, "2026-10-25T01:00:00"),
        ("oncalendar", "Mon..Fri 03:30", "2026-11-27T12:00:00", BERLIN, "2026-11-30T02:30:00"),
        ("oncalendar", "Sat 01:00\nSun 01:00", "2026-11-28T12:00:00", BERLIN, "2026-11-29T00:00:00"),
        ("oncalendar", "03:00 America/New_York", "2026-11-27T12:00:00", BERLIN, "2026-11-28T08:00:00"),
        ("oncalendar", "02:30", "2026-03-28T12:00:00", BERLIN, "2026-03-30T00:30:00"),
        ("oncalendar", "02:30", "2026-10-25T01:10:00", BERLIN, "2026-10-26T01:30:00"),
        ("oncalendar", "2020-01-01 00:00", "2026-11-27T12:00:00", BERLIN, None),
    ],
)
def test_the_next_time_is_found_by_the_clock_of_the_zone(kind, text, at, zone, due):
    assert schedules.parse(kind, text).next_after(utc(at), zone) == (due and utc(due))


@pytest.mark.parametrize("minute", range(0, 300, 7))
@pytest.mark.parametrize("day", ["2026-03-29T00:00:00", "2026-10-25T00:00:00"])
@pytest.mark.parametrize(("kind", "text"), [("cron", "30 2 * * *"), ("oncalendar", "*-*-* *:15:00")])
def test_the_next_time_is_never_past(kind, text, day, minute):
    at = datetime.fromtimestamp(utc(day).timestamp() + minute * 60, UTC)
    assert schedules.parse(kind, text).next_after(at, BERLIN) > at


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("simple", "often", "such as 30 s"),
        ("simple", "1 s", "from 5 s to 366 d"),
        ("simple", "400 d", "from 5 s to 366 d"),
        ("simple", "9" * 40, "such as 30 s"),
        ("cron", "0 3 * *", "five fields"),
        ("cron", "0 0 3 * * *", "five fields"),
        ("cron", "61 3 * * *", "bad minute"),
        ("cron", "0 0 31 2 *", "bad day-of-month"),
        ("cron", "0 3 * * *\n0 4 * * *", "five fields"),
        ("oncalendar", "", "one per line"),
        ("oncalendar", "Mox 03:00", "bad day-of-week"),
        ("oncalendar", "\n".join(["03:00"] * 21), "one to 20"),
        # as long as the field allows, and beyond what Python reads
        ("oncalendar", "Mon" + "," * 1_900 + " 03:00", "shorter"),
        ("oncalendar", f"*-*-{'1' * 5_000} 03:00", "shorter"),
        ("cron", f"{'1' * 5_000} 3 * * *", "shorter"),
        ("cron", "² 3 * * *", "bad minute"),
        ("cron", "0 3 * * ²L", "bad day-of-week"),
        ("oncalendar", "Mon ٠٣:٠٠", "bad hour"),
    ],
)
def test_what_is_no_schedule_is_refused_in_a_sentence(kind, text, says):
    with pytest.raises(ScheduleError, match=says):
        schedules.parse(kind, text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("5 min", 300), ("1d", 86_400), ("1 h 30 min", 5_400), ("2 weeks", 1_209_600)],
)
def test_lengths_are_read_as_people_write_them(text, seconds):
    assert lengths.parse(text) == seconds
    assert lengths.parse(lengths.in_words(seconds)) == seconds
