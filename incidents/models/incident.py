"""An incident from the first failed check to the last word, and who speaks in it.

Until a person posts, the machine speaks: it opens, tells each later fact and
resolves. The first post by a person makes the incident theirs; from then on
the machine only notes evidence and proposes, until it is handed back.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from components.models import AutoIncidents, Component, Flip, Group, Page
from components.models.public_id import PublicIdField
from components.outcomes import Outcome
from components.status import Impact, Status, impact_of
from incidents import words
from incidents.lifecycle import Kind, Phase, may_move

if TYPE_CHECKING:
    from incidents.models.affected import Affected
    from incidents.models.update import Update

# The machine's promises: often at first, rarer in a long night. It keeps them itself.
PROMISES = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(hours=4))
PROPOSE_AFTER = timedelta(minutes=10)


class AlreadyResolved(ValidationError):
    """This incident is resolved: reopen it, or open a new one."""

    def __init__(self) -> None:
        super().__init__(
            {"phase": "This incident is resolved: keep the phase at resolved, or open a new one."}
        )


class IncidentManager(models.Manager["Incident"]):
    def public(self) -> models.QuerySet["Incident"]:
        """What strangers may see."""
        return self.exclude(published_at=None)

    def open(
        self,
        title: str,
        body: str,
        *,
        now: datetime,
        components: Iterable[Component] = (),
        phase: Phase = Phase.INVESTIGATING,
        author: Any = None,
        started_at: datetime | None = None,
        next_update_at: datetime | None = None,
    ) -> "Incident":
        """A person opens an incident with its first word. Raises ValidationError."""
        with transaction.atomic():
            Page.objects.hold()
            incident = self.model(
                title=title, started_at=started_at or now, created_at=now, published_at=now, is_owned=True
            )
            incident.full_clean()
            incident.save()
            for component in components:
                incident.touch(component, Status(component.status), incident.started_at)
            incident.post(body, phase=phase, now=now, author=author, next_update_at=next_update_at)
        return incident

    def follow(self, flip: Flip, component: Component, *, old: Status, now: datetime) -> None:
        """Draw the consequences of a probe's change of mind. The caller holds the page."""
        new = Status(component.status)
        affected = self._open_for(component)
        if affected is not None:
            affected.incident.hear(affected, flip, new, now)
        elif flip.new == Outcome.DOWN and new.is_trouble and not component.hand_status:
            self._begin(flip, component, old, new, now)

    def _open_for(self, component: Component) -> "Affected | None":
        """The component's place in the incident that is open for it; the machine's own first."""
        return (
            component.affected.filter(incident__resolved_at=None)
            .select_related("incident")
            .order_by("-is_held", "-id")
            .first()
        )

    def _begin(self, flip: Flip, component: Component, old: Status, status: Status, now: datetime) -> None:
        """A confirmed failure: join the group's young incident, or open one."""
        if component.auto_incidents == AutoIncidents.OFF:
            return
        incident = self._young(component.group, now)
        if incident is not None:
            incident.join(component, flip, old, status, now)
            return
        incident = self.create(
            title=words.title([component.name], flip.failure),
            started_at=flip.at,
            created_at=now,
            group=component.group,
            is_by_machine=True,
            published_at=now if component.auto_incidents == AutoIncidents.PUBLISH else None,
        )
        incident.touch(component, status, flip.at, is_held=True)
        incident.say_opened(component, flip, old, now)

    def _young(self, group: Group | None, now: datetime) -> "Incident | None":
        """The machine's open incident of this group, if it began within the join window."""
        if group is None:
            return None
        window = timedelta(seconds=settings.JOIN_WINDOW_S)
        return self.filter(
            group=group, is_by_machine=True, resolved_at=None, created_at__gte=now - window
        ).first()

    def turn(self, now: datetime) -> None:
        """What time alone brings: settled recoveries, proposals, and promises that fell due."""
        for incident in self.filter(is_owned=False, resolved_at=None, settle_at__lte=now):
            incident.settle(now)
        well = self.filter(is_owned=True, resolved_at=None, proposed_at=None)
        for incident in well.filter(well_since__lte=now - PROPOSE_AFTER):
            incident.propose(now)
        due = self.filter(is_owned=False, is_by_machine=True, resolved_at=None)
        for incident in due.filter(next_update_at__lte=now, settle_at=None):
            incident.say_still(now)


