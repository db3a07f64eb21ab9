"""The server as a remote region sees it: signed requests, and answers that must be signed as well.

An answer without a valid signature is no answer: whoever sent it can neither hand out work nor make
the region drop its results.
"""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from components import transport
from components.egress import Egress
from components.networks import literal_address
from components.region_signature import REGION_HEADER, SignatureError, new_id, sign, verified
from components.regions.messages import MessageError, read_json

DEADLINE_S = 10.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
PERMANENT = (400, 413)  # the same request would be refused again
SHOWN = 200  # characters of an answer that is not signed


class ServerError(Exception):
    """No answer that counts: a sentence for the operator of the region."""


class RefusedError(ServerError):
    """The server itself refuses these results for good."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A signed answer. `ahead_s`: how far our clock was ahead of the server's meanwhile."""

    values: dict[str, Any]
    ahead_s: float


class Server:
    """One server, by its address and the region's key."""

    def __init__(self, address: str, region: str, key: str, door: Egress) -> None:
        self.address, self.region, self.key, self.door = address, region, key, door

    async def ask(self, path: str, body: bytes) -> Answer:
        """Post this. Raises ServerError."""
        message_id, began, clock = new_id(), time.time(), time.monotonic()
        headers = {
            **sign(message_id, int(began), f"POST {path}", body, [self.key]),
            REGION_HEADER: self.region,
            "content-type": "application/json",
        }
        try:
            async with transport.client(
                self.door, deadline_s=DEADLINE_S, most_bytes=MAX_ANSWER_BYTES
            ) as client:
                response = await client.post(f"{self.address}{path}", content=body, headers=headers)
        except transport.ERRORS as error:
            raise ServerError(str(error) or type(error).__name__) from error
        took_s = time.monotonic() - clock
        subject = f"{response.status_code} {path}"
        try:
            signed = verified(response.headers, subject, response.content, [self.key])
        except SignatureError:
            raise ServerError(_unsigned(response.status_code, response.text)) from None
        if signed.message_id != message_id:
            raise ServerError("The answer belongs to another request: it was not used.")
        return _answer(response.status_code, response.content, began + took_s / 2)


def _answer(status: int, body: bytes, at: float) -> Answer:
    """Raises ServerError."""
    try:
        values = read_json(body)
    except MessageError as error:
        raise ServerError("The answer cannot be read: update the agent.") from error
    if status != 200:
        kind = RefusedError if status in PERMANENT else ServerError
        raise kind(str(values.get("error", f"The server answered with {status}.")))
    now = values.get("now")
    return Answer(values, at - now if isinstance(now, int | float) else 0.0)


def _unsigned(status: int, text: str) -> str:
    """What to say of an answer that nobody we know has signed."""
    try:
        sentence = str(json.loads(text)["error"])
    except (ValueError, TypeError, KeyError):
        sentence = ""
    shown = "".join(c if c.isprintable() else " " for c in sentence[:SHOWN])
    said = f": it says “{shown}”" if shown else ""
    hint = " Is REGION_SERVER the address of the page (PUBLIC_URL)?" if not said else ""
    return f"The answer ({status}) is not signed with the region’s key{said}.{hint}"


def address_fault(address: str) -> str:
    """Why this cannot be the server's address, in a sentence; empty if it can.

    Orders carry passwords and keys, so only this machine is spoken to without TLS.
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "it is not an address"
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        return "write it as https://status.example.org"
    literal = literal_address(host)
    is_here = host == "localhost" or (literal is not None and literal.is_loopback)
    return "" if parts.scheme == "https" or is_here else "use https: orders carry passwords and keys"
