"""What the machine says in an incident, until a person speaks: it opens, tells each fact, and resolves.

The other half of `Incident`: verbs of people stand there, those of the machine here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models, transaction

from components.models import AutoIncidents, Component, Flip, Group, Page
from components.outcomes import Outcome
from components.status import Status
from incidents import words
from incidents.lifecycle import Kind, Phase
from incidents.models.record import Record, change_row
from incidents.times import near

if TYPE_CHECKING:
    from incidents.models.affected import Affected
    from incidents.models.incident import Incident

# The machine's promises: often at first, rarer in a long night. It keeps them itself.
PROMISES = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(hours=4))
PROPOSE_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Failed:
    """A component that fails for sure: the flip that says so, and what it was before."""

    component: Component
    flip: Flip
    old: Status

    @property
    def new(self) -> Status:
        """What it is now."""
        return Status(self.component.status)


class MachineManager(models.Manager["Incident"]):
    """From flips to incidents."""

    def live(self) -> models.QuerySet["Incident"]:
        """All but those deleted, or merged into another."""
        return self.filter(deleted_at=None, merged_into=None)

    def follow(self, flip: Flip, component: Component, *, old: Status, now: datetime) -> None:
        """Draw the consequences of a probe's change of mind. The caller holds the page."""
        new = Status(component.status)
        affected = self._open_for(component)
        if affected is not None:
            affected.incident.hear(affected, flip, new, now)
        elif (
            flip.new == Outcome.DOWN
            and new.is_trouble
            and not component.hand_status
            and not _is_worked_on(component)
        ):
            self._begin([Failed(component, flip, old)], now)

    def begin_after(self, components: Sequence[Component], now: datetime) -> None:
        """Planned work is over and these, of one group, are still down: that is one incident, from now on."""
        failed = [
            Failed(component, flip, Status.UNDER_MAINTENANCE)
            for component in components
            if not component.hand_status
            and AutoIncidents(component.auto_incidents) is not AutoIncidents.OFF
            and self._open_for(component) is None
            and (flip := _last_fall(component)) is not None
        ]
        if failed:
            for one in failed:
                one.flip.at = now  # dated to the end of the window; the row itself stays as it is
            self._begin(failed, now)

    def _open_for(self, component: Component) -> "Affected | None":
        """The component's place in the incident that is open for it; the machine's own first."""
        return (
            component.affected.filter(
                incident__resolved_at=None, incident__deleted_at=None, incident__merged_into=None
            )
            .select_related("incident")
            .order_by("-is_held", "-id")
            .first()
        )

    def _begin(self, failed: "Sequence[Failed]", now: datetime) -> None:
        """Confirmed failures in one group: join its young incident, or open one with one word.

        Hidden components are not spoken of; where all are hidden it stays a suggestion.
        """
        shown = [one for one in failed if one.component.is_shown]
        told = shown or failed
        first = told[0]
        asked = {AutoIncidents(one.component.auto_incidents) for one in told} - {AutoIncidents.OFF}
        if not asked:
            return
        incident = self._young(first.component.group, now, is_public=bool(shown))
        if incident is not None:
            for one in failed:
                incident.join(one.component, one.flip, one.old, one.new, now)
            return
        if not shown:
            asked = {AutoIncidents.SUGGEST}
        published, delayed = AutoIncidents.PUBLISH in asked, AutoIncidents.DELAY in asked
        incident = self.create(
            title=words.title([one.component.name for one in told], first.flip.failure),
            started_at=first.flip.at,
            created_at=now,
            group=first.component.group,
            is_by_machine=True,
            published_at=now if published else None,
            publish_at=now + publish_delay() if delayed and not published else None,
        )
        for one in failed:
            incident.touch(one.component, one.new, one.flip.at, is_held=True)
        if shown:
            incident.say_opened(shown, now)
        for one in failed:
            if not one.component.is_shown:
                incident.note_opened(one, now)

    def _young(self, group: Group | None, now: datetime, *, is_public: bool) -> "Incident | None":
        """The machine's open incident of this group, if it began within the join window.

        What the public must hear of does not join what only staff see because its components are hidden.
        """
        if group is None:
            return None
        window = timedelta(seconds=settings.JOIN_WINDOW_S)
        young = self.live().filter(group=group, is_by_machine=True, resolved_at=None)
        if is_public:
            young = young.filter(affected__component__is_shown=True).distinct()
        return young.filter(created_at__gte=now - window).first()

    def set_back(self, now: datetime, back: timedelta) -> None:
        """The clock was put back: countdowns and the machine's promises run on as long as they had to.

        Promises of staff stay: people read them off a clock of their own.
        """
        mine = self.live().filter(resolved_at=None, is_owned=False)
        for name in ("settle_at", "publish_at", "next_update_at"):
            mine.filter(**{f"{name}__gt": now}).update(**{name: models.F(name) - back})

    def turn(self, now: datetime) -> None:
        """What time alone brings: settled recoveries, proposals, countdowns, and promises that fell due."""
        opened = self.live().filter(resolved_at=None)
        for incident in opened.filter(is_owned=False, settle_at__lte=now):
            incident.settle(now)
        for incident in opened.filter(is_owned=True, proposed_at=None, well_since__lte=now - PROPOSE_AFTER):
            incident.propose(now)
        for incident in opened.filter(published_at=None, publish_at__lte=now):
            incident.publish_unasked(now)
        due = opened.filter(is_owned=False, is_by_machine=True, settle_at=None)
        for incident in due.filter(next_update_at__lte=now):
            incident.say_still(now)