class Incident(models.Model):
    """`published_at` None is a suggestion that only staff see."""

    public_id = PublicIdField()
    title = models.CharField(max_length=255)
    phase = models.CharField(
        max_length=15,
        choices=[(p.value, p.label) for p in Phase],
        default=Phase.INVESTIGATING,
        editable=False,
    )
    impact = models.CharField(
        max_length=10,
        choices=[(i.value, i.value) for i in Impact],
        default=Impact.NONE,
        editable=False,
    )
    impact_override = models.CharField(
        max_length=10, choices=[(i.value, i.value) for i in Impact], blank=True
    )
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.SET_NULL)
    is_by_machine = models.BooleanField("opened by the machine", default=False, editable=False)
    is_owned = models.BooleanField("owned by people", default=False, editable=False)
    started_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    published_at = models.DateTimeField(null=True, editable=False)
    monitoring_at = models.DateTimeField(null=True, editable=False)
    resolved_at = models.DateTimeField(null=True, editable=False)
    next_update_at = models.DateTimeField("next update by", null=True, blank=True)
    well_since = models.DateTimeField(null=True, editable=False)
    settle_at = models.DateTimeField(null=True, editable=False)
    proposed_at = models.DateTimeField(null=True, editable=False)

    objects = IncidentManager()

    class Meta:
        ordering = ("-started_at", "-id")
        indexes = (models.Index(fields=("resolved_at",)), models.Index(fields=("started_at",)))

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("incident", args=[self.public_id])

    @property
    def shown_impact(self) -> Impact:
        """The impact people gave it, or the worst of its components at its worst moment."""
        return Impact(self.impact_override or self.impact)

    # What people do

    def post(
        self,
        body: str,
        *,
        phase: Phase | str,
        now: datetime,
        author: Any = None,
        next_update_at: datetime | None = None,
    ) -> "Update":
        """A person speaks: the incident is theirs from here on. Raises ValidationError.

        A suggestion is published by it. A resolved incident takes only words
        that leave it resolved.
        """
        phase = _phase(phase)
        body = body.replace("\0", "")  # no text of PostgreSQL may hold one
        if not body.strip():
            raise ValidationError({"body": "The update has no words: write what people notice."})
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            if not may_move(Phase(self.phase), phase):
                raise AlreadyResolved
            self.is_owned = True
            self.published_at = self.published_at or now
            self.settle_at = None
            self.next_update_at = None if phase is Phase.RESOLVED else next_update_at
            return self._say(body, phase, now, author=author)

    def edit(self, update: "Update", body: str, now: datetime) -> None:
        """Change the words of an update; the first ones are kept, and the edit is dated."""
        with transaction.atomic():
            Page.objects.hold()
            update.first_body = update.first_body or update.body
            update.body, update.edited_at = body, now
            update.save(update_fields=["body", "first_body", "edited_at"])
            self.save(update_fields=["updated_at"])
            Page.objects.turn()

    def hand_back(self, now: datetime) -> None:
        """Let the machine speak again, from what it sees now."""
        with transaction.atomic():
            Page.objects.hold()
            self.is_owned, self.proposed_at = False, None
            if self.well_since is not None:
                self.settle_at = now + _settling()
            self.save()
            self._note("Handed back to the machine.", now)

    def publish(self, now: datetime) -> None:
        """Show a suggestion to the public as it stands."""
        with transaction.atomic():
            Page.objects.hold()
            self.published_at = self.published_at or now
            self.save(update_fields=["published_at", "updated_at"])
            Page.objects.turn()

    # What the machine does

    def touch(
        self, component: Component, status: Status, at: datetime, *, is_held: bool = False
    ) -> "Affected":
        """Count a component in."""
        affected, _ = self.affected.get_or_create(
            component=component, defaults={"started_at": at, "is_held": is_held}
        )
        affected.turn(status)
        self._weigh()
        return affected

    def join(self, component: Component, flip: Flip, old: Status, status: Status, now: datetime) -> None:
        """One more component of the group fails: the same incident."""
        self.touch(component, status, flip.at, is_held=True)
        self.started_at = min(self.started_at, flip.at)
        self.well_since = self.settle_at = None
        changes = [_change(component, old, status)]
        if self.is_owned:
            self.save()
            self._note(words.joined(component.name, flip.failure, since=flip.at), now, changes)
            return
        self.title = words.title(self._troubled(), flip.failure)
        self._say_by_machine(words.joined(component.name, flip.failure, since=flip.at), now, changes)

    def hear(self, affected: "Affected", flip: Flip, status: Status, now: datetime) -> None:
        """A later fact about a component that is already in it."""
        component, old = affected.component, Status(affected.status)
        if status == old:
            self._note(f"{flip.probe}: {flip.old} → {flip.new}. {flip.why}".strip(), now)
            return
        affected.turn(status)
        self._weigh()
        self._watch_recovery(flip.at, now)
        changes = [_change(component, old, status)]
        text = self._fact(component, old, status, flip)
        if self.is_owned:
            self.save()
            self._note(text, now, changes)
        elif status is Status.UNKNOWN:
            self.save()
            self._add(Kind.FACT, text, now, changes=changes)
        else:
            self._say_by_machine(text, now, changes)

    def settle(self, now: datetime) -> None:
        """All has been well long enough: the machine resolves what it opened."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            if self.is_owned or self.resolved_at or self.settle_at is None or self.settle_at > now:
                return
            until = self.well_since or now
            length = words.duration((until - self.started_at).total_seconds())
            body = words.resolved(self._names(), since=self.started_at, until=until, length=length)
            self.next_update_at = None
            self._say(body, Phase.RESOLVED, now, by_machine=True)

    def propose(self, now: datetime) -> None:
        """Ask staff whether to resolve; never do it for them."""
        minutes = int(PROPOSE_AFTER.total_seconds() // 60)
        with transaction.atomic():
            Page.objects.hold()
            self.proposed_at = now
            self.save(update_fields=["proposed_at"])
            self._add(Kind.PROPOSAL, words.proposal(minutes), now)

    def say_opened(self, component: Component, flip: Flip, old: Status, now: datetime) -> None:
        """The machine's first word, with the facts beneath it."""
        self._promise(now)
        rule = flip.probe.rule
        self._add(Kind.FACT, f"First failed check: {flip.why}", flip.at)
        self._add(Kind.FACT, f"Confirmed automatically, {rule.confirm_down} checks in a row", now)
        body = words.opened(
            [component.name],
            flip.failure,
            working=_working_beside(component),
            since=flip.at,
            until=self.next_update_at or now,
        )
        changes = [_change(component, old, Status(component.status))]
        self._say(body, Phase.INVESTIGATING, now, by_machine=True, changes=changes)

    def say_still(self, now: datetime) -> None:
        """Keep the promise of a next word, though nothing has changed."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            if self.is_owned or self.resolved_at:
                return
            self._promise(now)
            until = self.next_update_at or now
            body = words.still(self._troubled() or self._names(), until=until)
            self._say(body, Phase(self.phase), now, by_machine=True)

    # Inside

    def _fact(self, component: Component, old: Status, status: Status, flip: Flip) -> str:
        """The fact in customers' words."""
        if status is Status.UNKNOWN:
            return words.unseen(component.name, since=flip.at)
        if self.well_since is not None:
            until = self.settle_at or flip.noticed_at
            return words.recovered(self._names(), since=self.well_since, until=until)
        if status.is_trouble and not old.is_trouble:
            return words.joined(component.name, flip.failure, since=flip.at)
        if status.is_trouble and list(Status).index(status) > list(Status).index(old):
            return words.worse(component.name, status.label, since=flip.at)
        left = [name for name in self._troubled() if name != component.name]
        return words.better(component.name, status.label, since=flip.at, left=left)

    def _watch_recovery(self, at: datetime, now: datetime) -> None:
        """Well is: every component seen, and none in trouble. Then the settling time runs."""
        statuses = [Status(one.status) for one in self.affected.all()]
        is_well = all(s in (Status.OPERATIONAL, Status.UNDER_MAINTENANCE) for s in statuses)
        if not is_well:
            self.well_since = self.settle_at = self.proposed_at = None
        elif self.well_since is None:
            self.well_since, self.settle_at = at, None if self.is_owned else now + _settling()

    def _say_by_machine(self, body: str, now: datetime, changes: list[list[str]]) -> None:
        phase = Phase.MONITORING if self.well_since else Phase.INVESTIGATING
        if self.well_since:
            self.next_update_at = self.settle_at
        elif self.next_update_at is None or self.next_update_at <= now:
            self._promise(now)  # an earlier promise is kept, not pushed away by news
        self._say(body, phase, now, by_machine=True, changes=changes)

    def _say(
        self,
        body: str,
        phase: Phase,
        now: datetime,
        *,
        author: Any = None,
        by_machine: bool = False,
        changes: Sequence[list[str]] = (),
    ) -> "Update":
        """Write a post and move to its phase."""
        self.phase = phase
        if phase is Phase.MONITORING:
            self.monitoring_at = self.monitoring_at or now
        if phase is Phase.RESOLVED and self.resolved_at is None:
            self.resolved_at = max(now, self.started_at)
            self.settle_at = None
            self.affected.filter(is_held=True).update(is_held=False)
        self.save()
        return self._add(Kind.POST, body, now, author=author, by_machine=by_machine, changes=changes)

    def _note(self, body: str, now: datetime, changes: Sequence[list[str]] = ()) -> None:
        self._add(Kind.NOTE, body, now, changes=changes)

    def _add(
        self,
        kind: Kind,
        body: str,
        at: datetime,
        *,
        author: Any = None,
        by_machine: bool | None = None,
        changes: Sequence[list[str]] = (),
    ) -> "Update":
        last = self.updates.aggregate(last=models.Max("number"))["last"] or 0
        update: Update = self.updates.create(
            number=last + 1,
            kind=kind,
            phase=self.phase,
            body=body,
            at=at,
            author=author,
            is_by_machine=author is None if by_machine is None else by_machine,
            changes=list(changes),
        )
        Page.objects.turn()
        return update

    def _promise(self, now: datetime) -> None:
        kept = self.updates.filter(kind=Kind.POST, is_by_machine=True).count()
        self.next_update_at = now + PROMISES[min(kept, len(PROMISES) - 1)]
        self.save(update_fields=["next_update_at", "updated_at"])

    def _weigh(self) -> None:
        """The impact: the page's rollup over its components, each at its worst; kept at its worst."""
        self.impact = impact_of(Status(one.worst_status) for one in self.affected.all())
        self.save(update_fields=["impact", "updated_at"])

    def _names(self) -> list[str]:
        return [one.component.name for one in self.affected.select_related("component")]

    def _troubled(self) -> list[str]:
        return [
            one.component.name
            for one in self.affected.select_related("component")
            if Status(one.status).is_trouble
        ]


def _phase(phase: Phase | str) -> Phase:
    try:
        return Phase(phase)
    except ValueError:
        known = ", ".join(Phase)
        raise ValidationError({"phase": f"“{phase}” is no phase: use one of {known}."}) from None


def _settling() -> timedelta:
    return timedelta(seconds=settings.SETTLE_S)


def _change(component: Component, old: Status, new: Status) -> list[str]:
    return [component.public_id, component.name, str(old), str(new)]


def _working_beside(component: Component) -> list[str]:
    """Components of the same group that are known to work."""
    if component.group_id is None:
        return []
    beside = Component.objects.filter(group_id=component.group_id, is_shown=True)
    return list(
        beside.exclude(pk=component.pk).filter(status=Status.OPERATIONAL).values_list("name", flat=True)
    )
