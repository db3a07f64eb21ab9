"""Number probes: a value in JSON or Prometheus text, or the ratio of two, held against limits.

With `full_at` it also says when the value will get there, by the line through its own
recent checks (`components.forecasts`). Those come with the order: a prober reads no database.
"""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components import forecasts, prometheus_text, wire
from components.limits import Limit, LimitError, crossed, limits_of, number_of, spelled
from components.outcomes import Failure, Outcome, Reading
from components.probers import documents, exchange, fetching, json_answers, json_paths
from components.probers.base import Clock, Option, options_of
from components.probers.body import Answer
from components.probers.documents import DocumentOrder, DocumentProber
from components.probers.typed_headers import HEADERS, SECRET_HEADERS
from components.prometheus_text import Selector, SeriesError
from components.targets import InvalidProbeError
from components.texts import shortened

MAX_NAME_LENGTH = 60  # of a value in a sentence
MAX_SELECTOR_LENGTH = 500
INLINE_BYTES = 64 * 1024  # what is larger is parsed in a thread, beside the loop that serves all checks
MAX_WARN_MINUTES = 7 * 24 * 60
DEFAULT_WARN_MINUTES = 30
# How much of the past a forecast reads: enough for the interval, no more than the database reads at once
MIN_PAST_S = 600
PAST_POINTS = 30
MAX_PAST_POINTS = 240
JOINS: dict[str, Callable[[Iterable[float]], float]] = {"sum": math.fsum, "highest": max, "lowest": min}


