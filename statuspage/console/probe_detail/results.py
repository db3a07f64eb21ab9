"""A probe's results: its checks line by line, and how far one of them got."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from components import steps
from components.models import Check, Probe
from components.models.component import status_of
from components.outcomes import Failure, Outcome
from components.probers import steps_of
from components.status import Status
from statuspage.console.probe_detail.words import ms
from statuspage.public.evidence import sees

MAX_LINES = 40
HEAD = 4  # results shown of the newest run before it folds


@dataclass(frozen=True, slots=True)
class Line:
    """One result, or (`folded`) how many are not shown. Texts are ready to print."""

    at: datetime | None = None
    region: str = ""
    status: Status | None = None
    result: str = ""
    connect: str = ""
    tls: str = ""
    answer: str = ""
    folded: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """A step on the way: ok, failed, or not reached."""

    name: str
    state: str
    text: str

    @property
    def status(self) -> Status:
        """Its icon."""
        states = {"ok": Status.OPERATIONAL, "failed": Status.MAJOR_OUTAGE}
        return states.get(self.state, Status.UNKNOWN)


def lines(checks: Sequence[Check], probe: Probe, *, only_changes: bool = False) -> list[Line]:
    """The newest results, with equal ones in a row folded."""
    found: list[Line] = []
    for place, run in enumerate(_runs(checks)):
        if len(found) >= MAX_LINES:
            break
        if only_changes:
            found.append(_line(run[-1], probe))
            continue
        head = HEAD if place == 0 else 1
        if len(run) <= head + 2:
            found += [_line(one, probe) for one in run]
            continue
        found += [_line(one, probe) for one in run[:head]]
        hidden = len(run) - head - 1
        found.append(Line(folded=f"{hidden} more results, all the same: {_result(run[0])}"))
        found.append(_line(run[-1], probe))
    return found


def _runs(checks: Sequence[Check]) -> Iterable[list[Check]]:
    run: list[Check] = []
    for check in checks:
        if run and _kind_of(check) != _kind_of(run[-1]):
            yield run
            run = []
        run.append(check)
    if run:
        yield run


def _kind_of(check: Check) -> tuple[str, str, int | None]:
    return check.outcome, check.failure, check.status_code


def _line(check: Check, probe: Probe) -> Line:
    has_answer = check.outcome in (Outcome.UP, Outcome.DEGRADED) or check.first_byte_ms is not None
    return Line(
        at=datetime.fromtimestamp(check.slot, UTC),
        region=check.region,
        status=status_of(Outcome(check.outcome), probe.when_down),
        result=_result(check),
        connect=ms(check.connect_ms),
        tls=ms(check.tls_ms),
        answer=ms(check.total_ms if has_answer and not probe.is_passive else None),
    )


def _result(check: Check) -> str:
    if check.failure == Failure.OWN_FAULT:
        return "Could not check"
    if check.failure == Failure.DENIED:
        return "Not allowed by EGRESS_ALLOW"
    if check.outcome == Outcome.DEGRADED and not check.failure:
        return f"{sees(check)}, degraded"
    return sees(check)


def ladder(check: Check, kind: str) -> tuple[Rung, ...]:
    """How far it came, for staff."""
    walked = steps.walk(steps_of(kind), check)
    found = []
    for name, state, took_ms in walked:
        if state == "ok":
            took = "" if took_ms is None else ms(took_ms)
            found.append(Rung(name, "ok", ", ".join(filter(None, (_beside(name, check, kind), took))) or "–"))
        elif state == "failed":
            found.append(Rung(name, "failed", sees(check).lower()))
        else:
            found.append(Rung(name, "open", "not reached"))
    if not check.failure:
        found.append(Rung("As expected", "ok", "yes"))
    elif all(step.state == "ok" for step in walked):
        found.append(Rung("As expected", "failed", sees(check).lower()))
    else:
        found.append(Rung("As expected", "open", "not reached"))
    return tuple(found)


def _beside(name: str, check: Check, kind: str) -> str:
    """What there is to say of a step beside its time."""
    facts = check.facts or {}
    note = facts.get("note", "").rstrip(".")
    if name == steps.CONNECT:
        return check.address
    if name == steps.TLS:
        days = f"{check.days_left} days left" if check.days_left else ""
        return ". ".join(filter(None, (days, note if kind == "tls" else "")))
    if name == steps.FIRST_BYTE:
        return f"{facts.get('protocol', '')} {check.status_code or ''}".strip()
    return note if name == steps.TRANSFER else ""
