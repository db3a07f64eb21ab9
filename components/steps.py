"""How far a check came on its way, and at which step it failed.

A step without a time was passed all the same if a later one was reached: not
every check is timed at every step, and a name that needs no look-up is no failure.
"""

from collections.abc import Mapping

from components.outcomes import Failure

DNS, CONNECT, TLS, FIRST_BYTE, TRANSFER = "DNS", "Connect", "TLS", "First byte", "Transfer"
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
JUDGED = (Failure.STATUS, Failure.ASSERTION)  # of what was read to its end


def passed(times: Mapping[str, float | None], failure: str, status_code: int | None = None) -> int:
    """How many of these steps, in their order, were passed; all of them without a failure."""
    steps = list(times)
    if not failure or failure in JUDGED:
        return len(steps)
    reached = [place for place, step in enumerate(steps, 1) if times[step] is not None]
    if status_code is not None and FIRST_BYTE in times:
        reached.append(steps.index(FIRST_BYTE) + 1)
    if STEPS.get(failure) in times:
        reached.append(steps.index(STEPS[failure]))
    return max(reached, default=0)