class NoNumberError(Exception):
    """The answer does not hold the number. A sentence for staff."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number stands: a compiled JSON path, or a Prometheus selector."""

    text: str
    path: Any = None
    selector: Selector | None = None

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return shortened(self.text, MAX_NAME_LENGTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOrder(DocumentOrder):
    """What to measure. `past`: (seconds before this check, as a negative number; value), oldest first."""

    value: Source
    divided_by: Source | None = None
    several: str = "unknown"
    limits: tuple[Limit, ...] = ()
    full_at: float | None = None
    warn_s: float = 0.0
    past: tuple[forecasts.Point, ...] = ()

    @property
    def name(self) -> str:
        """What is measured, in a sentence."""
        return self.value.name if self.divided_by is None else f"{self.value.name} / {self.divided_by.name}"

    def is_falling(self, value: float) -> bool:
        """Whether it is full when it is low: as its limits lie; where they do not tell, as the value does."""
        directions = {limit.is_above for limit in self.limits}
        if len(directions) == 1:
            return not directions.pop()
        return self.full_at is not None and value > self.full_at

    def past_s(self, interval_s: int) -> int:
        """How many seconds of its past it wants to know, checked this often; 0 for none."""
        if self.full_at is None:
            return 0
        wanted = max(MIN_PAST_S, PAST_POINTS * interval_s, self.warn_s / forecasts.AHEAD)
        return int(min(wanted, max(MIN_PAST_S, MAX_PAST_POINTS * interval_s)))

    def with_past(self, past: Iterable[forecasts.Point]) -> "NumberOrder":
        """The same with its past."""
        return replace(self, past=tuple(past))


class Numbers(DocumentProber):
    kind = "numbers"
    label = "Number with limits"
    target_help = "http:// or https:// address of JSON or Prometheus text"
    accepts = "application/json, text/plain;version=0.0.4;q=0.9, */*;q=0.1"
    options = (
        HEADERS,
        SECRET_HEADERS,
        Option(
            "value",
            "Value",
            help="A JSON path such as $.connections.used, or a series such as"
            " connections_used{pool=\"main\"}.",
        ),
        Option(
            "divided_by",
            "Divided by",
            help="For a ratio: where the other number is, such as $.connections.max.",
        ),
        Option(
            "several",
            "If several match",
            type="choice",
            default="unknown",
            choices=("unknown", *JOINS),
            help="Which number to take when a path or series matches more than one.",
        ),
        Option(
            "limits",
            "Limits",
            type="text",
            help="One per line, such as “degraded above 0.8” or “down below 10”.",
        ),
        Option(
            "full_at",
            "Full at",
            help="Warns before the number reaches this value, rising or (with a limit “below”) falling.",
        ),
        Option(
            "warn_minutes",
            "Warn before (min)",
            type="int",
            default=DEFAULT_WARN_MINUTES,
            help="Degraded when it will be full within this many minutes.",
        ),
        documents.UNREAD,
    )  # fmt: skip

    def parse(self, target: str, options: Mapping[str, Any]) -> NumberOrder:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        value = _source("value", given["value"])
        if value is None:
            raise InvalidProbeError("value", "Enter a JSON path such as $.used, or the name of a series.")
        divided_by = _source("divided_by", given["divided_by"])
        if divided_by is not None and (divided_by.path is None) is not (value.path is None):
            raise InvalidProbeError("divided_by", "Use two JSON paths or two series, not one of each.")
        if not 1 <= given["warn_minutes"] <= MAX_WARN_MINUTES:
            raise InvalidProbeError("warn_minutes", f"Enter 1 to {MAX_WARN_MINUTES} minutes.")
        order = NumberOrder(
            **self.request(target, given),
            value=value,
            divided_by=divided_by,
            several=given["several"],
            limits=_checked("limits", given["limits"], limits_of),
            full_at=_checked("full_at", given["full_at"], number_of) if given["full_at"] else None,
            warn_s=60.0 * given["warn_minutes"],
        )
        _refuse_full_before_limits(order)
        return order

    async def judge(
        self, order: NumberOrder, head: wire.Head, pieces: exchange.Pieces, clock: Clock
    ) -> Reading:
        """Read the number, and hold it against its limits."""
        try:
            answer = await documents.whole(pieces, head, clock)
        except wire.TooLargeError:
            return clock.reading(failure=Failure.NO_DATA, detail="The response is larger than 1 MB.")
        if not documents.is_good(head):
            return documents.unexpected(head, answer, clock)
        try:
            clock.phase = Failure.OWN_FAULT  # from here on the time is ours
            value, parts = await measured(order, answer, head)
        except NoNumberError as error:
            excerpt = fetching.excerpt(head, answer)
            return clock.reading(failure=Failure.NO_DATA, detail=str(error), excerpt=excerpt)
        clock.note(value=f"{value:.12g}", **({"parts": parts} if parts else {}))
        failure, detail, degraded = judged(order, value, parts)
        return clock.reading(failure=failure, detail=detail, degraded=degraded)


async def measured(order: NumberOrder, answer: Answer, head: wire.Head) -> tuple[float, str]:
    """The number, and the two that make a ratio ("830 of 1,000"; else empty). Raises NoNumberError."""
    if len(answer.data) > INLINE_BYTES:
        numbers = await asyncio.to_thread(_numbers, order, answer, head)
    else:
        numbers = _numbers(order, answer, head)
    if order.divided_by is None:
        return numbers[0], ""
    if numbers[1] == 0:
        raise NoNumberError(f"{order.divided_by.name} is 0, so there is no ratio.")
    value = numbers[0] / numbers[1]
    if not math.isfinite(value):
        raise NoNumberError(f"{order.name} is too large a number.")
    return value, f"{spelled(numbers[0])} of {spelled(numbers[1])}"


def judged(order: NumberOrder, value: float, parts: str = "") -> tuple[Failure | None, str, str]:
    """Failure and its sentence when it is down, and the sentence when it is degraded."""
    limit = crossed(value, order.limits)
    is_down = limit is not None and limit.outcome is Outcome.DOWN
    forecast = _forecast(order, value)
    if limit is None and not forecast:
        return None, "", ""
    sentence = f"{order.name} is {spelled(value)}" + (f" ({parts})" if parts else "")
    if limit is not None:
        sentence += f", {limit.words}"
    if forecast:
        sentence += f"; {forecast}" if limit is not None else f", and {forecast}"
    return (Failure.LIMIT, f"{sentence}.", "") if is_down else (None, "", f"{sentence}.")


def _forecast(order: NumberOrder, value: float) -> str:
    """ "will reach 1 in about 12 minutes", as the end of a sentence; empty when nothing is to be feared."""
    if order.full_at is None:
        return ""
    points = (*order.past, (0.0, value))
    wait_s = forecasts.seconds_until(points, order.full_at, is_falling=order.is_falling(value))
    if wait_s is None or wait_s > order.warn_s:
        return ""
    if wait_s == 0:
        return f"has reached {spelled(order.full_at)}"
    minutes = round(wait_s / 60)
    about = f"in about {minutes:,} minute{'' if minutes == 1 else 's'}" if minutes else "within a minute"
    return f"will reach {spelled(order.full_at)} {about} at this pace"


def _numbers(order: NumberOrder, answer: Answer, head: wire.Head) -> list[float]:
    """The number of each source. Raises NoNumberError."""
    sources = [order.value] + ([order.divided_by] if order.divided_by is not None else [])
    try:
        if order.value.path is not None:
            document = json_answers.document(answer, head)
            by_source = [_json_numbers(source, document) for source in sources]
        else:
            wanted = [source.selector for source in sources if source.selector is not None]
            kind = head.headers.get("content-type", "")
            by_source = prometheus_text.values(bytes(answer.data), kind, wanted)
    except (json_answers.UnreadableError, SeriesError) as error:
        raise NoNumberError(str(error)) from error
    return [_one(source, numbers, order.several) for source, numbers in zip(sources, by_source, strict=True)]


def _json_numbers(source: Source, document: Any) -> list[float]:
    numbers = []
    for value in json_answers.values_at(source.path, document):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise NoNumberError(f"{source.name} is {_kind(value)}, not a number.")
        try:
            numbers.append(float(value))
        except OverflowError as error:
            raise NoNumberError(f"{source.name} is too large a number.") from error
    return numbers


def _kind(value: Any) -> str:
    kinds = ((bool, "true or false"), (str, "text"), (list, "a list"), (dict, "an object"))
    return next((words for kind, words in kinds if isinstance(value, kind)), "null")


def _one(source: Source, numbers: Sequence[float], several: str) -> float:
    """The one number that is meant. Raises NoNumberError."""
    if not numbers:
        raise NoNumberError(f"The response has no value at {source.name}.")
    if len(numbers) > 1 and several not in JOINS:
        raise NoNumberError(
            f"{source.name} matches {len(numbers):,} numbers: name one, or set “If several match”."
        )
    for value in numbers:
        if not math.isfinite(value):
            raise NoNumberError(
                f"{source.name} is {'not a number (NaN)' if math.isnan(value) else 'infinite'}."
            )
    try:
        return JOINS[several](numbers) if len(numbers) > 1 else numbers[0]
    except OverflowError as error:
        raise NoNumberError(f"{source.name} is too large a number.") from error


def _source(field: str, text: str) -> Source | None:
    """Where to look; None for an empty text. Raises InvalidProbeError."""
    text = text.strip()
    if not text:
        return None
    if len(text) > MAX_SELECTOR_LENGTH:
        raise InvalidProbeError(field, f"Longer than {MAX_SELECTOR_LENGTH} characters: shorten it.")
    if text.startswith("$"):
        try:
            return Source(text, path=json_paths.compiled(text))
        except InvalidProbeError as error:
            raise InvalidProbeError(field, error.sentence) from error
    try:
        return Source(text, selector=prometheus_text.selector(text))
    except ValueError as error:
        raise InvalidProbeError(
            field, 'Write a JSON path that begins with $, or a series as name or name{label="value"}.'
        ) from error


def _refuse_full_before_limits(order: NumberOrder) -> None:
    """What is full before any of its limits is degraded for good. Raises InvalidProbeError."""
    above = [limit.value for limit in order.limits if limit.is_above]
    below = [limit.value for limit in order.limits if not limit.is_above]
    if order.full_at is None or not order.limits or (above and below):
        return
    if (above and order.full_at < min(above)) or (below and order.full_at > max(below)):
        side = "above" if above else "below"
        raise InvalidProbeError(
            "full_at",
            f"This is reached before any limit “{side}”: use a value beyond the limits, or change them.",
        )


def _checked(field: str, text: str, read: Callable[[str], Any]) -> Any:
    """What `read` makes of it. Raises InvalidProbeError."""
    try:
        return read(text)
    except LimitError as error:
        raise InvalidProbeError(field, str(error)) from error
