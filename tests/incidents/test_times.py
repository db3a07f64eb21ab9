"""A clock is never without its day, and is found again in whatever is written."""

from datetime import UTC, datetime

import pytest

from incidents.markdown import to_html, to_text
from incidents.times import clock, marked, near, span, stretch

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "now", "told"),
    [
        ("2026-11-25T20:50", "2026-11-25T20:20", "20:50 UTC"),
        ("2026-11-25T00:10", "2026-11-25T12:10", "00:10 UTC"),
        ("2026-11-25T23:00", "2026-11-25T02:00", "25 Nov, 23:00 UTC"),  # the nearest 23:00 is yesterday's
        ("2026-11-26T00:10", "2026-11-25T23:50", "26 Nov, 00:10 UTC"),
        ("2026-11-24T23:50", "2026-11-25T00:10", "24 Nov, 23:50 UTC"),
        ("2026-11-27T06:32", "2026-11-25T22:32", "27 Nov, 06:32 UTC"),
        ("2027-01-01T00:30", "2026-12-31T23:30", "1 Jan 2027, 00:30 UTC"),
        ("2025-11-25T12:00", "2026-11-25T12:00", "25 Nov 2025, 12:00 UTC"),
    ],
)
def test_the_day_is_told_unless_the_clock_alone_says_it(moment, now, told):
    assert clock(at(moment), at(now)) == told
    whole = clock(at(moment))
    assert near(f"By {whole}, or sooner.", at(now)) == f"By {told}, or sooner."
    (read,) = times(told, at(now))
    assert read[0] == f"{moment}:00Z"  # whoever reads it there reads the same moment


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ("2026-11-28T02:00", "2026-11-28T04:00", "28 Nov, 02:00 to 04:00 UTC"),
        ("2026-11-28T22:00", "2026-11-29T02:00", "28 Nov, 22:00 to 29 Nov, 02:00 UTC"),
        ("2026-12-31T22:00", "2027-01-01T02:00", "31 Dec, 22:00 to 1 Jan 2027, 02:00 UTC"),
        ("2027-01-05T02:00", "2027-01-05T04:00", "5 Jan 2027, 02:00 to 04:00 UTC"),
    ],
)
def test_a_stretch_tells_its_days(start, end, told):
    assert span(at(start), at(end), NOON) == told
    assert [one[0] for one in times(told, NOON)] == [f"{start}:00Z", f"{end}:00Z"]


def test_a_stretch_of_today_is_its_clocks_alone():
    assert stretch(at("2026-11-25T08:30"), at("2026-11-25T08:40"), NOON) == "08:30 to 08:40 UTC"
    assert stretch(at("2026-11-24T08:30"), at("2026-11-24T08:40"), NOON) == "24 Nov, 08:30 to 08:40 UTC"


def times(text, said_at=NOON):
    """(datetime, words) of each time in the HTML of a text."""
    html = to_html(text, said_at)
    found = []
    for piece in html.split("<time ")[1:]:
        tag, words = piece.split("</time>")[0].split(">")
        found.append((tag.split('datetime="')[1].split('"')[0], words))
    return found


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("since 20:50 UTC.", ["2026-11-25T20:50:00Z"]),
        ("since 00:20 UTC", ["2026-11-25T00:20:00Z"]),
        ("**20:50 UTC**", ["2026-11-25T20:50:00Z"]),
        ("- 20:50 UTC: seen", ["2026-11-25T20:50:00Z"]),
        ("at 20:51:34 UTC", ["2026-11-25T20:51:34Z"]),
        ("(20:51 to 20:57 UTC)", ["2026-11-25T20:51:00Z", "2026-11-25T20:57:00Z"]),
        ("20:51–20:57 UTC", ["2026-11-25T20:51:00Z", "2026-11-25T20:57:00Z"]),
        ("20:51 - 20:57 UTC", ["2026-11-25T20:51:00Z", "2026-11-25T20:57:00Z"]),
        ("23:00 to 01:00 UTC", ["2026-11-25T23:00:00Z", "2026-11-26T01:00:00Z"]),
        ("from 20:51 UTC to 20:57 UTC", ["2026-11-25T20:51:00Z", "2026-11-25T20:57:00Z"]),
        ("On 26 November, 21:00 to 22:00 UTC, we", ["2026-11-26T21:00:00Z", "2026-11-26T22:00:00Z"]),
        ("17 Nov 2026 03:46 UTC", ["2026-11-17T03:46:00Z"]),
        ("by 2 Jan, 09:00 UTC", ["2027-01-02T09:00:00Z"]),  # the nearest 2 January
        ("[20:50 UTC](https://a.example/x)", ["2026-11-25T20:50:00Z"]),
        # no times of ours
        ("`since 20:50 UTC`", []),
        ("    20:50 UTC", []),
        ("```\n20:50 UTC\n```", []),
        ("20:50", []),
        ("20:50 CET", []),
        ("25:50 UTC", []),
        ("120:50 UTC", []),
        ("10.20:50 UTC", []),
        ("20:50 UTC+2", []),
        ("31 Feb, 20:50 UTC", []),
        ("https://a.example/20:50 UTC", []),
        ('[x](https://a.example "20:50 UTC")', []),
    ],
)
def test_times_are_found_in_running_words_alone(text, moments):
    assert [moment for moment, _ in times(text)] == moments


@pytest.mark.parametrize(
    "typed",
    [
        '<time datetime="2020-01-01">now</time>',
        '<time datetime="x" onclick="alert(1)">20:50 UTC</time>',
        "20:50 UTC<script>alert(1)</script>",
        "20:50 <b>UTC</b>",
    ],
)
def test_a_tag_that_staff_type_is_words(typed):
    html = to_html(typed, NOON)
    assert "<script" not in html
    assert "<b>" not in html
    assert all(
        tag.startswith('datetime="2026-11-25T20:50:00Z" data-form="time">')
        for tag in html.split("<time ")[1:]
    )


def test_the_words_stay_plain_wherever_they_are_no_page():
    assert "<time" not in to_html("since 20:50 UTC")
    assert to_text("since **20:50 UTC**") == "since 20:50 UTC"


def test_what_stands_around_a_time_is_escaped():
    assert marked("<b> 20:50 UTC & more", NOON).startswith("&lt;b&gt; <time ")
    assert marked("<b> 20:50 UTC & more", NOON).endswith("</time> &amp; more")
