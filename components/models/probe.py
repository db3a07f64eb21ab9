"""The standing order to look at something, what it thinks, and each change of mind.

A probe is also its own queue: `next_slot` says when it is due, a claim leases
one slot to one worker, and a claim whose lease ran out is simply claimed again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection, models, transaction
from django.db.models import Case, F, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Least
from django.utils import timezone

from components import egress, health, schedule
from components.egress import Door
from components.models.component import Component, status_of
from components.models.lines import LineField
from components.models.page import Page
from components.models.pointed import Pointed
from components.models.public_id import PublicIdField
from components.outcomes import Expectation, Outcome
from components.probers import PROBERS, InvalidProbe
from components.probers.base import refuse_private
from components.status import Status

SHORTEST_INTERVAL_S = 5
LONGEST_INTERVAL_S = 86_400
LONGEST_TIMEOUT_S = 60
SPARE_S = 60  # for an interval or a timeout that is none
LEASE_SLACK_S = 10  # beyond the deadline: time in the queue, and the write at the end
CRASHES_BEFORE_REST = 3  # a probe that takes its worker down three times rests an hour
REST_S = 3600
LOOKS_APART_S = 2  # how often staff may ask for a check at once
DOWN_STATUSES = (Status.MAJOR_OUTAGE, Status.PARTIAL_OUTAGE, Status.DEGRADED_PERFORMANCE)


def kinds() -> list[tuple[str, str]]:
    """The kinds there are; called when a form asks, so a new kind needs no migration."""
    return [(kind, prober.label) for kind, prober in PROBERS.items()]


@dataclass(frozen=True, slots=True)
class Claim:
    """One slot of one probe, leased to whoever holds the token."""

    probe_id: int
    slot: int
    token: int
    region: str


class ProbeManager(models.Manager["Probe"]):
    def claim_due(self, now: int) -> list[Claim]:
        """Lease every due slot, in one statement: two ticks at once claim nothing twice.

        `now` is seconds since 1970. A claim whose worker died is due again when
        its lease ends. Missed slots are not caught up: the newest is run now, then the grid.
        """
        with connection.cursor() as cursor:
            terms = {"slack": LEASE_SLACK_S, "crashes": CRASHES_BEFORE_REST, "rest": now - REST_S}
            cursor.execute(CLAIM, {"now": now, **terms})
            return [Claim(*row) for row in cursor.fetchall()]

    def begin(self, claims: list[Claim]) -> list["Probe"]:
        """The probes of these claims that are still ours, each counted as one more attempt."""
        tokens = {claim.probe_id: claim.token for claim in claims}
        with transaction.atomic():
            held = [
                probe
                for probe in self.select_for_update().filter(pk__in=tokens).order_by("pk")
                if probe.lease_token == tokens[probe.pk] and probe.claimed_slot is not None
            ]
            self.filter(pk__in=[probe.pk for probe in held]).update(attempts=F("attempts") + 1)
        return held

    def silent(self, now: datetime) -> list["Probe"]:
        """The probes that said something once, and nothing for so long that we no longer know."""
        known = self.exclude(outcome=Outcome.UNKNOWN).filter(is_paused=False, heard_s__isnull=False)
        return list(known.filter(heard_s__lte=int(now.timestamp()) - patience()))

    def set_back(self, now: datetime, back: timedelta) -> None:
        """The clock was put back: what was heard later than now was heard by the old time."""
        ahead = self.filter(heard_s__gt=int(now.timestamp()))
        ahead.update(heard_s=F("heard_s") - int(back.total_seconds()))

    def save_from_target(
        self, kind: str, target: str, options: Mapping[str, Any], name: str, **settings: Any
    ) -> "Probe":
        """Make a component with one probe, at the end of the page. Raises ValidationError."""
        with transaction.atomic():
            last = Component.objects.aggregate(last=models.Max("position"))["last"] or 0
            component = Component(name=name, position=last + 1)
            component.full_clean()
            component.save()
            probe = Probe(component=component, kind=kind, target=target, options=dict(options), **settings)
            probe.full_clean()
            probe.save()
        return probe


def patience() -> Combinable:
    """`health.Rule.silence` of a row, in seconds."""
    longest = int(health.LONGEST_WAIT.total_seconds())
    is_one = models.Q(interval_s__range=(1, LONGEST_INTERVAL_S))
    interval = Case(When(is_one, then=F("interval_s")), default=Value(SPARE_S))
    wait = Least(health.MISSING * interval, Value(longest))
    return Coalesce(F("heard_for_s"), interval, output_field=models.BigIntegerField()) + wait


# A row that no form can make, but a hand in the database can, hurts itself alone: it is claimed at a pace
# of its own, and then told apart (Probe.fault).
CLAIM = """
UPDATE components_probe SET
  claimed_slot = COALESCE(claimed_slot, CASE
    WHEN next_slot = 0 OR next_slot > %(now)s THEN %(now)s
    WHEN next_slot < %(now)s - (%(now)s - phase_s) %% {interval}
      THEN %(now)s - (%(now)s - phase_s) %% {interval}
    ELSE next_slot END),
  next_slot = %(now)s + {interval} - (%(now)s - phase_s) %% {interval},
  lease_until = %(now)s + {timeout} + %(slack)s,
  lease_token = lease_token + 1
