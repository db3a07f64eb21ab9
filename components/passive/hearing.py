"""What a passive probe is judged by: its state, and whether reports could reach us at all."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

FRESH = timedelta(seconds=45)  # a web process shows every few seconds that it takes reports
AHEAD = timedelta(seconds=10)  # clocks that are kept differ by less
NOT_LISTENING = "No web process is receiving reports at the moment, so a report may be missing."


def set_back(at_s: float, *, now_s: float, back_s: float) -> float:
    """A time (seconds since 1970) after the clock was set back: in the future there is none."""
    return at_s - back_s if at_s > now_s else at_s


@dataclass(frozen=True, slots=True)
class Heard:
    """`state` as `heartbeats` or `alerts` keep it; `zone` is the page's, `now` the database's.

    `listening_at`: when a web process last showed that it takes reports and had stored them all;
    `listening_since`: from when on that was so without a gap. None: never yet.
    """

    state: dict[str, Any]
    now: datetime
    zone: ZoneInfo
    listening_at: datetime | None = None
    listening_since: datetime | None = None

    @property
    def is_listening(self) -> bool:
        """Whether a report that was sent by now would be known. A sign from the future says nothing."""
        return self.listening_at is not None and -AHEAD <= self.now - self.listening_at <= FRESH
