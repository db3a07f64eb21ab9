"""What is kept of an answer that was not as expected: enough to say who made it, and why.

Only headers on this list are kept, 200 characters each. Cookies and credentials are
never among them; ids of requests are kept as "present", or by their first 16 characters.
"""

import hashlib
import re

from components import wire
from components.diagnosis.documents import failing_parts
from components.shown_addresses import without_secrets

MAX_LENGTH = 200
ID_LENGTH = 16
HASH_LENGTH = 12
HASHED_BYTES = 64 * 1024
READ_BYTES = 128 * 1024  # of a health document: reading holds up every other check

WHOLE = (
    "server", "via", "content-type", "content-length", "retry-after", "age", "x-cache", "x-cache-hits",
    "x-served-by", "x-varnish", "cf-cache-status", "cf-error-type", "cf-error-origin", "cf-mitigated",
    "proxy-status", "cache-status", "x-envoy-upstream-service-time", "x-envoy-overloaded",
    "x-amzn-errortype", "x-vercel-error", "x-railway-fallback", "x-render-routing", "x-powered-by",
    "x-content-type-options", "x-amzn-waf-action", "x-vercel-mitigated", "x-squid-error",
    "ratelimit-remaining", "x-ratelimit-remaining", "grpc-status", "grpc-message", "x-datadome",
)  # fmt: skip
PRESENT = ("date", "x-azure-ref", "fly-request-id", "rndr-id", "x-request-id", "x-iinfo", "x-sucuri-id")
BEGINNING = ("cf-ray",)
VERSIONS = ("x-app-version", "x-version", "x-build", "x-build-id", "x-release", "x-revision")
CHANGING = re.compile(rb"[0-9][0-9a-f-]*")
BLANKS = re.compile(rb"\s+")


def always(head: wire.Head) -> dict[str, str]:
    """What is noted of every answer: few and cheap, since most answers are as expected."""
    wanted = {"retry_after": "retry-after", "server": "server", "location": "location"}
    facts = {name: head.headers[header] for name, header in wanted.items() if header in head.headers}
    if "location" in facts:  # tokens travel in redirects
        facts["location"] = without_secrets(facts["location"])
    version = next((head.headers[name] for name in VERSIONS if head.headers.get(name)), "")
    if version:
        facts["app_version"] = version
    elif head.headers.get("etag"):
        facts["etag"] = hashlib.sha256(head.headers["etag"].encode()).hexdigest()[:HASH_LENGTH]
    return {name: _safe(value) for name, value in facts.items()}


def of_head(head: wire.Head) -> dict[str, str]:
    """The status line and the headers of an answer that was not expected."""
    facts = always(head) | {"http_version": head.version}
    if head.reason:
        facts["reason"] = head.reason
    for header in WHOLE:
        if values := head.values(header):
            facts[_key(header)] = ", ".join(values)
    for header in BEGINNING:
        if header in head.headers:
            facts[_key(header)] = head.headers[header][:ID_LENGTH]
    facts |= {_key(header): "present" for header in PRESENT if header in head.headers}
    return {name: _safe(value) for name, value in facts.items()}


def of_body(data: bytes | bytearray, head: wire.Head) -> dict[str, str]:
    """Length, fingerprint, and the parts that a health document names as failing."""
    facts = {"body_length": str(len(data))}
    if data:
        facts["body_hash"] = fingerprint(bytes(data[:HASHED_BYTES]))
    parts = failing_parts(bytes(data[:READ_BYTES]), head.headers.get("content-type", ""), head.status)
    if parts:
        facts["failing_parts"] = _safe(", ".join(parts))
    return facts


def fingerprint(data: bytes) -> str:
    """Twelve hex digits that two answers share when they differ only in numbers, ids, case and blanks."""
    text = CHANGING.sub(b"0", data.lower())
    return hashlib.sha256(BLANKS.sub(b" ", text).strip()).hexdigest()[:HASH_LENGTH]


def _safe(value: str) -> str:
    """At most 200 characters that a terminal and a page can show."""
    text = value[:MAX_LENGTH]
    return text if text.isprintable() else "".join(char if char.isprintable() else "·" for char in text)


def _key(header: str) -> str:
    return header.replace("-", "_")
