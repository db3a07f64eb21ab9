"""Which planned work is left out of the second figure, and when it comes again."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.status import Status
from components.uptime import Seconds, Span, tally
from incidents.windows import (
    InvalidRuleError,
    Plan,
    binding,
    excused,
    inside,
    late_edits,
    occurrences,
    outside,
    union,
)

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


def when(text):
    """ "10:00" is on 6 May 2026, in UTC; "2026-03-29 03:00 Berlin" is what a clock there says."""
    text = text if "-" in text else f"2026-05-06 {text}"
    zone = BERLIN if text.endswith(" Berlin") else UTC
    return datetime.fromisoformat(text.removesuffix(" Berlin")).replace(tzinfo=zone).astimezone(UTC)


def versions(*rows):
    """A window's versions: announced, starts, ends, and perhaps "cancelled"."""
    return [Plan(*map(when, row[:3]), is_cancelled=len(row) > 3) for row in rows]


def down(*rows):
    """Spans: from, to (None: still), and the status when it is not a major outage."""
    return [
        Span(row[2] if len(row) > 2 else Status.MAJOR_OUTAGE, when(row[0]), row[1] and when(row[1]))
        for row in rows
    ]


EARLY = "2026-05-01 09:00"
TEN_TO_TWELVE = versions((EARLY, "10:00", "12:00"))
DAY = ("00:00", "2026-05-07 00:00")
NEXT_DAY = ("2026-05-07 00:00", "2026-05-08 00:00")
OVER_MIDNIGHT = versions((EARLY, "23:00", "2026-05-07 01:00"))
OVER_MONTH_END = versions((EARLY, "2026-05-31 22:00", "2026-06-01 02:00"))
OVER_NEW_YEAR = versions((EARLY, "2026-12-31 23:00", "2027-01-01 01:00"))
SPRING = ("2026-03-29 00:00 Berlin", "2026-03-30 00:00 Berlin")
AUTUMN = ("2026-10-25 00:00 Berlin", "2026-10-26 00:00 Berlin")
SPRING_NIGHT = versions(("2026-03-20 09:00", "2026-03-29 01:00 Berlin", "2026-03-29 04:00 Berlin"))
AUTUMN_NIGHT = versions(("2026-10-20 09:00", "2026-10-25 01:00 Berlin", "2026-10-25 04:00 Berlin"))

