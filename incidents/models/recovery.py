"""How an incident ends: all of it is well, that settles, and the machine resolves or asks staff.

Flips tell the machine what changes. Where none does (staff set or clear a status, hand the incident
back, restore it, merge another into it) it looks at what is so now: `catch_up`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models, transaction

from components.models import Component, Flip, Page
from components.models.component import StatusSpan
from components.status import Status
from incidents import generated_text
from incidents.lifecycle import Kind, Phase
from incidents.models.falls import failure, last_fall
from incidents.models.record import change_row
from incidents.models.unwatched import Unwatched
from incidents.state import RECOVERED
from incidents.steps import Step

if TYPE_CHECKING:
    from incidents.models.affected import Affected

PROPOSE_AFTER = timedelta(minutes=10)


class Recovery(Unwatched):
    """The part of `Incident` that watches whether it is over."""

    class Meta(Unwatched.Meta):
        abstract = True

    def settle(self, now: datetime) -> None:
        """All has been well long enough: the machine resolves what it speaks in."""
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            if self.is_owned or self.resolved_at or self.settle_at is None or self.settle_at > now:
                return
            if not self._is_well():  # staff have set a status since
                self.catch_up(now)
                return
            body = self.end_in_words(self.well_since or now, now)
            self.next_update_at = None
            if len(self.names()) > 1:
                self.retitle(self.names(), "")  # the whole of it, for the history
            kind = Kind.POST if self.concerns_public else Kind.NOTE
            self._say_step(Step.RESOLVED, body, Phase.RESOLVED, now, kind=kind)

    def propose(self, now: datetime) -> None:
        """Ask staff whether to resolve; never do it for them."""
        minutes = int(PROPOSE_AFTER.total_seconds() // 60)
        with transaction.atomic():
            Page.objects.lock()
            self.proposed_at = now
            self.save(update_fields=["proposed_at"])
            self.write(Kind.PROPOSAL, generated_text.proposal(minutes), now)

    def catch_up(self, now: datetime) -> None:
        """Take the statuses of now, and say what that changes. The caller holds the page."""
        if self.resolved_at or self.deleted_at or self.merged_into_id:
            return
        changes = self._take_statuses()
        self.weigh()
        if not self.is_owned or self.well_since or self._was_seen():
            self._watch_recovery(self._shown_since(now), now)
        self.save()
        if not self._say_what_is(now, changes) and changes:
            self.note_fact(generated_text.CAUGHT_UP, now, changes)

    def disputed(self) -> "list[Affected]":
        """Those of which staff say what no probe confirms: it does not end while that is so."""
        rows, is_looked_at = self.spoken_of(), self.is_looked_at()
        return [row for row in rows if _is_disputed(row.component, is_looked_at=is_looked_at)]

    # Inside

    def _is_well(self) -> bool:
        """Every component is seen, and none is in trouble; nor do staff say so, where the machine speaks.

        The machine says nothing of what no probe looks at any more.

        Hidden ones do not keep an incident open that customers read: nothing in it would say why.
        """
        rows = self.spoken_of()
        is_seen_well = bool(rows) and all(row.seen_status in RECOVERED for row in rows)
        if self.is_owned or not is_seen_well:
            return is_seen_well
        return self.is_looked_at() and not any(row.component.is_set_to_trouble for row in rows)

    def _watch_recovery(self, at: datetime, now: datetime) -> None:
        """Since when all is well. Then, where the machine speaks, the settling time runs."""
        if not self._is_well():
            self.fail_again(at)
            self.proposed_at = None
            return
        self.well_since = self.well_since or at
        if not self.is_owned:
            self.unwatched_at = None
            self.settle_at = self.settle_at or now + settling()

    def _was_seen(self) -> bool:
        """Whether a probe saw any of it: what staff alone know of is not over because checks pass."""
        ids = self.affected.values("component")
        seen = Flip.objects.filter(probe__component__in=ids, at__gte=self.started_at)
        return self.is_by_machine or seen.exists()

    def _take_statuses(self) -> list[list[str]]:
        """Each component as staff set it, or else as its probes see it; the changes."""
        changes = []
        for row in self.affected.select_related("component"):
            component, old = row.component, Status(row.status)
            if not component.hand_status and component.probed() is None:
                continue  # nobody says anything of it: what was said last stands
            status = component.judged()
            if status is not old:
                row.set_status(status)
                changes.append(change_row(component, old, status))
        return changes

    def _shown_since(self, now: datetime) -> datetime:
        """Since when its components are all as they are: to their probes, and on the page."""
        ids = [row.component_id for row in self.spoken_of()]
        spans = StatusSpan.objects.filter(component__in=ids, ended_at=None)
        flips = Flip.objects.filter(probe__component__in=ids)
        shown = spans.aggregate(newest=models.Max("started_at"))["newest"] or now
        seen = flips.aggregate(newest=models.Max("at"))["newest"] or shown
        return max(shown, seen, self.started_at)

    def _say_what_is(self, now: datetime, changes: Sequence[list[str]] = ()) -> bool:
        """Tell customers what they were told otherwise, where the machine speaks. False: nothing was."""
        if self.is_owned or not self.concerns_public:
            return False
        is_watching = self.phase == Phase.MONITORING
        failing = [row.component for row in self.spoken_of() if Status(row.status).is_trouble]
        if self.well_since is not None:
            self.next_update_at = self.settle_at
            self.save(update_fields=["next_update_at"])
            if is_watching:
                return False
            until = self.settle_at or now
            text = generated_text.recovered(self.names(), since=self.well_since, until=until)
            self._say_step(Step.RECOVERED, text, Phase.MONITORING, now, changes=changes)
            return True
        if not failing or self.unwatched_at or not (is_watching or _is_news(changes)):
            return False
        self._news(now)
        text = self._still_failing(failing, self.next_update_at or now)
        self._say_step(Step.STILL, text, Phase.INVESTIGATING, now, changes=changes)
        return True

    def _still_failing(self, failing: Sequence[Component], until: datetime) -> str:
        """Since when, where a probe saw it begin."""
        names = [component.name for component in failing]
        falls = [last_fall(component) for component in failing]
        known = [fall.at for fall in falls if fall is not None]
        if len(known) < len(failing):
            return generated_text.still(names, until=until)
        since = max(self.started_at, min(known))
        return generated_text.promised(
            generated_text.failing(names, failure(failing), since=since), until=until
        )


def _is_disputed(component: Component, *, is_looked_at: bool) -> bool:
    """`is_looked_at`: something else of the incident is, so that what staff call working needs no probe."""
    seen = component.probed()
    if not component.hand_status:
        return False
    if seen is None:
        return component.is_set_to_trouble or not is_looked_at
    return (seen in RECOVERED) is component.is_set_to_trouble


def _is_news(changes: Sequence[list[str]]) -> bool:
    """Whether something fails now that customers were told works."""
    return any(Status(new).is_trouble and not Status(old).is_trouble for _, _, old, new in changes)


def settling() -> timedelta:
    """How long all must be well before the machine resolves."""
    return timedelta(seconds=settings.SETTLE_S)
