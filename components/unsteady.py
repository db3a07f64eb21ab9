"""Failing on and off: a target that never fails several times in a row.

The last results are remembered as two bits each: how bad each was, newest lowest. Between two of them lies a
change or none. Changes are weighted by age, as in Nagios ("Detection and Handling of State Flapping"): the
newest counts 1.2, the oldest 0.8. Where the changes weigh half of what they could, the target fails on and
off, until they weigh less than a quarter. One outage is two changes, however long it is, so it never counts.

Where many failures in a row are asked for, what comes just short of that has few changes: failing four
checks of five is 40 % of them. So both shares shrink in proportion to `confirm_down`.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from itertools import pairwise

HISTORY = 21  # results, as Nagios remembers
MAX_WINDOW = 30  # 60 bits, which a signed column of 64 holds
MIN_CHANGES = 3  # one outage is two
BITS = 2
DIGIT = (1 << BITS) - 1
MASK = (1 << BITS * MAX_WINDOW) - 1
ON_AND_OFF = "on_and_off"  # what the flip of a probe that fails on and off has as its failure
DOWN = 2  # what a failed check counts in `health.BADNESS`
ENTER, LEAVE = 2, 4  # one part in so many: 50 % and 25 %


class Kind(IntEnum):
    """Whether it is unsteady now. Slow on and off is shown; failing on and off is an incident."""

    STEADY = 0
    SLOW = 1
    FAILING = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """At least `count` bad results of the last `window` (0: never), and changes of a share between them.

    `row`: how many failures in a row are confirmed at once; with more than two, less change is enough.
    """

    count: int = 0
    window: int = 0
    row: int = ENTER

    @classmethod
    def beside(cls, confirm_down: int, count: int, window: int) -> "Limits":
        """The limits, raised if necessary so that `confirm_down` failures in a row are confirmed first."""
        if count < 1:
            return cls()
        count = max(count, confirm_down + 1)
        return cls(count, min(max(window, 2 * count - 1), MAX_WINDOW), max(ENTER, confirm_down))

    @property
    def whole(self) -> int:
        """What all changes of the window weigh together, in the unit of `Memory.weight`."""
        places = self.window - 1
        return places * (places - 1) * 5 // 2


@dataclass(frozen=True, slots=True)
class Memory:
    """The last results: `bits`, two each; `bad_at` when those came that were worse than the verdict."""

    bits: int = 0
    bad_at: tuple[datetime, ...] = field(default=())
    kind: Kind = Kind.STEADY

    @classmethod
    def steady(cls, badness: int) -> "Memory":
        """As if it had always been so: what was not known before is no change."""
        return cls(sum(badness << BITS * place for place in range(MAX_WINDOW)))

    def after(self, badness: int, at: datetime | None = None) -> "Memory":
        """With one more result; 0 is good, 1 slow, 2 down. `at`: when it came, if it is to be remembered."""
        bits = (self.bits << BITS | badness) & MASK
        times = self.bad_at if at is None else (*self.bad_at, at)[-MAX_WINDOW:]
        return replace(self, bits=bits, bad_at=times)

    def bad(self, limits: Limits, least: int = 1) -> int:
        """How many of the window were at least this bad."""
        return sum(self._are_bad(limits, least))

    def weight(self, limits: Limits, least: int = 1) -> int:
        """What the changes of the window weigh, between results that are at least this bad and others.

        In units of which `Limits.whole` is all: 0.8 for the oldest to 1.2 for the newest, times a constant.
        """
        base = 2 * (limits.window - 2)
        newest_first = enumerate(self._changes(limits, least))
        return sum(base + (limits.window - 2 - age) for age, is_change in newest_first if is_change)

    def share(self, limits: Limits, least: int = 1) -> float:
        """The same from 0 to 1."""
        return self.weight(limits, least) / limits.whole if limits.count else 0.0

    def since(self, limits: Limits, healthy_at: datetime | None) -> datetime | None:
        """The first bad result of the window that came after this; None when there is none."""
        times = self.bad_at[-self.bad(limits) :] if self.bad(limits) else ()
        return next((at for at in times if healthy_at is None or at >= healthy_at), None)

    def found(self, limits: Limits, *, is_confirmed: bool = False) -> Kind:
        """What the window shows, regardless of the previous state.

        `is_confirmed`: a row has just been confirmed. Then rows are not too short to be confirmed, and it
        takes half of all changes whatever `confirm_down` is.
        """
        if not limits.count:
            return Kind.STEADY
        row = ENTER if is_confirmed else limits.row
        for kind, least in ((Kind.FAILING, DOWN), (Kind.SLOW, 1)):
            if (
                self.bad(limits, least) >= limits.count
                and sum(self._changes(limits, least)) >= MIN_CHANGES
                and self.weight(limits, least) * row >= limits.whole
            ):
                return kind
        return Kind.STEADY

    def is_quiet(self, limits: Limits) -> bool:
        """Whether so few changes are left that it counts as steady again."""
        row = limits.row * LEAVE // ENTER
        return all(self.weight(limits, least) * row < limits.whole for least in (1, DOWN))

    def _are_bad(self, limits: Limits, least: int) -> list[bool]:
        """By result, newest first."""
        return [(self.bits >> BITS * place & DIGIT) >= least for place in range(limits.window)]

    def _changes(self, limits: Limits, least: int) -> list[bool]:
        """Whether there is a change between each result and the one before it, newest first."""
        bad = self._are_bad(limits, least)
        return [newer != older for newer, older in pairwise(bad)]