WHERE NOT is_paused
  AND (
    (claimed_slot IS NULL AND next_slot <= %(now)s)
    OR (claimed_slot IS NOT NULL AND lease_until < %(now)s)
    -- a clock that went back: nothing may be due further away than it was ever set
    OR (claimed_slot IS NULL AND next_slot > %(now)s + {interval})
    OR (claimed_slot IS NOT NULL AND lease_until > %(now)s + {timeout} + %(slack)s)
  )
  AND (attempts < %(crashes)s OR lease_until < %(rest)s)
RETURNING id, claimed_slot, lease_token, region
""".format(
    interval=f"(CASE WHEN interval_s BETWEEN 1 AND {LONGEST_INTERVAL_S} THEN interval_s ELSE {SPARE_S} END)",
    timeout=f"(CASE WHEN timeout_s BETWEEN 1 AND {LONGEST_TIMEOUT_S} THEN timeout_s ELSE {SPARE_S} END)",
)


class Probe(Pointed):
    """Look here, this often, call this healthy."""

    public_id = PublicIdField()
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="probes")
    name = LineField(
        max_length=120, blank=True, help_text="Customers read it where an incident shows what the probes saw."
    )
    kind = models.CharField(max_length=20, choices=kinds)
    target = models.CharField(max_length=2000)
    options = models.JSONField(default=dict, blank=True)
    interval_s = models.IntegerField(
        "interval (s)",
        default=60,
        validators=[
            MinValueValidator(SHORTEST_INTERVAL_S, "Check at most every 5 seconds."),
            MaxValueValidator(LONGEST_INTERVAL_S, "Check at least once a day (86400 seconds)."),
        ],
    )
    timeout_s = models.IntegerField(
        "timeout (s)",
        default=10,
        validators=[
            MinValueValidator(1, "Give it at least 1 second."),
            MaxValueValidator(LONGEST_TIMEOUT_S, "Give it at most 60 seconds."),
        ],
        help_text="One deadline for all of it, looking up the name and reading the answer included.",
    )
    retry_s = models.IntegerField(
        "retry (s)",
        default=5,
        validators=[
            MinValueValidator(1, "Wait at least 1 second."),
            MaxValueValidator(600, "Wait at most 600 seconds."),
        ],
        help_text="How soon a surprising result is checked again.",
    )
    latency_limit_ms = models.PositiveIntegerField(
        "slow above (ms)", null=True, blank=True, help_text="Slower answers count as degraded."
    )
    least_days_left = models.PositiveIntegerField(
        "certificate days",
        null=True,
        blank=True,
        help_text="A certificate that ends sooner counts as degraded.",
    )
    confirm_down = models.PositiveSmallIntegerField(
        default=2, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    confirm_up = models.PositiveSmallIntegerField(
        default=2, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    down_status = models.CharField(
        "when down, show",
        max_length=25,
        choices=[(status.value, status.label) for status in DOWN_STATUSES],
        default=Status.MAJOR_OUTAGE,
    )
    region = LineField(max_length=40, default="local")
    is_paused = models.BooleanField("paused", default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    # The queue
    phase_s = models.IntegerField(default=0, editable=False)
    next_slot = models.BigIntegerField(default=0, editable=False)
    claimed_slot = models.BigIntegerField(null=True, editable=False)
    lease_until = models.BigIntegerField(default=0, editable=False)
    lease_token = models.BigIntegerField(default=0, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)

    # What it thinks (components.health.State)
    outcome = models.CharField(max_length=10, default=Outcome.UNKNOWN, editable=False)
    since = models.DateTimeField(null=True, editable=False)
    heard_s = models.BigIntegerField(null=True, editable=False)  # the newest result, in seconds
    # How long it holds, where that is not the interval: the interval has changed since
    heard_for_s = models.BigIntegerField(null=True, editable=False)
    run = models.JSONField(default=list, editable=False)
    objects = ProbeManager()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name or f"{self.kind} {self.shown_target}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Take a place in the interval. A new probe is due at once; one that looks elsewhere begins anew."""
        columns = kwargs.get("update_fields")
        if self.pk is None:
            self.passed_at = None  # a copy has proved nothing yet
        else:
            if columns is None or "interval_s" in columns:
                self._keep_the_past(int(timezone.now().timestamp()))
                columns = None if columns is None else {*columns, "heard_for_s"}
            if columns is None or {"kind", "target", "options"} & set(columns):
                columns = self._follow_its_target(columns)
            kwargs["update_fields"] = columns
        super().save(*args, **kwargs)
        place = schedule.place(self.pk, self.interval_s)
        if place != self.phase_s:
            self.phase_s = place
            Probe.objects.filter(pk=self.pk).update(phase_s=place)

    def _keep_the_past(self, now: int) -> None:
        """A new interval counts from now on: what was heard before was heard by the old one.

        A result that still holds will hold for one interval more; one that no longer
        does stays as old as it was.
        """
        columns = ("interval_s", "heard_s", "heard_for_s")
        row = Probe.objects.filter(pk=self.pk).values(*columns).first()
        if row is None or row["heard_s"] is None or row["interval_s"] == self.interval_s:
            return
        held_for = row["interval_s"] if row["heard_for_s"] is None else row["heard_for_s"]
        until = row["heard_s"] + held_for
        self.heard_for_s = (now + self.interval_s if now <= until else until) - row["heard_s"]

    def clean(self) -> None:
        """Refuse what cannot be checked, naming the field. Raises ValidationError."""
        if self.kind not in PROBERS:
            return  # the field itself says so
        if self.timeout_s and self.interval_s and self.timeout_s > self.interval_s:
            raise ValidationError({"timeout_s": "The timeout is longer than the interval: shorten it."})
        prober = PROBERS[self.kind]
        try:
            order = prober.parse(self.target, self.options)
            refuse_private(prober.address(order), egress.through(Door.PROBES))
        except InvalidProbe as refused:
            if refused.field == "target":
                raise ValidationError({"target": refused.sentence}) from refused
            sentence = ValidationError(f"{refused.field}: {refused.sentence}", code=refused.field)
            raise ValidationError({"options": sentence}) from refused

    @property
    def fault(self) -> str:
        """Why this row cannot be run at all; empty for every probe that a form has saved."""
        if self.kind not in PROBERS:
            return f"There is no kind of probe named “{self.kind}”: choose another."
        if not isinstance(self.options, dict):
            return "Its options are not a list of names and values: save it again."
        if not _is_one(self.interval_s):
            return f"Its interval of {self.interval_s} s is out of bounds: change it."
        if not 1 <= self.timeout_s <= LONGEST_TIMEOUT_S:
            return f"Its timeout of {self.timeout_s} s is out of bounds: change it."
        if self.retry_s < 1:
            return f"Its retry of {self.retry_s} s is out of bounds: change it."
        return ""

    def order(self) -> Any:
        """What its prober is to do. Raises InvalidProbe, with a sentence for staff."""
        if self.fault:
            raise InvalidProbe("options", self.fault)
        try:
            return PROBERS[self.kind].parse(self.target, self.options)
        except InvalidProbe:
            raise
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            sentence = f"Its options cannot be read ({type(error).__name__}): save it again."
            raise InvalidProbe("options", sentence) from error

    @property
    def refusal(self) -> str:
        """Why it cannot be run, in a sentence for staff; empty if it can."""
        try:
            self.order()
        except InvalidProbe as invalid:
            return invalid.sentence
        return ""

    def look_now(self, now: int) -> bool:
        """Be due at once. False when a check is due or under way already, or came in the last two seconds.

        `now` is seconds since 1970. The place in the interval stays as it is.
        """
        idle = Probe.objects.filter(pk=self.pk, is_paused=False, claimed_slot=None, next_slot__gt=now)
        rested = idle.filter(models.Q(heard_s=None) | models.Q(heard_s__lte=now - LOOKS_APART_S))
        return rested.update(next_slot=now) == 1

    def pause(self, at: datetime) -> None:
        """Look no more. Its component shows what the others say, or that nobody knows."""
        self._change(at, is_paused=True)

    def resume(self, at: datetime) -> None:
        """Look again, at once. What it thought before the pause is old: it begins anew."""
        self._change(
            at, is_paused=False, next_slot=0, attempts=0, outcome=Outcome.UNKNOWN, since=None, heard_s=None,
            heard_for_s=None, run=[],
        )  # fmt: skip

    def _change(self, at: datetime, **columns: Any) -> None:
        with transaction.atomic():
            Page.objects.hold()
            Probe.objects.filter(pk=self.pk).update(**columns)
            Component.objects.get(pk=self.component_id).refresh(at)  # which rings if customers see it
            Page.objects.turn(is_public=False)

    @property
    def status(self) -> Status:
        """What it thinks, in the public's words. One that never passed a check knows of no outage."""
        if self.is_unproven:
            return Status.UNKNOWN
        return status_of(Outcome(self.outcome), self.when_down)

    @property
    def when_down(self) -> Status:
        """What its component shows when it is down."""
        known = self.down_status in DOWN_STATUSES
        return Status(self.down_status) if known else Status.MAJOR_OUTAGE

    @property
    def named_options(self) -> dict[str, Any]:
        """Its options by name; none where the row holds something else."""
        return self.options if isinstance(self.options, dict) else {}

    @property
    def heard_at(self) -> datetime | None:
        """The newest result; None before the first."""
        return None if self.heard_s is None else datetime.fromtimestamp(self.heard_s, UTC)

    def is_silent(self, at: datetime) -> bool:
        """Whether it said something once, and nothing for so long that we no longer know."""
        return self.heard_at is not None and at - self.heard_at >= self.rule.silence

    @property
    def holds_until(self) -> datetime | None:
        """Until when the newest result speaks for the target; None before the first."""
        return None if self.heard_at is None else self.heard_at + self.rule.known_for

    @property
    def expectation(self) -> Expectation:
        """What is still healthy."""
        is_hearsay = self.named_options.get("unread") == "unknown"
        return Expectation(self.latency_limit_ms, self.least_days_left, is_hearsay)

    @property
    def rule(self) -> health.Rule:
        """How sure is sure enough."""
        holds = None if self.heard_for_s is None else timedelta(seconds=self.heard_for_s)
        interval = timedelta(seconds=self.interval_s if _is_one(self.interval_s) else SPARE_S)
        return health.Rule(interval, max(1, self.confirm_down), max(1, self.confirm_up), holds)

    @property
    def state(self) -> health.State:
        """What it thinks, as a value."""
        run = tuple((Outcome(o), datetime.fromtimestamp(at, UTC)) for o, at in self.run)
        return health.State(Outcome(self.outcome), self.since, self.heard_at, run)

    def hear(self, outcome: Outcome, at: datetime, *, why: str = "", failure: str = "") -> "Flip | None":
        """Take in one outcome; the flip it brought about, if any. The caller holds the row."""
        self._note_passed(outcome, at)
        state, turn = health.step(self.state, outcome, at, self.rule)
        if state == self.state:
            return None
        if state.heard_at != self.heard_at:
            self.heard_for_s = None
        self._keep(state)
        if turn is None:
            return None
        return Flip.objects.create(
            probe=self,
            old=turn.old,
            new=turn.new,
            at=turn.at,
            noticed_at=turn.noticed_at,
            why=why[:300],
            failure=failure,
        )

    def _keep(self, state: health.State) -> None:
        self.outcome = state.outcome
        self.since = state.since
        self.heard_s = None if state.heard_at is None else int(state.heard_at.timestamp())
        self.run = [[outcome.value, at.timestamp()] for outcome, at in state.run]
        self.save(update_fields=["outcome", "since", "heard_s", "heard_for_s", "run", "passed_at"])


def _is_one(interval_s: int) -> bool:
    return 1 <= interval_s <= LONGEST_INTERVAL_S


class Flip(models.Model):
    """A probe changed its mind. Rows are never changed."""

    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="flips")
    old = models.CharField(max_length=10)
    new = models.CharField(max_length=10)
    at = models.DateTimeField()  # the first result that said so
    noticed_at = models.DateTimeField()
    why = models.CharField(max_length=300, blank=True)
    failure = models.CharField(max_length=24, blank=True)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("probe", "at")),)

    def __str__(self) -> str:
        return f"{self.probe_id}: {self.old} -> {self.new}"
