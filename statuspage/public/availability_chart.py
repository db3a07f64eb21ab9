"""The chart of a postmortem: the share of checks that passed.

Positions are percentages of the width, so that the curve is stretched while its
text keeps its size.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from django.utils.dateparse import parse_datetime

from components.status import Status
from incidents.models import Postmortem
from statuspage.public.values.postmortems import Curve, Moment

STEPS = {
    60: "minute", 300: "5 minutes", 900: "15 minutes", 3600: "hour", 14_400: "4 hours", 86_400: "day",
}  # fmt: skip
TICKS_S = (60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
MAX_TICKS = 6
MAX_MOMENTS = 4
# Which tags are worth a line on the curve, the first ones first
NAMED = ("Start", "Cause found", "End", "Recovery", "Detected", "Cause", "Wrong turn", "Escalated")
# A letter of a label as a share of the usual width: 7.4 px of 732
LETTER = 100 * 7.4 / 732
GAP = 1.5


def curve(postmortem: Postmortem, status: Status) -> Curve | None:
    """None when no check was kept."""
    counts: list[list[int]] = postmortem.curve.get("counts", [])
    points = tuple(100 * passed / total if total else None for passed, total in counts)
    shares = [point for point in points if point is not None]
    if not shares:
        return None
    start, step_s = postmortem.curve["start"], postmortem.curve["step_s"]
    axis = _Axis(start, step_s * len(counts))
    first, last = axis.x(postmortem.started_at), axis.x(postmortem.ended_at)
    lowest = axis.clock(start + step_s * points.index(min(shares)))
    step = STEPS.get(step_s, f"{step_s} s")
    return Curve(
        label=(
            f"Share of checks that passed, per {step}, from {axis.clock(start)} to "
            f"{axis.clock(start + axis.seconds)} UTC: lowest at {lowest} UTC with {min(shares):.0f} %, "
            f"{shares[-1]:.0f} % at the end."
        ),
        step=step,
        status=status,
        points=points,
        band=(first, max(last - first, 0.2)),
        moments=_moments(postmortem.timeline, axis),
        ticks=axis.ticks(),
        form=axis.form(),
        rows=tuple(
            (datetime.fromtimestamp(start + step_s * place, UTC), passed, total)
            for place, (passed, total) in enumerate(counts)
        ),
    )


class _Axis:
    """Time from left to right."""

    def __init__(self, start: int, seconds: int) -> None:
        self.start, self.seconds = start, seconds

    def x(self, at: datetime) -> float:
        return max(0.0, min(100.0, self.place(at.timestamp())))

    def place(self, second: float) -> float:
        return 100 * (second - self.start) / self.seconds

    def clock(self, second: int) -> str:
        """The clock, or the day when the curve is longer than two."""
        at = datetime.fromtimestamp(second, UTC)
        return f"{at.day} {at:%b}" if self.seconds > 2 * 86_400 else f"{at:%H:%M}"

    def dated(self, at: datetime) -> str:
        """A clock with its day, on an axis of days."""
        return f"{at.day} {at:%b}, {at:%H:%M}"

    def form(self) -> str:
        """How script writes the same in the reader's zone."""
        return "month" if self.seconds > 2 * 86_400 else "clock"

    def ticks(self) -> tuple[tuple[float, str, datetime], ...]:
        step = next((size for size in TICKS_S if self.seconds / size <= MAX_TICKS), None)
        if step is None:
            step = -(-self.seconds // (MAX_TICKS * 86_400)) * 86_400
        first = -(-self.start // step) * step
        seconds = range(first, self.start + self.seconds + 1, step)
        return tuple(
            (self.place(second), self.clock(second), datetime.fromtimestamp(second, UTC))
            for second in seconds
        )


def _moments(timeline: Sequence[Sequence[str]], axis: _Axis) -> tuple[Moment, ...]:
    """Up to four tagged moments, each label where it covers none of the others."""
    times: dict[str, datetime] = {}
    for text, tag, _ in timeline:
        at = parse_datetime(text)
        if at and tag in NAMED and tag not in times and 0 <= axis.place(at.timestamp()) <= 100:
            times[tag] = at.astimezone(UTC)
    chosen = sorted(times, key=NAMED.index)[:MAX_MOMENTS]
    taken: list[list[tuple[float, float]]] = []
    moments = []
    for number, tag in enumerate(sorted(chosen, key=times.__getitem__), start=1):
        clock = times[tag].strftime("%H:%M") if axis.form() == "clock" else axis.dated(times[tag])
        x, width = axis.x(times[tag]), LETTER * (len(tag) + 1 + len(clock)) + GAP
        is_last = x + width > 100
        place = (x - width, x) if is_last else (x, x + width)
        row = next((n for n, others in enumerate(taken) if _is_free(place, others)), len(taken))
        taken[row:] = [[*(taken[row] if row < len(taken) else []), place], *taken[row + 1 :]]
        moments.append(Moment(number, times[tag], clock, tag.lower(), x, row, is_last))
    return tuple(moments)


def _is_free(place: tuple[float, float], others: list[tuple[float, float]]) -> bool:
    spans = sorted([*others, place])
    return all(before[1] <= after[0] for before, after in pairwise(spans))
