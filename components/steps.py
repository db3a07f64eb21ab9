"""How far a check got, and at which step it failed.

A step without a time was passed if a later one was reached: not every check is
timed at every step, and a name that needs no look-up is no failure.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from components.outcomes import SAID, Failure

DNS, CONNECT, TLS, FIRST_BYTE, TRANSFER = "DNS", "Connect", "TLS", "First byte", "Transfer"
TLS_IF_SPOKEN = "TLS if spoken"  # of a kind of probe that may do without
# Of a WebSocket, and of an event stream: what the first byte and the transfer are there
UPGRADE, FIRST_MESSAGE, FIRST_EVENT = "Upgrade", "First message", "First event"
# Of servers that greet, or want a login, before they answer: what the first byte and the transfer are there
GREETING, LOGIN, SESSION, QUERY, ECHO, ANSWER = "Greeting", "Login", "Session", "Query", "Echo", "Answer"
# Where a check, or a reading, keeps the time of each (ms)
FIELDS = {
    DNS: "dns_ms", CONNECT: "connect_ms", TLS: "tls_ms",
    FIRST_BYTE: "first_byte_ms", TRANSFER: "transfer_ms",
    UPGRADE: "first_byte_ms", FIRST_MESSAGE: "transfer_ms", FIRST_EVENT: "transfer_ms",
    GREETING: "first_byte_ms", LOGIN: "first_byte_ms", ECHO: "first_byte_ms", ANSWER: "first_byte_ms",
    SESSION: "transfer_ms", QUERY: "transfer_ms",
}  # fmt: skip
# What fails at one step only; the others fail at the first that was not reached
STEPS: dict[str, str] = {
    Failure.TIMEOUT_DNS: DNS,
    Failure.DNS: DNS,
    Failure.TIMEOUT_CONNECT: CONNECT,
    Failure.REFUSED: CONNECT,
    Failure.UNREACHABLE: CONNECT,
    Failure.TIMEOUT_TLS: TLS,
    Failure.TIMEOUT_FIRST_BYTE: FIRST_BYTE,
    Failure.TIMEOUT_TRANSFER: TRANSFER,
}
# A server that refuses in one of these steps says so there: nothing was read to its end
SAID_ON_THE_WAY = {GREETING, LOGIN, SESSION, QUERY, ANSWER}
JUDGED = (Failure.STATUS, Failure.NO_DATA, *SAID)  # of what was read to its end


def passed(times: Mapping[str, float | None], failure: str, status_code: int | None = None) -> int:
    """How many of these steps, in their order, were passed; all of them without a failure."""
    steps = list(times)
    if failure == Failure.STATUS and SAID_ON_THE_WAY & times.keys():
        return max((place for place, step in enumerate(steps, 1) if times[step] is not None), default=0)
    fields = [FIELDS[step] for step in steps]
    if failure == Failure.STATUS and UPGRADE in times:
        return steps.index(UPGRADE)  # its status is the answer to the upgrade: no message follows
    if not failure or failure in JUDGED:
        return len(steps)
    reached = [place for place, step in enumerate(steps, 1) if times[step] is not None]
    if status_code is not None and FIELDS[FIRST_BYTE] in fields:
        reached.append(fields.index(FIELDS[FIRST_BYTE]) + 1)
    if failure in STEPS and FIELDS[STEPS[failure]] in fields:
        reached.append(fields.index(FIELDS[STEPS[failure]]))
    return max(reached, default=0)


class Step(NamedTuple):
    """`state`: "ok", "failed", or "open" for one that was not reached. `took_ms` None: not timed."""

    name: str
    state: str
    took_ms: float | None


def walk(names: Sequence[str], check: Any, *, by_staff: bool = True) -> list[Step]:
    """The steps that its kind of probe names (`Prober.steps`), as this check, or reading, passed them.

    All are "ok" if it failed after the last of them, on an expectation.
    """
    if by_staff and (own := _own_steps(check)):
        return own
    times: dict[str, float | None] = {}
    for name in names:
        step = TLS if name == TLS_IF_SPOKEN else name
        took_ms = getattr(check, FIELDS[step])
        spoke_tls = (
            took_ms is not None or STEPS.get(check.failure or "") == TLS or check.failure == Failure.TLS
        )
        if name != TLS_IF_SPOKEN or spoke_tls:
            times[step] = took_ms
    reached = passed(times, check.failure or "", check.status_code)
    states = ["ok"] * reached + ["failed"] + ["open"] * len(times)
    return [Step(name, state, times[name]) for name, state in zip(times, states, strict=False)]


def _own_steps(check: Any) -> list[Step]:
    """The steps that staff named themselves (`facts["steps"]`, name and time of each); empty without any."""
    try:
        pairs = [(str(name), took_ms) for name, took_ms in json.loads((check.facts or {}).get("steps", "[]"))]
    except (ValueError, TypeError, AttributeError):
        return []
    reached = sum(took_ms is not None for _, took_ms in pairs)
    states = ["ok"] * reached + ["failed"] + ["open"] * len(pairs)
    return [Step(name, state, took_ms) for (name, took_ms), state in zip(pairs, states, strict=False)]
