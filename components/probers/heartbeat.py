"""Heartbeat probes: a job says that it ran, and is late when it does not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from components.outcomes import Reading
from components.passive import heartbeats, lengths, schedules
from components.passive.hearing import Heard
from components.passive.lengths import LengthError
from components.passive.schedules import KINDS, SIMPLE, Schedule, ScheduleError
from components.probers.base import Option, options_of
from components.probers.passive import Passive
from components.targets import InvalidProbeError


@dataclass(frozen=True, slots=True)
class HeartbeatOrder:
    """`zone`: its own, None for the page's. `heard` comes with each check."""

    schedule: Schedule
    grace: timedelta
    zone: ZoneInfo | None
    heard: Heard | None = None


class Heartbeat(Passive):
    kind = "heartbeat"
    label = "Heartbeat (a job reports)"
    target_label = "Schedule"
    target_help = (
        "How often the job runs, by the schedule type below: a length (10 min), a cron expression"
        " (30 3 * * 1-5), or OnCalendar expressions, one per line (Mon..Fri 03:30)."
    )
    options = (
        Option("schedule", "Schedule type", type="choice", default=SIMPLE, choices=KINDS,
               help="simple: at least this often. cron and oncalendar: at these times."),
        Option("grace", "Grace time", default="5 min",
               help="How long after the expected time, or after a start without an end, it counts as late."),
        Option("zone", "Time zone",
               help="For cron and oncalendar, such as Europe/Berlin. Empty: the page’s zone."),
    )  # fmt: skip

    def parse(self, target: str, options: Mapping[str, Any]) -> HeartbeatOrder:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        try:
            schedule = schedules.parse(given["schedule"], target)
        except ScheduleError as error:
            raise InvalidProbeError("target", str(error)) from error
        try:
            grace_s = lengths.parse(given["grace"])
        except LengthError as error:
            raise InvalidProbeError("grace", str(error)) from error
        return HeartbeatOrder(schedule, timedelta(seconds=grace_s), _zone(given["zone"].strip()))

    def refuse_at_save(self, order: HeartbeatOrder) -> None:
        """Refuse a schedule that is over. Raises InvalidProbeError."""
        if order.schedule.next_after(datetime.now(UTC), order.zone or ZoneInfo("UTC")) is None:
            sentence = "This never happens (again): write a schedule with a time to come."
            raise InvalidProbeError("target", sentence)

    def judge(self, order: HeartbeatOrder, heard: Heard) -> Reading:
        """Up, late, or failed by its own words."""
        return heartbeats.judge(order.schedule, order.grace, self.local(order, heard))

    def local(self, order: HeartbeatOrder, heard: Heard) -> Heard:
        """What was heard, in the probe's own zone if it has one."""
        return heard if order.zone is None else replace(heard, zone=order.zone)


def _zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidProbeError(
            "zone", "There is no such time zone: write it as Europe/Berlin, or leave it empty."
        ) from error
