"""Taking an update back: what the incident was before comes back, what happened meanwhile stays.

Probes go on looking while an update can be undone, and other people go on working. So a field
comes back only while it is what the update made of it, and what the probes saw in the meantime
is heard again, now by whoever speaks in the incident once the update is gone.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.dateparse import parse_datetime

from components.models import Component, Flip, Page
from components.status import Status
from incidents.lifecycle import Kind
from incidents.models import falls
from incidents.models.machine import MachineVoice
from incidents.models.notice import Notice
from incidents.models.record import Record
from incidents.models.recovery import settling

if TYPE_CHECKING:
    from incidents.models.update import Update

WORDS = ("title", "phase", "impact", "is_owned", "workaround")
TIMES = (
    "published_at", "publish_at", "monitoring_at", "resolved_at", "next_update_at", "settle_at", "well_since",
)  # fmt: skip
# Reckoned from what the probes see, so what they have made of them meanwhile is made again
RECKONED = ("impact", "settle_at", "well_since")


class TooLate(ValidationError):
    """What cannot be taken back any more, with what to do instead."""


def remember(incident: Record, statuses: Iterable[Component], now: datetime) -> dict[str, Any]:
    """The incident, its components and those it is about to turn, fit for JSON."""
    rows = [[row.component_id, row.status, row.worst_status, row.is_held] for row in incident.affected.all()]
    ids = {row[0] for row in rows} | {component.pk for component in statuses}
    return {
        **_facts(incident),
        "affected": rows,
        "hand": _hands(ids),
        "drafts": _drafts(incident),
        "at": now.isoformat(),
        "flip": Flip.objects.aggregate(last=models.Max("pk"))["last"] or 0,
    }


def conclude(incident: Record, before: Mapping[str, Any], typed: Mapping[str, str] | None) -> dict[str, Any]:
    """The same with what the update has made of it, and what its writer had typed."""
    made = _facts(incident)
    made["worst"] = [[row.component_id, row.worst_status] for row in incident.affected.all()]
    made["hand"] = _hands([pk for pk, _ in before["hand"]])
    chosen = {name: text for name, text in (typed or {}).items() if name != "body"}  # the update has it
    return {**before, "made": made, "typed": chosen}


def _facts(incident: Record) -> dict[str, Any]:
    times = {name: getattr(incident, name) for name in TIMES}
    return {
        "words": {name: getattr(incident, name) for name in WORDS},
        "times": {name: at.isoformat() if at else None for name, at in times.items()},
    }


def _hands(ids: Collection[int]) -> list[list[Any]]:
    return [list(row) for row in Component.objects.filter(pk__in=ids).values_list("pk", "hand_status")]


def _drafts(incident: Record) -> list[int]:
    """The machine's words in a suggestion, which the first word of a person turns into notes."""
    if incident.published_at is not None:
        return []
    drafts = incident.updates.filter(kind=Kind.POST, is_by_machine=True)
    return list(drafts.values_list("pk", flat=True))


