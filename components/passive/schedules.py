"""When a job is expected to report: every so often, by cron, or by systemd's OnCalendar.

Cron and OnCalendar are walked in a time zone, by its own clock, and the result is converted to UTC before
anything is added to it: an hour added to a local time is wrong twice a year.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from oncalendar import OnCalendar, OnCalendarError

from components.passive import lengths

SIMPLE, CRON, ON_CALENDAR = "simple", "cron", "oncalendar"
KINDS = (SIMPLE, CRON, ON_CALENDAR)
MIN_EVERY_S = 5
MAX_LINES = 20
ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)  # to read an expression
MAX_REPEATED = 4_000  # times in an hour that a clock repeats: one a second, and some
FIELDS = 5  # a sixth would be seconds: no cron has them


class ScheduleError(ValueError):
    """This is no schedule; the text is the sentence for staff."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`lines` of cron or OnCalendar; or `every_s` seconds."""

    kind: str
    lines: tuple[str, ...] = ()
    every_s: int = 0

    def next_after(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """The first expected time after `at`, in UTC; None when there is none any more."""
        if self.kind == SIMPLE:
            return at.astimezone(UTC) + timedelta(seconds=self.every_s)
        try:
            walk = self.walk(at.astimezone(zone))
            times = (moment.astimezone(UTC) for moment in islice(walk, MAX_REPEATED))
            # in the hour that a clock repeats, both libraries name the first pass: that may be past
            return next((moment for moment in times if moment > at), None)
        except OverflowError:
            return None  # beyond the last year that Python knows

    def walk(self, local: datetime) -> CronSim | OnCalendar:
        """The times after this local one. Raises CronSimError, OnCalendarError."""
        if self.kind == CRON:
            return CronSim(self.lines[0], local)
        return OnCalendar("\n".join(self.lines), local)


def parse(kind: str, text: str) -> Schedule:
    """The schedule, which may be over already (`is_over`). Raises ScheduleError."""
    if kind == SIMPLE:
        return Schedule(SIMPLE, every_s=_every(text))
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    schedule = _cron(lines) if kind == CRON else _on_calendar(lines)
    try:
        schedule.walk(ANY_TIME)
    except CronSimError as error:
        raise ScheduleError(f"The cron expression is not valid: {_reason(error)}.") from error
    except OnCalendarError as error:
        raise ScheduleError(f"The OnCalendar expression is not valid: {_reason(error)}.") from error
    except (ValueError, AssertionError, RecursionError) as error:  # thousands of digits, or of commas
        raise ScheduleError("The expression cannot be read: write a shorter one.") from error
    return schedule


def _every(text: str) -> int:
    try:
        return lengths.parse(text.strip().lower().removeprefix("every "), least_s=MIN_EVERY_S)
    except lengths.LengthError as error:
        raise ScheduleError(str(error)) from error


def _cron(lines: tuple[str, ...]) -> Schedule:
    if len(lines) != 1 or len(lines[0].split()) != FIELDS:
        raise ScheduleError(
            "Write one cron expression with five fields: minute, hour, day of month, month, day of week,"
            " such as 30 3 * * 1-5."
        )
    return Schedule(CRON, lines)


def _on_calendar(lines: tuple[str, ...]) -> Schedule:
    if not 1 <= len(lines) <= MAX_LINES:
        raise ScheduleError(
            f"Write one to {MAX_LINES} OnCalendar expressions, one per line, such as Mon..Fri 03:30."
        )
    return Schedule(ON_CALENDAR, lines)


def _reason(error: Exception) -> str:
    """The library's words, "Bad day-of-month", as the end of a sentence."""
    words = str(error) or "it cannot be read"
    return words[0].lower() + words[1:]
