"""What every page has: the banner, how fresh its data is, and what its frame needs."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from components.status import PageState, Status


class Step(StrEnum):
    """How old our newest check is."""

    NONE = "none"  # nothing was ever checked
    CURRENT = "current"
    LATE = "late"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Freshness:
    """The age of our data at a moment. With `late_at` and `stale_at` the script judges it again later."""

    step: Step
    at: datetime  # the moment it was judged at
    checked_at: datetime | None
    late_at: datetime | None
    stale_at: datetime | None
    probes: int = 0  # probes that reported lately
    watched: int = 0  # probes that ever did
    regions: int = 0
    failing: int = 0  # probes that see a problem now
    is_paused: bool = False  # there are probes, and none of them runs
    has_checked: bool = True  # whether any of them ever had a result

    @property
    def shown_until(self) -> datetime | None:
        """Until when a rendering may be shown with this step; None: for as long as it takes.

        A time in it that could be read on another day needs its date.
        """
        until = {Step.CURRENT: self.at, Step.LATE: self.stale_at}
        return until.get(self.step)

    @property
    def nothing(self) -> str:
        """Why there is no check to date the page by."""
        if self.is_paused:
            return "No automatic checks are running."
        return "Automatic checks are starting again." if self.has_checked else "No check has been made yet."


@dataclass(frozen=True, slots=True)
class Head:
    """The data of a page's frame. `state` decides title and favicon."""

    page_name: str
    page_url: str  # absolute, without trailing slash
    state: PageState
    version: int  # the doorbell token of this rendering
    rendered_at: datetime
    freshness: Freshness
    time_zone: str
    support_url: str = ""
    is_old: bool = False  # newer checks are known than this rendering has seen
    section: str = ""  # "status", "history", "maintenance" or "": the current entry of the navigation


@dataclass(frozen=True, slots=True)
class Fact:
    """One pair of the banner's <dl>: the value is text, or a time, or both ("08:00 UTC, 38 min ago")."""

    label: str
    text: str = ""
    at: datetime | None = None
    with_age: bool = False
    overdue: str = ""  # the label once `at` has passed
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Banner:
    """The answer in the first line. `eyebrow` is the state's label while an incident is open."""

    status: Status
    headline: str
    eyebrow: str = ""
    line: str = ""
    line_at: datetime | None = None  # printed after `line` where set
    line_is_ahead: bool = False  # a time to come has no age
    facts: tuple[Fact, ...] = ()
    is_checking: bool = False  # nothing was checked yet: new, not failed
