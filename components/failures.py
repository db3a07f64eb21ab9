"""What we say about each failure: one row per failure, read by every page, update and diagnosis.

A new failure is a member of `outcomes.Failure` and one row here. `noticed` follows a
component's name in a title ("API is returning errors"), `now` follows "is" or "are" in an
update ("API and Search are also returning errors"). `met` and `seen` name nothing of the
target, so they are fit for the public page; `how` is for staff.
"""

from dataclasses import dataclass

from components.outcomes import Failure
from components.unsteady import ON_AND_OFF

NO_ANSWER = ("is not responding", "not responding")
ERRORS = ("is returning errors", "returning errors")
INCORRECT = ("is returning incorrect responses", "returning incorrect responses")
UNREACHABLE = ("is unreachable", "unreachable")
NOT_FOUND = ("cannot be found", "unreachable")
NO_DATA = "no data"  # what our own failure shows of the target


@dataclass(frozen=True, slots=True)
class Words:
    """The phrases for one failure, each for one kind of reader."""

    noticed: str  # customers, in a title
    now: str  # customers, in an update
    met: str  # the first failed check, in one sentence
    seen: str  # evidence, a short phrase
    how: tuple[str, str]  # diagnosis: in bold, then the rest; empty where the check's own detail follows


ROWS: dict[str, Words] = {
    Failure.TIMEOUT_DNS: Words(
        *NOT_FOUND,
        "The name servers did not respond in time.",
        "name lookup timed out",
        ("The name server does not respond.", "No connection was attempted yet."),
    ),
    Failure.TIMEOUT_CONNECT: Words(
        *NO_ANSWER,
        "The connection timed out.",
        "connection timed out",
        ("The connection timed out.", "Packets are being dropped, or the host is down."),
    ),
    Failure.TIMEOUT_TLS: Words(
        *NO_ANSWER,
        "The TLS handshake timed out.",
        "secure connection timed out",
        (
            "Connected, but the TLS handshake timed out.",
            "The port is open, but the process does not respond.",
        ),
    ),
    Failure.TIMEOUT_FIRST_BYTE: Words(
        *NO_ANSWER,
        "Connected, but there was no response in time.",
        "no response",
        ("Connected, but no response in time.", "The server is running, but too busy to respond."),
    ),
    Failure.TIMEOUT_TRANSFER: Words(
        *NO_ANSWER,
        "The response did not finish in time.",
        "response did not finish",
        ("The response starts but does not finish.", "It is being sent too slowly."),
    ),
    Failure.DNS: Words(
        *NOT_FOUND,
        "The name could not be resolved.",
        "name not found",
        ("The name cannot be resolved.", "No connection was attempted yet."),
    ),
    Failure.REFUSED: Words(
        *UNREACHABLE,
        "The connection was refused.",
        "connection refused",
        ("Refused, not timed out.", "The host is up, but nothing accepts connections on this port."),
    ),
    Failure.UNREACHABLE: Words(
        *UNREACHABLE,
        "The host could not be reached.",
        "unreachable",
        ("Unreachable.", "There is no route to the host."),
    ),
    Failure.RESET: Words(
        "is dropping connections",
        "dropping connections",
        "The connection was closed unexpectedly.",
        "connection closed",
        ("The connection was closed.", "Something accepts the connection, then closes it."),
    ),
    Failure.TLS: Words(
        "has no valid certificate",
        "without a valid certificate",
        "There was no valid certificate.",
        "no secure connection",
        ("TLS failed.", "Most often the certificate is not valid: its name, chain or expiry date."),
    ),
    Failure.PROTOCOL: Words(
        *INCORRECT,
        "The response could not be read.",
        "unreadable response",
        ("The response cannot be read.", ""),
    ),
    Failure.REDIRECT: Words(
        *UNREACHABLE,
        "Redirected to an address that cannot be used.",
        "bad redirect",
        ("The redirect cannot be followed.", ""),
    ),
    Failure.TOO_LARGE: Words(
        *INCORRECT,
        "The response was too large.",
        "response too large",
        ("The response is too large.", ""),
    ),
    Failure.STATUS: Words(
        *ERRORS,
        "The response had an unexpected status code.",
        "unexpected status",
        ("It responds with an unexpected status code.", ""),
    ),
    Failure.ASSERTION: Words(
        *INCORRECT,
        "The response did not have the expected content.",
        "unexpected content",
        ("It responds, but with unexpected content.", "The server is running."),
    ),
    Failure.LIMIT: Words(
        "is not working normally",
        "not working normally",
        "A measured value was beyond its limit.",
        "value beyond its limit",
        ("A measured value is beyond its limit.", ""),
    ),
    Failure.REPORTED: Words(
        "is reporting a problem",
        "reporting a problem",
        "It reported a problem itself.",
        "reports a problem",
        ("It responds, and reports that it is not working.", ""),
    ),
    Failure.LATE: Words(
        "has not run on time",
        "overdue",
        "The expected report did not arrive in time.",
        "no report in time",
        ("No report in time.", "The job did not run, is still running, or could not reach us."),
    ),
    Failure.NO_DATA: Words(
        *NO_ANSWER,
        "The response did not contain what we measure.",
        NO_DATA,
        ("The response does not contain what was asked for.", ""),
    ),
    Failure.DENIED: Words(
        *NO_ANSWER,
        "Our own rules do not allow this check.",
        "failed",
        ("Our own rules do not allow this check.", ""),
    ),
    Failure.OWN_FAULT: Words(
        *NO_ANSWER, "We could not run the check.", NO_DATA, ("We could not run the check.", "")
    ),
    ON_AND_OFF: Words(
        "is failing on and off",
        "failing on and off",
        "Some checks fail and others pass.",
        "failing on and off",
        ("Failing on and off.", ""),
    ),
}
# Of a probe that answers and is degraded all the same, and of a failure that no row names.
DEGRADED = Words(
    *NO_ANSWER,
    "The check failed.",
    "failed",
    ("It responds, but is degraded.", ""),
)
OTHER = Words(*NO_ANSWER, "The check failed.", "failed", ("The check failed.", ""))
# Titles of earlier versions: an incident that was open during the upgrade keeps its automatic title.
EARLIER = (
    "answers with errors", "gives wrong answers", "cannot be reached", "breaks off connections",
    "fails on and off", "does not answer",
)  # fmt: skip


def words(failure: str) -> Words:
    """The phrases for a stored failure. An empty failure means that it answers and is degraded."""
    return ROWS.get(failure, OTHER) if failure else DEGRADED


def titles() -> frozenset[str]:
    """All that can follow a component's name in an automatic title, now and in earlier versions."""
    return frozenset({row.noticed for row in ROWS.values()} | {OTHER.noticed, *EARLIER})
