"""Acts: one row for each call of a recovery hook, written before the call is made."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Count, F, Q

from components.models import Component
from incidents.models.hook import Action, Hook
from incidents.models.incident import Incident

MAX_EXCERPT_LENGTH = 500
MAX_SHOWN = 20  # acts on the page of an incident or a hook


class ActState(models.TextChoices):
    """Where an act is. `interrupted`: we ended during the call, so what came of it is not known."""

    PROPOSED = "proposed", "Waiting for approval"
    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Refused"
    DROPPED = "dropped", "Dropped"
    STARTED = "started", "Being called"
    ANSWERED = "answered", "Answered"
    FAILED = "failed", "Failed"
    TIMED_OUT = "timed_out", "Timed out"
    INTERRUPTED = "interrupted", "Interrupted"
    DRY = "dry", "Dry run"


class Helped(models.TextChoices):
    """What the probes said after the settling time."""

    YES = "yes", "It helped"
    NO = "no", "It did not help"
    UNKNOWN = "unknown", "Not known whether it helped"


CALLED = (ActState.ANSWERED, ActState.FAILED, ActState.TIMED_OUT, ActState.INTERRUPTED)


def new_key() -> str:
    """A fresh idempotency key, which is the `webhook-id` of the call."""
    return f"act_{secrets.token_hex(12)}"


class ActManager(models.Manager["Act"]):
    def of(self, incident: Incident) -> models.QuerySet["Act"]:
        """Those of this incident, and of incidents that were merged into it."""
        return self.filter(Q(incident=incident) | Q(incident__merged_into=incident))

    def prune(self, now: datetime) -> int:
        """Delete acts past their keep that no page shows any more; how many. Timelines are not touched.

        An incident keeps its newest MAX_SHOWN for as long as it is there, and while it is open also what a
        person refused, which is not proposed again.
        """
        before = now - timedelta(days=settings.HOOKS_ACT_RETENTION_DAYS)
        old = self.filter(is_open=False, created_at__lt=before)
        deleted, _ = old.filter(incident__deleted_at__lt=before).delete()
        counted = (
            old.order_by().values("incident").annotate(count=Count("pk")).values_list("incident", flat=True)
        )
        for incident in list(counted):
            newest = self.filter(incident=incident).order_by("-pk").values_list("pk", flat=True)
            last = newest[MAX_SHOWN - 1 : MAX_SHOWN].first()
            rest = old.filter(incident=incident, pk__lt=last or 0)
            deleted += rest.exclude(state=ActState.REFUSED, incident__resolved_at=None).delete()[0]
        return deleted

    def set_back(self, now: datetime, back: timedelta) -> None:
        """After the clock was put back by `back`: move what lies in the future back as well."""
        for name in ("approved_at", "started_at", "ends_at", "finished_at", "judge_at", "give_up_at"):
            self.filter(**{f"{name}__gt": now}).update(**{name: F(name) - back})


class Act(models.Model):
    """`key` names this one call for ever: it is sent at most once.

    `is_open` from the proposal until the probes have said whether it helped; an incident has one at most.
    `is_automatic`: nobody pressed a button for it, so it counts against the budget and the brake.
    """

    key = models.CharField(max_length=40, unique=True, default=new_key, editable=False)
    hook = models.ForeignKey(Hook, null=True, on_delete=models.SET_NULL, related_name="acts")
    hook_name = models.CharField(max_length=80)
    action = models.CharField(max_length=10, choices=Action)
    target = models.CharField(max_length=500, db_index=True)
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="acts")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="acts")
    state = models.CharField(max_length=12, choices=ActState, default=ActState.PROPOSED)
    is_open = models.BooleanField(default=True)
    is_automatic = models.BooleanField(default=True)
    is_dry = models.BooleanField(default=False)
    failure = models.CharField(max_length=24, blank=True)
    causes = models.JSONField(default=list)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True, db_index=True)
    ends_at = models.DateTimeField(null=True)  # past this moment whoever made the call is gone
    finished_at = models.DateTimeField(null=True)
    took_ms = models.PositiveIntegerField(null=True)
    answer_status = models.PositiveSmallIntegerField(null=True)
    answer_excerpt = models.CharField(max_length=MAX_EXCERPT_LENGTH, blank=True)
    why = models.CharField(max_length=300, blank=True)  # it failed, or was dropped
    judge_at = models.DateTimeField(null=True)  # the settling time is over
    give_up_at = models.DateTimeField(null=True)  # no check has said anything until then: not known
    helped = models.CharField(max_length=8, choices=Helped, blank=True)
    judged_at = models.DateTimeField(null=True)

    objects = ActManager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("incident",), condition=Q(is_open=True), name="one_open_act_per_incident"
            ),
        )

    def __str__(self) -> str:
        return f"{self.key} {self.state}"

    @property
    def is_proposed(self) -> bool:
        """Whether a person is to decide."""
        return self.state == ActState.PROPOSED
