"""Whether a region sees: written down by its worker, read by the alerts for staff."""

import platform
from datetime import datetime, timedelta

from components import event_log
from components.canaries import Canaries
from components.models import Heartbeat

BLIND = "blind"  # the role of the heartbeat that a worker leaves while its region is blind
REMOTE = "(remote)"  # in place of a worker's name
FRESH = timedelta(minutes=3)  # a worker that has not said so for this long may be gone

_known: dict[str, bool] = {}  # of this process, by region: whether it was blind


def note(region: str, canaries: Canaries, now: datetime) -> None:
    """Write down that this worker's region is blind, or sees again."""
    was_blind, is_blind = _known.get(region, False), canaries.is_blind
    if is_blind:
        Heartbeat.objects.beat(BLIND, _name(region), now)
    elif was_blind:
        Heartbeat.objects.filter(role=BLIND, name=_name(region)).delete()
    if is_blind is not was_blind:
        event_log.record("region.blind" if is_blind else "region.sees", region=region)
    _known[region] = is_blind


def note_remote(region: str, now: datetime, *, is_blind: bool) -> None:
    """Write down what a remote region says of itself."""
    row = Heartbeat.objects.filter(role=BLIND, name=f"{region} {REMOTE}")
    if is_blind is row.exists():
        if is_blind:
            row.update(at=now)
        return
    if is_blind:
        Heartbeat.objects.beat(BLIND, f"{region} {REMOTE}", now)
    else:
        row.delete()
    event_log.record("region.blind" if is_blind else "region.sees", region=region)


def blind_regions(now: datetime) -> list[str]:
    """The regions whose workers say that they see nothing, in order."""
    rows = Heartbeat.objects.filter(role=BLIND, at__gte=now - FRESH)
    return sorted({name.partition(" ")[0] for name in rows.values_list("name", flat=True)})


def _name(region: str) -> str:
    return f"{region} {platform.node()}"[:200]
