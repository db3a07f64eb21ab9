"""Whether a failed connection is the target's fault or ours.

What is ours is unknown, and nobody is notified of it, so it must be certain. Everything else is the target's.
"""

import errno
import ssl

from components.lookup import EgressError
from components.outcomes import Failure

# Errors that say something of this machine, and never of the target
OUR_ERRNO = {errno.EMFILE, errno.ENFILE, errno.ENETDOWN, errno.EADDRNOTAVAIL,
             errno.ENOBUFS, errno.ENOMEM, errno.EAFNOSUPPORT, errno.EPERM}  # fmt: skip
# Errors of this machine without a route; or a router far away said so by ICMP
NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES}
# Alerts of a server about the certificate it was shown, as OpenSSL spells them (RFC 8446, section 6.2)
REFUSED = "It refuses our client certificate"
REFUSALS = {
    "alert unknown ca": "it does not trust the authority that issued it",
    "alert certificate expired": "it calls it expired",
    "alert certificate revoked": "it calls it revoked",
    "alert bad certificate": "it calls it bad",
    "alert unsupported certificate": "it does not take this kind of certificate",
    "alert certificate unknown": "it does not accept it, and says no more",
    "alert access denied": "it knows it, and gives it no access",
    "alert decrypt error": "it cannot verify the signature made with it",
}


def dial_error(error: OSError, port: int, *, has_route: bool = True) -> EgressError:
    """Of a dial that failed. `has_route`: whether this machine knows a way to the address."""
    if isinstance(error, ConnectionRefusedError):
        return EgressError(Failure.REFUSED, f"Nothing listens on port {port}: connection refused.")
    if isinstance(error, ConnectionError):
        return EgressError(Failure.RESET, "The connection was broken off while it was made.")
    if is_ours(error) or (error.errno in NO_WAY and not has_route):
        return EgressError(Failure.OWN_FAULT, f"We could not dial: {_reason(error)}.")
    if error.errno == errno.ETIMEDOUT:
        return EgressError(Failure.TIMEOUT_CONNECT, "No answer to the connection.")
    return EgressError(Failure.UNREACHABLE, f"It cannot be reached: {_reason(error)}.")


def is_ours(error: BaseException) -> bool:
    """Whether this can only have come of this machine; errors of TLS have numbers of their own."""
    return isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno in OUR_ERRNO


def tls_error(error: OSError | ValueError) -> EgressError:
    """Of a handshake that failed; SSLError is an OSError."""
    if is_ours(error):
        return EgressError(Failure.OWN_FAULT, f"We could not dial: {_reason(error)}.")
    return EgressError(Failure.TLS, sentence_of_tls(error))


def sentence_of_tls(error: Exception) -> str:
    """What went wrong with the secure connection, at the handshake or behind it (TLS 1.3 asks late)."""
    reason = _reason(error)
    if "certificate required" in reason:
        return "It asks for a client certificate, and was shown none."
    for alert, meaning in REFUSALS.items():
        if alert in reason:
            return f"{REFUSED}: {meaning}."
    return f"No secure connection: {reason}."


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", "") or getattr(error, "reason", "") or type(error).__name__
    return str(text).rstrip(".").lower().replace("_", " ")
