"""What a component fails with, as recovery hooks ask for it: failures, and keys of likely causes."""

from components.dependencies import edges, reached
from components.diagnosis import Cause, Facts, diagnose
from components.models import Check, Component, Probe
from components.outcomes import Failure, Outcome
from components.status import Status
from incidents.hooks.rules import Failing

# What these failures say by themselves, whatever a diagnosis adds
OF_FAILURE = {
    Failure.DNS: "dns",
    Failure.TIMEOUT_DNS: "dns",
    Failure.TLS: "certificate",
    Failure.DENIED: "own_fault",
    Failure.OWN_FAULT: "own_fault",
}
SAME = {"db_connections": "connections_used_up", "unhealthy": "health_check", "unauthorized": "blocked"}
OF_NAME = (  # how a cause without a key begins
    ("The database has run out of connections", "connections_used_up"),
    ("A dependency is failing", "dependency"),
    ("The process is not running", "not_started"),
    ("The host or its DNS name is gone", "network"),
    ("Overload", "overload"),
    ("The service is running, but reports", "health_check"),
    ("The certificate", "certificate"),
    ("The probe is not authorized", "blocked"),
)
BAD = (Outcome.DOWN, Outcome.DEGRADED)


def failing(component: Component) -> Failing | None:
    """What it fails with now, as its probes have confirmed; None if it does not fail."""
    probes = component.failing_probes()
    if not probes:
        return None
    failures: set[str] = set()
    causes: set[str] = set()
    for probe in probes:
        flip = probe.flips.last()
        failures |= {flip.failure} if flip is not None and flip.failure else set()
        causes |= of_probe(probe)
    if _needs_something_failing(component):
        causes.add("dependency")
    return Failing(frozenset(failures), frozenset(causes))


def of_probe(probe: Probe) -> set[str]:
    """The keys of the causes that its newest bad check speaks for."""
    bad = Check.objects.filter(probe=probe, outcome__in=BAD).order_by("-slot").first()
    if bad is None:
        return set()
    facts = Facts(
        failure=bad.failure,
        status_code=bad.status_code,
        detail=bad.detail,
        excerpt=bad.excerpt,
        headers={str(name): str(value) for name, value in (bad.facts or {}).items()},
    )
    named = {key for cause in diagnose(facts) if (key := _key(cause))}
    itself = OF_FAILURE.get(Failure(bad.failure)) if bad.failure in set(Failure) else None
    return named | ({itself} if itself else set())


def _key(cause: Cause) -> str:
    kind = str(getattr(cause, "kind", ""))
    if kind:
        return SAME.get(kind, kind)
    return next((key for start, key in OF_NAME if cause.name.startswith(start)), "")


def _needs_something_failing(component: Component) -> bool:
    needed = Component.objects.filter(pk__in=reached([component.pk], edges()))
    return any(Status(parent.status).is_trouble for parent in needed)
