"""The chart of the number that a probe measures, drawn on the server, with its limits as lines.

An hour and a day come from the checks themselves, a week and a month from the hourly tallies of the
number. What could not be read is a gap.
"""

import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from components.limits import Limit, spelled, value_in
from components.models import Check, NumberTally, Probe
from components.outcomes import Outcome
from components.probers import InvalidProbeError, measuring_kinds
from components.probers.numbers import NumberOrder
from incidents.times import clock
from statuspage.console.plot import HIGH, WIDE, Span, Word, deploys, path, times, word_at

MAX_ROWS = 20_000
FAR = 4.0  # a limit that is more than so many times what was measured would press the line flat
APART = 18  # pixels between two words on one side
ABOVE, BELOW = 5, 14  # pixels from a limit's line to the foot of its word
ASCENT, DESCENT = 11, 4  # pixels of a word over and under its foot
SIDE = 0.25  # of the width, which a word may take
SMALLEST = -300  # as a power of ten
FEW = 1e-9  # of a value: less than this of it is noise of the arithmetic
UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Point:
    """One step: mean, least and most of the number, and in how many checks; None where none measured it."""

    at: datetime
    mean: float | None = None
    least: float | None = None
    most: float | None = None
    count: int = 0

    @property
    def cells(self) -> tuple[str, str, str]:
        """Mean, least and most in words."""
        mean, least, most = (
            "–" if value is None else spelled(value) for value in (self.mean, self.least, self.most)
        )
        return mean, least, most


@dataclass(frozen=True, slots=True)
class Line:
    """A limit: `kind` is degraded, down or full; `y` is empty when it is out of the picture."""

    kind: str
    words: str
    y: str = ""


