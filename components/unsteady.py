"""Failing on and off: a target that never fails several times in a row.

The last results are remembered as two bits each: how bad each was, newest lowest.
When `count` of the last `window` were bad, the probe is degraded, and stays so
until at most half as many are left: the window must be clean before it counts as
healthy. A flip that results in a row confirm begins a new memory, so a plain
outage is over as soon as `confirm_up` says so.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum

MAX_WINDOW = 30  # 60 bits, which a signed column of 64 holds
BITS = 2
DIGIT = (1 << BITS) - 1
MASK = (1 << BITS * MAX_WINDOW) - 1
ON_AND_OFF = "on_and_off"  # what the flip of a probe that fails on and off has as its failure
DOWN = 2  # what a failed check counts in `health.BADNESS`


class Kind(IntEnum):
    """Whether it is unsteady now. Slow on and off is shown; failing on and off is an incident."""

    STEADY = 0
    SLOW = 1
    FAILING = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """`count` bad results of the last `window`; 0: never."""

    count: int = 0
    window: int = 0

    @classmethod
    def beside(cls, confirm_down: int, count: int, window: int) -> "Limits":
        """The limits, raised if necessary so that `confirm_down` failures in a row are confirmed first."""
        if count < 1:
            return cls()
        count = max(count, confirm_down + 1)
        return cls(count, min(max(window, 2 * count - 1), MAX_WINDOW))

    @property
    def left(self) -> int:
        """How many bad results of the window still count as steady again."""
        return self.count // 2


@dataclass(frozen=True, slots=True)
class Memory:
    """The last results: `bits`, two each; `bad_at` when the bad ones of them came, oldest first."""

    bits: int = 0
    bad_at: tuple[datetime, ...] = field(default=())
    kind: Kind = Kind.STEADY

    def after(self, badness: int, at: datetime) -> "Memory":
        """With one more result; 0 is good, 1 slow, 2 down."""
        bits = (self.bits << BITS | badness) & MASK
        times = (*self.bad_at, at) if badness else self.bad_at
        return replace(self, bits=bits, bad_at=times[max(0, len(times) - _count(bits, MAX_WINDOW)) :])

    def bad(self, limits: Limits, least: int = 1) -> int:
        """How many of the window were at least this bad."""
        return _count(self.bits, limits.window, least)

    def since(self, limits: Limits) -> datetime:
        """The first bad result of the window, in which there is one."""
        return self.bad_at[-self.bad(limits) :][0]

    def found(self, limits: Limits) -> Kind:
        """What the window shows, regardless of the previous state."""
        if limits.count and self.bad(limits, DOWN) >= limits.count:
            return Kind.FAILING
        return Kind.SLOW if limits.count and self.bad(limits) >= limits.count else Kind.STEADY

    def is_clean(self, limits: Limits) -> bool:
        """Whether so few bad results are left that it counts as steady."""
        return self.bad(limits) <= limits.left

    def level(self, limits: Limits) -> int | None:
        """How bad every result of the window was; None where they differ."""
        levels = {self.bits >> BITS * place & DIGIT for place in range(limits.window)}
        return levels.pop() if len(levels) == 1 else None


def _count(bits: int, window: int, least: int = 1) -> int:
    return sum((bits >> BITS * place & DIGIT) >= least for place in range(window))
