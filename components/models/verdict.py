"""A probe's verdict as columns, and how a result changes it (`components.health`)."""

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, F, Value, When

from components import event_log, health
from components.models.claims import MAX_INTERVAL_S, SPARE_S
from components.models.flip import Flip
from components.models.pointed import Pointed
from components.outcomes import Outcome
from components.unsteady import BITS, DOWN, HISTORY, MASK, MAX_WINDOW, ON_AND_OFF, Kind, Limits, Memory

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from components.models.probe import Probe

KEPT = ("outcome", "since", "heard_s", "heard_for_s", "run", "passed_at", "recent", "recent_bad", "unsteady")
# One more result like the verdict in `recent`, for the rows of a whole batch at once.
ALIKE = Case(
    When(outcome=Outcome.DOWN, then=Value(health.BADNESS[Outcome.DOWN])),
    When(outcome=Outcome.DEGRADED, then=Value(health.BADNESS[Outcome.DEGRADED])),
    default=Value(0),
)
ONE_MORE_ALIKE = F("recent").bitleftshift(BITS).bitand(MASK).bitor(cast("Any", ALIKE))


class Verdict(Pointed):
    """The part of `Probe` that judges results."""

    interval_s: Any

    confirm_down = models.PositiveSmallIntegerField(
        default=2, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    confirm_up = models.PositiveSmallIntegerField(
        default=2, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    unsteady_count = models.PositiveSmallIntegerField(
        "bad checks, at least", default=3, db_default=3, blank=True,
        validators=[MaxValueValidator(15, "Use at most 15 bad checks.")],
        help_text="For services that fail on and off: with at least this many bad checks, and results that "
        "keep changing, it is degraded, and failed ones open one incident. Must be more than “confirm "
        "down”. 0: only checks in a row count.",
    )  # fmt: skip
    unsteady_window = models.PositiveSmallIntegerField(
        "of the last checks", default=HISTORY, db_default=HISTORY, blank=True,
        validators=[
            MinValueValidator(2, "Use at least the last 2 checks."),
            MaxValueValidator(MAX_WINDOW, "Use at most the last 30 checks."),
        ],
        help_text="It fails on and off when half of the possible changes between these are there, until less "
        "than a quarter is left. The newest count most.",
    )  # fmt: skip

    # What it thinks (components.health.State)
    outcome = models.CharField(max_length=10, default=Outcome.UNKNOWN, editable=False)
    since = models.DateTimeField(null=True, editable=False)
    heard_s = models.BigIntegerField(null=True, editable=False)  # the newest result, in seconds
    # How long it holds, where that is not the interval: the interval has changed since
    heard_for_s = models.BigIntegerField(null=True, editable=False)
    run = models.JSONField(default=list, editable=False)
    # components.unsteady.Memory: the last results in bits, when the bad ones came, and what they make of it
    recent = models.BigIntegerField(default=0, db_default=0, editable=False)
    recent_bad = models.JSONField(default=list, db_default=Value([], models.JSONField()), editable=False)
    unsteady = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)

    class Meta(Pointed.Meta):
        abstract = True

    @property
    def heard_at(self) -> datetime | None:
        """The newest result; None before the first, and for a time that is none."""
        try:
            return None if self.heard_s is None else datetime.fromtimestamp(self.heard_s, UTC)
        except (OverflowError, ValueError, OSError):
            return None

    def is_silent(self, at: datetime) -> bool:
        """Whether its last result is too old to count (`health.Rule.silence`)."""
        return self.heard_at is not None and at - self.heard_at >= self.rule.silence

    @property
    def holds_until(self) -> datetime | None:
        """Until when the newest result speaks for the target; None before the first."""
        return None if self.heard_at is None else self.heard_at + self.rule.known_for

    @property
    def rule(self) -> health.Rule:
        """How many results confirm a change."""
        holds = None if self.heard_for_s is None else timedelta(seconds=self.heard_for_s)
        interval = timedelta(seconds=self.interval_s if is_interval(self.interval_s) else SPARE_S)
        down, up = max(1, self.confirm_down), max(1, self.confirm_up)
        limits = Limits.beside(down, self.unsteady_count, self.unsteady_window)
        return health.Rule(interval, down, up, holds, limits)

    @property
    def state(self) -> health.State:
        """The verdict as a value. An impossible memory (from a manual change) counts as empty."""
        try:
            run = tuple((Outcome(o), datetime.fromtimestamp(at, UTC)) for o, at in self.run)
            bad_at = tuple(datetime.fromtimestamp(at, UTC) for at in self.recent_bad)
            memory = Memory(self.recent, bad_at, Kind(self.unsteady))
            return health.State(Outcome(self.outcome), self.since, self.heard_at, run, memory)
        except (TypeError, ValueError, OverflowError, OSError):
            log.warning("probe.memory_lost id=%s: its stored results cannot be read", self.pk)
            return health.State(heard_at=self.heard_at)

    @property
    def fails_on_and_off(self) -> bool:
        """True while it fails on and off, also after a good result."""
        return self.unsteady == Kind.FAILING

    def hear(self, outcome: Outcome, at: datetime, *, why: str = "", failure: str = "") -> "Flip | None":
        """Record one outcome. Returns the flip it caused, if any. The caller has locked the row."""
        self._note_passed(outcome, at)
        state, turn = health.step(self.state, outcome, at, self.rule)
        if state == self.state:
            return None
        if state.heard_at != self.heard_at:
            self.heard_for_s = None
        self._keep(state)
        if turn is None:
            return None
        if turn.is_failing:
            limits = self.rule.limits
            failed = state.memory.bad(limits, DOWN)
            why = f"{failed} of the last {limits.window} checks failed, on and off. {why}".strip()
        # degraded again after an outage, since it still fails on and off
        is_on_and_off = turn.new is Outcome.DEGRADED and state.memory.kind is Kind.FAILING
        flip = Flip.objects.create(
            probe=cast("Probe", self),
            old=turn.old,
            new=turn.new,
            at=turn.at,
            noticed_at=turn.noticed_at,
            why=why[:300],
            failure=ON_AND_OFF if is_on_and_off else failure,
        )
        if cast("Probe", self).is_self_test:
            return flip  # it fails every few minutes: that is no news
        event_log.record(
            "probe.verdict", id=self.pk, component=flip.probe.component.name, old=flip.old, new=flip.new,
            failure=flip.failure, since=flip.at.isoformat(timespec="seconds"),
        )  # fmt: skip
        return flip

    def _keep(self, state: health.State) -> None:
        self.outcome = state.outcome
        self.since = state.since
        self.heard_s = None if state.heard_at is None else int(state.heard_at.timestamp())
        self.run = [[outcome.value, at.timestamp()] for outcome, at in state.run]
        self.recent, self.unsteady = state.memory.bits, state.memory.kind
        self.recent_bad = [at.timestamp() for at in state.memory.bad_at]
        self.save(update_fields=KEPT)


def is_interval(interval_s: int) -> bool:
    """Whether this is a valid interval, in seconds."""
    return 1 <= interval_s <= MAX_INTERVAL_S
