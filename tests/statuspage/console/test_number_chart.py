"""The chart of a measured number: its line, its limits, its gaps, and the hours it is kept by."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from components.models import Check, NumberTally, Page
from components.outcomes import Reading
from components.probers import PROBERS
from components.tasks import prune, tally_latency
from statuspage.console import number_chart, plot
from statuspage.console.number_chart import Axis, Point, compact
from statuspage.models import Role
from tests.making import NOW, after, found, watched
from tests.people import person

RATIO = {"value": "$.used", "divided_by": "$.max", "limits": "degraded above 0.8\ndown above 0.98"}
HOUR = plot.SPANS["1h"]


def order(**options):
    return PROBERS["numbers"].parse("http://127.0.0.1:9/", {**RATIO, **options})


def drawn(values, marked=(), **options):
    """A value a minute, None where there is none."""
    points = [
        Point(after(minutes=n)) if v is None else Point(after(minutes=n), v, v, v, 1)
        for n, v in enumerate(values)
    ]
    return number_chart.draw(points, order(**options), marked, start=NOW, end=after(hours=1), span=HOUR)


def probe_of(**more):
    return watched("Chat", kind="numbers", target="http://127.0.0.1:9/", options=RATIO, **more)


def value(number):
    return Reading(20.0, status_code=200, facts={"value": str(number)})


@pytest.fixture
def editor(client, db):
    client.force_login(person("ada", Role.EDITOR))
    return client


def test_limits_are_lines_with_their_words():
    chart = drawn([0.5] * 60, full_at="1")
    assert [(line.kind, line.words) for line in chart.lines] == [
        ("degraded", "degraded above 0.8"), ("down", "down above 0.98"), ("full", "full at 1"),
    ]  # fmt: skip
    heights = [float(line.y) for line in chart.lines]
    assert heights == sorted(heights, reverse=True)  # the higher, the further up
    assert all(0 <= height < plot.HIGH / 2 for height in heights)
    assert [what for what, _ in chart.words][:2] == ["degraded", "down"]
    assert "Limits: degraded above 0.8, down above 0.98, full at 1." in chart.label


@pytest.mark.parametrize(("values", "marks"), [
    ([0.77, 0.986], [0.7, 0.8, 0.9, 1.0]), ([0, 830], [0, 500, 1000]), ([-4, -10], [-10, -5, 0]),
    ([7, 7], None), ([0, 0], [0, 0.5, 1]), ([1e-9, 3e-9], [0, 1e-9, 2e-9, 3e-9]),
])  # fmt: skip
def test_the_axis_has_round_marks(values, marks):
    axis = Axis.around(values, [])
    if marks is not None:
        assert set(marks) <= {float(f"{mark:.6g}") for mark in axis.marks}
    assert all(
        len(f"{abs(mark):.6g}".replace(".", "").strip("0").partition("e")[0]) <= 2 for mark in axis.marks
    )


def test_a_limit_that_is_far_is_named_but_not_drawn():
    chart = drawn([1, 2, 3], limits="down above 5000")
    assert [line.y for line in chart.lines] == [""]
    assert "down above 5,000" in chart.label


def test_what_was_not_measured_is_a_gap():
    chart = drawn([0.5] * 20 + [None] * 10 + [0.6] * 20)
    assert chart.mean.count("M") == 2
    assert chart.range.count("M") == 2
    assert "between 0.5 and 0.6, last 0.6 at 08:49 UTC. Not measured in 10 of 50 steps." in chart.label
    assert drawn([None] * 60).is_empty


def boxes(chart):
    """Top and bottom of each word at a limit, by side."""
    return [(word.anchor, float(word.y) - 11, float(word.y) + 3, what) for what, word in chart.words]


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.97, 0.99, 0.999, 1.0])
def test_no_word_stands_on_the_line_of_a_limit_as_the_number_nears_it(level):
    """With the number near its limits they are drawn close together: 0.98 and 1 are some pixels apart."""
    for values in ([level] * 60, [0.7] * 30 + [level] * 30, [level - 0.02, level] * 30):
        chart = drawn(values, full_at="1")
        heights = [float(line.y) for line in chart.lines if line.y]
        for _, top, bottom, what in boxes(chart):
            assert not [y for y in heights if top <= y <= bottom], (what, values[0], level)


def test_a_word_stands_where_the_number_is_not():
    chart = drawn([0.5] * 30 + [0.83] * 30, limits="degraded above 0.8")
    assert [side for side, *_ in boxes(chart)] == ["start"]
    chart = drawn([0.83] * 30 + [0.5] * 30, limits="degraded above 0.8")
    assert boxes(chart)[0][0] == "end"


def test_nothing_overlaps_among_many_limits():
    limits = "\n".join(f"degraded above {n}" for n in (80, 81, 82, 83))
    chart = drawn([70, 85], limits=limits, divided_by="")
    sides = {}
    for _, word in chart.words:
        sides.setdefault(word.anchor, []).append(float(word.y))
    for ys in sides.values():
        assert all(abs(a - b) >= 16 for i, a in enumerate(ys) for b in ys[:i])
    assert len(chart.lines) == 4


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=300, deadline=None)
@given(st.lists(FLOATS, min_size=1, max_size=9), st.lists(FLOATS, max_size=3))
def test_any_numbers_can_be_drawn(values, limits):
    axis = Axis.around(values, limits)
    assert 2 <= len(axis.steps) <= 8
    marks = axis.marks
    assert list(marks) == sorted(marks)
    for number in values:
        assert axis.holds(number)
        assert 0 <= axis.y(number) <= plot.HIGH
    assert all(len(compact(mark)) <= 9 for mark in marks)
    middle = sorted(values)[len(values) // 2]
    chart = drawn([*values, None, middle], limits="down above 3", divided_by="")
    assert "nan" not in f"{chart.mean}{chart.range}"
    assert "inf" not in f"{chart.mean}{chart.range}"


@pytest.mark.parametrize(("number", "text"), [
    (0, "0"), (0.25, "0.25"), (950, "950"), (1_500, "1500"), (15_000, "15k"), (2.5e6, "2.5M"), (-3e9, "-3G"),
    (1e20, "1e+20"), (0.00002, "2e-05"),
])  # fmt: skip
def test_numbers_at_the_axis_are_short(number, text):
    assert compact(number) == text


@pytest.mark.data
def test_an_hour_is_counted_once_and_kept_longer_than_its_checks(db):
    probe = probe_of()
    Page.objects.this()
    for minute, number in enumerate([1, 2, 6]):
        found(probe, value(number), after(minutes=minute))
    found(probe, "unknown", after(minutes=3))
    tally_latency(after(minutes=30))
    tally_latency(after(minutes=31))
    row = NumberTally.objects.get()
    assert (row.hour, row.count, row.mean, row.least, row.most) == (NOW, 3, 3.0, 1.0, 6.0)
    found(probe, value(11), after(minutes=40))
    tally_latency(after(minutes=50))
    row.refresh_from_db()
    assert (row.count, row.mean, row.most) == (4, 5.0, 11.0)
    Check.objects.all().delete()
    chart = number_chart.chart(probe, plot.SPANS["7d"], after(hours=5))
    (point,) = [point for point in chart.points if point.mean is not None]
    assert (point.mean, point.least, point.most, point.count) == (5.0, 1.0, 11.0, 4)


@pytest.mark.data
def test_the_largest_numbers_have_a_mean(db):
    probe = probe_of()
    Page.objects.this()
    for minute in range(4):
        found(probe, value(1.7e308), after(minutes=minute))
    tally_latency(after(minutes=30))
    assert NumberTally.objects.get().mean == pytest.approx(1.7e308)


def test_old_hours_are_deleted(db):
    probe = probe_of()
    hours = {"count": 1, "mean": 1.0, "least": 1.0, "most": 1.0}
    for days in (1, 500):
        NumberTally.objects.create(probe=probe, hour=timezone.now() - timedelta(days=days), **hours)
    prune()
    assert NumberTally.objects.count() == 1


def test_a_long_interval_is_no_row_of_gaps(db):
    probe = probe_of(interval_s=600)
    for minute in range(0, 60, 10):
        found(probe, value(0.5), after(minutes=minute), gap=True)
    chart = number_chart.chart(probe, HOUR, after(minutes=59))
    assert chart.mean.count("M") == 1


@pytest.mark.parametrize("span", ["1h", "24h", "7d", "30d"])
def test_it_is_on_the_page_of_the_probe(editor, span):
    probe, now = probe_of(), timezone.now().replace(microsecond=0)
    for minute in (5, 4, 2, 1):
        found(probe, value(0.5), now - timedelta(minutes=minute))
    NumberTally.objects.create(
        probe=probe, hour=now.replace(minute=0, second=0) - timedelta(hours=5), count=3, mean=0.5, least=0.4,
        most=0.6,
    )  # fmt: skip
    text = editor.get(f"/console/probes/{probe.public_id}?span={span}").content.decode()
    assert 'aria-label="$.used / $.max, last' in text
    assert text.count("plot__limit--") == 2
    assert "degraded above 0.8" in text
    assert re.search(r'class="plot__median" d="M', text)


def test_it_is_not_on_pages_of_other_probes(editor):
    probe = watched(kind="http")
    assert number_chart.chart(probe, HOUR, NOW) is None
    assert "numbers-title" not in editor.get(f"/console/probes/{probe.public_id}").content.decode()


def test_options_that_cannot_be_read_stop_no_page(editor):
    probe = probe_of()
    type(probe).objects.filter(pk=probe.pk).update(options={"value": "$..[", "limits": 7})
    assert editor.get(f"/console/probes/{probe.public_id}").status_code == 200
