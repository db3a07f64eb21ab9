"""Where a hook's call goes: the address as it is dialled, and the target that its budget is counted for."""

import base64
import binascii
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ValidationError

from components.egress import Door, through
from components.networks import literal_address
from components.targets import InvalidProbeError
from components.web_addresses import split_address
from components.webhook_signature import PREFIX
from components.wire import PORTS
from incidents.models.hook import MAX_URL_LENGTH

MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64  # Standard Webhooks


def checked_url(text: str) -> str:
    """The address as browsers read it. Raises ValidationError with a sentence for the field."""
    try:
        url = split_address(text)
    except InvalidProbeError as error:
        login = "Put the login in an Authorization header"
        mend = "Remove the login from the address: the call is signed."
        raise ValidationError(mend if error.sentence.startswith(login) else error.sentence) from error
    address = urlunsplit(url)
    if len(address) > MAX_URL_LENGTH:
        raise ValidationError(f"The address is longer than {MAX_URL_LENGTH} characters: shorten it.")
    literal = literal_address(url.hostname or "")
    if literal is not None and not through(Door.HOOKS).may_dial(literal, url.port or PORTS[url.scheme]):
        raise ValidationError(
            "This address is on a private or reserved network. An operator can allow it with EGRESS_ALLOW."
        )
    return address


def target_of(url: str) -> str:
    """Host, port and path, whatever the scheme and the query: "10.0.0.7:8080/restart"."""
    parts = urlsplit(url)
    port = parts.port or PORTS[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    path = parts.path.rstrip("/") or "/"
    return f"{host}{path}" if port in PORTS.values() else f"{host}:{port}{path}"


def checked_secret(text: str) -> str:
    """A signing secret that somebody typed. Raises ValidationError."""
    try:
        raw = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValidationError(f"This is not a signing secret: write {PREFIX} and base64.") from error
    if not text.startswith(PREFIX) or not MIN_SECRET_BYTES <= len(raw) <= MAX_SECRET_BYTES:
        raise ValidationError(
            f"Write {PREFIX} and the base64 of {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} random bytes."
        )
    return text
