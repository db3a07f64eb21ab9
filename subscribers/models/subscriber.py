"""A subscriber: address, choices, and how delivery is going.

A subscriber is also its own queue: `next_at` says when it is due, and one claim
leases it to one worker, so it never has two messages in flight.
"""

import json
import secrets as random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from components import encryption, event_log, webhook_signature
from components.models import Component, Group
from components.models.lines import LineField
from components.models.public_id import PublicIdField
from components.status import Impact
from incidents.models import Incident, Maintenance, MonthlyReport, Notice, NoticeKind
from subscribers import address_identity
from subscribers.choice import Choice
from subscribers.states import Channel, DeliveryState, Purpose, State, channel_choices

if TYPE_CHECKING:
    from subscribers.models.delivery import Delivery

ROTATION = timedelta(hours=24)  # both secrets sign for this long
MAX_SECRETS = 8  # at once: a button may be pressed twice
CHOSEN = ("is_all", *(f"wants_{kind}" for kind in NoticeKind), "least_impact", "is_digest", "report_asked_at")
# the fields of a stop; lease and due time belong to the dispatcher and are not overwritten
STOPPED = ("quarantined_at", "failing_since", "attempts", "note", "last_error")
RANKS = {impact.value: rank for rank, impact in enumerate(Impact)}


class SubscriberManager(models.Manager["Subscriber"]):
    def at(self, channel: Channel | str, address: str) -> "Subscriber | None":
        """The subscriber with this address, or None."""
        prints = address_identity.fingerprints(channel, address)
        return self.filter(channel=channel, fingerprint__in=prints).first()

    def of_key(self, key: str) -> "Subscriber | None":
        """The subscriber with this key, or with this as the key of a merged duplicate; else None."""
        return self.filter(Q(key=key) | Q(former_keys__key=key)).first()

    def take_in(
        self,
        channel: Channel | str,
        address: str,
        now: datetime,
        *,
        source: str,
        note: str = "",
        agreed: bool = False,
    ) -> "Subscriber":
        """Add a subscriber by staff. `agreed`: active at once, with a welcome; else a confirmation is sent.

        The address must be checked (subscribers.addresses), and must not exist yet.
        """
        with transaction.atomic():
            subscriber = self.model(channel=channel, created_at=now, source=source, note=note[:250])
            subscriber.point_to(address)
            if agreed:
                subscriber.state, subscriber.confirmed_at = State.ACTIVE, now
            subscriber.save()
            subscriber.owe(Purpose.WELCOME if agreed else Purpose.CONFIRM, now)
        return subscriber

    def told_of(self, notice: Notice) -> models.QuerySet["Subscriber"]:
        """The subscribers who get this notice."""
        if notice.report is not None:
            return self._asked_for(notice.report)
        incident = notice.incident
        return self.who(
            NoticeKind(notice.kind),
            notice.components(),
            impact=incident.shown_impact if incident else Impact.CRITICAL,
            incident=incident,
            maintenance=notice.maintenance,
        )

    def _asked_for(self, report: MonthlyReport) -> models.QuerySet["Subscriber"]:
        """The active subscribers by mail who wanted reports before this month was over."""
        components = report.components()
        if not components:
            return self.none()
        wanted = self.filter(state=State.ACTIVE, channel=Channel.EMAIL, wants_report=True)
        return wanted.filter(_scope(NoticeKind.REPORT, components), report_asked_at__lt=report.ended_at)

    def who(
        self,
        kind: NoticeKind,
        components: Sequence[Component],
        *,
        impact: Impact,
        incident: Incident | None = None,
        maintenance: Maintenance | None = None,
    ) -> models.QuerySet["Subscriber"]:
        """The active subscribers who chose this kind, these components and this impact.

        Those notified of a story before get the rest of it, whatever its impact and components are now.
        """
        wanted = self.filter(state=State.ACTIVE, **{f"wants_{kind}": True})
        chosen = _scope(kind, components)
        deliveries: Any = apps.get_model("subscribers.Delivery")  # imports this module
        own_deliveries = deliveries.objects.filter(subscriber=OuterRef("pk"))
        if kind in (NoticeKind.INCIDENT, NoticeKind.POSTMORTEM):
            chosen &= Q(least_impact__lte=RANKS[impact.value])
        if incident is not None:
            # followers of incidents merged into it are notified too
            story = [incident.pk, *incident.merged.values_list("pk", flat=True)]
            chosen |= Q(Exists(_through("follows", incident__in=story)))
            chosen |= Q(Exists(own_deliveries.filter(notice__incident__in=story)))
        if maintenance is not None:
            chosen |= Q(Exists(own_deliveries.filter(notice__maintenance=maintenance)))
        return wanted.filter(chosen)


