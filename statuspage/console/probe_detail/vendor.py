"""How much later than our own checks another status page spoke of a failure, from our flips."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from components.models import Check, Flip, Probe
from components.outcomes import Outcome
from components.probers import passive_kinds
from incidents.times import clock
from statuspage.console.probe_detail.words import length

AROUND = timedelta(hours=6)  # a failure of ours that is further from their words is another one
LATE = timedelta(hours=1)  # and one that was over for longer when they spoke
MAX_FLIPS = 1_000


def spoke(probe: Probe, check: Check) -> str:
    """ "They said so 12 min after our own checks of API failed (08:01 UTC)."; empty if none of ours did."""
    said_at = _moment((check.facts or {}).get("vendor_since"))
    if said_at is None:
        return ""
    others_words = (probe.kind, *passive_kinds())
    own_probes = Probe.objects.filter(component=probe.component_id).exclude(kind__in=others_words)
    flips = Flip.objects.filter(probe__in=own_probes, at__range=(said_at - AROUND, said_at + AROUND))
    first = _first_fall(flips.order_by("at", "id")[:MAX_FLIPS], said_at)
    if first is None:
        return ""
    late_s = (said_at - first).total_seconds()
    when = f"{length(abs(late_s))} {'after' if late_s > 0 else 'before'}" if abs(late_s) >= 1 else "as"
    return f"They said so {when} our own checks of {probe.component.name} failed ({clock(first, said_at)})."


def _first_fall(flips: Iterable[Flip], said_at: datetime) -> datetime | None:
    """When the first of our failures began that was not long over when they spoke."""
    open_since: dict[int, datetime] = {}
    falls = []
    for flip in flips:
        if flip.new == Outcome.DOWN:
            open_since.setdefault(flip.probe_id, flip.at)
        elif (began := open_since.pop(flip.probe_id, None)) is not None and flip.at >= said_at - LATE:
            falls.append(began)
    return min([*falls, *open_since.values()], default=None)


def _moment(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
