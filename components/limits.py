"""Limits for a measured number, as staff type them: "degraded above 0.8, down above 0.98"."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from components.outcomes import Outcome

MAX_LIMITS = 10
WORDED = re.compile(r"(degraded|down)\s+(above|over|>|below|under|<)\s*(\S+(?:\s*%)?)", re.IGNORECASE)
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
ABOVE = ("above", "over", ">")
SIGNIFICANT = 4  # digits that are shown of a number


class LimitError(ValueError):
    """Limits that cannot be read, or can never apply. A sentence for staff."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A value beyond it is degraded or down; the value itself is not beyond it."""

    outcome: Outcome
    is_above: bool
    value: float

    @property
    def words(self) -> str:
        """ "above the limit of 0.8"."""
        return f"{'above' if self.is_above else 'below'} the limit of {spelled(self.value)}"

    def is_crossed(self, value: float) -> bool:
        """Whether this value is beyond it."""
        return value > self.value if self.is_above else value < self.value

    def is_beyond(self, other: "Limit") -> bool:
        """Whether all that crosses this one has crossed the other before. Both of one direction."""
        return self.value >= other.value if self.is_above else self.value <= other.value


def limits_of(text: str) -> tuple[Limit, ...]:
    """The limits of a text, parted by commas or lines. Raises LimitError."""
    parts = [part.strip() for part in re.split(r"[,;\n]", text) if part.strip()]
    if len(parts) > MAX_LIMITS:
        raise LimitError(f"More than {MAX_LIMITS} limits: leave some out.")
    limits = tuple(_limit(part) for part in parts)
    for limit in limits:
        hidden_by = _hidden_by(limit, limits)
        if hidden_by is not None:
            raise LimitError(
                f"“Degraded {_direction(limit)} {spelled(limit.value)}” can never show, since it is down"
                f" {_direction(hidden_by)} {spelled(hidden_by.value)}: change one of the two."
            )
    return limits


def number_of(text: str) -> float:
    """A number as it is typed, or in percent: `0.8`, `1e6`, `80%`. Raises LimitError."""
    bare = text.strip().removesuffix("%").strip()
    if not NUMBER.fullmatch(bare) or not math.isfinite(value := float(bare)):
        raise LimitError(f"“{text.strip()[:40]}” is not a number: write it like 0.8, 1000 or 80%.")
    # 99.9 / 100 as floats is not 0.999, which a ratio of 999 to 1,000 is
    return float(Decimal(bare) / 100) if text.strip().endswith("%") else value


def crossed(value: float, limits: Iterable[Limit]) -> Limit | None:
    """The worst limit that this value crosses, the furthest of several; None when it crosses none."""
    hit = [limit for limit in limits if limit.is_crossed(value)]
    worst = [limit for limit in hit if limit.outcome is Outcome.DOWN] or hit
    furthest: Limit | None = None
    for limit in worst:
        if furthest is None or (limit.is_above == furthest.is_above and limit.is_beyond(furthest)):
            furthest = limit
    return furthest


def value_in(facts: Any) -> float | None:
    """The number among the facts of a check (`value`); None where none was measured."""
    try:
        value = float(facts["value"])
    except (KeyError, TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def spelled(value: float) -> str:
    """A number to read: `1,234`, `0.8312`, `1.5e+20`."""
    size = abs(value)
    if size and not 1e-4 <= size < 1e15:
        return f"{value:.{SIGNIFICANT}g}"
    if value == int(value):
        return f"{int(value):,}"
    places = max(0, SIGNIFICANT - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _limit(part: str) -> Limit:
    words = WORDED.fullmatch(part)
    if words is None:
        raise LimitError(
            f"“{part[:40]}” is not a limit: write “degraded above 0.8” or “down below 10”, one per line."
        )
    outcome, direction, value = words.groups()
    return Limit(Outcome(outcome.lower()), direction.lower() in ABOVE, number_of(value))


def _hidden_by(limit: Limit, limits: Sequence[Limit]) -> Limit | None:
    """The limit for down that this one for degraded lies behind."""
    if limit.outcome is Outcome.DOWN:
        return None
    same = (other for other in limits if other.outcome is Outcome.DOWN and other.is_above == limit.is_above)
    return next((other for other in same if limit.is_beyond(other)), None)


def _direction(limit: Limit) -> str:
    return "above" if limit.is_above else "below"
