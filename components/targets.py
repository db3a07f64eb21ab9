"""Which targets a probe may have, and the error for one that cannot be checked."""

from components.egress import EgressError, ascii_host
from components.networks import literal_address

MAX_TARGET_LENGTH = 2000
MAX_HOST_LENGTH = 253  # RFC 1035, section 2.3.4


class InvalidProbeError(ValueError):
    """A probe that cannot be checked: the field, and a sentence that says how to fix it."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.sentence = sentence


def checked_host(host: str) -> str:
    """A host a probe may name. Raises InvalidProbeError: no name, or an address no operator could mean."""
    if not host:
        raise InvalidProbeError("target", "Enter a host.")
    if len(host) > MAX_HOST_LENGTH:
        raise InvalidProbeError(
            "target", f"The host is longer than {MAX_HOST_LENGTH} characters: shorten it."
        )
    if literal_address(host):
        if "%" in host:
            raise InvalidProbeError("target", "An address with a zone cannot be used: remove %….")
        return host
    try:
        name = ascii_host(host)
    except EgressError as error:
        raise InvalidProbeError("target", f"“{host}” is not a valid name: check the spelling.") from error
    labels = name.removesuffix(".").split(".")
    letters = set("abcdefghijklmnopqrstuvwxyz0123456789-_")
    if not all(0 < len(label) <= 63 and set(label) <= letters for label in labels):
        raise InvalidProbeError("target", f"“{host}” is not a valid name: check the spelling.")
    return name
