"""An incident as a row, and how an entry of its story is written: what both of its voices share."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from components.models import Component, Group, Page
from components.models.lines import LineField
from components.models.public_id import PublicIdField
from components.status import Impact, State, Status, impact_of
from components.texts import lines
from incidents import generated_text, hidden_components, span
from incidents.lifecycle import PUBLIC_KINDS, Kind, Phase
from incidents.models.notice import Notice
from incidents.state import RECOVERED, state_now, state_past
from incidents.times import near

if TYPE_CHECKING:
    from incidents.models.affected import Affected
    from incidents.models.update import Update


MOST_WORKAROUND = 500  # a few sentences: it stands beside each newest update and in each mail


class Record(models.Model):
    """`published_at` None is a suggestion that only staff see."""

    affected: Any  # the rows of Affected and Update that name this incident
    updates: Any

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
    is_by_machine = models.BooleanField("opened by the machine", default=False, editable=False)
    is_owned = models.BooleanField("owned by people", default=False, editable=False)
    started_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    published_at = models.DateTimeField(null=True, editable=False)
    publish_at = models.DateTimeField(null=True, editable=False)  # a suggestion's countdown; None: waits
    monitoring_at = models.DateTimeField(null=True, editable=False)
    resolved_at = models.DateTimeField(null=True, editable=False)
    next_update_at = models.DateTimeField("next update by", null=True, blank=True)
    well_since = models.DateTimeField(null=True, editable=False)
    settle_at = models.DateTimeField(null=True, editable=False)
    well_s = models.PositiveIntegerField(default=0, db_default=0, editable=False)  # well before it relapsed
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
        max_length=60, blank=True, help_text="One word or two, for the figures: “deploy”, “database”."
    )
    workaround = models.CharField(
        "what customers can do", max_length=MOST_WORKAROUND, blank=True, help_text="Markdown."
    )

    class Meta:
        abstract = True
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
        """What it is like now, over its public components. `phase`: that of the update which tells it."""
        phase = phase or Phase(self.phase)
        statuses = [place.status_in(phase) for place in places]
        return state_now(phase, statuses, override=self.impact_override, impact=self.shown_impact)

    def past_state(self, places: "Iterable[Affected]") -> State:
        """How bad it was, over its public components."""
        worsts = [Status(place.worst_status) for place in places]
        return state_past(worsts, override=self.impact_override, impact=self.shown_impact)

    @property
    def shown_workaround(self) -> str:
        """What customers can do while it lasts; empty once it is over."""
        return self.workaround if self.resolved_at is None else ""

    @property
    def ended_at(self) -> datetime | None:
        """When all of it was well again; None while it lasts."""
        return span.ended(self.started_at, well_since=self.well_since, resolved_at=self.resolved_at)

    def lasted(self, now: datetime) -> timedelta:
        """How long it lasted, or has lasted until now: the one duration that every surface tells."""
        return span.lasted(self.counts_from, self.ended_at, now)

    @property
    def counts_from(self) -> datetime:
        """When it would have begun without the time that all of it was well before a relapse."""
        return self.started_at + timedelta(seconds=self.well_s)

    def end_in_words(self, until: datetime, now: datetime) -> str:
        """From when to when it lasted, and how long in all."""
        length, is_broken = generated_text.duration(self.lasted(now).total_seconds()), self.well_s > 0
        return generated_text.resolved(
            self.names(), since=self.started_at, until=until, length=length, is_broken=is_broken
        )

    @property
    def is_all_hidden(self) -> bool:
        """Whether it concerns hidden components alone: published by a person, it is public all the same."""
        return hidden_components.are_all_hidden(
            row.component for row in self.affected.select_related("component")
        )

    def fail_again(self, at: datetime) -> None:
        """All was well until now. What lay between is no outage. The caller saves."""
        if self.ended_at is not None:
            self.well_s += max(int((at - max(self.ended_at, self.started_at)).total_seconds()), 0)
        self.well_since = self.settle_at = None

    def recovered_at(self) -> datetime | None:
        """Since when all is well: as probes saw it, or as people said where no probe disagrees."""
        is_seen_well = all(row.seen_status in RECOVERED for row in self.spoken_of())
        said_at = self.monitoring_at if self.phase == Phase.MONITORING else None
        return span.well_by_people(
            well_since=self.well_since, monitoring_at=said_at, is_seen_well=is_seen_well
        )

    @property
    def is_suggestion(self) -> bool:
        """True for what only staff see and may still turn down."""
        return self.published_at is None and self.deleted_at is None

    @property
    def is_backfilled(self) -> bool:
        """Whether it was over when it was written down."""
        return self.resolved_at is not None and self.resolved_at < self.created_at

    @property
    def told_from(self) -> datetime:
        """When it was created, as clients of the API read that: of a back-filled one its beginning."""
        return self.started_at if self.is_backfilled else self.created_at

    # For both voices

    def touch(
        self, component: Component, status: Status, at: datetime, *, is_held: bool = False
    ) -> "Affected":
        """Count a component in."""
        affected: Affected
        affected, _ = self.affected.get_or_create(
            component=component, defaults={"started_at": at, "is_held": is_held}
        )
        affected.set_status(status)
        self.weigh()
        return affected

    def publish(self, now: datetime, *, due_at: datetime | None = None) -> None:
        """Show a suggestion to the public as it stands. Its newest update tells the earlier ones as well."""
        with transaction.atomic():
            Page.objects.lock()
            self.published_at, self.publish_at = self.published_at or now, None
            self.save(update_fields=["published_at", "publish_at", "updated_at"])
            self.bring_up_to_date(now)
            newest = self.updates.filter(kind=Kind.POST, notifies=True).order_by("-number").first()
            if newest is not None:
                Notice.objects.of_update(newest, now, due_at=due_at)
            Page.objects.bump_version()

    def bring_up_to_date(self, now: datetime) -> None:
        """Of the machine's voice: what waited as a suggestion promises nothing that has passed."""

    @property
    def concerns_public(self) -> bool:
        """Whether any of its components is on the page. If none is, it is for staff alone."""
        found: bool = self.affected.filter(component__is_shown=True).exists()
        return found

    def spoken_of(self) -> "list[Affected]":
        """Its components as the machine speaks of them: hidden ones only where no other is."""
        rows = list(self.affected.select_related("component"))
        return [one for one in rows if one.component.is_shown] or rows

    def names(self) -> list[str]:
        """Its components."""
        return [one.component.name for one in self.spoken_of()]

    def troubled(self) -> list[str]:
        """Those that are in trouble now."""
        return [one.component.name for one in self.spoken_of() if Status(one.status).is_trouble]

    def retitle(self, of: Sequence[str], failure: str) -> None:
        """Name these in the title, unless people have written it. The caller saves."""
        if generated_text.is_ours(self.title, self.names()):
            self.title = generated_text.title(of, failure)

    def weigh(self) -> None:
        """The impact: the page's rollup over its components, each at its worst; kept at its worst.

        Hidden ones count only where no other is: strangers read the impact.
        """
        self.impact = impact_of(Status(one.worst_status) for one in self.spoken_of())
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
        """Write a post (or what else it is) and move to its phase."""
        if phase is Phase.RESOLVED and self.resolved_at is None:
            self.well_since = self.recovered_at()
        self.phase = phase
        if phase is Phase.MONITORING:
            self.monitoring_at = self.monitoring_at or at or now
        elif phase is not Phase.RESOLVED:
            self.monitoring_at = None  # it was no recovery
        if phase is Phase.RESOLVED and self.resolved_at is None:
            self.resolved_at = max(at or now, self.started_at)
            self.settle_at = None
            self.affected.filter(is_held=True).update(is_held=False)
        self.save()
        update = self.write(
            kind, body, at or now, author=author, by_machine=by_machine, changes=changes, step=step
        )
        if by_machine and kind is Kind.POST and self.published_at is not None:
            Notice.objects.of_update(update, now, due_at=due_at)
        return update

    def note_fact(self, body: str, now: datetime, changes: Sequence[list[str]] = ()) -> None:
        """A fact for staff alone, by the machine."""
        self.write(Kind.NOTE, body, now, changes=changes)

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
        """One more entry of the story. The caller holds the page."""
        last = self.updates.aggregate(last=models.Max("number"))["last"] or 0
        is_ours = author is None if by_machine is None else by_machine
        update: Update = self.updates.create(
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


def change_row(component: Component, old: Status, new: Status) -> list[str]:
    """How an update keeps a change of a component."""
    return [component.public_id, component.name, str(old), str(new)]


def advice_of(text: str | None) -> str | None:
    """What customers can do, as it may be kept; None stays None. Raises ValidationError."""
    if text is None:
        return None
    text = lines(text).strip()
    if len(text) > MOST_WORKAROUND:
        raise ValidationError(
            {"workaround": f"What customers can do is longer than {MOST_WORKAROUND} characters: shorten it."}
        )
    return text
