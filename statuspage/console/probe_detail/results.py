"""A probe's results: its checks line by line, and the steps of one of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from components import steps
from components.limits import spelled, value_in
from components.models import Check, Probe
from components.models.component import status_of
from components.outcomes import Failure, Outcome
from components.probers import steps_of
from components.status import Status
from statuspage.console.probe_detail.words import ms
from statuspage.public.evidence import sees

MAX_LINES = 40
HEAD = 4  # results of the newest run that are shown before the rest is folded


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
    """A step on the way: ok, degraded, failed, or not reached."""

    name: str
    state: str
    text: str

    @property
    def status(self) -> Status:
        """Its icon."""
        states = {
            "ok": Status.OPERATIONAL,
            "degraded": Status.DEGRADED_PERFORMANCE,
            "failed": Status.MAJOR_OUTAGE,
        }
        return states.get(self.state, Status.UNKNOWN)


def lines(checks: Sequence[Check], probe: Probe, *, only_changes: bool = False) -> list[Line]:
    """The newest results, with equal ones in a row folded."""
    rows: list[Line] = []
    for place, run in enumerate(_runs(checks)):
        if len(rows) >= MAX_LINES:
            break
        if only_changes:
            rows.append(_line(run[-1], probe))
            continue
        head = HEAD if place == 0 else 1
        if len(run) <= head + 2:
            rows += [_line(check, probe) for check in run]
            continue
        rows += [_line(check, probe) for check in run[:head]]
        rows.append(Line(folded=_folded(run[head:-1])))
        rows.append(_line(run[-1], probe))
    return rows


def _folded(run: Sequence[Check]) -> str:
    """What the results are that are not shown one by one; numbers by their range."""
    values = sorted(value for check in run if (value := value_in(check.facts)) is not None)
    if values and values[0] != values[-1]:
        return f"{len(run)} more results, from {spelled(values[0])} to {spelled(values[-1])}"
    return f"{len(run)} more results, all the same: {_result(run[0])}"


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
    value = measured(check)
    words = f"{value}, {_lower(sees(check))}" if value and check.failure else value or sees(check)
    if check.outcome == Outcome.DEGRADED and not check.failure:
        return f"{words}, degraded"
    return words


def measured(check: Check) -> str:
    """The number that a check measured, to read; empty where it measured none."""
    value = value_in(check.facts)
    return "" if value is None else spelled(value)


def ladder(check: Check, kind: str) -> tuple[Rung, ...]:
    """The steps of a check and where it failed, for staff."""
    walked = steps.walk(steps_of(kind), check)
    rungs = []
    for name, state, took_ms in walked:
        if state == "ok":
            took = "" if took_ms is None else ms(took_ms)
            rungs.append(
                Rung(name, "ok", ", ".join(filter(None, (_step_detail(name, check, kind), took))) or "–")
            )
        elif state == "failed":
            rungs.append(Rung(name, "failed", _lower(sees(check))))
        else:
            rungs.append(Rung(name, "open", "not reached"))
    if not check.failure and check.outcome == Outcome.DEGRADED:
        rungs.append(Rung("As expected", "degraded", "degraded"))
    elif not check.failure:
        rungs.append(Rung("As expected", "ok", "yes"))
    elif all(step.state == "ok" for step in walked):
        rungs.append(Rung("As expected", "failed", _lower(sees(check))))
    else:
        rungs.append(Rung("As expected", "open", "not reached"))
    return tuple(rungs)


def _lower(words: str) -> str:
    """Within a line: "no response", but "200 OK"."""
    return words[:1].lower() + words[1:]


def _step_detail(name: str, check: Check, kind: str) -> str:
    """The detail of a step, shown with its time."""
    facts = check.facts or {}
    note = facts.get("note", "").rstrip(".")
    if name == steps.CONNECT:
        return check.address
    if name == steps.TLS:
        days = f"{check.days_left} days left" if check.days_left else ""
        return ". ".join(filter(None, (days, note if kind == "tls" else "")))
    if name == steps.FIRST_BYTE:
        return f"{facts.get('protocol', '')} {check.status_code or ''}".strip()
    return note if name in (steps.TRANSFER, steps.FIRST_MESSAGE, steps.FIRST_EVENT) else ""
