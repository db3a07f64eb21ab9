"""An automatic incident that no probe looks at any more: say so once, promise nothing, ask staff."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q

from components.models import Page, Probe
from components.outcomes import Outcome
from components.status import Status
from incidents import generated_text
from incidents.lifecycle import Kind, Phase
from incidents.models.record import Record, change_row
from incidents.steps import Step

if TYPE_CHECKING:
    from incidents.models.affected import Affected


class Unwatched(Record):
    """Its probes were paused, deleted, pointed elsewhere; its component was hidden or deleted."""

    _say_step: Any  # of the machine's voice
    _news: Any

    class Meta(Record.Meta):
        abstract = True

    def is_looked_at(self) -> bool:
        """Whether a probe looks at any of its components."""
        return bool(_looked_at(self.affected.values_list("component_id", flat=True)))

    def look_who_looks(self, now: datetime) -> None:
        """Say once what no probe looks at any more, and stop promising when that is all there is."""
        rows = self.spoken_of()
        lost = _unseen(rows)
        is_told_of_hidden = self.published_at is not None and not self.concerns_public
        if not lost and rows and not is_told_of_hidden:
            return
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            if self.is_owned or self.resolved_at or self.unwatched_at:
                return
            rest = [row for row in rows if row not in lost and Status(row.status) is not Status.OPERATIONAL]
            if rest and not is_told_of_hidden:
                self._lose(lost, now)
            else:
                self._say_unwatched(lost, is_told_of_hidden, now)

    def _lose(self, lost: "Sequence[Affected]", now: datetime) -> None:
        """Some of it: a fact, once; the rest goes on."""
        fresh = [row for row in lost if Status(row.status) is not Status.UNKNOWN]
        if not fresh:
            return
        changes = _turn(fresh)
        text = generated_text.partly_unwatched([row.component.name for row in fresh])
        self.write(Kind.FACT if self.concerns_public else Kind.NOTE, text, now, changes=changes)

    def _say_unwatched(self, lost: "Sequence[Affected]", is_hidden: bool, now: datetime) -> None:
        names = [row.component.name for row in lost]
        changes = [] if is_hidden else _turn(lost)
        self.unwatched_at, self.next_update_at = now, None
        self.fail_again(now)
        text = generated_text.unwatched([] if is_hidden else names)
        if self.concerns_public or self.published_at is not None:
            self._say_step(Step.UNWATCHED, text, Phase(self.phase), now, changes=changes)
        else:
            self.save()
            self.note_fact(text, now, changes)
        self.write(Kind.PROPOSAL, generated_text.unwatched_proposal(names), now)


def _unseen(rows: "Sequence[Affected]") -> "list[Affected]":
    """Those that are not known to work and that no probe looks at; one that never passed sees nothing."""
    seen = _looked_at([row.component_id for row in rows])
    return [row for row in rows if row.component_id not in seen and not _is_well(row)]


def _looked_at(components: Iterable[int]) -> set[int]:
    probes = Probe.objects.filter(component__in=components, is_paused=False)
    looking = probes.exclude(Q(outcome=Outcome.DOWN) & Q(passed_at=None))
    return set(looking.values_list("component_id", flat=True))


def _is_well(row: "Affected") -> bool:
    """Nobody needs to look at what staff say works."""
    return bool(row.component.hand_status) and row.component.hand_status == Status.OPERATIONAL


def _turn(rows: "Sequence[Affected]") -> list[list[str]]:
    changes = [change_row(row.component, Status(row.status), Status.UNKNOWN) for row in rows]
    for row in rows:
        row.set_status(Status.UNKNOWN)
    return changes
