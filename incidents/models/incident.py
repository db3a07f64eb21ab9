"""An incident: its row, what can be read from it, and what people do to it.

Until a person posts, an incident is automatic: `incidents.automation` opens, updates and resolves it.
The first post by a person (`posting`) makes it theirs (`is_owned`); from then on the automation only notes
evidence and proposes. What people do that needs the automation's rules is a function above the models:
take over, hand back and restore in `incidents.handover`, undo in `incidents.undoing`, publish a suggestion
and merge in `incidents.automation`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Prefetch, prefetch_related_objects
from django.urls import reverse
from django.utils import timezone

from components import event_log
from components.models import Component, Group, Page
from components.models.lines import LineField
from components.models.public_id import PublicIdField
from components.status import Impact, State, Status, impact_of
from components.texts import lines
from incidents import hidden_components, span
from incidents.lifecycle import PUBLIC_KINDS, Kind, Phase
from incidents.models import posting, recovery
from incidents.models.incident_manager import IncidentManager
from incidents.models.notice import Notice
from incidents.models.posting import MAX_WORKAROUND_LENGTH, Post, checked_body, checked_workaround
from incidents.state import state_now, state_past
from incidents.times import near

if TYPE_CHECKING:
    from incidents.models.affected import Affected
    from incidents.models.update import Update


class Incident(models.Model):
    """`published_at` None is a suggestion that only staff see."""

    public_id = PublicIdField()
    title = LineField(max_length=255)
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
    is_by_machine = models.BooleanField("opened automatically", default=False, editable=False)
    is_owned = models.BooleanField("managed by staff", default=False, editable=False)
    started_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    published_at = models.DateTimeField(null=True, editable=False)
    publish_at = models.DateTimeField(null=True, editable=False)  # a suggestion's countdown; None: waits
    monitoring_at = models.DateTimeField(null=True, editable=False)
    resolved_at = models.DateTimeField(null=True, editable=False)
    next_update_at = models.DateTimeField("next update by", null=True, blank=True)
    recovered_since = models.DateTimeField(null=True, editable=False, db_column="well_since")
    settle_at = models.DateTimeField(null=True, editable=False)
    well_s = models.PositiveIntegerField(default=0, db_default=0, editable=False)  # healthy before relapses
    proposed_at = models.DateTimeField(null=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    merged_into = models.ForeignKey(
        "incidents.Incident", null=True, editable=False, on_delete=models.SET_NULL, related_name="merged"
    )
    unwatched_at = models.DateTimeField(null=True, editable=False)  # no probe looks any more, and it was said
    joined_at = models.DateTimeField(null=True, editable=False)  # the newest failure that joined it
    still_said = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False
    )  # promises kept since something last happened
    cause = LineField(
        max_length=60, blank=True, help_text="One or two words, for the figures: “deploy”, “database”."
    )
    workaround = models.CharField(
        "what customers can do", max_length=MAX_WORKAROUND_LENGTH, blank=True, help_text="Markdown."
    )

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

    def state(self, places: "Iterable[Affected]", phase: Phase | None = None) -> State:
        """Its present state, from its public components. `phase`: of the update shown, if not its own."""
        phase = phase or Phase(self.phase)
        statuses = [place.status_in(phase) for place in places]
        return state_now(phase, statuses, override=self.impact_override, impact=self.shown_impact)

    def past_state(self, places: "Iterable[Affected]") -> State:
        """Its worst state, from its public components."""
        worsts = [Status(place.worst_status) for place in places]
        return state_past(worsts, override=self.impact_override, impact=self.shown_impact)

    @property
    def shown_workaround(self) -> str:
        """What customers can do while it lasts; empty once it is over."""
        return self.workaround if self.resolved_at is None else ""

    @property
    def ended_at(self) -> datetime | None:
        """When everything had recovered; None while it lasts."""
        return span.ended(self.started_at, recovered_since=self.recovered_since, resolved_at=self.resolved_at)

    def lasted(self, now: datetime) -> timedelta:
        """How long it lasted, or has lasted until now: the one duration shown everywhere."""
        return span.lasted(self.counts_from, self.ended_at, now)

    @property
    def counts_from(self) -> datetime:
        """Its start, moved forward by the time it was healthy before a relapse (`well_s`)."""
        return self.started_at + timedelta(seconds=self.well_s)

    @property
    def is_all_hidden(self) -> bool:
        """Whether all its components are hidden. If a person publishes it, it is public all the same."""
        return hidden_components.are_all_hidden(
            row.component for row in self.affected.select_related("component")
        )

    @property
    def is_suggestion(self) -> bool:
        """Whether only staff see it and may still discard it."""
        return self.published_at is None and self.deleted_at is None

    @property
    def is_backfilled(self) -> bool:
        """Whether it was over before it was entered."""
        return self.resolved_at is not None and self.resolved_at < self.created_at

    @property
    def told_from(self) -> datetime:
        """`created_at` as API clients expect it: the start of an incident that was back-filled."""
        return self.started_at if self.is_backfilled else self.created_at

    @property
    def concerns_public(self) -> bool:
        """Whether any of its components is on the page. If none is, it is for staff alone."""
        return self.affected.filter(component__is_shown=True).exists()

    def spoken_of(self) -> "list[Affected]":
        """The rows that automatic updates name: the shown components, or all if every one is hidden.

        Not those that are continued in an incident of their own.
        """
        rows = list(self.affected.filter(continued_in=None).select_related("component"))
        return shown_or_all(rows)

    def names(self) -> list[str]:
        """The component names that automatic updates use."""
        return [row.component.name for row in self.spoken_of()]

    def troubled(self) -> list[str]:
        """The names of those with a problem now."""
        return [row.component.name for row in self.spoken_of() if Status(row.status).is_trouble]

    def public_components(self) -> list[Component]:
        """Its components that are on the page. One query, and none for what was prefetched."""
        rows = Prefetch("affected", self.affected.model.objects.select_related("component"))
        prefetch_related_objects([self], rows)  # what is prefetched already is not queried again
        return [row.component for row in self.affected.all() if row.component.is_shown]

    # What people do

    def post(self, sent: Post, *, now: datetime, author: Any = None) -> "Update":
        """Post an update by a person, who manages the incident from now on. Raises ValidationError.

        It publishes a suggestion. A resolved incident takes only updates that leave it resolved,
        unless they reopen it.
        """
        return posting.post(self, sent, now=now, author=author)

    def note(self, body: str, now: datetime, *, author: Any) -> "Update":
        """Add a note for staff only. Raises ValidationError."""
        body = lines(body)
        if not body.strip():
            raise ValidationError({"body": "The note is empty."})
        with transaction.atomic():
            Page.objects.lock()
            return self.write(Kind.NOTE, body, now, author=author)

    def edit(self, update: "Update", body: str, now: datetime, *, author: Any = None) -> None:
        """Change the text of an update. Earlier texts are kept, and the edit is dated."""
        body = checked_body(body)
        if body == update.body:
            return
        with transaction.atomic():
            Page.objects.lock()
            update.versions.create(body=update.body, until=now, replaced_by=author)
            update.first_body = update.first_body or update.body
            update.body, update.edited_at = body, now
            update.save(update_fields=["body", "first_body", "edited_at"])
            self.save(update_fields=["updated_at"])
            is_read = self.published_at is not None and update.kind in PUBLIC_KINDS
            Page.objects.bump_version(takes_away=True, is_public=is_read)

    def hold(self) -> None:
        """Stop the countdown of a suggestion: it waits for a person."""
        with transaction.atomic():
            Page.objects.lock()
            type(self).objects.filter(pk=self.pk).update(publish_at=None)
            Page.objects.bump_version(is_public=False)
        self.publish_at = None

    def amend(
        self,
        now: datetime,
        *,
        title: str | None = None,
        impact_override: str | None = None,
        started_at: datetime | None = None,
        cause: str | None = None,
        workaround: str | None = None,
    ) -> None:
        """Correct title, impact, start, cause or workaround; no one is notified. Raises ValidationError."""
        advice = checked_workaround(workaround)
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            fields = {"title": title, "impact_override": impact_override, "started_at": started_at,
                     "cause": cause, "workaround": advice}  # fmt: skip
            if started_at not in (None, self.started_at):
                self.well_s = 0  # it was counted from the old start
            for name, value in fields.items():
                if value is not None:
                    setattr(self, name, value)
            self.full_clean()
            self.refuse_future(self.started_at, now)
            if self.resolved_at and self.started_at >= self.resolved_at:
                raise ValidationError({"started_at": "It cannot have started after it ended."})
            self.save()
            Page.objects.bump_version(takes_away=True, is_public=self.published_at is not None)

    def delete_softly(self, now: datetime, *, author: Any = None) -> None:
        """Take it off every page. `restore` brings it back."""
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            self.release_components(now)
            self.affected.update(is_auto_open=False)
            self.deleted_at, self.settle_at, self.publish_at = now, None, None
            self.save()
            what = "Not an incident." if self.published_at is None else "Deleted."
            self.write(Kind.NOTE, what, now, author=author)
            self.log("deleted", by=author)
            Page.objects.bump_version(takes_away=True, is_public=self.published_at is not None)

    def refuse_future(self, at: datetime | None, now: datetime) -> None:
        """Raises ValidationError for a time in the future."""
        if at is not None and at > now:
            raise ValidationError({"started_at": "This time is in the future: use one that has passed."})

    def refuse_deleted(self) -> None:
        """Raises ValidationError for one that was deleted or merged."""
        if self.deleted_at or self.merged_into_id:
            raise ValidationError("This incident was deleted or merged: restore it first, or use the other.")

    def release_components(
        self, now: datetime, *, judge_at: datetime | None = None, is_looked_at: bool = False
    ) -> None:
        """Clear statuses that staff set. `is_looked_at`: only those of components that a probe checks."""
        for row in self.affected.select_related("component"):
            if not is_looked_at or row.component.probed() is not None:
                row.component.release(now, judge_at=judge_at)

    # How its row and its updates are written

    def touch(
        self, component: Component, status: Status, at: datetime, *, is_auto_open: bool = False
    ) -> "Affected":
        """Add a component, or set its status if it is already affected."""
        row, _ = self.affected.get_or_create(
            component=component, defaults={"started_at": at, "is_auto_open": is_auto_open}
        )
        if row.continued_in_id is not None:  # it is dealt with here again
            row.continued_in = None
            row.save(update_fields=["continued_in"])
        row.set_status(status)
        self.weigh()
        return row

    def weigh(self) -> None:
        """Compute the impact from the worst status of each component, and save it.

        Hidden components count only if all are hidden, as the impact is public.
        """
        self.impact = impact_of(Status(row.worst_status) for row in self.spoken_of())
        self.save(update_fields=["impact", "updated_at"])

    def say(
        self,
        body: str,
        phase: Phase,
        now: datetime,
        *,
        author: Any = None,
        by_machine: bool = False,
        changes: Sequence[list[str]] = (),
        at: datetime | None = None,
        kind: Kind = Kind.POST,
        step: str = "",
        due_at: datetime | None = None,
    ) -> "Update":
        """Write an entry, a post unless `kind` says otherwise, and move to its phase."""
        if is_end := phase is Phase.RESOLVED and self.resolved_at is None:
            self.recovered_since = recovery.recovered_at(self)
        self.phase = phase
        if phase is Phase.MONITORING:
            self.monitoring_at = self.monitoring_at or at or now
        elif phase is not Phase.RESOLVED:
            self.monitoring_at = None  # it had not recovered
        if phase is Phase.RESOLVED and self.resolved_at is None:
            self.resolved_at = max(at or now, self.started_at)
            self.settle_at = None
            self.affected.filter(is_auto_open=True).update(is_auto_open=False)
        self.save()
        update = self.write(
            kind, body, at or now, author=author, by_machine=by_machine, changes=changes, step=step
        )
        if by_machine and kind is Kind.POST and self.published_at is not None:
            Notice.objects.of_update(update, now, due_at=due_at)
        if kind is Kind.POST:
            self.log("posted", phase=phase, by=author or "automation")
        if is_end:
            self.log("resolved", by=author or "automation")
        return update

    def log(self, what: str, **fields: Any) -> None:
        """Write to the event log: "opened" becomes `incident.opened`."""
        event_log.record(f"incident.{what}", id=self.public_id, title=self.title, **fields)

    def write(
        self,
        kind: Kind,
        body: str,
        at: datetime,
        *,
        author: Any = None,
        by_machine: bool | None = None,
        changes: Sequence[list[str]] = (),
        step: str = "",
    ) -> "Update":
        """Add an entry to its timeline. The caller holds the lock of the page."""
        last = self.updates.aggregate(last=models.Max("number"))["last"] or 0
        is_ours = author is None if by_machine is None else by_machine
        update = self.updates.create(
            number=last + 1,
            kind=kind,
            phase=self.phase,
            body=near(body, at) if is_ours else body,
            at=at,
            author=author,
            is_by_machine=is_ours,
            changes=list(changes),
            step=step,
        )
        Page.objects.bump_version(is_public=kind in PUBLIC_KINDS and self.published_at is not None)
        return update


def shown_or_all(rows: "list[Affected]") -> "list[Affected]":
    """Those whose component is on the page; all if none is."""
    return [row for row in rows if row.component.is_shown] or rows
