"""Recurring maintenance: the first window carries the rule, the next ones are created ahead."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from components import identity
from incidents import wall_clock, windows
from incidents.models.work import State, Work

AHEAD = timedelta(days=35)  # occurrences of a series are written down this far ahead
CLOCKS_AHEAD = timedelta(days=366)  # both nights when clocks change


class Series(Work):
    """The first of a series carries its `rule`; its first plan sets hour and length of all that follow."""

    occurrences: Any  # those that follow the first

    class Meta(Work.Meta):
        abstract = True

    def plan_ahead(self, now: datetime) -> int:
        """Write down the next occurrences of its series. How many were new. The caller holds the lock.

        Nobody is sent these: the first of the series announced them all, and each is reminded of in its time.
        """
        head = self.series or self
        if not head.rule:
            return 0
        first, _ = head.first_place()
        known = {first, *head.occurrences.values_list("planned_start", flat=True)}
        places = [place for place in head.places(now, now + AHEAD) if place[0] > first]
        new = [place for place in places if place[0] not in known]
        for starts_at, ends_at in new:
            one = head.occurrences.create(
                title=head.title, body=head.body, starts_at=starts_at, ends_at=ends_at,
                planned_start=starts_at, notice_h=head.notice_h, starts_by_itself=head.starts_by_itself,
                ends_by_itself=head.ends_by_itself,
            )  # fmt: skip
            one.components.set(head.components.all())
            one.note_plan(now, None)
            one.say(head.body, now, notifies=False)
        return len(new)

    def first_place(self) -> tuple[datetime, datetime]:
        """The window its series is counted from: as first planned, whatever became of that one."""
        first = self.plan_rows.first() if self.pk else None
        return (first.starts_at, first.ends_at) if first else (self.starts_at, self.ends_at)

    def places(self, after: datetime, before: datetime) -> list[tuple[datetime, datetime]]:
        """The windows of its series between two moments. Raises windows.InvalidRuleError."""
        start, end = (at.astimezone(UTC) for at in self.first_place())  # else they differ by their clocks
        return windows.occurrences(self.rule, start, end - start, self._zone(), after=after, before=before)

    def clock_changes(self, now: datetime) -> list[str]:
        """What is unusual about it, or about the next year of its series, because clocks change.

        And that its first window is no day of the rule there, which a time in UTC easily is not.
        """
        if not self.rule:
            sentence = wall_clock.sentence((self.starts_at, self.ends_at), self._zone(), planned=None)
            return [sentence] if sentence else []
        start, end = (at.astimezone(UTC) for at in self.first_place())
        until = now + CLOCKS_AHEAD
        try:
            off = windows.off_the_rule(self.rule, start, self._zone()) if start > now else ""
            told = windows.clock_changes(self.rule, start, end - start, self._zone(), after=now, before=until)
            return [off, *told] if off else told
        except windows.InvalidRuleError:
            return []  # no form lets one in, but a hand in the database can

    def _follow_rule(self, now: datetime, author: Any) -> None:
        """The series goes otherwise from now on: what is no part of it any more will not take place."""
        kept = {start for start, _ in self.places(now, now + AHEAD)} if self.rule else set()
        for one in self.occurrences.filter(state=State.SCHEDULED, starts_at__gt=now):
            if one.planned_start not in kept:
                one.cancel(now, author=author)
        self.plan_ahead(now)

    def keep_zone(self) -> None:
        """A series goes by the clock that the page has when it begins, whatever zone the page has later.

        Else its windows would move for everybody who was told of them.
        """
        if self.rule and not self.zone:
            self.zone = identity.current().time_zone

    def _zone(self) -> ZoneInfo:
        """The clock that its hours are kept by."""
        return ZoneInfo(self.zone) if self.zone else identity.current().zone
