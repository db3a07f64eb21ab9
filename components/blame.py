"""Whether a failed connection is the target's fault or ours.

A check that failed through our own fault is unknown, and no one is notified, so our fault must be certain.
Everything else is the target's.
"""

import errno
import re
import ssl

from components.lookup import EgressError
from components.outcomes import Failure

# Errors about this machine, never about the target
OUR_ERRNO = {errno.EMFILE, errno.ENFILE, errno.ENETDOWN, errno.EADDRNOTAVAIL,
             errno.ENOBUFS, errno.ENOMEM, errno.EAFNOSUPPORT, errno.EPERM}  # fmt: skip
# Errors of this machine without a route; or a router far away said so by ICMP
NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES}
# Alerts of a server about the certificate it was shown, as OpenSSL spells them (RFC 8446, section 6.2)
REFUSED = "The server rejects our client certificate"
REFUSALS = {
    "alert unknown ca": "unknown issuing authority",
    "alert certificate expired": "reported as expired",
    "alert certificate revoked": "reported as revoked",
    "alert bad certificate": "reported as invalid",
    "alert unsupported certificate": "this type of certificate is not supported",
    "alert certificate unknown": "no reason given",
    "alert access denied": "access denied",
    "alert decrypt error": "its signature could not be verified",
}
# What else OpenSSL says of a handshake, in words; several name one thing in different versions
HANDSHAKES = {
    **dict.fromkeys(
        ("wrong version number", "http request", "packet length too long", "record layer failure"),
        "The server does not speak TLS on this port.",
    ),
    **dict.fromkeys(
        ("unsupported protocol", "alert protocol version"),
        "The server speaks no version of TLS that we accept.",
    ),
    **dict.fromkeys(
        ("alert handshake failure", "no shared cipher"), "The server and we have no TLS settings in common."
    ),
    "alert unrecognized name": "The server does not know this name (TLS alert “unrecognized name”).",
    "alert internal error": "The server reports an internal error instead of completing the TLS handshake.",
    "unexpected eof": "The server closed the connection during the TLS handshake.",
}
PLACE = re.compile(r"^\[[^\]]*\] |\s*\( ?ssl\.c:[0-9]+\)$")  # "[ssl: name] … ( ssl.c:1006)" of Python


def dial_error(error: OSError, port: int, *, has_route: bool = True) -> EgressError:
    """The error for a failed connect. `has_route`: whether this machine has a route to the address."""
    if isinstance(error, ConnectionRefusedError):
        return EgressError(Failure.REFUSED, f"Nothing is listening on port {port}: connection refused.")
    if isinstance(error, ConnectionError):
        return EgressError(Failure.RESET, "The connection was closed while it was being set up.")
    if is_ours(error) or (error.errno in NO_WAY and not has_route):
        return EgressError(Failure.OWN_FAULT, f"We could not connect: {_reason(error)}.")
    if error.errno == errno.ETIMEDOUT:
        return EgressError(Failure.TIMEOUT_CONNECT, "The connection timed out.")
    return EgressError(Failure.UNREACHABLE, f"The host is unreachable: {_reason(error)}.")


def is_ours(error: BaseException) -> bool:
    """Whether only this machine can have caused the error; TLS errors have error numbers of their own."""
    return isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno in OUR_ERRNO


def tls_error(error: OSError | ValueError) -> EgressError:
    """The error for a failed TLS handshake (SSLError is an OSError)."""
    if is_ours(error):
        return EgressError(Failure.OWN_FAULT, f"We could not connect: {_reason(error)}.")
    return EgressError(Failure.TLS, sentence_of_tls(error))


def sentence_of_tls(error: Exception) -> str:
    """What went wrong with TLS, in the handshake or after it (TLS 1.3 asks for our certificate late)."""
    reason = _reason(error)
    if "certificate required" in reason:
        return "The server requires a client certificate, but none was presented."
    for alert, meaning in REFUSALS.items():
        if alert in reason:
            return f"{REFUSED}: {meaning}."
    for sign, sentence in HANDSHAKES.items():
        if sign in reason:
            return sentence
    return f"TLS handshake failed: {PLACE.sub('', reason)}."


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", "") or getattr(error, "reason", "") or type(error).__name__
    return str(text).rstrip(".").lower().replace("_", " ")
