"""A standing order to check a target: what, how often, and what counts as healthy.

The table is also the queue of checks (`claims.py`); `verdict.py` judges results.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone

from components import egress, schedule
from components.client_certificates import CERTIFICATE, ClientCertificate
from components.egress import Door
from components.models.claims import MAX_INTERVAL_S, MAX_TIMEOUT_S, ClaimManager
from components.models.component import Component, status_of
from components.models.inbox import Inbox
from components.models.lines import LineField
from components.models.page import Page
from components.models.pointed import POINT
from components.models.public_id import PublicIdField
from components.models.regional import LOOKS_APART_S, MAX_REGION_LENGTH, Regional
from components.models.sealing import Sealing
from components.models.showing import Showing
from components.models.verdict import Verdict, is_interval
from components.outcomes import Expectation, Outcome
from components.passive.hearing import Heard
from components.probers import EVERY_PROBER, PROBERS, InvalidProbeError, Passive, is_passive
from components.probers.base import refuse_private, refuse_short, refuse_untried
from components.probers.self_test import KIND as SELF_TEST
from components.status import Status

MIN_INTERVAL_S = 5
DOWN_STATUSES = (Status.MAJOR_OUTAGE, Status.PARTIAL_OUTAGE, Status.DEGRADED_PERFORMANCE)


def kinds() -> list[tuple[str, str]]:
    """The kinds there are; called when a form asks, so a new kind needs no migration."""
    return [(kind, prober.label) for kind, prober in PROBERS.items()]


class ProbeManager(ClaimManager):
    """The probes that staff know of, as a queue, and a short way to a first probe."""

    def get_queryset(self) -> models.QuerySet["Probe"]:
        """All but the self-test's."""
        return super().get_queryset().exclude(kind=SELF_TEST)

    def save_from_target(
        self,
        kind: str,
        target: str,
        options: Mapping[str, Any],
        name: str,
        *,
        shown: ClientCertificate | None = None,
        **settings: Any,
    ) -> "Probe":
        """Make a component with one probe, at the end of the page.

        Raises ValidationError, InvalidProbeError.
        """
        with transaction.atomic():
            last = Component.objects.aggregate(last=models.Max("position"))["last"] or 0
            component = Component(name=name, position=last + 1)
            component.full_clean()
            component.save()
            probe = Probe(component=component, kind=kind, target=target, options=dict(options), **settings)
            if shown is not None:
                probe.keep_certificate(shown, PROBERS[kind].parse(target, options))
            probe.full_clean()
            probe.save()
        return probe


