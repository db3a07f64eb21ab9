"""What the machine says in an incident, until a person speaks: it opens, tells each fact, and resolves.

The other half of `Incident`: verbs of people stand there, those of the machine here. The page shows
each update at once; its message waits a little (`incidents.steps`), and what happens meanwhile is
written into the same update. Which failures belong together is decided in `opening.py`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models, transaction

from components.models import AutoIncidents, Component, Flip, Page
from components.status import Status
from incidents import generated_text, steps
from incidents.lifecycle import Kind, Phase
from incidents.models import falls
from incidents.models.falls import failure, last_fall, newest_flip, working_beside
from incidents.models.notice import Notice
from incidents.models.record import change_row
from incidents.models.recovery import Recovery
from incidents.steps import Step
from incidents.times import near

if TYPE_CHECKING:
    from incidents.models.affected import Affected
    from incidents.models.opening import Failed
    from incidents.models.update import Update

# The machine's promises: often at first, rarer in a long night. It keeps them itself.
# Each kept promise without news is one step; whatever happens begins anew at the first.
PROMISES = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(hours=4))


class MachineVoice(Recovery):
    """The half of `Incident` that speaks by itself."""

    class Meta(Recovery.Meta):
        abstract = True

    def join(self, component: Component, flip: Flip, old: Status, status: Status, now: datetime) -> None:
        """One more component fails: the same incident."""
        self.touch(component, status, flip.at, is_held=True)
        changes = [change_row(component, old, status)]
        if component.is_shown or not self.concerns_public:
            self.started_at = min(self.started_at, flip.at)
            self.fail_again(flip.at)
            self.unwatched_at = None
        self.joined_at = now
        if self.is_owned or not component.is_shown:
            self.save()
            self.note_fact(generated_text.also([component.name], flip.failure, since=flip.at), now, changes)
            return
        self.title = generated_text.title(self.troubled(), flip.failure)
        text = generated_text.also([component.name], flip.failure, since=flip.at)
        self._tell(Step.ALSO, component, changes, now, text)

    def reopen(self, component: Component, flip: Flip, old: Status, status: Status, now: datetime) -> None:
        """It fails again minutes after the machine resolved it: the same story goes on."""
        self.fail_again(flip.at)
        self.resolved_at = self.monitoring_at = None
        self.phase = Phase.INVESTIGATING
        self.joined_at = now  # what fails with it now belongs to it
        affected = self.touch(component, status, flip.at)
        type(affected).objects.filter(pk=affected.pk).update(is_held=True)
        changes = [change_row(component, old, status)]
        if component.is_shown:
            self._tell(Step.AGAIN, component, changes, now)
        else:
            self.save()
            self.note_fact(generated_text.again([component.name], since=flip.at), now, changes)

    def come_out(self, asked: "set[AutoIncidents]", now: datetime) -> None:
        """A suggestion that a component joined which publishes, at once or if nobody acts."""
        if self.published_at is not None or self.is_owned:
            return
        if AutoIncidents.PUBLISH in asked:
            self.publish(now, due_at=now + steps.wait(Step.OPENED))
        elif AutoIncidents.DELAY in asked and self.publish_at is None:
            self.publish_at = now + publish_delay()
            self.save(update_fields=["publish_at", "updated_at"])

    def hear(self, affected: "Affected", flip: Flip, status: Status, now: datetime) -> None:
        """A later fact about a component that is already in it."""
        component, old = affected.component, Status(affected.status)
        if status == old:
            self._watch_recovery(flip.at, now)
            self.save()
            met = generated_text.met(flip.failure, flip.why)
            self.note_fact(f"{flip.probe}: {flip.old} → {flip.new}. {met}".strip(), now)
            self._say_what_is(now)
            return
        self.unwatched_at = None
        known = falls.last_known(component) if old is Status.UNKNOWN else old
        step = self._step(affected, known, status)
        if step is Step.AGAIN:
            self.joined_at = now  # what fails with it now belongs to it
        affected.set_status(status)
        self.weigh()
        self._watch_recovery(flip.at, now)
        if self.published_at is None and not self.is_owned and self.troubled():
            self.title = generated_text.title(self.troubled(), failure(self._in_trouble()))
        changes = [change_row(component, old, status)]
        if self.well_since and (component.is_shown or not self.concerns_public):
            step = Step.RECOVERED
        if step is not None:
            text = self._text(step, [component], flip, now)
        elif status is Status.UNKNOWN:
            text = generated_text.unseen(component.name, since=flip.at)
        else:
            text = generated_text.seen_again(component.name, status.label, since=flip.at)
        if self.is_owned or not component.is_shown:
            self.save()
            self.note_fact(text, now, changes)
        elif step is None:
            self.save()
            self.write(Kind.FACT, text, now, changes=changes)
        else:
            self._tell(step, component, changes, now, text)

    def say_opened(self, failed: "Sequence[Failed]", now: datetime) -> None:
        """The machine's first word, with the facts beneath it."""
        self._news(now)
        flip = failed[0].flip
        if failed[0].old is Status.UNDER_MAINTENANCE:
            self.write(Kind.FACT, generated_text.still_down(generated_text.met(flip.failure, flip.why)), now)
        else:
            self.write(
                Kind.FACT, f"First failed check: {generated_text.met(flip.failure, flip.why)}", flip.at
            )
            sure = generated_text.confirmed(flip.probe.rule, flip.failure)
            self.write(Kind.FACT, sure, now)
        body = self._opening([one.component for one in failed], self.next_update_at or now)
        changes = [change_row(one.component, one.old, one.new) for one in failed]
        self._say_step(Step.OPENED, body, Phase.INVESTIGATING, now, changes=changes)

    def draft(self, now: datetime, until: datetime | None = None) -> str:
        """The first update as it would read now, for all that is in it: what staff begin from.

        `until`: the promise that goes with it, if it is chosen already.
        """
        if self.well_since is not None:
            return near(self.end_in_words(self.well_since, now), now)
        if self.unwatched_at is not None:
            return generated_text.unwatched(self.names())
        return near(self._opening(self._in_trouble(), until or now + PROMISES[0]), now)

    def bring_up_to_date(self, now: datetime) -> None:
        """Published at last, the first update speaks of what fails now, and promises from now on."""
        opening = self.updates.filter(kind=Kind.POST, step=Step.OPENED).first()
        if self.is_owned or self.resolved_at or opening is None:
            return
        if self.well_since is not None or self.unwatched_at is not None:
            opening.body = generated_text.promised_nothing(opening.body)
            opening.save(update_fields=["body"])
            return
        self.next_update_at = None
        self._news(now)
        self._amend_opening(opening, [])

    def _in_trouble(self) -> list[Component]:
        """The components that this speaks of and that do not work now; all of them when none does."""
        rows = self.spoken_of()
        return [row.component for row in rows if Status(row.status).is_trouble] or [r.component for r in rows]

    def _opening(self, hit: Sequence[Component], until: datetime) -> str:
        beside = {name for component in hit for name in working_beside(component)}
        return generated_text.opened(
            [component.name for component in hit],
            failure(hit),
            working=sorted(beside - {component.name for component in hit}),
            since=self.started_at,
            until=until,
        )

    def note_opened(self, one: "Failed", now: datetime) -> None:
        """The same of a hidden component, to staff alone."""
        name, flip = one.component.name, one.flip
        text = f"{generated_text.failing([name], flip.failure, since=flip.at)} It is hidden from the page."
        text = f"{text} {generated_text.met(flip.failure, flip.why)}"
        self.note_fact(text.strip(), now, [change_row(one.component, one.old, one.new)])

    def say_still(self, now: datetime) -> None:
        """Keep the promise of a next word, though nothing has changed."""
        with transaction.atomic():
            Page.objects.lock()
            self.refresh_from_db()
            if self.is_owned or self.resolved_at:
                return
            if not self.concerns_public:  # hidden since it was promised
                self.next_update_at = None
                self.save(update_fields=["next_update_at", "updated_at"])
                return
            self.catch_up(now)
            if self.next_update_at is None or self.next_update_at > now:
                return  # something has changed, and that was said instead
            said = [row.component.name for row in self.disputed() if row.status == Status.OPERATIONAL]
            if said and not self.troubled():
                self.next_update_at = None  # staff are asked
                self._say_step(Step.STILL, generated_text.said_to_work(said), Phase(self.phase), now)
                return
            self.still_said += 1
            self.next_update_at = now + PROMISES[min(self.still_said, len(PROMISES) - 1)]
            of, until = self.troubled(), self.next_update_at
            body = (
                generated_text.still(of, until=until)
                if of
                else generated_text.still_unseen(self.names(), until=until)
            )
            self._say_step(Step.STILL, body, Phase(self.phase), now)

    def publish_unasked(self, now: datetime) -> None:
        """The countdown ran out and nobody acted: show the suggestion."""
        with transaction.atomic():
            Page.objects.lock()
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

    def _step(self, affected: "Affected", old: Status, status: Status) -> Step | None:
        """What a change of a component is; None for sight that was lost, or is back and shows no change.

        `old`: as it was last known. All recovered is seen afterwards.
        """
        if status is Status.UNKNOWN or status is old:
            return None
        if status.is_trouble and not old.is_trouble:
            return Step.AGAIN if Status(affected.worst_status).is_trouble else Step.ALSO
        if status.is_trouble and list(Status).index(status) > list(Status).index(old):
            return Step.WORSE
        return Step.BETTER

    def _text(self, step: Step, changed: Sequence[Component], flip: Flip, now: datetime) -> str:
        """The change in customers' words; of one component, or of all that an update tells."""
        names = [component.name for component in changed]
        if step is Step.RECOVERED:
            return generated_text.recovered(self.names(), since=self.well_since or now, until=self.settle_at)
        if step is Step.ALSO:
            return generated_text.also(names, failure(changed), since=self._fell_at(changed, flip.at))
        if step is Step.AGAIN:
            return generated_text.again(names, since=self._fell_at(changed, flip.at))
        status = Status(changed[-1].status)
        if step is Step.WORSE:
            return generated_text.worse(names[-1], status.label, since=flip.at)
        left = [name for name in self.troubled() if name not in names]
        if status is Status.OPERATIONAL:
            return generated_text.partly_recovered(names, since=flip.at, left=left)
        return generated_text.better(names[-1], status.label, since=flip.at, left=left)

    def _fell_at(self, components: Iterable[Component], at: datetime) -> datetime:
        """When the first of them began to fail, as far as this incident goes back."""
        falls = [flip.at for component in components if (flip := last_fall(component))]
        return max(self.started_at, min(falls, default=at))

    # How it is told

    def _tell(
        self, step: Step, component: Component, changes: list[list[str]], now: datetime, text: str = ""
    ) -> None:
        """Say it: in the update that nobody has been notified of yet if that fits, else in one of its own."""
        if step is Step.AGAIN:  # what had recovered and still works is not said to fail
            self.retitle([one.name for one in self._in_trouble()], failure(self._in_trouble()))
        if step is not Step.RECOVERED:
            self._news(now)
        else:
            self.next_update_at = self.settle_at
        untold = self._untold(now)
        if untold is not None and untold.step == Step.OPENED and step in (Step.ALSO, Step.AGAIN, Step.WORSE):
            self._amend_opening(untold, changes)
            self.write(Kind.FACT, text or self._text(step, [component], newest_flip(component), now), now)
        elif untold is not None and untold.step == Step.OPENED and step is Step.BETTER:
            self.save()
            self.write(Kind.FACT, text, now, changes=changes)
        elif untold is not None and untold.step == step and step in (Step.ALSO, Step.AGAIN, Step.BETTER):
            self._amend(untold, step, component, changes, now)
        else:
            text = text or self._text(step, [component], newest_flip(component), now)
            if step is Step.AGAIN:
                text = generated_text.promised(text, until=self.next_update_at or now)
            phase = Phase.MONITORING if self.well_since else Phase.INVESTIGATING
            self._say_step(step, text, phase, now, changes=changes)

    def _untold(self, now: datetime) -> "Update | None":
        """The machine's newest update, while nobody has been notified of it."""
        newest: Update | None = self.updates.filter(kind=Kind.POST).order_by("-number").first()
        if newest is None or not newest.is_by_machine or not newest.step:
            return None
        if self.published_at is None:
            return newest
        waiting = Notice.objects.waiting(now).filter(update=newest)
        return newest if waiting.exists() else None

    def _amend_opening(self, update: "Update", changes: list[list[str]]) -> None:
        hit = self._in_trouble()
        self.title = generated_text.title([component.name for component in hit], failure(hit))
        self.save()
        self._rewrite(update, self._opening(hit, self.next_update_at or update.at), changes)

    def _amend(
        self, update: "Update", step: Step, component: Component, changes: list[list[str]], now: datetime
    ) -> None:
        """One more of the same: the update speaks of all of them."""
        self.save()
        known = {row[0] for row in update.changes} | {component.public_id}
        changed = [row.component for row in self.spoken_of() if row.component.public_id in known]
        text = self._text(step, changed, newest_flip(component), now)
        if step is Step.AGAIN:
            text = generated_text.promised(text, until=self.next_update_at or now)
        self._rewrite(update, text, changes)

    def _rewrite(self, update: "Update", body: str, changes: list[list[str]]) -> None:
        kept = [row for row in update.changes if row[0] not in {new[0] for new in changes}]
        update.body, update.changes = near(body, update.at), [*kept, *changes]
        update.save(update_fields=["body", "changes"])
        Page.objects.bump_version(is_public=self.published_at is not None)

    def _say_step(
        self,
        step: Step,
        body: str,
        phase: Phase,
        now: datetime,
        *,
        changes: Sequence[list[str]] = (),
        kind: Kind = Kind.POST,
    ) -> None:
        """One update of its own. It takes the place of one that nobody has been notified of yet."""
        untold = self._untold(now)
        due_at = now + steps.wait(step, self.updates.filter(step=Step.AGAIN).count())
        if untold is not None and self.published_at is not None and kind is Kind.POST:
            due_at = self._due_instead(untold, step, due_at, now)
            Notice.objects.take_back(untold)
        self.say(body, phase, now, by_machine=True, changes=changes, kind=kind, step=step, due_at=due_at)

    def _due_instead(self, untold: "Update", step: Step, due_at: datetime, now: datetime) -> datetime:
        """When to tell this instead of what waits: no later than that was due, so nothing waits for ever.

        A relapse before anyone was told of the recovery is no news to them: it may take its time.
        """
        waits_until = Notice.objects.get(update=untold).due_at
        if step is Step.AGAIN and untold.step in (Step.BETTER, Step.RECOVERED):
            told = Notice.objects.filter(incident_id=self.pk).exclude(sorted_at=None)
            last: datetime | None = told.aggregate(last=models.Max("due_at"))["last"]
            return max(waits_until, (last or now) + steps.wait(Step.BETTER))
        return min(waits_until, due_at)

    def _news(self, now: datetime) -> None:
        """Something happened: the promises begin anew. One that is sooner is kept, not pushed away."""
        first = now + PROMISES[0]
        was_watching = self.phase == Phase.MONITORING
        self.still_said = 0
        if was_watching or self.next_update_at is None or not now < self.next_update_at <= first:
            self.next_update_at = first


def publish_delay() -> timedelta:
    """How long staff have to act on a suggestion that publishes itself."""
    return timedelta(seconds=settings.PUBLISH_DELAY_S)
