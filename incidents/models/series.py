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
    """The first of a series has its `rule`; its first plan sets the hour and length of the others."""

    occurrences: Any  # those that follow the first

    class Meta(Work.Meta):
        abstract = True

    def plan_ahead(self, now: datetime) -> int:
        """Create the next occurrences of its series; returns how many. The caller holds the lock.

        No one is notified of these: the first of the series announced all, and each has its reminder.
        """
        head = self.series or self
        if not head.rule:
            return 0
        first, _ = head.first_place()
        starts = {first, *head.occurrences.values_list("planned_start", flat=True)}
        places = [place for place in head.places(now, now + AHEAD) if place[0] > first]
        new = [place for place in places if place[0] not in starts]
        for starts_at, ends_at in new:
            occurrence = head.occurrences.create(
                title=head.title, body=head.body, starts_at=starts_at, ends_at=ends_at,
                planned_start=starts_at, notice_h=head.notice_h, starts_by_itself=head.starts_by_itself,
                ends_by_itself=head.ends_by_itself,
            )  # fmt: skip
            occurrence.components.set(head.components.all())
            occurrence.note_plan(now, None)
            occurrence.say(head.body, now, notifies=False)
        return len(new)

    def first_place(self) -> tuple[datetime, datetime]:
        """The window its series is counted from: the first one as first planned, even if it was moved."""
        first = self.plan_rows.first() if self.pk else None
        return (first.starts_at, first.ends_at) if first else (self.starts_at, self.ends_at)

    def places(self, after: datetime, before: datetime) -> list[tuple[datetime, datetime]]:
        """The windows of its series between two moments. Raises windows.InvalidRuleError."""
        # subtracted as UTC, so that a clock change between them does not count
        start, end = (at.astimezone(UTC) for at in self.first_place())
        return windows.occurrences(self.rule, start, end - start, self._zone(), after=after, before=before)

    def clock_changes(self, now: datetime) -> list[str]:
        """Sentences about clock changes in its window, or in the next year of its series.

        Also if its first window does not match the rule in the series' zone.
        """
        if not self.rule:
            sentence = wall_clock.sentence((self.starts_at, self.ends_at), self._zone(), planned=None)
            return [sentence] if sentence else []
        start, end = (at.astimezone(UTC) for at in self.first_place())
        until = now + CLOCKS_AHEAD
        try:
            off = windows.off_the_rule(self.rule, start, self._zone()) if start > now else ""
            sentences = windows.clock_changes(
                self.rule, start, end - start, self._zone(), after=now, before=until
            )
            return [off, *sentences] if off else sentences
        except windows.InvalidRuleError:
            return []  # forms refuse such a rule, but it may be in the database

    def _follow_rule(self, now: datetime, author: Any) -> None:
        """After a change of the rule: cancel occurrences it no longer has, and create new ones."""
        starts = {start for start, _ in self.places(now, now + AHEAD)} if self.rule else set()
        for occurrence in self.occurrences.filter(state=State.SCHEDULED, starts_at__gt=now):
            if occurrence.planned_start not in starts:
                occurrence.cancel(now, author=author)
        self.plan_ahead(now)

    def keep_zone(self) -> None:
        """Fix the page's zone for a new series, so that its windows stay when the page's zone changes."""
        if self.rule and not self.zone:
            self.zone = identity.current().time_zone

    def _zone(self) -> ZoneInfo:
        """The zone of its hours."""
        return ZoneInfo(self.zone) if self.zone else identity.current().zone