# what happened, the windows, when work really ended, the outages, the figure's stretch,
# seconds down, seconds down outside announced maintenance
CASES = [
    # where the outage lies
    ("no window", [], None, down(("10:00", "11:00")), *DAY, 3600, 3600),
    ("never down", [TEN_TO_TWELVE], None, [], *DAY, 0, 0),
    ("recovered inside", [TEN_TO_TWELVE], None, down(("10:30", "11:00")), *DAY, 1800, 0),
    ("down exactly as planned", [TEN_TO_TWELVE], None, down(("10:00", "12:00")), *DAY, 7200, 0),
    ("down twice inside", [TEN_TO_TWELVE], None, down(("10:00", "10:10"), ("11:50", "12:00")), *DAY, 1200, 0),
    ("down before only", [TEN_TO_TWELVE], None, down(("08:00", "09:00")), *DAY, 3600, 3600),
    ("down until the very start", [TEN_TO_TWELVE], None, down(("09:00", "10:00")), *DAY, 3600, 3600),
    ("down from the very end", [TEN_TO_TWELVE], None, down(("12:00", "13:00")), *DAY, 3600, 3600),
    ("down already at start", [TEN_TO_TWELVE], None, down(("09:30", "10:30")), *DAY, 3600, 1800),
    ("down still at end", [TEN_TO_TWELVE], None, down(("11:30", "12:30")), *DAY, 3600, 1800),
    ("down before and after", [TEN_TO_TWELVE], None,
     down(("09:00", "09:30"), ("12:30", "13:00")), *DAY, 3600, 3600),
    ("down through the whole", [TEN_TO_TWELVE], None, down(("09:00", "13:00")), *DAY, 14400, 7200),
    ("never recovered", [TEN_TO_TWELVE], None, down(("11:00", None)), *DAY, 46800, 43200),
    ("partly down", [TEN_TO_TWELVE], None, down(("11:00", "13:00", Status.PARTIAL_OUTAGE)), *DAY, 7200, 3600),
    ("only slow", [TEN_TO_TWELVE], None, down(("11:00", "13:00", Status.DEGRADED_PERFORMANCE)), *DAY, 0, 0),
    ("unknown inside", [TEN_TO_TWELVE], None,
     down(("09:30", "10:30"), ("10:30", "11:30", Status.UNKNOWN), ("11:30", "12:30")), *DAY, 7200, 3600),
    # when work really ended
    ("ended early", [TEN_TO_TWELVE], "11:00", down(("10:30", "11:30")), *DAY, 3600, 1800),
    ("ended early, down through the rest", [TEN_TO_TWELVE], "11:00",
     down(("10:00", "12:00")), *DAY, 7200, 3600),
    ("ended as it began", [TEN_TO_TWELVE], "10:00", down(("10:00", "11:00")), *DAY, 3600, 3600),
    ("ended before it began", [TEN_TO_TWELVE], "09:00", down(("10:00", "11:00")), *DAY, 3600, 3600),
    ("overran", [TEN_TO_TWELVE], "13:00", down(("10:00", "13:00")), *DAY, 10800, 3600),
    ("zero length", [versions((EARLY, "10:00", "10:00"))], None, down(("10:00", "11:00")), *DAY, 3600, 3600),
    ("ends before it starts", [versions((EARLY, "12:00", "10:00"))], None,
     down(("10:00", "12:00")), *DAY, 7200, 7200),
    # when it was announced
    ("announced after it began", [versions(("10:30", "10:00", "12:00"))], None,
     down(("10:00", "12:00")), *DAY, 7200, 7200),
    ("announced after it ended", [versions(("14:00", "10:00", "12:00"))], None,
     down(("10:00", "12:00")), *DAY, 7200, 7200),
    ("announced at the very second", [versions(("10:00", "10:00", "12:00"))], None,
     down(("10:00", "12:00")), *DAY, 7200, 7200),
    ("announced a second before", [versions(("09:59:59", "10:00", "12:00"))], None,
     down(("10:00", "12:00")), *DAY, 7200, 0),
    ("announced late, then moved ahead", [versions(("10:30", "10:00", "12:00"), ("10:45", "11:00", "12:00"))],
     None, down(("10:00", "12:00")), *DAY, 7200, 3600),
    # edited while active
    ("lengthened while active", [versions((EARLY, "10:00", "12:00"), ("11:00", "10:00", "14:00"))], None,
     down(("10:00", "14:00")), *DAY, 14400, 7200),
    ("lengthened at the very second", [versions((EARLY, "10:00", "12:00"), ("10:00", "10:00", "14:00"))],
     None, down(("10:00", "14:00")), *DAY, 14400, 7200),
    ("shortened while active", [versions((EARLY, "10:00", "12:00"), ("10:30", "10:00", "11:00"))], None,
     down(("10:00", "12:00")), *DAY, 7200, 0),
    ("moved later while active", [versions((EARLY, "10:00", "12:00"), ("10:30", "13:00", "15:00"))], None,
     down(("10:00", "15:00")), *DAY, 18000, 10800),
    ("moved back while active", [versions((EARLY, "10:00", "12:00"), ("10:30", "09:00", "12:00"))], None,
     down(("09:00", "12:00")), *DAY, 10800, 3600),
    ("lengthened after it ended", [versions((EARLY, "10:00", "12:00"), ("13:00", "10:00", "14:00"))], None,
     down(("10:00", "14:00")), *DAY, 14400, 7200),
    # edited before start
    ("moved before start", [versions((EARLY, "10:00", "12:00"), ("09:00", "14:00", "16:00"))], None,
     down(("10:00", "15:00")), *DAY, 18000, 14400),
    ("moved earlier before start", [versions((EARLY, "10:00", "12:00"), ("07:00", "08:00", "09:00"))], None,
     down(("08:00", "12:00")), *DAY, 14400, 10800),
    ("lengthened before start", [versions((EARLY, "10:00", "12:00"), ("09:00", "10:00", "14:00"))], None,
     down(("10:00", "14:00")), *DAY, 14400, 0),
    ("lengthened a second before", [versions((EARLY, "10:00", "12:00"), ("09:59:59", "10:00", "14:00"))],
     None, down(("10:00", "14:00")), *DAY, 14400, 0),
    ("shortened before start", [versions((EARLY, "10:00", "12:00"), ("09:00", "10:00", "11:00"))], None,
     down(("10:00", "12:00")), *DAY, 7200, 3600),
    ("edited before start and again while active",
     [versions((EARLY, "10:00", "11:00"), ("09:00", "10:00", "12:00"), ("11:30", "10:00", "14:00"))], None,
     down(("10:00", "14:00")), *DAY, 14400, 7200),
    ("moved away, then edited when the first start had passed",
     [versions((EARLY, "10:00", "12:00"), ("09:00", "14:00", "15:00"), ("11:00", "14:00", "16:00"))], None,
     down(("10:00", "16:00")), *DAY, 21600, 14400),
    ("started early", [versions((EARLY, "10:00", "12:00"), ("09:00", "09:00", "12:00"))], None,
     down(("09:00", "12:00")), *DAY, 10800, 3600),
    ("started early, said afterwards", [versions((EARLY, "10:00", "12:00"), ("09:00", "08:00", "12:00"))],
     None, down(("08:00", "12:00")), *DAY, 14400, 7200),
    # cancelled
    ("cancelled before start",
     [versions((EARLY, "10:00", "12:00"), ("09:00", "10:00", "12:00", "cancelled"))], None,
     down(("10:00", "12:00")), *DAY, 7200, 7200),
    ("cancelled after start",
     [versions((EARLY, "10:00", "12:00"), ("11:00", "10:00", "12:00", "cancelled"))], "11:00",
     down(("10:00", "12:00")), *DAY, 7200, 3600),
    ("cancelled at the very second",
     [versions((EARLY, "10:00", "12:00"), ("10:00", "10:00", "12:00", "cancelled"))], None,
     down(("10:00", "12:00")), *DAY, 7200, 0),
    ("cancelled and announced again",
     [versions((EARLY, "10:00", "12:00"), ("08:00", "10:00", "12:00", "cancelled"),
               ("09:00", "11:00", "12:00"))], None,
     down(("10:00", "12:00")), *DAY, 7200, 3600),
    # several windows of one component
    ("overlapping windows", [TEN_TO_TWELVE, versions((EARLY, "11:00", "13:00"))], None,
     down(("10:00", "14:00")), *DAY, 14400, 3600),
    ("touching windows", [TEN_TO_TWELVE, versions((EARLY, "12:00", "13:00"))], None,
     down(("10:00", "13:00")), *DAY, 10800, 0),
    ("a window within a window", [TEN_TO_TWELVE, versions((EARLY, "10:30", "11:00"))], None,
     down(("09:00", "12:00")), *DAY, 10800, 3600),
    ("the same window twice", [TEN_TO_TWELVE, TEN_TO_TWELVE], None,
     down(("09:00", "12:00")), *DAY, 10800, 3600),
    ("an hour between windows", [TEN_TO_TWELVE, versions((EARLY, "13:00", "14:00"))], None,
     down(("10:00", "14:00")), *DAY, 14400, 3600),
    ("announced and unannounced windows", [TEN_TO_TWELVE, versions(("10:30", "10:00", "13:00"))], None,
     down(("10:00", "13:00")), *DAY, 10800, 3600),
    # the edges of the figure
    ("a window of another day", [TEN_TO_TWELVE], None, down(("2026-05-07 10:00", "2026-05-07 11:00")),
     *NEXT_DAY, 3600, 3600),
    ("over midnight, the first day", [OVER_MIDNIGHT], None,
     down(("22:30", "2026-05-07 02:00")), *DAY, 5400, 1800),
    ("over midnight, the second day", [OVER_MIDNIGHT], None, down(("22:30", "2026-05-07 02:00")),
     *NEXT_DAY, 7200, 3600),
    ("over the month's end, in May", [OVER_MONTH_END], None, down(("2026-05-31 21:00", "2026-06-01 03:00")),
     "2026-05-01 00:00", "2026-06-01 00:00", 10800, 3600),
    ("over the month's end, in June", [OVER_MONTH_END], None, down(("2026-05-31 21:00", "2026-06-01 03:00")),
     "2026-06-01 00:00", "2026-07-01 00:00", 10800, 3600),
    ("over new year, the old one", [OVER_NEW_YEAR], None, down(("2026-12-31 22:30", "2027-01-01 01:15")),
     "2026-01-01 00:00", "2027-01-01 00:00", 5400, 1800),
    ("over new year, the new one", [OVER_NEW_YEAR], None, down(("2026-12-31 22:30", "2027-01-01 01:15")),
     "2027-01-01 00:00", "2028-01-01 00:00", 4500, 900),
    # clocks change: 01:00 to 04:00 is two hours in spring and four in autumn
    ("spring night", [SPRING_NIGHT], None, down(("2026-03-29 01:00 Berlin", "2026-03-29 04:00 Berlin")),
     *SPRING, 7200, 0),
    ("spring, down all day", [SPRING_NIGHT], None, down(SPRING), *SPRING, 82800, 75600),
    ("spring, down out of the gap", [SPRING_NIGHT], None,
     down(("2026-03-29 01:30 Berlin", "2026-03-29 05:00 Berlin")), *SPRING, 9000, 3600),
    ("spring, ended as the clocks moved", [SPRING_NIGHT], "2026-03-29 03:00 Berlin",
     down(("2026-03-29 01:00 Berlin", "2026-03-29 04:00 Berlin")), *SPRING, 7200, 3600),
    ("spring, announced a minute before, an hour by the wall",
     [versions(("2026-03-29 01:59 Berlin", "2026-03-29 03:00 Berlin", "2026-03-29 04:00 Berlin"))], None,
     down(("2026-03-29 03:00 Berlin", "2026-03-29 04:00 Berlin")), *SPRING, 3600, 0),
    ("autumn night", [AUTUMN_NIGHT], None, down(("2026-10-25 01:00 Berlin", "2026-10-25 04:00 Berlin")),
     *AUTUMN, 14400, 0),
    ("autumn, down all day", [AUTUMN_NIGHT], None, down(AUTUMN), *AUTUMN, 90000, 75600),
    ("autumn, down through the hour that comes twice",
     [versions(("2026-10-20 09:00", "2026-10-25 02:00 Berlin", "2026-10-25 03:00 Berlin"))], None,
     down(("2026-10-25 02:30 Berlin", "2026-10-25 03:30 Berlin")), *AUTUMN, 7200, 1800),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_only_maintenance_announced_before_it_began_is_left_out(case):
    _, windows, ended, spans, start, end, raw_down, outside_down = case
    start, end, ended_at = when(start), when(end), ended and when(ended)
    stretches = [stretch for plans in windows if (stretch := excused(plans, ended_at=ended_at))]
    raw = tally(spans, start, end)
    left = outside(raw, inside(spans, stretches, start, end))
    assert (raw.down, left.down, left.whole) == (raw_down, outside_down, raw.whole)


def test_no_two_stories_have_the_same_name():
    assert len({case[0] for case in CASES}) == len(CASES) >= 40


def test_what_was_excused_is_said_as_maintenance_whatever_it_was():
    raw = Seconds(up=100, degraded=20, partial=30, major=40, unknown=50, maintenance=60)
    of_it = Seconds(up=10, degraded=2, partial=3, major=4, unknown=5, maintenance=6)
    assert outside(raw, of_it) == Seconds(90, 18, 27, 36, 45, maintenance=54 + 30)


def test_time_nobody_watched_inside_a_window_is_unknown_and_excused():
    spans = [Span(Status.OPERATIONAL, when("09:00"), when("11:00"))]
    stretch = (when("10:00"), when("12:00"))
    assert inside(spans, [stretch], when("00:00"), when("23:00")) == Seconds(up=3600, unknown=3600)


def test_spans_may_come_from_a_query_that_is_read_once():
    spans = down(("10:00", "10:01"), ("12:00", "12:01"))
    stretches = [(when("10:00"), when("11:00")), (when("12:00"), when("13:00"))]
    assert inside(iter(spans), iter(stretches), when("00:00"), when("23:00")).major == 120


FIRST = (EARLY, "10:00", "12:00")


@pytest.mark.parametrize(
    ("rows", "kept", "late"),
    [
        ([], None, []),
        ([FIRST], 0, []),
        ([FIRST, ("09:00", "10:00", "13:00")], 1, []),
        ([FIRST, ("10:00", "10:00", "13:00")], 0, [1]),
        ([FIRST, ("09:00", "10:00", "13:00"), ("11:00", "10:00", "14:00"),
          ("12:00", "10:00", "15:00")], 1, [2, 3]),
        ([FIRST, ("09:00", "09:00", "12:00"), ("09:30", "09:00", "13:00")], 0, []),  # began early: not late
        ([FIRST, ("09:00", "10:00", "12:00", "cancelled")], None, []),
        ([FIRST, ("11:00", "10:00", "12:00", "cancelled")], 0, [1]),
        ([("10:30", "10:00", "12:00"), ("11:00", "10:00", "13:00")], None, []),
    ],
)  # fmt: skip
def test_edits_after_the_beginning_are_told_apart(rows, kept, late):
    plans = versions(*rows)
    assert binding(plans) == (None if kept is None else plans[kept])
    assert late_edits(plans) == tuple(plans[index] for index in late)


@pytest.mark.parametrize(
    ("stretches", "merged"),
    [
        ([], []),
        ([(1, 2), (3, 4)], [(1, 2), (3, 4)]),
        ([(3, 4), (1, 2)], [(1, 2), (3, 4)]),
        ([(1, 3), (2, 4)], [(1, 4)]),
        ([(1, 2), (2, 3)], [(1, 3)]),
        ([(1, 5), (2, 3), (4, 6)], [(1, 6)]),
        ([(1, 1), (3, 2)], []),
    ],
)
def test_overlapping_and_touching_stretches_become_one(stretches, merged):
    assert union(map(hours, stretches)) == list(map(hours, merged))


def hours(pair):
    return tuple(when("00:00") + number * HOUR for number in pair)


# Recurrence


def coming(rule, first, *, before, after="2026-01-01 00:00", length=HOUR, **more):
    return occurrences(rule, when(first), length, BERLIN, after=when(after), before=when(before), **more)


def local_starts(*args, **kwargs):
    return [f"{start.astimezone(BERLIN):%m-%d %H:%M}" for start, _ in coming(*args, **kwargs)]


@pytest.mark.parametrize(
    ("rule", "first", "before", "starts"),
    [
        ("FREQ=WEEKLY;BYDAY=SU", "2026-03-22 22:00 Berlin", "2026-04-06 00:00",
         ["03-22 22:00", "03-29 22:00", "04-05 22:00"]),
        ("FREQ=WEEKLY;BYDAY=SU", "2026-10-18 22:00 Berlin", "2026-11-02 00:00",
         ["10-18 22:00", "10-25 22:00", "11-01 22:00"]),
        ("RRULE:FREQ=DAILY", "2026-03-28 02:30 Berlin", "2026-03-31 00:00",
         ["03-28 02:30", "03-29 03:30", "03-30 02:30"]),
        ("FREQ=DAILY", "2026-10-24 02:30 Berlin", "2026-10-27 00:00",
         ["10-24 02:30", "10-25 02:30", "10-26 02:30"]),
        ("freq=monthly;byday=1sa", "2026-12-05 01:00 Berlin", "2027-02-28 00:00",
         ["12-05 01:00", "01-02 01:00", "02-06 01:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2028-01-31 01:00 Berlin", "2028-04-01 00:00",
         ["01-31 01:00", "02-29 01:00", "03-31 01:00"]),
        ("FREQ=WEEKLY;INTERVAL=2", "2026-12-26 01:00 Berlin", "2027-01-30 00:00",
         ["12-26 01:00", "01-09 01:00", "01-23 01:00"]),
        ("FREQ=DAILY;COUNT=2", "2026-05-06 10:00", "2026-07-01 00:00", ["05-06 12:00", "05-07 12:00"]),
        ("FREQ=DAILY;UNTIL=20260507T100000Z", "2026-05-06 10:00", "2026-07-01 00:00",
         ["05-06 12:00", "05-07 12:00"]),
        ("FREQ=DAILY;UNTIL=20260507T095959Z", "2026-05-06 10:00", "2026-07-01 00:00", ["05-06 12:00"]),
        ("FREQ=DAILY;UNTIL=20260507T120000", "2026-05-06 10:00", "2026-07-01 00:00",
         ["05-06 12:00", "05-07 12:00"]),
        ("FREQ=DAILY;UNTIL=20260507", "2026-05-06 10:00", "2026-07-01 00:00", ["05-06 12:00", "05-07 12:00"]),
        ("FREQ=DAILY;UNTIL=20260401", "2026-05-06 10:00", "2026-07-01 00:00", []),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2026-05-06 10:00", "2032-03-01 00:00",
         ["02-29 12:00", "02-29 12:00"]),
        # `before` itself is too late
        ("FREQ=DAILY", "2026-05-06 10:00", "2026-05-07 10:00", ["05-06 12:00"]),
    ],
)  # fmt: skip
def test_a_recurring_window_keeps_the_hour_on_the_wall(rule, first, before, starts):
    assert local_starts(rule, first, before=before) == starts


def test_a_first_window_in_the_second_of_two_equal_hours_does_not_lead_the_others_astray():
    rule, first = "FREQ=DAILY;COUNT=2", "2026-10-25 01:30"  # 02:30 in Berlin, for the second time
    assert local_starts(rule, first, before="2027-01-01 00:00") == ["10-25 02:30", "10-26 02:30"]


def test_a_window_still_going_on_is_listed_and_one_just_over_is_not():
    rule, first, before = "FREQ=DAILY", "10:00", "2026-05-08 09:00"
    assert local_starts(rule, first, before=before, after="10:59") == ["05-06 12:00", "05-07 12:00"]
    assert local_starts(rule, first, before=before, after="11:00") == ["05-07 12:00"]


def test_a_list_without_end_is_cut():
    assert len(coming("FREQ=DAILY", "10:00", before="2036-01-01 00:00")) == 50
    assert len(coming("FREQ=DAILY", "10:00", before="2036-01-01 00:00", most=3)) == 3


@pytest.mark.parametrize(
    ("rule", "mend"),
    [
        ("", "on one line"),
        ("every Saturday", "on one line"),
        ("BYDAY=SA", "Set FREQ"),
        ("FREQ=SECONDLY", "Set FREQ"),
        ("FREQ=MINUTELY;INTERVAL=5", "Set FREQ"),
        ("RRULE:FREQ=HOURLY", "Set FREQ"),
        ("freq=hourly", "Set FREQ"),
        ("FREQ=DAILY;FREQ=SECONDLY", "each part once"),
        ("FREQ=DAILY;", "on one line"),
        ("FREQ=DAILY\nEXDATE:20260506T100000", "on one line"),
        ("FREQ=DAILY RDATE:20260506T100000", "on one line"),
        ("FREQ=DAILY\n", "on one line"),
        ("DTSTART:20260506T100000", "on one line"),
        ("FREQ=DAILY;DTSTART=20260506T100000", "Remove DTSTART"),
        ("FREQ=DAILY;EXDATE=20260506T100000", "Remove EXDATE"),
        ("FREQ=DAILY;BYHOUR=1,2;BYSECOND=3", "Remove BYHOUR, BYSECOND"),
        ("FREQ=DAILY;INTERVAL=0", "Set INTERVAL"),
        ("FREQ=DAILY;INTERVAL=-1", "Set INTERVAL"),
        ("FREQ=DAILY;COUNT=0", "Set COUNT"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20261231", "not both"),
        ("FREQ=DAILY;UNTIL=TOMORROW", "Write UNTIL"),
        ("FREQ=DAILY;UNTIL=20260230", "Write UNTIL"),
        ("FREQ=WEEKLY;BYDAY=XX", "cannot be read"),
        ("FREQ=WEEKLY;BYDAY=,", "cannot be read"),
        ("FREQ=MONTHLY;BYSETPOS=0", "cannot be read"),
        ("FREQ=MONTHLY;BYMONTHDAY=" + ",".join(["1"] * 150), "at most 300 characters"),
    ],
)  # fmt: skip
def test_a_bad_rule_is_refused_with_the_mend(rule, mend):
    with pytest.raises(InvalidRuleError) as refusal:
        coming(rule, "10:00", before="2027-01-01 00:00")
    assert mend in refusal.value.sentence == str(refusal.value)


@pytest.mark.parametrize("frequency", ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
def test_a_day_that_never_comes_is_not_sought_for_ever(frequency):
    assert coming(f"FREQ={frequency};BYMONTH=2;BYMONTHDAY=30", "10:00", before="2027-01-01 00:00") == []


MOMENTS = st.integers(0, 200_000_000).map(lambda ms: when("00:00") + timedelta(milliseconds=ms))
STRETCHES = st.lists(st.tuples(MOMENTS, MOMENTS), max_size=8)


@given(
    st.lists(st.tuples(MOMENTS, st.sampled_from(list(Status))), max_size=10),
    STRETCHES,
    MOMENTS,
    MOMENTS,
)
def test_leaving_time_out_never_loses_a_second(steps, stretches, one, two):
    steps.sort(key=lambda step: step[0])
    ends = [*(at for at, _ in steps), None][1:]
    spans = [Span(status, at, end) for (at, status), end in zip(steps, ends, strict=bool(steps))]
    raw = tally(spans, *sorted([one, two]))
    left = outside(raw, inside(spans, stretches, *sorted([one, two])))
    assert left.whole == pytest.approx(raw.whole)
    assert all(getattr(left, field.name) >= 0 for field in fields(Seconds))


@given(STRETCHES)
def test_merged_stretches_never_overlap_and_cover_the_same_time(stretches):
    merged = union(stretches)
    assert all(start < end for start, end in merged)
    assert all(left[1] < right[0] for left, right in zip(merged, merged[1:], strict=False))
    for start, end in stretches:
        assert start >= end or any(begin <= start and end <= finish for begin, finish in merged)