class MachineVoice(Record):
    """The half of `Incident` that speaks by itself."""

    class Meta(Record.Meta):
        abstract = True

    def join(self, component: Component, flip: Flip, old: Status, status: Status, now: datetime) -> None:
        """One more component of the group fails: the same incident."""
        self.touch(component, status, flip.at, is_held=True)
        changes = [change_row(component, old, status)]
        if component.is_shown or not self.concerns_public:
            self.started_at = min(self.started_at, flip.at)
            self.well_since = self.settle_at = None
        if self.is_owned or not component.is_shown:
            self.save()
            self.note_fact(words.joined(component.name, flip.failure, since=flip.at), now, changes)
            return
        self.title = words.title(self.troubled(), flip.failure)
        self._say_by_machine(words.joined(component.name, flip.failure, since=flip.at), now, changes)

    def hear(self, affected: "Affected", flip: Flip, status: Status, now: datetime) -> None:
        """A later fact about a component that is already in it."""
        component, old = affected.component, Status(affected.status)
        if status == old:
            if component.hand_status:
                self._watch_recovery(flip.at, now)
                self.save()
            self.note_fact(f"{flip.probe}: {flip.old} → {flip.new}. {flip.why}".strip(), now)
            return
        affected.turn(status)
        self.weigh()
        self._watch_recovery(flip.at, now)
        changes = [change_row(component, old, status)]
        text = self._fact(component, old, status, flip)
        if self.is_owned or not component.is_shown:
            self.save()
            self.note_fact(text, now, changes)
        elif status is Status.UNKNOWN:
            self.save()
            self.write(Kind.FACT, text, now, changes=changes)
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
            length = words.duration(self.lasted(now).total_seconds())
            body = words.resolved(self.names(), since=self.started_at, until=until, length=length)
            self.next_update_at = None
            kind = Kind.POST if self.concerns_public else Kind.NOTE
            self.say(body, Phase.RESOLVED, now, by_machine=True, kind=kind)

    def propose(self, now: datetime) -> None:
        """Ask staff whether to resolve; never do it for them."""
        minutes = int(PROPOSE_AFTER.total_seconds() // 60)
        with transaction.atomic():
            Page.objects.hold()
            self.proposed_at = now
            self.save(update_fields=["proposed_at"])
            self.write(Kind.PROPOSAL, words.proposal(minutes), now)

    def say_opened(self, failed: "Sequence[Failed]", now: datetime) -> None:
        """The machine's first word, with the facts beneath it."""
        self.promise(now)
        flip = failed[0].flip
        if failed[0].old is Status.UNDER_MAINTENANCE:
            self.write(Kind.FACT, words.still_down(flip.why), now)
        else:
            self.write(Kind.FACT, f"First failed check: {flip.why}", flip.at)
            sure = f"Confirmed automatically, {flip.probe.rule.confirm_down} checks in a row"
            self.write(Kind.FACT, sure, now)
        body = words.opened(
            [one.component.name for one in failed],
            flip.failure,
            working=_working_beside(failed[0].component),
            since=flip.at,
            until=self.next_update_at or now,
        )
        changes = [change_row(one.component, one.old, one.new) for one in failed]
        self.say(body, Phase.INVESTIGATING, now, by_machine=True, changes=changes)

    def draft(self, now: datetime, until: datetime | None = None) -> str:
        """The first word as it would read now, for all that is in it: what staff begin from.

        `until`: the promise that goes with it, if it is chosen already.
        """
        rows = [row.component for row in self.affected.select_related("component")]
        shown = [one for one in rows if one.is_shown] or rows
        hit = [one for one in shown if Status(one.status).is_trouble] or shown
        last = Flip.objects.filter(probe__component__in=hit, new=Outcome.DOWN).order_by("-id").first()
        beside = {name for one in hit for name in _working_beside(one)}
        body = words.opened(
            [one.name for one in hit],
            last.failure if last else "",
            working=sorted(beside),
            since=self.started_at,
            until=until or max(self.next_update_at or now, now + PROMISES[0]),
        )
        return near(body, now)

    def note_opened(self, one: Failed, now: datetime) -> None:
        """The same of a hidden component, to staff alone."""
        name, flip = one.component.name, one.flip
        text = f"{words.failing(name, flip.failure, since=flip.at)} It is hidden from the page. {flip.why}"
        self.note_fact(text.strip(), now, [change_row(one.component, one.old, one.new)])

    def say_still(self, now: datetime) -> None:
        """Keep the promise of a next word, though nothing has changed."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            if self.is_owned or self.resolved_at:
                return
            if not self.concerns_public:  # hidden since it was promised
                self.next_update_at = None
                self.save(update_fields=["next_update_at", "updated_at"])
                return
            self.promise(now)
            until = self.next_update_at or now
            body = words.still(self.troubled() or self.names(), until=until)
            self.say(body, Phase(self.phase), now, by_machine=True)

    def publish_unasked(self, now: datetime) -> None:
        """The countdown ran out and nobody acted: show the suggestion."""
        with transaction.atomic():
            Page.objects.hold()
            self.refresh_from_db()
            if self.published_at or self.publish_at is None or self.publish_at > now or self.resolved_at:
                return
            if not self.concerns_public:  # hidden since the countdown began
                self.publish_at = None
                self.save(update_fields=["publish_at", "updated_at"])
                return
            self.publish(now)
            self.write(Kind.NOTE, "Published by itself: nobody acted in time.", now)

    # Inside

    def _fact(self, component: Component, old: Status, status: Status, flip: Flip) -> str:
        """The fact in customers' words."""
        is_counted = component.is_shown or not self.concerns_public
        if status is Status.UNKNOWN:
            return words.unseen(component.name, since=flip.at)
        if self.well_since is not None and is_counted:
            until = self.settle_at or flip.noticed_at
            return words.recovered(self.names(), since=self.well_since, until=until)
        if status.is_trouble and not old.is_trouble:
            return words.joined(component.name, flip.failure, since=flip.at)
        if status.is_trouble and list(Status).index(status) > list(Status).index(old):
            return words.worse(component.name, status.label, since=flip.at)
        left = [name for name in self.troubled() if name != component.name]
        return words.better(component.name, status.label, since=flip.at, left=left)

    def _watch_recovery(self, at: datetime, now: datetime) -> None:
        """Well is: every component seen, and none in trouble. Then the settling time runs.

        Hidden ones do not keep an incident open that customers read: nothing in it would say why.
        """
        statuses = [one.seen_status for one in self.spoken_of()]
        is_well = all(s in (Status.OPERATIONAL, Status.UNDER_MAINTENANCE) for s in statuses)
        if not is_well:
            self.well_since = self.settle_at = self.proposed_at = None
        elif self.well_since is None:
            self.well_since, self.settle_at = at, None if self.is_owned else now + settling()

    def _say_by_machine(self, body: str, now: datetime, changes: list[list[str]]) -> None:
        phase = Phase.MONITORING if self.well_since else Phase.INVESTIGATING
        if self.well_since:
            self.next_update_at = self.settle_at
        elif self.next_update_at is None or self.next_update_at <= now:
            self.promise(now)  # an earlier promise is kept, not pushed away by news
        self.say(body, phase, now, by_machine=True, changes=changes)

    def promise(self, now: datetime) -> None:
        kept = self.updates.filter(kind=Kind.POST, is_by_machine=True).count()
        self.next_update_at = now + PROMISES[min(kept, len(PROMISES) - 1)]
        self.save(update_fields=["next_update_at", "updated_at"])


def publish_delay() -> timedelta:
    """How long staff have to act on a suggestion that publishes itself."""
    return timedelta(seconds=settings.PUBLISH_DELAY_S)


def settling() -> timedelta:
    """How long all must be well before the machine resolves."""
    return timedelta(seconds=settings.SETTLE_S)


def _working_beside(component: Component) -> list[str]:
    """Components of the same group that are known to work."""
    if component.group_id is None:
        return []
    beside = Component.objects.filter(group_id=component.group_id, is_shown=True)
    return list(
        beside.exclude(pk=component.pk).filter(status=Status.OPERATIONAL).values_list("name", flat=True)
    )


def _last_fall(component: Component) -> Flip | None:
    """The newest flip of its probes that fail now; None when none does."""
    down = component.probes.filter(is_paused=False, outcome=Outcome.DOWN)
    flips = [flip for probe in down if (flip := probe.flips.last())]
    return max(flips, key=lambda flip: flip.at, default=None)


def _is_worked_on(component: Component) -> bool:
    """Planned work is under way: its end will judge."""
    found: bool = component.maintenances.filter(state__in=("in_progress", "verifying")).exists()
    return found
