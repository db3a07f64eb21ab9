"""The likely cause of a component's failure, for staff's drafts and, where staff allow it, for the public."""

from collections.abc import Iterable
from datetime import UTC, datetime

from components.diagnosis import Cause
from components.diagnosis.causes import LIKELY
from components.models import Component, Probe
from incidents import probe_facts

MAX_PROBES = 3


def of(component: Component) -> Cause | None:
    """The surest cause of what fails now; None when nothing fails, or nothing is named."""
    probes = [
        probe
        for probe in component.probes.all()  # those of a whole list of drafts are read at once
        if probe.outcome in probe_facts.BAD and not probe.is_paused
    ]
    causes = [
        cause
        for probe in sorted(probes, key=_since, reverse=True)[:MAX_PROBES]
        for cause in probe_facts.causes_of(probe)[:1]
    ]
    return max(causes, key=lambda cause: cause.sure, default=None)


def _since(probe: Probe) -> datetime:
    return probe.since or datetime.min.replace(tzinfo=UTC)


def in_words(components: Iterable[Component], *, to_staff: bool = False) -> str:
    """ "a system it depends on is failing", in our own words alone; empty unless one cause is likely.

    Of components whose causes may be shown; `to_staff`: of all, for a draft that they edit.
    """
    for component in components:
        if not (to_staff or component.shows_causes):
            continue
        cause = of(component)
        if cause is not None and cause.sure >= LIKELY and cause.public:
            return cause.public
    return ""