class Undoing(MachineVoice):
    """The part of `Incident` that takes an update of a person back."""

    objects: Any
    merged: Any  # the incidents that were merged into this one

    class Meta(MachineVoice.Meta):
        abstract = True

    def undo(self, update: "Update", now: datetime) -> dict[str, str]:
        """Take an update back while nobody was told; its words stay with staff. Raises TooLate.

        Returns what its writer had chosen beside the words; nothing of an update that no form sent.
        """
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            update.refresh_from_db()
            self._refuse_undo(update, now)
            before, changes = update.before or {}, update.changes
            if not Notice.objects.take_back(update):
                raise TooLate("It is too late to undo: it is being sent. Edit it, or post a correction.")
            update.kind, update.undo_until, update.before = Kind.RETRACTED, None, None
            update.save(update_fields=["kind", "undo_until", "before"])
            self._restore(before, {public_id for public_id, *_ in changes}, now)
            Page.objects.bump_version(takes_away=True)
        typed: dict[str, str] = before.get("typed", {})
        return typed

    def _refuse_undo(self, update: "Update", now: datetime) -> None:
        if update.kind == Kind.RETRACTED:
            raise TooLate("This update was undone already.")
        if update.undo_until is None or now >= update.undo_until or update.before is None:
            raise TooLate("It is too late to undo: it has been sent. Edit it, or post a correction.")
        if self.updates.filter(number__gt=update.number, kind=Kind.POST).exists():
            raise TooLate("Somebody has posted since: edit your update instead.")
        if self.deleted_at or self.merged_into_id:
            raise TooLate("It is too late to undo: the incident was deleted or merged since.")
        is_new = update.before["times"]["published_at"] is None and not self.is_by_machine
        if is_new and self.merged.exists():
            raise TooLate("Another incident was merged into this one since: edit your update instead.")

    def _restore(self, before: dict[str, Any], turned: Collection[str], now: datetime) -> None:
        """Make it as it was. One that had never been published is off every page again.

        `turned`: the public ids of the components whose status the update changed.
        """
        made = before.get("made") or {**_facts(self), "worst": [], "hand": []}
        if self.is_owned:  # else it was handed back meanwhile, which ends what was set by hand
            _restore_hands(dict(before["hand"]), dict(made["hand"]), now)
        self._restore_facts(before, made, now)
        is_open = self.resolved_at is None and self.deleted_at is None
        if is_open:
            self._take_in([pk for pk, *_, is_held in before["affected"] if is_held], now)
            self._take_in_young(_moment(before.get("at")) or now, now)
        self._restore_rows(before, dict(made["worst"]), turned, is_open=is_open)
        newest = self._flips_since(before)
        if is_open:
            self._hear_again(newest, {pk for pk, *_ in before["affected"]}, now)
        for component in Component.objects.filter(pk__in=newest, hand_status=""):
            component.judge_again(now)  # it may fail in no incident now

    def _restore_facts(self, before: dict[str, Any], made: dict[str, Any], now: datetime) -> None:
        countdown = self.publish_at
        for name, value in before["words"].items():
            if name in RECKONED or getattr(self, name) == made["words"][name]:
                setattr(self, name, value)
        for name, value in before["times"].items():
            if name in RECKONED or getattr(self, name) == _moment(made["times"][name]):
                setattr(self, name, _moment(value))
        if self.publish_at is not None and countdown is None and "at" in before:
            # it stood still meanwhile: else it might run out in the moment of the undoing
            self.publish_at += now - datetime.fromisoformat(before["at"])
        if self.published_at is None and not self.is_by_machine:
            self.deleted_at = now
        if self.is_owned:
            self.settle_at = None
        elif self.well_since is not None and self.resolved_at is None and self.settle_at is None:
            self.settle_at = self.next_update_at = now + settling()  # handed back meanwhile
        self.save()
        self.updates.filter(pk__in=before["drafts"]).update(kind=Kind.POST)

    def _take_in(self, held: Collection[int], now: datetime) -> None:
        """What the machine opened meanwhile for a component of ours belongs to us. Raises TooLate."""
        others = self.affected.model.objects.filter(component__in=held, is_held=True).exclude(incident=self)
        rows = {row.incident_id: row for row in others.select_related("incident", "component")}
        for row in rows.values():
            other = row.incident
            if other.is_owned or (other.published_at is not None and self.published_at is None):
                raise TooLate(
                    f"It is too late to undo: {row.component} has failed again, and “{other}” was opened for "
                    "it. Post there, or merge the two."
                )
            other.merge_into(self, now)

    def _take_in_young(self, since: datetime, now: datetime) -> None:
        """Likewise what failed beside us while we were no incident of the machine's."""
        if self.is_by_machine and not self.is_owned:
            for other in type(self).objects.opened_beside(self, since, now):
                other.merge_into(self, now)

    def _restore_rows(
        self, before: dict[str, Any], made_worst: dict[int, str], turned: Collection[str], *, is_open: bool
    ) -> None:
        kept = {pk: row for pk, *row in before["affected"]}
        for row in self.affected.select_related("component"):
            if row.component_id in kept:
                is_worse = row.worst_status != made_worst.get(row.component_id, row.worst_status)
                row.status, worst_status, was_held = kept[row.component_id]
                # worse than the update said: a probe saw it meanwhile
                row.worst_status = row.worst_status if is_worse else worst_status
                row.is_held = row.is_held or was_held
            elif row.component.public_id in turned and not row.is_held:
                row.delete()  # it came with the update, not with a failure
                continue
            row.is_held = row.is_held and is_open
            row.save(update_fields=["status", "worst_status", "is_held"])
        worsts = {pk: row[1] for pk, row in kept.items()}
        if worsts != dict(self.affected.values_list("component_id", "worst_status")):
            self.weigh()

    def _flips_since(self, before: dict[str, Any]) -> dict[int, Flip]:
        """The newest change of mind about each of its components, and of those it had turned, since then."""
        ids = {*self.affected.values_list("component_id", flat=True), *(pk for pk, _ in before["hand"])}
        flips = Flip.objects.filter(probe__component__in=ids).select_related("probe").order_by("pk")
        since = flips.filter(pk__gt=before["flip"]) if "flip" in before else flips.none()
        return {flip.probe.component_id: flip for flip in since}

    def _hear_again(self, newest: Mapping[int, Flip], kept: Collection[int], now: datetime) -> None:
        """What the probes found meanwhile. Nobody but staff was told of it; `newest` by component."""
        rows = [row for row in self.affected.select_related("component") if row.component_id in newest]
        for row in rows:
            component, flip = row.component, newest[row.component_id]
            status = Status(component.status)
            if self.is_owned:
                row.set_status(status)  # the notes are there already
                self.weigh()
            elif row.component_id in kept:
                if status != row.status:
                    self.hear(row, flip, status, now)
            elif row.is_held and status.is_trouble:
                self.join(component, flip, falls.last_known(component), status, now)
            self._watch_recovery(flip.at, now)
        if rows:
            self.save()


def _restore_hands(before: dict[int, str], made: dict[int, str], now: datetime) -> None:
    """What staff had set comes back, where nobody has set something else since."""
    for component in Component.objects.filter(pk__in=before):
        hand_status = before[component.pk]
        is_ours = component.hand_status == made.get(component.pk, component.hand_status)
        if is_ours and component.hand_status != hand_status:
            component.hand_status = hand_status
            component.save(update_fields=["hand_status"])
            component.refresh(now)
            component.judge_again(None if hand_status else now)


def _moment(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
