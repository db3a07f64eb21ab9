"""The facts of a probe that fails, for its diagnosis: its newest bad check, and what was seen beside it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from components import versions
from components.diagnosis import Cause, Facts, diagnose
from components.models import Check, Component, DeployMarker, DeploySource, Probe
from components.outcomes import Outcome
from components.probers import PROBERS, InvalidProbeError
from components.status import Status

HOUR_S = 3600
MAX_BESIDE = 50
MAX_GOOD = 2_000
MAX_RECENT = 20
CLOCKS_DIFFER = timedelta(seconds=30)  # a marker may be this much after what it explains
BAD = (Outcome.DOWN, Outcome.DEGRADED)


def of(
    probe: Probe,
    bad: Check,
    *,
    good: Sequence[int] | None = None,
    checks: Sequence[Check] | None = None,
    may_quote: bool = True,
) -> Facts:
    """All that is known. `good` (ms, oldest first) and `checks` (newest first) are read where not given.

    `may_quote`: whether reasons may hold words of the answer.
    """
    since = probe.since
    began = int(since.timestamp()) if since and probe.outcome in BAD else bad.slot
    if good is None:
        good = good_before(probe, began)
    if checks is None:
        checks = Check.objects.newest(probe, MAX_RECENT)
    group, hosts = _in_group(probe), _on_host(probe)
    deploy = last_deploy(probe.component_id, since) if since else None
    return Facts(
        failure=bad.failure,
        status_code=bad.status_code,
        detail=bad.detail,
        excerpt=bad.excerpt,
        headers=_headers(bad),
        total_ms=bad.total_ms,
        connect_ms=bad.connect_ms,
        first_byte_ms=bad.first_byte_ms,
        median_ms=_median(good),
        last_ms=max(good[-3:], default=None),
        recent="".join(_mark(check) for check in reversed(checks[:MAX_RECENT])),
        answering=tuple(one.name for one in group if one.status == Status.OPERATIONAL),
        failing=tuple(one.name for one in group if Status(one.status).is_trouble),
        same_host_answering=tuple(_name(one) for one in hosts if one.outcome == Outcome.UP),
        same_host_failing=tuple(_name(one) for one in hosts if one.outcome == Outcome.DOWN),
        failing_needs=tuple(one.name for one in probe.component.needs.all() if Status(one.status).is_trouble),
        is_maintained=probe.component.maintenances.filter(state__in=("in_progress", "verifying")).exists(),
        deployed_s=deploy.seconds_before(since) if since and deploy else None,
        deploy=str(deploy) if deploy else "",
        last_version="" if versions.is_etag(probe.last_version) else probe.last_version,
        deploy_is_sure=deploy is None or deploy.source != DeploySource.ETAG,
        may_quote=may_quote,
    )


def _headers(bad: Check) -> dict[str, str]:
    """The stored facts; none of a row that holds something else."""
    facts = bad.facts if isinstance(bad.facts, dict) else {}
    return {str(name): str(value) for name, value in facts.items()}


def good_before(probe: Probe, end: int) -> list[int]:
    """The times (ms) of the answers in the hour before this second, oldest first."""
    rows = Check.objects.between([probe.pk], end - HOUR_S, end, ("total_ms", "failure"))
    return [total_ms for *_, total_ms, failure in rows if not failure][:MAX_GOOD]


def newest_bad(probe: Probe) -> Check | None:
    """Its newest check that was not well."""
    return next(iter(Check.objects.newest(probe, 1, outcomes=BAD)), None)


def causes_of(probe: Probe) -> tuple[Cause, ...]:
    """What its newest bad check points to, the surest first; empty without one."""
    bad = newest_bad(probe)
    return () if bad is None else diagnose(of(probe, bad))


def _median(values: Sequence[int]) -> float | None:
    return float(sorted(values)[(len(values) - 1) // 2]) if values else None


def _mark(check: Check) -> str:
    return {"up": "+", "down": "-", "degraded": "-"}.get(check.outcome, "?")


def _name(probe: Probe) -> str:
    return f"{probe.component.name}: {probe}"


def _in_group(probe: Probe) -> list[Component]:
    """The other components of its group."""
    group_id = probe.component.group_id
    if group_id is None:
        return []
    return list(Component.objects.filter(group=group_id).exclude(pk=probe.component_id)[:MAX_BESIDE])


def _on_host(probe: Probe) -> list[Probe]:
    """Other probes of the same host and port that look for something else there."""
    place = _place(probe)
    if place is None:
        return []
    others = Probe.objects.filter(is_paused=False, target__icontains=place[0]).exclude(pk=probe.pk)
    others = others.exclude(kind=probe.kind, target=probe.target).select_related("component")
    return [other for other in others[:MAX_BESIDE] if _place(other) == place]


def _place(probe: Probe) -> tuple[str, int] | None:
    """Where it dials; None for a row that cannot be read."""
    try:
        prober = PROBERS[probe.kind]
        return prober.address(probe.parsed())
    except (InvalidProbeError, KeyError, TypeError, ValueError, AttributeError):
        return None


def last_deploy(component_id: int, at: datetime) -> DeployMarker | None:
    """The newest marker, of the component or the whole page, that can explain what happens at this time."""
    return DeployMarker.objects.concerning(component_id).filter(at__lte=at + CLOCKS_DIFFER).first()
