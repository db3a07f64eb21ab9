"""Recovery hooks: a signed HTTP call that is meant to mend a component, and the brake that stops them all."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from components import encryption, event_log, webhook_signature
from components.models import Component
from components.models.lines import LineField
from components.models.public_id import PublicIdField
from incidents.generated_text import duration

MAX_URL_LENGTH = 500
BRAKE_IS_ON = "The global brake is on"
MAX_USELESS = 3  # acts in a row that did not help
OVERLAP = timedelta(hours=24)  # how long an earlier secret signs beside the new one
MAX_OLD_SECRETS = 3


class Action(models.TextChoices):
    """What the receiver is asked to do: a word for people and for the receiver."""

    RESTART = "restart", "Restart"
    DRAIN = "drain", "Drain"
    SCALE = "scale", "Scale"
    SWITCH = "switch", "Switch over"
    OTHER = "other", "Other"


def _between(least: int, most: int) -> list[MinValueValidator | MaxValueValidator]:
    return [
        MinValueValidator(least, f"Use at least {least:,}."),
        MaxValueValidator(most, f"Use at most {most:,}."),
    ]


class HookManager(models.Manager["Hook"]):
    def disarm_all(self, reason: str) -> int:
        """Disarm every armed hook. How many there were."""
        return self.filter(is_armed=True).update(is_armed=False, disarmed_reason=reason[:250])


class Hook(models.Model):
    """What is called, on which failures, and how often at most.

    It acts by itself only while it is armed. `target` is the host and path of its address: the budget is
    counted per target, over all hooks on it.
    """

    public_id = PublicIdField()
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="hooks")
    name = LineField(max_length=80, help_text="As it is called on the timeline: “Restart chat”.")
    action = models.CharField("what it does", max_length=10, choices=Action, default=Action.RESTART)
    url = models.CharField(
        "address", max_length=MAX_URL_LENGTH,
        help_text="A POST goes there, signed by Standard Webhooks. Redirects are not followed.",
    )  # fmt: skip
    target = models.CharField(max_length=MAX_URL_LENGTH, editable=False, db_index=True)
    sealed_secret = models.TextField(editable=False)
    old_secrets = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField()), editable=False
    )  # [sealed, until (s since 1970)], newest first
    failures = models.JSONField(default=list, blank=True)  # of components.outcomes.Failure; empty: all
    causes = models.JSONField(default=list, blank=True)  # of incidents.hooks.causes; empty: all that may be
    budget = models.PositiveSmallIntegerField(
        "automatic calls at most", default=3, validators=_between(1, 100),
        help_text="Within the window below. Counted per host and path, over all hooks on it.",
    )  # fmt: skip
    window_s = models.PositiveIntegerField("window (s)", default=3600, validators=_between(60, 604_800))
    cooldown_s = models.PositiveIntegerField(
        "pause after a call (s)", default=300, validators=_between(0, 86_400),
        help_text="This hook is not called again within this time.",
    )  # fmt: skip
    settle_s = models.PositiveIntegerField(
        "settling time (s)", default=120, validators=_between(0, 3600),
        help_text="How long the component has to come back. Then its probes say whether the call helped.",
    )  # fmt: skip
    deadline_s = models.PositiveSmallIntegerField(
        "deadline (s)", default=10, validators=_between(1, 60),
        help_text="The whole call, from the name lookup to the response.",
    )  # fmt: skip
    is_dry_run = models.BooleanField(
        "dry run", default=False, help_text="Only writes on the timeline that it would have been called."
    )
    needs_approval = models.BooleanField(
        "needs approval", default=False, help_text="Proposes the call on the incident; a person approves it."
    )
    is_announced = models.BooleanField(
        "announced to customers", default=False,
        help_text="The call is a fact on the public timeline, in fixed wording. Otherwise only staff see it.",
    )  # fmt: skip
    is_armed = models.BooleanField("armed", default=False, editable=False)
    disarmed_reason = models.CharField(max_length=250, blank=True, editable=False)  # empty: by staff
    useless = models.PositiveSmallIntegerField(default=0, editable=False)  # automatic acts in a row
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = HookManager()

    class Meta:
        ordering = ("component__position", "id")

    def __str__(self) -> str:
        return self.name

    @property
    def pace(self) -> str:
        """Its budget in words: "3 in 1 h"."""
        return f"{self.budget} in {duration(self.window_s)}"

    @property
    def secret(self) -> str:
        """The signing secret as the receiver keeps it ("whsec_…"). Raises DecryptionError."""
        return encryption.unseal(self.sealed_secret)

    def secrets(self, now: datetime) -> list[str]:
        """Those that sign at `now`, the newest first. Raises DecryptionError if that one cannot be read."""
        keys = [self.secret]
        for sealed, _ in self._still_signing(now):
            with contextlib.suppress(encryption.DecryptionError):  # the receiver has the new one, or will
                keys.append(encryption.unseal(sealed))
        return keys

    def keep_secret(self, secret: str = "") -> None:
        """Seal this secret, or a new one. Not saved."""
        self.sealed_secret = encryption.seal(secret or webhook_signature.new_secret())

    def change_secret(self, now: datetime, secret: str = "") -> None:
        """The same; those before it go on signing for OVERLAP, so that the receiver has time. Not saved."""
        end = (now + OVERLAP).timestamp()
        self.old_secrets = [[self.sealed_secret, end], *self._still_signing(now)][:MAX_OLD_SECRETS]
        self.keep_secret(secret)

    def old_secret_until(self, now: datetime) -> datetime | None:
        """Until when an earlier secret signs as well; None if none does."""
        ends = [end for _, end in self._still_signing(now)]
        return datetime.fromtimestamp(max(ends), UTC) if ends else None

    def _still_signing(self, now: datetime) -> list[list[Any]]:
        return [row for row in self.old_secrets if row[1] > now.timestamp()]

    def arm(self) -> None:
        """Let it act by itself. What went wrong before is forgotten."""
        self.is_armed, self.disarmed_reason, self.useless = True, "", 0
        self.save(update_fields=["is_armed", "disarmed_reason", "useless", "updated_at"])
        event_log.record("hook.armed", id=self.public_id, name=self.name)

    def disarm(self, reason: str = "") -> None:
        """Keep it from acting by itself. `reason`: a sentence, unless staff did it."""
        self.is_armed, self.disarmed_reason = False, reason[:250]
        self.save(update_fields=["is_armed", "disarmed_reason", "updated_at"])
        event_log.record("hook.disarmed", id=self.public_id, name=self.name, reason=reason)


class BrakeManager(models.Manager["Brake"]):
    def engaged(self) -> "Brake | None":
        """The brake while it is on; None while it is off."""
        return self.filter(is_on=True).first()

    def counts_from(self, now: datetime) -> datetime:
        """Since when calls count: the brake's window, but not before a person released it."""
        window = now - timedelta(seconds=settings.HOOKS_BRAKE_S)
        released = self.exclude(released_at=None).order_by("-released_at").first()
        return max(window, released.released_at) if released and released.released_at else window

    def engage(self, calls: int, now: datetime) -> "Brake":
        """Disarm every hook until a person releases the brake. The caller holds the lock of the page."""
        minutes = settings.HOOKS_BRAKE_S / 60
        reason = f"{BRAKE_IS_ON}: {calls} automatic calls in {minutes:g} min."
        brake = self.engaged() or self.create(engaged_at=now, reason=reason)
        count = Hook.objects.disarm_all(reason)
        event_log.record("hook.brake_engaged", calls=calls, disarmed=count)
        return brake


class Brake(models.Model):
    """One row each time the global brake went on: too many automatic calls over all hooks."""

    is_on = models.BooleanField(default=True)
    engaged_at = models.DateTimeField()
    reason = models.CharField(max_length=250)
    released_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=150, blank=True)

    objects = BrakeManager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("is_on",), condition=Q(is_on=True), name="one_brake_at_a_time"),
        )

    def __str__(self) -> str:
        return self.reason

    def release(self, now: datetime, *, by: str) -> None:
        """Take the brake off. The hooks stay disarmed until a person arms them."""
        self.is_on, self.released_at, self.released_by = False, now, by[:150]
        self.save(update_fields=["is_on", "released_at", "released_by"])
        event_log.record("hook.brake_released", by=by)
