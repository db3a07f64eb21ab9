"""What a component fails with, as recovery hooks ask for it: failures, and kinds of likely causes."""

from collections.abc import Iterable, Sequence

from components.dependencies import edges, reached
from components.diagnosis.causes import LIKELY, Cause
from components.models import Component, Probe
from components.outcomes import Failure
from components.status import Status
from incidents import probe_facts
from incidents.hooks.rules import Failing

# Causes by component, and what its failing probes had heard by then (probe, seconds since 1970)
Known = dict[int, tuple[tuple[tuple[int, int | None], ...], tuple[Cause, ...]]]
# What these failures say by themselves, whatever a diagnosis adds
OF_FAILURE = {
    Failure.DNS: "dns",
    Failure.TIMEOUT_DNS: "dns",
    Failure.TLS: "certificate",
    Failure.DENIED: "own_fault",
    Failure.OWN_FAULT: "own_fault",
}


def failures_of(component: Component) -> frozenset[str] | None:
    """The failures that its probes have confirmed; None if it does not fail. Asks for no diagnosis."""
    probes = component.failing_probes()
    return _confirmed(probes) if probes else None


def failing(component: Component, known: Known | None = None) -> Failing | None:
    """What it fails with now, as its probes have confirmed; None if it does not fail.

    With `known`, causes are diagnosed again only once a probe has heard something new.
    """
    probes = component.failing_probes()
    if not probes:
        return None
    failures = _confirmed(probes)
    causes = _causes(component, probes, {} if known is None else known)
    possible = {cause.kind for cause in causes} | _by_failure(failures)
    if _needs_something_failing(component):
        possible.add("dependency")
    likely = {cause.kind for cause in causes if cause.sure >= LIKELY}
    return Failing(failures, frozenset(likely), frozenset(possible))


def _causes(component: Component, probes: Sequence[Probe], known: Known) -> tuple[Cause, ...]:
    heard = tuple((probe.pk, probe.heard_s) for probe in probes)
    before = known.get(component.pk)
    if before is not None and before[0] == heard:
        return before[1]
    causes = tuple(cause for probe in probes for cause in probe_facts.causes_of(probe))
    known[component.pk] = heard, causes
    return causes


def _confirmed(probes: Iterable[Probe]) -> frozenset[str]:
    flips = (probe.flips.last() for probe in probes)
    return frozenset(flip.failure for flip in flips if flip is not None and flip.failure)


def _by_failure(failures: frozenset[str]) -> set[str]:
    return {cause for failure, cause in OF_FAILURE.items() if failure in failures}


def _needs_something_failing(component: Component) -> bool:
    needed = Component.objects.filter(pk__in=reached([component.pk], edges()))
    return any(Status(parent.status).is_trouble for parent in needed)
