"""What the charts of a probe's page have in common: their spans, places, paths and words.

Paths scale with the box and text does not: paths are in a stretched inner picture of WIDE by HIGH, text is
placed beside it in percent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from components.models import DeployMarker, Flip, Probe
from components.outcomes import Outcome

MAX_DEPLOYS = 50
WIDE, HIGH = 1000, 180
NO_ANSWER = ("refused", "unreachable", "reset", "dns", "tls")


@dataclass(frozen=True, slots=True)
class Span:
    """A choice of the switch."""

    key: str
    label: str
    words: str
    length_s: int
    step_s: int
    mark_s: int  # between the labels of the time axis
    form: str

    @property
    def is_raw(self) -> bool:
        """Whether it is short enough to be read from the checks."""
        return self.length_s <= 86_400


SPANS = {
    span.key: span
    for span in (
        Span("1h", "1 h", "last hour", 3600, 60, 600, "%H:%M"),
        Span("24h", "24 h", "last 24 hours", 86_400, 900, 4 * 3600, "%H:%M"),
        Span("7d", "7 d", "last 7 days", 7 * 86_400, 3600, 86_400, "%a"),
        Span("30d", "30 d", "last 30 days", 30 * 86_400, 4 * 3600, 5 * 86_400, "%-d %b"),
    )
}


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch in which it was down."""

    started_at: datetime
    ended_at: datetime
    word: str


@dataclass(frozen=True, slots=True)
class Word:
    """Text in the picture: `x` in percent of its width, `y` in pixels."""

    text: str
    x: str
    y: str
    anchor: str = "middle"


def since(span: Span, now: datetime) -> int:
    """The first second of a span, for the CSV."""
    return int((now - timedelta(seconds=span.length_s)).timestamp())


def deploys(probe: Probe, start: datetime, end: datetime) -> list[tuple[datetime, str]]:
    """When the deploys of its component were, and what went out; oldest first."""
    markers = DeployMarker.objects.concerning(probe.component_id).filter(at__gte=start, at__lte=end)
    return [(marker.at, str(marker)) for marker in reversed(markers[:MAX_DEPLOYS])]


def bands(probe: Probe, start: datetime, end: datetime) -> list[Band]:
    """The outages of this probe that touch the span."""
    flips = list(Flip.objects.filter(probe=probe, at__gte=start).order_by("at", "id"))
    before = flips[0].old if flips else probe.outcome
    outages, began, failure = [], start if before == Outcome.DOWN else None, ""
    for flip in flips:
        if flip.new == Outcome.DOWN:
            began, failure = flip.at, flip.failure
        elif began is not None:
            outages.append(Band(began, flip.at, _band_word(failure)))
            began = None
    if began is not None:
        outages.append(Band(began, end, _band_word(failure)))
    return outages


def _band_word(failure: str) -> str:
    is_silent = failure in NO_ANSWER or failure.startswith("timeout")
    return "no response" if is_silent else "failing"


def path(places: Iterable[tuple[float, float | None]]) -> str:
    """A line that is lifted over gaps; a lone point is a short dash."""
    pieces, pen_is_up = [], True
    for x, y in places:
        if y is None:
            pen_is_up = True
            continue
        pieces.append(f"{'M' if pen_is_up else 'L'}{WIDE * x:.1f} {y:.1f}" + ("h3" if pen_is_up else ""))
        pen_is_up = False
    return "".join(pieces)


def times(start: datetime, end: datetime, span: Span, x: Callable[[datetime], float]) -> Iterable[Word]:
    first = -(-int(start.timestamp()) // span.mark_s) * span.mark_s
    for second in range(first, int(end.timestamp()) + 1, span.mark_s):
        at = datetime.fromtimestamp(second, UTC)
        place = x(at)
        if 0.04 <= place <= 0.96:
            yield Word(at.strftime(span.form), f"{100 * place:.1f}%", str(HIGH + 20))


def over(text: str, left: float, right: float) -> Word:
    """The text of a band; at an edge it is aligned there, as it may be wider than its band."""
    middle = 0.0 if left < 0.03 else 1.0 if right > 0.97 else (left + right) / 2
    return word_at(text, middle if right - left < 0.2 else (left + right) / 2, 16)


def word_at(text: str, x: float, y: float) -> Word:
    """Text that stays inside the picture."""
    anchor = "start" if x < 0.06 else "end" if x > 0.94 else "middle"
    return Word(text, f"{100 * min(0.995, max(0.005, x)):.1f}%", f"{y:.0f}", anchor)
