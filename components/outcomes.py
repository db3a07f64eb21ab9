"""What a check found: a reading of raw facts, judged against the probe's expectations.

A prober returns a `Reading` and never raises; `classify` turns it into an
outcome and one sentence of why. What we could not see through a fault of our
own is unknown: not up, not down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What one check, or a probe after several, says."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "Outcome":
        """A row that no check can have left says nothing."""
        return cls.UNKNOWN


class Failure(StrEnum):
    """The closed set of reasons why a check failed."""

    TIMEOUT_DNS = "timeout_dns"
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_TLS = "timeout_tls"
    TIMEOUT_FIRST_BYTE = "timeout_first_byte"
    TIMEOUT_TRANSFER = "timeout_transfer"
    DNS = "dns"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    TLS = "tls"
    PROTOCOL = "protocol"
    REDIRECT = "redirect"
    TOO_LARGE = "too_large"
    STATUS = "status"
    ASSERTION = "assertion"
    LIMIT = "limit"  # a number it gives is beyond the limit for down
    REPORTED = "reported"  # it answers, and says itself that it is down
    DENIED = "denied"
    LATE = "late"  # a job did not report when it was due
    NO_DATA = "no_data"  # it answers, but without the requested data: neither up nor down
    OWN_FAULT = "own_fault"


# What the answer itself says, whatever its status code; the others are of whoever was asked, or of the way
SAID = (Failure.ASSERTION, Failure.LIMIT, Failure.REPORTED)


@dataclass(frozen=True, slots=True)
class Reading:
    """The raw facts of one check. Times are milliseconds by the monotonic clock.

    A phase that was not reached, or does not exist for the protocol, is None.
    `detail` is one sentence for staff; `excerpt` at most 1 kB of the answer,
    printable; `facts` are small named strings (retry_after, cert_name, answer).
    `degraded` is one sentence for staff: it answers, and reports that it is not healthy.
    """

    total_ms: float
    failure: Failure | None = None
    detail: str = ""
    degraded: str = ""
    address: str = ""
    family: int | None = None
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    transfer_ms: float | None = None
    status_code: int | None = None
    days_left: int | None = None
    excerpt: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expectation:
    """The limits of a healthy result: slower, or a certificate with fewer days, is degraded.

    For an indirect check only the content of an answer counts: without an answer nothing is known.
    """

    latency_limit_ms: int | None = None
    least_days_left: int | None = None
    is_indirect: bool = False  # asks another system: no answer says nothing about the thing itself


def classify(reading: Reading, expectation: Expectation) -> tuple[Outcome, str]:
    """The outcome of a check and why, in one sentence (empty when up)."""
    if reading.failure is Failure.OWN_FAULT:
        return Outcome.UNKNOWN, reading.detail or "We could not run the check."
    if reading.failure is Failure.NO_DATA:
        return Outcome.UNKNOWN, reading.detail or "The response did not contain what was asked for."
    if expectation.is_indirect and reading.failure is not None and reading.failure not in SAID:
        return Outcome.UNKNOWN, f"{reading.detail} So the status it reports is unknown.".lstrip()
    if reading.failure is not None:
        return Outcome.DOWN, reading.detail or reading.failure.value
    if reading.degraded:
        return Outcome.DEGRADED, reading.degraded
    limit = expectation.latency_limit_ms
    if limit is not None and reading.total_ms > limit:
        return Outcome.DEGRADED, f"Responded in {reading.total_ms:.0f} ms; the limit is {limit} ms."
    days = expectation.least_days_left
    if days is not None and reading.days_left is not None and reading.days_left < days:
        return (
            Outcome.DEGRADED,
            f"The certificate expires in {reading.days_left} days; the limit is {days}.",
        )
    return Outcome.UP, ""