def _scope(kind: NoticeKind, components: Sequence[Component]) -> Q:
    """Subqueries, not joins: a row for every pair of choices would be counted otherwise."""
    groups = [component.group_id for component in components if component.group_id]
    if not components and kind != NoticeKind.MAINTENANCE:  # without components it goes to everyone
        of_some = Exists(_through("components")) | Exists(_through("groups"))
        return Q(is_all=True) | Q(of_some)
    of_these = Exists(_through("components", component__in=components))
    return Q(is_all=True) | Q(of_these) | Q(Exists(_through("groups", group__in=groups)))


def _through(name: str, **chosen: Any) -> models.QuerySet[Any]:
    through: Any = getattr(Subscriber, name).through
    rows: models.QuerySet[Any] = through.objects.filter(subscriber=OuterRef("pk"), **chosen)
    return rows


class Subscriber(models.Model):
    """`address` is encrypted, as many are secrets in themselves; `shown` is what staff may read."""

    public_id = PublicIdField()
    channel = models.CharField(max_length=12, choices=channel_choices)
    address = models.TextField(editable=False)
    fingerprint = models.CharField(max_length=64, editable=False)
    shown = models.CharField(max_length=255, editable=False)
    host = models.CharField(
        max_length=255, editable=False
    )  # subscribers of one host share limits and failures
    key = models.CharField(max_length=43, unique=True, editable=False)  # in its management links
    state = models.CharField(max_length=12, choices=State, default=State.UNCONFIRMED, editable=False)
    source = models.CharField(max_length=12, default="page")  # page, staff, import, api
    note = LineField(max_length=250, blank=True)  # of staff, and why it was stopped
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    quarantined_at = models.DateTimeField(null=True)

    is_all = models.BooleanField("all components", default=True)
    components = models.ManyToManyField(Component, blank=True, related_name="subscribers")
    groups = models.ManyToManyField(Group, blank=True, related_name="subscribers")
    follows = models.ManyToManyField(Incident, blank=True, related_name="followers")
    wants_incident = models.BooleanField("incidents", default=True)
    wants_maintenance = models.BooleanField("maintenance", default=True)
    wants_postmortem = models.BooleanField("postmortems", default=True)
    wants_component = models.BooleanField("changes of components", default=False)
    wants_report = models.BooleanField("monthly report", default=False, db_default=False)
    report_asked_at = models.DateTimeField(
        null=True, editable=False
    )  # reports of earlier months are not sent
    least_impact = models.PositiveSmallIntegerField(default=0)  # rank in Impact
    is_digest = models.BooleanField("one email a day", default=False)

    owner = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="owned")
    signing = models.TextField(blank=True, editable=False)  # sealed JSON: [[secret, valid until or null]]

    next_at = models.DateTimeField(null=True, editable=False)  # None: nothing is owed
    attempts = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=250, blank=True, editable=False)
    lease_token = models.CharField(max_length=120, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    crashes = models.PositiveSmallIntegerField(default=0, editable=False)

    objects = SubscriberManager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("channel", "fingerprint"), name="one_subscriber_an_address"),
        )
        indexes = (
            models.Index(fields=("next_at",), condition=~Q(next_at=None), name="subscriber_due"),
            models.Index(fields=("lease_until",), condition=~Q(lease_until=None), name="subscriber_leased"),
            models.Index(fields=("state", "channel")),
        )

    def __str__(self) -> str:
        return self.shown

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Create the key of a new one, and save."""
        self.key = self.key or new_key()
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """The page to view and change the subscription. The URL contains its key."""
        return reverse("subscription", args=[self.key])

    def point_to(self, address: str) -> None:
        """Set the address, which must be checked (subscribers.addresses). The caller saves."""
        address = address_identity.normal(self.channel, address)
        self.address = encryption.seal(address)
        self.fingerprint = address_identity.fingerprint(self.channel, address)
        self.shown, self.host = (
            address_identity.masked(self.channel, address),
            address_identity.host_of(self.channel, address),
        )

    @property
    def open_address(self) -> str:
        """The decrypted address. Raises DecryptionError."""
        return encryption.unseal(self.address)

    # Signing

    def secrets(self, now: datetime) -> list[str]:
        """The secrets that sign at `now`, the newest first."""
        rows = json.loads(encryption.unseal(self.signing)) if self.signing else []
        return [key for key, until in rows if until is None or datetime.fromisoformat(until) > now]

    def rotate(self, now: datetime) -> str:
        """Create a new secret; earlier ones go on signing for up to ROTATION.

        At most MAX_SECRETS are kept, the oldest among them, as the receiver may still use that one.
        """
        secret = webhook_signature.new_secret()
        stored = json.loads(encryption.unseal(self.signing)) if self.signing else []
        end = (now + ROTATION).isoformat()
        valid = [[key, until or end] for key, until in stored if key in self.secrets(now)]
        rows = [[secret, None], *valid[: MAX_SECRETS - 2], *valid[MAX_SECRETS - 2 :][-1:]]
        self.signing = encryption.seal(json.dumps(rows))
        self.save(update_fields=["signing"])
        return secret

    # What it wants

    def choose(self, choice: Choice, now: datetime) -> None:
        """Replace all its choices."""
        with transaction.atomic():
            self.is_all, self.least_impact = choice.is_all, choice.least_impact
            self.is_digest = choice.is_digest and self.channel == Channel.EMAIL
            for kind in NoticeKind:
                setattr(self, f"wants_{kind}", kind in choice.kinds)
            self.report_asked_at = (self.report_asked_at or now) if self.wants_report else None
            self.save(update_fields=CHOSEN)
            for chosen, wanted in (
                (self.components, choice.components),
                (self.groups, choice.groups),
                (self.follows, choice.follows),
            ):
                chosen.clear()
                chosen.add(*wanted)

    @property
    def choice(self) -> Choice:
        """Its choices, without hidden components and incidents that are not public."""
        return Choice(
            is_all=self.is_all,
            components=tuple(self.components.filter(is_shown=True)),
            groups=tuple(self.groups.all()),
            follows=tuple(self.follows.filter(pk__in=Incident.objects.public())),
            kinds=tuple(kind for kind in NoticeKind if getattr(self, f"wants_{kind}")),
            least_impact=self.least_impact,
            is_digest=self.is_digest,
        )

    # Its life

    def await_yes(self, now: datetime) -> None:
        """Set it to unconfirmed: nothing is sent until it confirms, within a week."""
        self.state, self.created_at = State.UNCONFIRMED, now
        self.attempts, self.crashes, self.failing_since, self.last_error = 0, 0, None, ""
        self.report_asked_at = now if self.wants_report else None  # after unsubscribing it is asked anew
        self.save(
            update_fields=[
                "state", "created_at", "owner", "attempts", "crashes", "failing_since", "last_error",
                "report_asked_at",
            ]
        )  # fmt: skip

    def ask_again(self, now: datetime) -> bool:
        """Send a new confirmation after a stop or unsubscription. False if it is active or unconfirmed."""
        if self.state not in (State.QUARANTINED, State.LEFT):
            return False
        with transaction.atomic():
            self.await_yes(now)
            self.owe(Purpose.CONFIRM, now)
        return True

    def confirm(self, now: datetime) -> None:
        """Set it to active. Missed updates are not sent later."""
        self.state, self.confirmed_at = State.ACTIVE, self.confirmed_at or now
        self.left_at = self.quarantined_at = self.failing_since = None
        self.attempts, self.note, self.last_error = 0, "", ""
        self.save(update_fields=["state", "confirmed_at", "left_at", *STOPPED])
        self._log("confirmed")

    def leave(self, now: datetime) -> None:
        """Unsubscribe: pending updates are cancelled. May be called twice."""
        with transaction.atomic():
            self.state, self.left_at = State.LEFT, self.left_at or now
            self.save(update_fields=["state", "left_at"])
            self.forget_owed(now)
            self._log("left")

    def leave_report(self, now: datetime) -> None:
        """Stop the monthly report alone; unsubscribe if it is all that was chosen. May be called twice."""
        with transaction.atomic():
            others = [kind for kind in NoticeKind if kind is not NoticeKind.REPORT]
            if self.wants_report and not any(getattr(self, f"wants_{kind}") for kind in others):
                self.leave(now)
                return
            self.wants_report, self.report_asked_at = False, None
            self.save(update_fields=["wants_report", "report_asked_at"])
            self._log("left_report")

    def quarantine(self, now: datetime, why: str) -> None:
        """Stop sending: pending updates are cancelled. `why`: shown to staff, cut to 250 characters."""
        with transaction.atomic():
            self.state, self.quarantined_at, self.note = State.QUARANTINED, now, why[:250]
            self.save(update_fields=["state", "quarantined_at", "note"])
            self.forget_owed(now)
            self._log("stopped")

    def restore(self, now: datetime) -> bool:
        """Restore it after a stop. False if it is not stopped: unsubscribed people must return themselves."""
        if self.state != State.QUARANTINED:
            return False
        self.state = State.ACTIVE if self.confirmed_at else State.UNCONFIRMED
        self.quarantined_at = self.failing_since = None
        self.attempts, self.crashes, self.note, self.last_error = 0, 0, "", ""
        self.save(update_fields=["state", "crashes", *STOPPED])
        self._log("restored")
        return True

    def erase(self) -> None:
        """Delete it with its log."""
        self._log("erased")
        self.delete()

    def _log(self, what: str) -> None:
        event_log.record(f"subscriber.{what}", id=self.public_id, channel=self.channel)

    def forget_owed(self, now: datetime) -> None:
        """Cancel its pending updates. Messages about the subscription itself stay."""
        self.deliveries.filter(state=DeliveryState.OWED, purpose=Purpose.NEWS).update(
            state=DeliveryState.CANCELLED, finished_at=now
        )
        next_owed = self.deliveries.filter(state=DeliveryState.OWED).order_by("due_at").first()
        Subscriber.objects.filter(pk=self.pk).update(
            next_at=next_owed.due_at if next_owed else None, crashes=0
        )

    def owe(self, purpose: str, now: datetime, **context: Any) -> "Delivery":
        """Create a message about the subscription itself, such as a confirmation or test, due now."""
        with transaction.atomic():
            delivery = self.deliveries.create(purpose=purpose, created_at=now, due_at=now, context=context)
            Subscriber.objects.filter(pk=self.pk).filter(Q(next_at=None) | Q(next_at__gt=now)).update(
                next_at=now
            )
        return delivery

    @property
    def is_failing(self) -> bool:
        """Whether its last message could not be delivered."""
        return self.failing_since is not None


class FormerKey(models.Model):
    """The key of a merged duplicate subscription, whose links lead to the remaining one."""

    key = models.CharField(max_length=43, unique=True)
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="former_keys")

    def __str__(self) -> str:
        return f"now {self.subscriber}"


def new_key() -> str:
    """A new key for the links that manage a subscription: 192 random bits, base64url."""
    return random.token_urlsafe(24)
