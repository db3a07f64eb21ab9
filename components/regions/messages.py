"""What goes between the server and a remote region: orders for checks, and findings, as JSON.

Both sides read strictly: what the other sends is bounded, typed and without characters that a database
refuses. docs/regions.md shows the shapes.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from components import client_certificates
from components.checking import CheckRequest, Finding
from components.models.claims import MAX_TIMEOUT_S, Claim
from components.outcomes import Failure, Reading
from components.probers import PROBERS
from components.probers.base import WantsPast
from components.targets import InvalidProbeError
from components.texts import harmless

WORK_PATH, RESULTS_PATH = "/regions/work", "/regions/results"
MAX_ORDERS = 200  # in one answer
MAX_FINDINGS = 200  # in one request
MAX_BODY_BYTES = 60_000  # of a request: strangers' bodies end at 64 kB (requests/limits.py)
MAX_FINDING_BYTES = 40_000  # larger ones are sent without their facts
MAX_INT = 2**31 - 1
MAX_BIG_INT = 2**62
MAX_FACTS, MAX_FACT_NAME_LENGTH = 100, 60
MAX_FACT_LENGTH = 2_000  # of one text: the steps of a check, with their names, are the longest
LENGTHS = {"detail": 1000, "degraded": 1000, "address": 64, "excerpt": 1024}
NUMBERS = ("dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "transfer_ms")
INTEGERS = {"family": 32_767, "status_code": MAX_INT, "days_left": MAX_INT}


class MessageError(ValueError):
    """What the other side sent cannot be read: a sentence."""


@dataclass(frozen=True, slots=True)
class RemoteClaim(Claim):
    """A claim in the hands of a region. `mark` says what is checked: another target has another one."""

    mark: str = ""


def read_json(body: bytes) -> dict[str, Any]:
    """A JSON object without NaN and infinity. Raises MessageError."""
    try:
        found = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MessageError("The body is not JSON: see docs/regions.md.") from error
    if not isinstance(found, dict):
        raise MessageError("The body is not a JSON object: see docs/regions.md.")
    return found


def _refuse(name: str) -> None:
    raise ValueError(name)


def request_of(order: Mapping[str, Any], region: str) -> CheckRequest:
    """The check that an order asks for. Raises MessageError; InvalidProbeError for one we cannot run."""
    claim = claim_of(order, region)
    kind, deadline_s = order.get("kind"), order.get("timeout_s")
    if not isinstance(deadline_s, int) or not 1 <= deadline_s <= MAX_TIMEOUT_S:
        raise MessageError("An order has no valid timeout.")
    if kind not in PROBERS:
        raise InvalidProbeError(
            "kind", f"The region’s agent does not know the probe kind “{kind}”: update it."
        )
    try:
        made = PROBERS[str(kind)].parse(str(order.get("target", "")), order.get("options") or {})
        if "certificate" in order:
            chain, key = order["certificate"]
            made = replace(made, shown=client_certificates.of(chain, key))
        if "past" in order and isinstance(made, WantsPast):
            made = made.with_past([(float(at), float(value)) for at, value in order["past"]])
    except InvalidProbeError:
        raise
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        sentence = f"The region’s agent cannot read its options ({type(error).__name__}): update it."
        raise InvalidProbeError("options", sentence) from error
    return CheckRequest(claim, str(kind), made, float(deadline_s))


def claim_of(values: Mapping[str, Any], region: str) -> RemoteClaim:
    """The claim of an order or a finding. Raises MessageError."""
    claim, mark = values.get("claim"), values.get("mark", "")
    if not isinstance(claim, list) or len(claim) != 3 or not isinstance(mark, str):
        raise MessageError("A claim is not three whole numbers and a mark.")
    if not all(type(part) is int and 0 <= part < MAX_BIG_INT for part in claim):
        raise MessageError("A claim is not three whole numbers and a mark.")
    probe_id, slot, token = claim
    return RemoteClaim(probe_id, slot, token, region, mark)


def finding_line(finding: Finding, ahead_s: float) -> bytes:
    """A finding as one line of JSON. `ahead_s`: how far our clock is ahead of the server's.

    Facts that would make it too large are left out.
    """
    reading, claim = finding.reading, finding.claim
    told = {
        field.name: getattr(reading, field.name)
        for field in fields(Reading)
        if getattr(reading, field.name) not in (None, "", {})
    }
    values = {
        "claim": [claim.probe_id, claim.slot, claim.token],
        "mark": getattr(claim, "mark", ""),
        "started_at": round(finding.started_at.timestamp() - ahead_s, 3),
        "reading": told,
    }
    line = json.dumps(values, default=str).encode()
    if len(line) > MAX_FINDING_BYTES:
        told.pop("facts", None)
        line = json.dumps(values, default=str).encode()
    return line


def finding_of(values: Any, region: str, now: datetime) -> Finding:
    """The finding that a region sent. Raises MessageError.

    It began no earlier than its slot and no later than now, whatever the region's clock says.
    """
    if not isinstance(values, dict) or not isinstance(values.get("reading"), dict):
        raise MessageError("A result has no reading.")
    claim = claim_of(values, region)
    started = _number(values.get("started_at"), "started_at")
    began = min(max(started, claim.slot), max(now.timestamp(), claim.slot))
    lag_ms = min(int((began - claim.slot) * 1000), 86_400_000)
    return Finding(claim, _reading(values["reading"]), _moment(began), lag_ms)


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise MessageError("A time is out of range.") from error


def _reading(values: Mapping[str, Any]) -> Reading:
    given: dict[str, Any] = {"total_ms": _bounded(values.get("total_ms"), "total_ms")}
    for name in NUMBERS:
        if values.get(name) is not None:
            given[name] = _bounded(values[name], name)
    for name, most in INTEGERS.items():
        if values.get(name) is not None:
            given[name] = min(max(int(_number(values[name], name)), -most), most)
    for name, most in LENGTHS.items():
        if values.get(name) is not None:
            given[name] = _text(values[name], name)[:most]
    if values.get("failure") is not None:
        try:
            given["failure"] = Failure(values["failure"])
        except ValueError as error:
            raise MessageError(
                "A failure has no known reason: update the server before its regions."
            ) from error
    return Reading(**given, facts=_facts(values.get("facts") or {}))


def _facts(values: Any) -> dict[str, str]:
    """Names and short texts, as every check stores them; what is deeper or more is left out.

    Raises MessageError.
    """
    if not isinstance(values, dict):
        raise MessageError("The facts are not names and texts.")
    texts = [(name, fact) for name, fact in values.items() if isinstance(fact, str)]
    return {
        harmless(name)[:MAX_FACT_NAME_LENGTH]: harmless(fact)[:MAX_FACT_LENGTH]
        for name, fact in texts[:MAX_FACTS]
    }


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MessageError(f"{name} is not a number.")
    try:
        number = float(value)
    except OverflowError as error:
        raise MessageError(f"{name} is out of range.") from error
    if not math.isfinite(number):
        raise MessageError(f"{name} is out of range.")
    return number


def _bounded(value: Any, name: str) -> float:
    return min(max(_number(value, name), 0.0), float(MAX_INT))


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise MessageError(f"{name} is not a text.")
    return harmless(value)


def batch_body(lines: Iterable[bytes], **more: Any) -> bytes:
    """The body of a request with these findings."""
    head = json.dumps(more)[:-1]
    comma = ", " if more else ""
    return f'{head}{comma}"results": ['.encode() + b", ".join(lines) + b"]}"