class Probe(Showing, Sealing, Regional, Verdict):
    """A target, how often to check it, and what counts as healthy."""

    public_id = PublicIdField()
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="probes")
    name = LineField(
        max_length=120, blank=True, help_text="Shown to customers where an incident shows probe results."
    )
    kind = models.CharField(max_length=20, choices=kinds)
    target = models.CharField(max_length=2000)
    options = models.JSONField(default=dict, blank=True)
    interval_s = models.IntegerField(
        "interval (s)",
        default=60,
        validators=[
            MinValueValidator(MIN_INTERVAL_S, "Check at most every 5 seconds."),
            MaxValueValidator(MAX_INTERVAL_S, "Check at least once a day (86400 seconds)."),
        ],
    )
    timeout_s = models.IntegerField(
        "timeout (s)",
        default=10,
        validators=[
            MinValueValidator(1, "Use at least 1 second."),
            MaxValueValidator(MAX_TIMEOUT_S, "Use at most 60 seconds."),
        ],
        help_text="For the whole check, from the DNS lookup to the end of the response.",
    )
    retry_s = models.IntegerField(
        "retry (s)",
        default=5,
        validators=[
            MinValueValidator(1, "Wait at least 1 second."),
            MaxValueValidator(600, "Wait at most 600 seconds."),
        ],
        help_text="How soon an unexpected result is rechecked.",
    )
    latency_limit_ms = models.PositiveIntegerField(
        "slow above (ms)", null=True, blank=True, help_text="Slower responses count as degraded."
    )
    least_days_left = models.PositiveIntegerField(
        "certificate days",
        null=True,
        blank=True,
        help_text="A certificate that expires sooner counts as degraded.",
    )
    down_status = models.CharField(
        "when down, show",
        max_length=25,
        choices=[(status.value, status.label) for status in DOWN_STATUSES],
        default=Status.MAJOR_OUTAGE,
    )
    region = LineField(max_length=MAX_REGION_LENGTH, default="local")
    is_paused = models.BooleanField("paused", default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    # The version that the last good response named or its ETag (`components.versions`); empty without one
    last_version = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)

    # The queue
    phase_s = models.IntegerField(default=0, editable=False)
    next_slot = models.BigIntegerField(default=0, editable=False)
    claimed_slot = models.BigIntegerField(null=True, editable=False)
    lease_until = models.BigIntegerField(default=0, editable=False)
    lease_token = models.BigIntegerField(default=0, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)

    objects = ProbeManager()
    queue = ClaimManager()  # the self-test's as well

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name or f"{self.kind} {self.shown_target}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, with a slot in the interval. A new probe is due at once; a new target resets the verdict."""
        columns = kwargs.get("update_fields")
        is_pointed = columns is None or bool(POINT & set(columns))
        if is_pointed:
            self._seal_options()
        if self.pk is None:
            self.passed_at = None  # a copy has proved nothing yet
        else:
            if columns is None or "interval_s" in columns:
                self._keep_the_past(int(timezone.now().timestamp()))
                columns = None if columns is None else {*columns, "heard_for_s"}
            if columns is None or {"component", "component_id"} & set(columns):
                columns = self._begin_where_it_came(int(timezone.now().timestamp()), columns)
            if columns is None or POINT & set(columns):
                columns = self._forget_where_none_is_shown(columns)
                columns = self._follow_its_target(columns)
            kwargs["update_fields"] = columns
        super().save(*args, **kwargs)
        # all regions look in the same second, so that what they see can be compared
        place = schedule.place(self.main_id_or_own, self.interval_s)
        if place != self.phase_s:
            self.phase_s = place
            Probe.queue.filter(pk=self.pk).update(phase_s=place)
        self.lead_others(columns)
        if is_pointed and is_passive(self.kind):
            Inbox.objects.ensure(self)

    def _keep_the_past(self, now: int) -> None:
        """Apply a new interval from now on: earlier results count for as long as with the old interval.

        A result that still counts does so for one more interval; one that no longer
        counts stays expired.
        """
        columns = ("interval_s", "heard_s", "heard_for_s")
        row = Probe.objects.filter(pk=self.pk).values(*columns).first()
        if row is None or row["heard_s"] is None or row["interval_s"] == self.interval_s:
            return
        held_for = row["interval_s"] if row["heard_for_s"] is None else row["heard_for_s"]
        until = row["heard_s"] + held_for
        self.heard_for_s = (now + self.interval_s if now <= until else until) - row["heard_s"]

    def _begin_where_it_came(self, now: int, columns: Any) -> Any:
        """After a move to another component: unconfirmed failures and silence must not count for its past."""
        if not Probe.objects.filter(pk=self.pk).exclude(component=self.component_id).exists():
            return columns
        self.run = []
        if not self.unsteady:
            self.recent, self.recent_bad = 0, []
        if self.heard_s is not None:
            self.heard_for_s = max(int(self.rule.known_for.total_seconds()), now - self.heard_s)
        return None if columns is None else {*columns, "run", "recent", "recent_bad", "heard_for_s"}

    def clean(self) -> None:
        """Refuse what cannot be checked, naming the field. Raises ValidationError."""
        if self.kind not in PROBERS:
            return  # the field itself says so
        is_timed = self.timeout_s and self.interval_s and not self.is_passive
        if is_timed and self.timeout_s > self.interval_s:
            raise ValidationError({"timeout_s": "The timeout is longer than the interval: shorten it."})
        if self.unsteady_count and self.unsteady_window and self.unsteady_count > self.unsteady_window:
            raise ValidationError(
                {"unsteady_count": "This is more than the number of last checks: use a lower number."}
            )
        prober = PROBERS[self.kind]
        try:
            order = self.parsed()
            self._refuse_weaker(order)
            way = egress.through(Door.PROBES)
            refuse_private(prober.address(order), way)
            self.refuse_elsewhere(order)
            refuse_short(order, self.timeout_s or MAX_TIMEOUT_S)  # none: the field itself says so
            if self.region == settings.REGION:  # what cannot be tried from here: another region may
                refuse_untried(prober, order, way)
            if isinstance(prober, Passive):
                prober.refuse_at_save(order)
        except InvalidProbeError as refused:
            if refused.field in ("target", "timeout_s", CERTIFICATE):
                raise ValidationError({refused.field: refused.sentence}) from refused
            sentence = ValidationError(f"{refused.field}: {refused.sentence}", code=refused.field)
            raise ValidationError({"options": sentence}) from refused

    @property
    def fault(self) -> str:
        """Why this row cannot be run at all; empty for every probe that a form has saved."""
        if self.kind not in EVERY_PROBER:
            return f"There is no probe kind “{self.kind}”: choose another."
        if not isinstance(self.options, dict):
            return "Its options are not a list of names and values: save it again."
        if not is_interval(self.interval_s):
            return f"Its interval of {self.interval_s} s is out of range: change it."
        if not 1 <= self.timeout_s <= MAX_TIMEOUT_S:
            return f"Its timeout of {self.timeout_s} s is out of range: change it."
        if self.retry_s < 1:
            return f"Its retry of {self.retry_s} s is out of range: change it."
        return ""

    def order(self, heard: Heard | None = None) -> Any:
        """The order for its prober; a passive one is judged by `heard`.

        Raises InvalidProbeError, with a sentence for staff.
        """
        if self.fault:
            raise InvalidProbeError("options", self.fault)
        try:
            order = self.parsed()
        except InvalidProbeError:
            raise
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            sentence = f"Its options cannot be read ({type(error).__name__}): save it again."
            raise InvalidProbeError("options", sentence) from error
        prober = EVERY_PROBER[self.kind]
        if isinstance(prober, Passive):
            return prober.informed(order, heard)
        shown = self.shown_to(order)
        return order if shown is None else replace(order, shown=shown)

    @property
    def refusal(self) -> str:
        """Why it cannot be run, in a sentence for staff; empty if it can."""
        try:
            self.order()
        except InvalidProbeError as invalid:
            return invalid.sentence
        return ""

    @property
    def is_self_test(self) -> bool:
        """Whether it checks ourselves: its results concern no component that anyone sees."""
        return self.kind == SELF_TEST

    def look_now(self, now: int) -> bool:
        """Make it due at once. False if a check is due or under way, or came in the last two seconds.

        `now` is seconds since 1970. The place in the interval stays as it is.
        """
        idle = Probe.objects.filter(pk=self.pk, is_paused=False, claimed_slot=None, next_slot__gt=now)
        rested = idle.filter(models.Q(heard_s=None) | models.Q(heard_s__lte=now - LOOKS_APART_S))
        return rested.update(next_slot=now) == 1

    def pause(self, at: datetime) -> None:
        """Stop checking. Its component shows the worst of its other probes, or unknown."""
        self._change(at, is_paused=True)

    def resume(self, at: datetime) -> None:
        """Check again, at once. The verdict from before the pause is out of date and is reset."""
        self._change(
            at, is_paused=False, next_slot=0, attempts=0, outcome=Outcome.UNKNOWN, since=None, heard_s=None,
            heard_for_s=None, run=[], recent=0, recent_bad=[], unsteady=0,
        )  # fmt: skip

    def _change(self, at: datetime, **columns: Any) -> None:
        with transaction.atomic():
            Page.objects.lock()
            self.everywhere.order_by().update(**columns)
            Component.objects.get(pk=self.component_id).refresh(at)  # which rings if customers see it
            Page.objects.bump_version(is_public=False)

    @property
    def is_failing(self) -> bool:
        """Whether it is down, or fails on and off. One that never passed a check knows of no outage."""
        return (self.outcome == Outcome.DOWN or self.fails_on_and_off) and self.passed_at is not None

    @property
    def status(self) -> Status:
        """The public status for its outcome. A probe that never passed a check shows no outage."""
        return Status.UNKNOWN if self.is_unproven else self.said(Outcome(self.outcome))

    def said(self, outcome: Outcome) -> Status:
        """This outcome of it, in the public's words."""
        return status_of(outcome, self.when_down)

    @property
    def when_down(self) -> Status:
        """What its component shows when it is down."""
        is_valid = self.down_status in DOWN_STATUSES
        return Status(self.down_status) if is_valid else Status.MAJOR_OUTAGE

    @property
    def named_options(self) -> dict[str, Any]:
        """Its options by name; none where the row holds something else."""
        return self.options if isinstance(self.options, dict) else {}

    @property
    def expectation(self) -> Expectation:
        """The limits within which a result is healthy."""
        is_indirect = self.kind in PROBERS and PROBERS[self.kind].is_indirect(self.named_options)
        return Expectation(self.latency_limit_ms, self.least_days_left, is_indirect)
