"""From when to when an incident lasted, the same on every page and in every message.

It begins with the first failure (dated back), and ends when everything had
recovered: not when the settling time ran out, nor when a person pressed Resolved.
Where no check saw the recovery, it ends when staff resolved it.
"""

from datetime import datetime, timedelta


def ended(
    started_at: datetime, *, recovered_since: datetime | None, resolved_at: datetime | None
) -> datetime | None:
    """When it ended; None while it lasts.

    A recovery before the start belongs to an earlier outage: staff have moved the start since.
    If staff dated the end back to before the recovery, their time counts.
    """
    if recovered_since is None or recovered_since <= started_at:
        return resolved_at
    return min(recovered_since, resolved_at) if resolved_at else recovered_since


def lasted(started_at: datetime, ended_at: datetime | None, now: datetime) -> timedelta:
    """How long it lasted, or has lasted until now."""
    return max((ended_at or now) - started_at, timedelta())


def well_by_people(
    *, recovered_since: datetime | None, monitoring_at: datetime | None, is_seen_well: bool
) -> datetime | None:
    """Since when all is healthy: by probes, else since staff chose Monitoring if no probe disagrees."""
    return recovered_since or (monitoring_at if is_seen_well else None)
