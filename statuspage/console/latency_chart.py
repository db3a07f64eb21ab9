"""The chart of a probe's response times, drawn on the server.

An hour and a day come from the checks themselves, a week and a month from the
hourly tallies of the component.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from components import latency
from components.models import Check, HourTally, Probe
from incidents.times import clock, stretch
from statuspage.console.plot import (
    HIGH,
    WIDE,
    Band,
    Span,
    Word,
    bands,
    deploys,
    over,
    path,
    times,
    word_at,
)

MAX_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Point:
    """One step. Times in ms, None without a response; counts None where only tallies are kept."""

    at: datetime
    median: float | None
    p95: float | None
    checks: int | None = None
    failed: int | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """The data of the template."""

    label: str
    points: tuple[Point, ...]
    bands: tuple[Band, ...]
    median: str
    p95: str
    rects: tuple[tuple[str, str], ...]  # left and width of each band
    grid: tuple[str, ...]
    scale: tuple[Word, ...]
    times: tuple[Word, ...]
    words: tuple[tuple[str, Word], ...]  # (what it names, the word)
    limit: str
    deploys: tuple[str, ...] = ()  # where each line is drawn

    @property
    def is_empty(self) -> bool:
        """Whether nothing answered in this span."""
        return all(point.median is None for point in self.points)


def chart(probe: Probe, span: Span, now: datetime) -> Chart:
    """The picture of one probe. Three queries."""
    end = int(now.timestamp())
    start = (end - span.length_s) // span.step_s * span.step_s
    points = _from_checks(probe, span, start, end) if span.is_raw else _from_hours(probe, span, start, end)
    first = datetime.fromtimestamp(start, UTC)
    drawn = draw(points, bands(probe, first, now), probe.latency_limit_ms, start=first, end=now, span=span)
    return with_deploys(drawn, deploys(probe, first, now), start=first, end=now)


def with_deploys(
    chart: Chart, marked: Sequence[tuple[datetime, str]], *, start: datetime, end: datetime
) -> Chart:
    """The same with a line for each deploy, and a word at the newest. Pure."""
    if not marked:
        return chart
    whole = max(1.0, (end - start).total_seconds())
    places = [min(1.0, max(0.0, (at - start).total_seconds() / whole)) for at, _ in marked]
    at, text = marked[-1]
    return replace(
        chart,
        deploys=tuple(f"{WIDE * place:.1f}" for place in places),
        words=(*chart.words, ("deploy", word_at("deploy", places[-1], HIGH - 6))),
        label=f"{chart.label} Last deploy at {clock(at, end)}: {text}.",
    )


def _from_checks(probe: Probe, span: Span, start: int, end: int) -> list[Point]:
    rows = Check.objects.between([probe.pk], start, end + 1, ("total_ms", "failure"))
    good: dict[int, list[int]] = defaultdict(list)
    made: dict[int, int] = defaultdict(int)
    for _, slot, _, total_ms, failure in rows[-MAX_ROWS:]:
        step = slot - slot % span.step_s
        made[step] += 1
        if not failure:
            good[step].append(total_ms)
    return [
        Point(
            datetime.fromtimestamp(step, UTC),
            share(good[step], 0.5),
            share(good[step], 0.95),
            made[step],
            made[step] - len(good[step]),
        )
        for step in range(start, end + 1, span.step_s)
    ]


def _from_hours(probe: Probe, span: Span, start: int, end: int) -> list[Point]:
    rows = HourTally.objects.filter(
        component_id=probe.component_id, hour__gte=datetime.fromtimestamp(start, UTC)
    )
    steps: dict[int, list[dict[str, int]]] = defaultdict(list)
    for hour, histogram in rows.values_list("hour", "latency"):
        second = int(hour.timestamp())
        steps[second - second % span.step_s].append(histogram)
    points = []
    for step in range(start, end + 1, span.step_s):
        merged = latency.merge(steps[step])
        median, p95 = latency.quantile(merged, 0.5), latency.quantile(merged, 0.95)
        points.append(Point(datetime.fromtimestamp(step, UTC), median, p95))
    return points


def share(values: Sequence[float], part: float) -> float | None:
    """The value that this share (0 to 1) of the values does not exceed; None without any."""
    if not values:
        return None
    return float(sorted(values)[max(0, math.ceil(part * len(values)) - 1)])


def draw(
    points: Sequence[Point],
    outages: Sequence[Band],
    limit_ms: int | None,
    *,
    start: datetime,
    end: datetime,
    span: Span,
) -> Chart:
    """The paths and texts of the chart."""
    values = [value for point in points for value in (point.median, point.p95) if value is not None]
    most = max([*values, 1.0])
    if limit_ms is not None and limit_ms <= 8 * most:  # a limit far above would press the line flat
        most = max(most, limit_ms * 1.1)
    step = _round_step(most)
    top = step * math.ceil(most / step)
    whole = max(1.0, (end - start).total_seconds())

    def x(at: datetime) -> float:
        return min(1.0, max(0.0, (at - start).total_seconds() / whole))

    def y(value: float) -> float:
        return HIGH - HIGH * min(value, top) / top

    marks = [step * n for n in range(round(top / step) + 1)]
    words = [("band", over(band.word, x(band.started_at), x(band.ended_at))) for band in outages]
    has_limit = limit_ms is not None and limit_ms <= top
    if limit_ms is not None and has_limit:
        words.append(("limit", Word(f"limit {limit_ms:,} ms", "0.5%", f"{y(limit_ms) - 5:.0f}", "start")))
    return Chart(
        label=_sentence(points, outages, limit_ms, span, now=end),
        points=tuple(points),
        bands=tuple(outages),
        median=path([(x(p.at), None if p.median is None else y(p.median)) for p in points]),
        p95=path([(x(p.at), None if p.p95 is None else y(p.p95)) for p in points]),
        rects=tuple(
            (f"{WIDE * x(b.started_at):.1f}", f"{max(2.0, WIDE * (x(b.ended_at) - x(b.started_at))):.1f}")
            for b in outages
        ),
        grid=tuple(f"{y(mark):.1f}" for mark in marks),
        scale=tuple(Word(f"{mark:,.0f}", "0", f"{y(mark) + 4.5:.0f}", "end") for mark in marks),
        times=tuple(times(start, end, span, x)),
        words=(*words, *_line_names(points, x, y)),
        limit=f"{y(limit_ms):.1f}" if limit_ms is not None and has_limit else "",
    )


def _round_step(most: float) -> float:
    """The distance of the lines: 1, 2 or 5 times a power of ten, three to five lines."""
    rough = most / 4
    power = 10 ** math.floor(math.log10(max(rough, 0.25)))
    return float(next(n * power for n in (1, 2, 5, 10) if n * power >= rough))


def _line_names(
    points: Sequence[Point], x: Callable[[datetime], float], y: Callable[[float], float]
) -> Iterable[tuple[str, Word]]:
    """ "median" under its line, "p95" over the other, where both are drawn and there is room."""
    drawn = [(p.at, p.median, p.p95) for p in points if p.median is not None and p.p95 is not None]
    if not drawn:
        return
    at, median, p95 = drawn[int(len(drawn) * 0.75)]
    low, high, place = y(median), y(p95), x(at)
    yield "median", word_at("median", place, min(HIGH - 4.0, low + 17))
    if low - high > 14:
        yield "p95", word_at("p95", place, max(14.0, high - 8))


def _sentence(
    points: Sequence[Point], outages: Sequence[Band], limit_ms: int | None, span: Span, *, now: datetime
) -> str:
    """The chart in a sentence."""
    answered = [point for point in points if point.median is not None]
    if not answered:
        text = f"Response time, {span.words}: no responses."
    else:
        medians = [point.median or 0.0 for point in answered]
        text = (
            f"Response time, {span.words}: median between {min(medians):,.0f} and {max(medians):,.0f} ms,"
            f" last {medians[-1]:,.0f} ms at {clock(answered[-1].at, now)}."
        )
    if limit_ms is not None:
        text += f" The limit is {limit_ms:,} ms."
    if outages:
        first = outages[-1]
        more = f" {len(outages)} outages in all." if len(outages) > 1 else ""
        text += f" Down from {stretch(first.started_at, first.ended_at, now)}.{more}"
    return text
