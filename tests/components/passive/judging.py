"""A check of a passive probe as a worker makes it, at a moment that the test chooses."""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from components import egress, probers
from components.checking import Finding
from components.models import Inbox, Probe
from components.passive.reports import Report
from components.passive.spool import Batch
from components.receiving import Arrival, as_row, store
from incidents.tasks import settle


def listening(now: datetime, since: datetime | None = None) -> None:
    """A web process takes reports."""
    Inbox.objects.keep_listening(now, since or now - timedelta(days=30))


def judge_now(probe: Probe, now: datetime, *, is_listening: bool = True) -> Probe:
    """Claim it, judge it, settle it; the probe as it thinks then."""
    if is_listening:
        listening(now)
    second = math.floor(now.timestamp())
    Probe.objects.filter(pk=probe.pk).update(next_slot=second, claimed_slot=None)
    claims = [claim for claim in Probe.objects.claim_due(second) if claim.probe_id == probe.pk]
    (begun,) = Probe.objects.begin(claims)
    order = begun.order(Inbox.objects.heard([begun], now).get(begun.pk))
    check = probers.check(begun.kind, order, deadline_s=5, egress=egress.Egress())
    with ThreadPoolExecutor(1) as pool:  # a browser's loop may run in this thread
        reading = pool.submit(asyncio.run, check).result()
    settle([Finding(claims[0], reading, now, 0)], now)
    return Probe.objects.get(pk=probe.pk)


_written = iter(range(1_000_000))


def arrive(probe: Probe, *reports: Report, now: datetime) -> None:
    """These reports came to its address and are stored now."""
    rows = tuple(as_row(Arrival(probe.inbox.key_hash, report)) for report in reports)
    store(Batch(f"test{next(_written)}", 0, 1, rows), now)
