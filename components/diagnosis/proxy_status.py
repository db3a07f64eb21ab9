"""`Proxy-Status` (RFC 9209): what a proxy says of itself in a closed vocabulary.

The header is a list of structured fields (RFC 8941), the one nearest to the origin first.
Enough of their grammar is read here; what breaks it says nothing.
"""

import re
from dataclasses import dataclass, field

MEMBER = re.compile(r'\s*(?:"((?:[^"\\]|\\["\\])*)"|([A-Za-z*][\w!#$%&\'*+.^`|~:/-]*))')
PARAMETER = re.compile(
    r'\s*;\s*([a-z*][a-z0-9_.*-]*)(?:=(?:"((?:[^"\\]|\\["\\])*)"|\?([01])|([\w!#$%&\'*+.^`|~:/-]+)))?'
)
# RFC 9209, section 2.3, by the cause that each is
CAUSES = {
    "dns_timeout": "dns",
    "dns_error": "dns",
    "destination_not_found": "misconfigured",
    "destination_unavailable": "unhealthy",
    "destination_ip_prohibited": "blocked",
    "destination_ip_unroutable": "network",
    "connection_refused": "not_started",
    "connection_terminated": "crash",
    "connection_timeout": "network",
    "connection_read_timeout": "stuck",
    "connection_write_timeout": "stuck",
    "connection_limit_reached": "overload",
    "tls_protocol_error": "certificate",
    "tls_certificate_error": "certificate",
    "tls_alert_received": "certificate",
    "http_request_error": "misconfigured",
    "http_request_denied": "blocked",
    "http_response_incomplete": "crash",
    "http_response_header_section_size": "misconfigured",
    "http_response_header_size": "misconfigured",
    "http_response_body_size": "misconfigured",
    "http_response_trailer_section_size": "misconfigured",
    "http_response_trailer_size": "misconfigured",
    "http_response_transfer_coding": "crash",
    "http_response_content_coding": "crash",
    "http_response_timeout": "stuck",
    "http_upgrade_failed": "crash",
    "http_protocol_error": "crash",
    "proxy_configuration_error": "misconfigured",
    "proxy_loop_detected": "misconfigured",
}


@dataclass(frozen=True, slots=True)
class Hop:
    """One proxy's word: its name, the error it met (empty: none), what the next hop answered."""

    name: str
    error: str = ""
    received_status: int | None = None
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def cause(self) -> str:
        """The kind of cause that its error is; empty for none, or one that names no cause."""
        return CAUSES.get(self.error, "")


def parse(text: str) -> tuple[Hop, ...]:
    """The hops, the one nearest to the origin first; what follows a mistake is left out."""
    hops, place = [], 0
    while (member := MEMBER.match(text, place)) is not None:
        place = member.end()
        parameters: dict[str, str] = {}
        while (found := PARAMETER.match(text, place)) is not None:
            values = [value for value in found.groups()[1:] if value is not None]
            parameters[found[1]] = values[0] if values else "1"
            place = found.end()
        status = parameters.get("received-status", "")
        received = int(status) if status.isascii() and status.isdigit() and len(status) == 3 else None
        hops.append(Hop(member[1] or member[2] or "", parameters.get("error", ""), received, parameters))
        rest = text[place:].lstrip()
        if not rest.startswith(","):
            break
        place = len(text) - len(rest) + 1
    return tuple(hops)