@dataclass(frozen=True, slots=True)
class NumberChart:
    """The data of the template."""

    name: str
    label: str
    points: tuple[Point, ...]
    lines: tuple[Line, ...]
    mean: str
    range: str
    grid: tuple[str, ...]
    scale: tuple[Word, ...]
    times: tuple[Word, ...]
    words: tuple[tuple[str, Word], ...]
    deploys: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was measured in this span."""
        return all(point.mean is None for point in self.points)


def chart(probe: Probe, span: Span, now: datetime) -> NumberChart | None:
    """The picture of one probe; None for one that measures no number. Two queries."""
    if probe.kind not in measuring_kinds():
        return None
    try:
        order = probe.parsed()
    except (InvalidProbeError, TypeError, ValueError, AttributeError, KeyError):
        return None  # its page says why it cannot run
    # a step for each check, so that a long interval is no row of gaps
    step_s = span.step_s * max(1, math.ceil(probe.interval_s / span.step_s))
    end = int(now.timestamp())
    start = (end - span.length_s) // step_s * step_s
    read = _from_checks if span.is_raw else _from_hours
    steps = range(start, end + 1, step_s)
    measured = read(probe, start, end, step_s)
    points = [measured.get(step) or Point(datetime.fromtimestamp(step, UTC)) for step in steps]
    first = datetime.fromtimestamp(start, UTC)
    return draw(points, order, deploys(probe, first, now), start=first, end=now, span=span)


def _from_checks(probe: Probe, start: int, end: int, step_s: int) -> dict[int, Point]:
    rows = Check.objects.between([probe.pk], start, end + 1, ("facts",))
    values: dict[int, list[float]] = defaultdict(list)
    for _, slot, _, facts in rows[-MAX_ROWS:]:
        if (value := value_in(facts)) is not None:
            values[slot - slot % step_s].append(value)
    return {
        step: _point(step, [(value, value, value, 1) for value in found]) for step, found in values.items()
    }


def _from_hours(probe: Probe, start: int, end: int, step_s: int) -> dict[int, Point]:
    between = (datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
    tallies: dict[int, list[tuple[float, float, float, int]]] = defaultdict(list)
    for tally in NumberTally.objects.filter(probe=probe, hour__range=between):
        second = int(tally.hour.timestamp())
        row = (tally.mean, tally.least, tally.most, tally.count)
        tallies[second - second % step_s].append(row)
    return {step: _point(step, rows) for step, rows in tallies.items()}


def _point(step: int, rows: Sequence[tuple[float, float, float, int]]) -> Point:
    """Of mean, least, most and count of each part."""
    count = sum(row[3] for row in rows)
    mean = sum(row[0] * (row[3] / count) for row in rows)  # a sum of all may be too large a number
    least, most = min(row[1] for row in rows), max(row[2] for row in rows)
    return Point(datetime.fromtimestamp(step, UTC), min(max(mean, least), most), least, most, count)


def draw(
    points: Sequence[Point],
    order: NumberOrder,
    marked: Sequence[tuple[datetime, str]],
    *,
    start: datetime,
    end: datetime,
    span: Span,
) -> NumberChart:
    """The paths and texts of the chart. Pure."""
    limits = limits_of(order)
    axis = Axis.around(
        [v for p in points for v in (p.least, p.most) if v is not None], [v for _, v, _ in limits]
    )
    whole = max(1.0, (end - start).total_seconds())

    def x(at: datetime) -> float:
        return min(1.0, max(0.0, (at - start).total_seconds() / whole))

    lines = tuple(
        Line(kind, words, f"{axis.y(value):.1f}" if axis.holds(value) else "")
        for kind, value, words in limits
    )
    reach = [
        (x(p.at), axis.y(p.most), axis.y(p.least))
        for p in points
        if p.least is not None and p.most is not None
    ]
    drawn = {
        "start": [(top, bottom) for place, top, bottom in reach if place <= SIDE],
        "end": [(top, bottom) for place, top, bottom in reach if place >= 1 - SIDE],
    }
    words = list(_beside(lines, drawn))
    if marked:
        words.append(("deploy", word_at("deploy", x(marked[-1][0]), HIGH - 6)))
    return NumberChart(
        name=order.name,
        label=_sentence(points, order, lines, marked, span, now=end),
        points=tuple(points),
        lines=lines,
        mean=path([(x(p.at), None if p.mean is None else axis.y(p.mean)) for p in points]),
        range=_area(points, x, axis.y),
        grid=tuple(f"{axis.y(mark):.1f}" for mark in axis.marks),
        scale=tuple(Word(compact(mark), "0", f"{axis.y(mark) + 4.5:.0f}", "end") for mark in axis.marks),
        times=tuple(times(start, end, span, x)),
        words=tuple(words),
        deploys=tuple(f"{WIDE * x(at):.1f}" for at, _ in marked),
    )


def limits_of(order: NumberOrder) -> list[tuple[str, float, str]]:
    """Kind, value and words of each limit, and of what counts as full."""
    limits = [(limit.outcome.value, limit.value, _words(limit)) for limit in order.limits]
    full = [] if order.full_at is None else [("full", order.full_at, f"full at {spelled(order.full_at)}")]
    return limits + full


def _words(limit: Limit) -> str:
    word = "down" if limit.outcome is Outcome.DOWN else "degraded"
    return f"{word} {'above' if limit.is_above else 'below'} {spelled(limit.value)}"


@dataclass(frozen=True, slots=True)
class Axis:
    """The vertical axis: the round values that are marked, lowest first, in parts of `size`."""

    size: float
    steps: tuple[float, ...]

    @classmethod
    def around(cls, values: Sequence[float], limits: Iterable[float]) -> "Axis":
        """Wide enough for what was measured, and for the limits that are not far from it."""
        if not values:
            values = [*limits] or [0.0]
        most = max(map(abs, values)) or 1.0
        size = 10.0 ** max(SMALLEST, math.floor(math.log10(most)))  # no difference is too large a number then
        low, high = min(values) / size, max(values) / size
        if 0 <= low <= high / 2:
            low = 0.0
        if low / 2 <= high <= 0:
            high = 0.0
        near = [v / size for v in limits if abs(v / size) <= FAR * (most / size)]
        low, high = min([low, *near]), max([high, *near])
        if high - low < FEW:
            low, high = (low - abs(low) / 10, high + abs(high) / 10) if low else (0.0, 1.0)
        step = _round_step(high - low)
        bottom, top = math.floor(low / step + FEW), math.ceil(high / step - FEW)
        return cls(size, tuple(step * mark for mark in range(bottom, max(top, bottom + 1) + 1)))

    @property
    def marks(self) -> tuple[float, ...]:
        """The marked values."""
        most = sys.float_info.max / self.size
        return tuple(min(max(step, -most), most) * self.size for step in self.steps)

    def holds(self, value: float) -> bool:
        """Whether it is in the picture."""
        return self.steps[0] - FEW <= value / self.size <= self.steps[-1] + FEW

    def y(self, value: float) -> float:
        """How far down it is, in pixels."""
        share = (value / self.size - self.steps[0]) / (self.steps[-1] - self.steps[0])
        return HIGH - HIGH * min(1.0, max(0.0, share))


def _round_step(extent: float) -> float:
    """The distance of the lines: 1, 2 or 5 times a power of ten, three to five lines."""
    rough = extent / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= rough * (1 - FEW))


def compact(value: float) -> str:
    """A number for the axis, in few characters: `0.25`, `1.5k`, `20M`, `3e+20`."""
    size = abs(value)
    if size and not 1e-3 <= size < 1e15:
        return f"{value:.2g}"
    for unit, letter in UNITS:
        if size >= 10 * unit or (size >= unit and letter != "k"):
            return f"{value / unit:.4g}{letter}"
    return f"{value:.4g}" if size >= FEW else "0"


def _area(points: Sequence[Point], x: Callable[[datetime], float], y: Callable[[float], float]) -> str:
    """Between the least and the most of each step, lifted over gaps."""
    pieces: list[str] = []
    stretch: list[tuple[float, float, float]] = []
    for point in [*points, Point(points[-1].at)] if points else []:
        if point.least is not None and point.most is not None:
            stretch.append((x(point.at), y(point.least), y(point.most)))
            continue
        if len(stretch) > 1:
            there = [f"{WIDE * place:.1f} {high:.1f}" for place, _, high in stretch]
            back = [f"{WIDE * place:.1f} {low:.1f}" for place, low, _ in reversed(stretch)]
            pieces.append(f"M{'L'.join([*there, *back])}Z")
        stretch = []
    return "".join(pieces)


def _beside(
    lines: Sequence[Line], drawn: Mapping[str, Sequence[tuple[float, float]]]
) -> Iterable[tuple[str, Word]]:
    """The words at the limits: above or below their line, left or right, on no other line and no other word.

    `drawn`: how high and low the numbers reach on either side; words stand on them only if they must. What
    has no place is left out: the limits are listed below the picture.
    """
    taken: dict[str, list[float]] = {"start": [], "end": []}
    heights = [float(line.y) for line in lines if line.y]
    for line in lines:
        if not line.y:
            continue
        places = [(side, float(line.y) + by) for by in (-ABOVE, BELOW) for side in taken]
        free = [
            (side, y)
            for side, y in places
            if ASCENT <= y <= HIGH - DESCENT
            and all(abs(y - other) >= APART for other in taken[side])
            and not any(y - ASCENT <= height <= y + DESCENT for height in heights)
        ]
        free.sort(key=lambda place: _covers(place[1], drawn[place[0]]))
        for side, y in free[:1]:
            taken[side].append(y)
            yield line.kind, Word(line.words, "0.5%" if side == "start" else "99.5%", f"{y:.0f}", side)


def _covers(y: float, drawn: Sequence[tuple[float, float]]) -> bool:
    """Whether a word there stands on what was drawn."""
    return any(top <= y + DESCENT and y - ASCENT <= bottom for top, bottom in drawn)


def _sentence(
    points: Sequence[Point],
    order: NumberOrder,
    lines: Sequence[Line],
    marked: Sequence[tuple[datetime, str]],
    span: Span,
    *,
    now: datetime,
) -> str:
    """The chart in words."""
    known = [point for point in points if point.mean is not None]
    if not known:
        text = f"{order.name}, {span.words}: not measured."
    else:
        least = min(point.least for point in known if point.least is not None)
        most = max(point.most for point in known if point.most is not None)
        last = known[-1].mean or 0.0
        text = (
            f"{order.name}, {span.words}: between {spelled(least)} and {spelled(most)},"
            f" last {spelled(last)} at {clock(known[-1].at, now)}."
        )
        inside = points[points.index(known[0]) : points.index(known[-1])]
        if gaps := sum(point.mean is None for point in inside):
            text += f" Not measured in {gaps} of {len(inside) + 1} steps."
    if lines:
        text += f" Limits: {', '.join(line.words for line in lines)}."
    if marked:
        text += f" Last deploy at {clock(marked[-1][0], now)}: {marked[-1][1]}."
    return text
