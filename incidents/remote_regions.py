"""What a remote region gets and gives: due checks under a lease, and findings, which are settled as any.

A finding counts only while its lease holds. One that comes later is no verdict any more: it is kept as
a result of its slot, if the slot has none and the probe still checks the same thing.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from components import event_log, sealed_options
from components.checking import CheckRequest, Finding
from components.models import Check, Heartbeat, Inbox, Probe, RemoteRegion
from components.models.claims import Claim
from components.models.remote_region import Hello
from components.outcomes import classify
from components.probers import PROBERS, Passive
from components.regions.messages import MAX_ORDERS, RemoteClaim
from components.targets import InvalidProbeError
from incidents import sight
from incidents.check_rows import row_of
from incidents.past_values import past_of
from incidents.settling import settle
from incidents.tasks import refusal

ROLE = "region"  # of its heartbeat


@dataclass(frozen=True, slots=True)
class Taken:
    """How many findings were settled, and how many were late: kept as results, or dropped."""

    settled: int
    kept: int
    dropped: int


def note_seen(region: RemoteRegion, hello: Hello, now: datetime, *, is_blind: bool) -> None:
    """The region asks for work: it is alive. A new start of its agent may have been a crash."""
    if region.note_seen(hello, now):
        Probe.objects.count_crash(region.name, int(now.timestamp()))
        event_log.record("region.started", region=region.name, skew_s=round(hello.skew_s, 1))
    Heartbeat.objects.beat(ROLE, region.name, now)
    sight.note_remote(region.name, now, is_blind=is_blind)


def work_for(region: RemoteRegion, room: int, now: datetime) -> list[dict[str, Any]]:
    """Its due checks, at most so many, each leased and as the region needs it.

    Secrets are in them: they go to this region alone, signed and over TLS.
    """
    most = min(max(room, 0), MAX_ORDERS)
    claims = Probe.objects.claim_for(region.name, int(now.timestamp()), most) if most else []
    probes = {probe.pk: probe for probe in Probe.objects.filter(pk__in=[c.probe_id for c in claims])}
    heard = Inbox.objects.heard(list(probes.values()), now)
    requests, findings = [], []
    for claim in claims:
        if (probe := probes.get(claim.probe_id)) is None:
            continue
        try:
            order = probe.order(heard.get(probe.pk))
            request = CheckRequest(claim, probe.kind, order, float(probe.timeout_s))
        except InvalidProbeError as invalid:
            findings.append(refusal(claim, invalid.sentence, now))
            continue
        prober = PROBERS[probe.kind]
        if isinstance(prober, Passive):  # what was reported is here, and nothing is dialled
            findings.append(Finding(claim, prober.judged(order), now, 0))
        else:
            requests.append(request)
    if findings:
        settle(findings, now)
    pasts = past_of(requests, probes)
    return [
        _order(request, probes[request.claim.probe_id], pasts.get(request.claim.probe_id, []))
        for request in requests
    ]


def _order(request: CheckRequest, probe: Probe, past: list[tuple[float, float]]) -> dict[str, Any]:
    """Raises nothing: `probe.order` has opened the same secrets, for the place they belong to."""
    claim, shown = request.claim, getattr(request.order, "shown", None)
    order: dict[str, Any] = {
        "claim": [claim.probe_id, claim.slot, claim.token],
        "mark": mark_of(probe),
        "kind": probe.kind,
        "target": probe.target,
        "options": sealed_options.plain(PROBERS[probe.kind], probe.options),
        "timeout_s": probe.timeout_s,
    }
    if shown is not None:
        order["certificate"] = [shown.chain, shown.key]
    if past:
        order["past"] = past
    return order


def mark_of(probe: Probe) -> str:
    """What it checks, as a short hash: results of another target are not its results."""
    options = json.dumps(probe.options, sort_keys=True, default=str)
    text = "\0".join((probe.kind, probe.target, options, probe.client_certificate))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def take(
    region: RemoteRegion,
    findings: Sequence[Finding],
    now: datetime,
    *,
    may_keep: Callable[[], bool] = lambda: True,
) -> Taken:
    """Settle those whose lease holds, keep the others as results. Safe to do twice.

    `may_keep` is asked for each that is late: nobody can tell whether its slot was ever given out.
    """
    probes = {
        probe.pk: probe
        for probe in Probe.objects.filter(
            pk__in={finding.claim.probe_id for finding in findings}, region=region.name
        ).select_related("component")
    }
    live: dict[int, Finding] = {}
    late: list[Finding] = []
    for finding in findings:
        probe = probes.get(finding.claim.probe_id)
        if probe is None:
            continue
        if _holds(finding.claim, probe, now):
            live[probe.pk] = finding
        elif _may_be_kept(finding.claim, probe, now) and may_keep():
            late.append(finding)
    if live:
        settle(list(live.values()), now)
    kept = _keep(late, probes)
    return Taken(len(live), kept, len(findings) - len(live) - kept)


def _holds(claim: Claim, probe: Probe, now: datetime) -> bool:
    """Whether it is still leased to whoever found this; `settle` asks the same under a lock.

    Nobody else takes what a region leaves behind, so the end of the lease is judged too: hours later
    the token is still the same.
    """
    is_same = probe.lease_token == claim.token and probe.claimed_slot == claim.slot
    return is_same and probe.lease_until >= int(now.timestamp()) and _is_same_thing(claim, probe)


def _is_same_thing(claim: Claim, probe: Probe) -> bool:
    return isinstance(claim, RemoteClaim) and claim.mark == mark_of(probe)


def _may_be_kept(claim: Claim, probe: Probe, now: datetime) -> bool:
    """Whether it can be a result: of a slot that was given out, and that is kept."""
    oldest = int((now - timedelta(days=settings.CHECK_RETENTION_DAYS)).timestamp())
    is_known = claim.token <= probe.lease_token and oldest < claim.slot <= int(now.timestamp())
    return is_known and _is_same_thing(claim, probe)


def _keep(late: Iterable[Finding], probes: Mapping[int, Probe]) -> int:
    """Results without a verdict, where the slot has none. How many there were."""
    rows = [
        row_of(finding, *classify(finding.reading, probes[finding.claim.probe_id].expectation))
        for finding in late
    ]
    if rows:
        with transaction.atomic():
            Check.objects.write(rows)
        event_log.record("check.late", count=len(rows))
    return len(rows)
