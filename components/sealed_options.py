"""Secret options of probes (passwords, tokens): encrypted in the row, opened only for the check itself.

A secret is stored as `{"sealed": token}`. Inside the token stands where it may be sent, beside the
secret itself: a person who may edit the probe, but never knew the secret, cannot point it at another
server (docs/decisions/0014 says the same of client certificates).
"""

import json
from collections.abc import Mapping
from typing import Any

from components import encryption
from components.probers.base import Option, Prober
from components.targets import InvalidProbeError

SEALED = "sealed"
SECRET_TYPES = ("secret", "secrets")
UNREADABLE = "It cannot be decrypted because SECRET_KEY has changed: enter it again."


def secrets_of(prober: Prober) -> tuple[Option, ...]:
    """The options of this kind that are stored encrypted."""
    return tuple(option for option in prober.options if option.type in SECRET_TYPES)


def is_sealed(value: Any) -> bool:
    """Whether this value of an option is an encrypted one."""
    return isinstance(value, dict) and set(value) == {SEALED}


def as_text(secret: Any) -> str:
    """A secret as it is encrypted: a mapping as lines."""
    if isinstance(secret, Mapping):
        return "\n".join(f"{name}: {value}" for name, value in secret.items())
    return str(secret)


def sealed(secret: Any, place: str) -> dict[str, str]:
    """The stored form of a secret that may be sent to this place alone."""
    return {SEALED: encryption.seal(json.dumps([place, as_text(secret)]))}


def opened(name: str, value: Mapping[str, str]) -> tuple[str, str]:
    """Where the secret may be sent, and the secret. Raises InvalidProbeError."""
    try:
        place, text = json.loads(encryption.unseal(value[SEALED]))
    except (encryption.DecryptionError, ValueError, TypeError, AttributeError):
        raise InvalidProbeError(name, UNREADABLE) from None
    return str(place), str(text)


def parsed(prober: Prober, target: str, options: Mapping[str, Any]) -> Any:
    """The order, with its secrets opened. Raises InvalidProbeError, also for another place than theirs."""
    closed = _closed(prober, options)
    if not closed:
        return prober.parse(target, options)
    pairs = {name: opened(name, value) for name, value in closed.items()}
    order = prober.parse(target, {**options, **{name: text for name, (_, text) in pairs.items()}})
    for name, (place, _) in pairs.items():
        if place != place_of(prober, order):
            raise InvalidProbeError(
                name,
                f"It was set for {place or 'another target'}: enter it again to use it for"
                f" {place_of(prober, order)}, or remove it.",
            )
    return order


def plain(prober: Prober, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with their secrets opened, once `parsed` has accepted them. Raises InvalidProbeError."""
    closed = _closed(prober, options)
    return {**options, **{name: opened(name, value)[1] for name, value in closed.items()}}


def _closed(prober: Prober, options: Mapping[str, Any]) -> dict[str, Any]:
    """The encrypted ones."""
    names = {option.name for option in secrets_of(prober)}
    return {name: value for name, value in options.items() if name in names and is_sealed(value)}


def refuse_weaker(prober: Prober, order: Any, options: Mapping[str, Any], before: Any, kept: Any) -> None:
    """Ask again for secrets that `order` would send where `before` did not, though to the same place.

    That is without TLS, or as another site of the same server (a Host header). `options` and `kept` are
    the options of both; secrets that were typed now differ. Raises InvalidProbeError.
    """
    closed = _closed(prober, options)
    name = next((name for name, value in closed.items() if kept.get(name) == value), "")
    if not name:
        return
    if is_protected(before) and not is_protected(order):
        raise InvalidProbeError(
            name, "It was set for a connection with TLS: enter it again to use it without TLS, or remove it."
        )
    names = getattr(prober, "named_hosts", None)  # of a kind whose requests can name a host in a header
    if names is not None and (others := names(order) - names(before)):
        raise InvalidProbeError(
            name,
            f"It was not set for the host {', '.join(sorted(others))} in a header: enter it again to use it"
            " there, or remove it.",
        )


def is_protected(order: Any) -> bool:
    """Whether a service is spoken to with TLS. What has no such option says it in its address."""
    return getattr(order, "tls", True) not in (False, "none")


def place_of(prober: Prober, order: Any) -> str:
    """Everywhere that the secrets of this order are sent, as "db.example.org:5432"."""
    places = getattr(prober, "places", None)  # of a kind that talks to several
    if places is not None:
        return str(places(order))
    host, port = prober.address(order) or ("", 0)
    host = host.rstrip(".")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
