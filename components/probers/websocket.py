"""WebSocket probes: is the upgrade right, does it answer, and does it last, with many connections held.

What a connection is asked is in `components/probers/held/`. RFC 6455.
"""

import re
from collections.abc import Mapping
from typing import Any

from components import steps
from components.egress import Egress
from components.outcomes import Failure, Reading
from components.probers.base import Clock, Option, options_of, whole_number
from components.probers.held.hold import Hold
from components.probers.held.places import NoPlaceError, places
from components.probers.held.target import MAX_CONNECTIONS, WebSocketTarget
from components.probers.held.verdict import reading_of
from components.probers.redirects import first_hop
from components.probers.typed_headers import HEADERS, SECRET_HEADERS, SendsHeaders, typed
from components.targets import InvalidProbeError
from components.web_addresses import split_address

MAX_SECONDS = 60
MAX_TEXT_BYTES = 16_000  # of what is sent at once: more than this that stays unsent means nobody reads
SCHEME = re.compile("ws(s?)://", re.IGNORECASE)
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
OF_UPGRADE, OF_BODY = ("connection", "upgrade"), ("content-length", "transfer-encoding")


class WebSocket(SendsHeaders):
    kind = "websocket"
    label = "WebSocket"
    target_help = "ws:// or wss:// address"
    shows_certificate = True
    steps: tuple[str, ...] = (
        steps.DNS, steps.CONNECT, steps.TLS_IF_SPOKEN, steps.UPGRADE, steps.FIRST_MESSAGE,
    )  # fmt: skip
    options = (
        HEADERS,
        SECRET_HEADERS,
        Option("subprotocol", "Subprotocol", help="The server must choose one of these, such as graphql-ws."),
        Option("send", "Send", type="text", help="A text message, sent once the connection is open."),
        Option("expect", "Expect", type="text", help="A message must contain this."),
        Option(
            "echo",
            "Echo",
            type="text",
            help="Sent after opening, with each ping and at the end; a message must contain it again."
            " {id} becomes a new value each time.",
        ),
        Option("connections", "Connections", type="int", default=1, help="How many to open: 1 to 1,000."),
        Option("ramp_s", "Opened over (s)", type="int", default=0, help="0 opens all at once."),
        Option(
            "hold_s", "Held for (s)", type="int", default=0, help="0 closes them once they have answered."
        ),
        Option(
            "ping_s",
            "Ping every (s)",
            type="int",
            default=25,
            help="From the opening on; each needs its pong. 0 sends none.",
        ),
        Option(
            "max_lost",
            "Lost at most",
            type="int",
            default=0,
            help="Connections that may be refused or dropped: up to this many is degraded, more is down.",
        ),
        Option(
            "deflate",
            "Compression",
            type="bool",
            default=False,
            help="Offers permessage-deflate, as browsers do.",
        ),
        Option(
            "follow_redirects",
            "Follow redirects",
            type="bool",
            default=False,
            help="Browsers do not follow them.",
        ),
    )

    def parse(self, target: str, options: Mapping[str, Any]) -> WebSocketTarget:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        for field in ("headers", "secret_headers"):
            _refuse_odd_headers(field, given[field])
        for name in ("send", "expect", "echo"):
            if len(given[name].encode()) > MAX_TEXT_BYTES:
                raise InvalidProbeError(name, f"Longer than {MAX_TEXT_BYTES:,} bytes: shorten it.")
        connections = whole_number("connections", given["connections"], 1, MAX_CONNECTIONS)
        max_lost = whole_number("max_lost", given["max_lost"], 0, MAX_CONNECTIONS)
        if max_lost >= connections:
            raise InvalidProbeError("max_lost", "Fewer than all connections may be lost: use a lower number.")
        if given["ramp_s"] and connections == 1:
            raise InvalidProbeError("ramp_s", "One connection is opened at once: use 0, or more connections.")
        return WebSocketTarget(
            url=_address(target),
            **typed(given),
            subprotocols=_subprotocols(given["subprotocol"]),
            send=given["send"],
            expect=given["expect"],
            echo=given["echo"],
            connections=connections,
            max_lost=max_lost,
            ramp_s=whole_number("ramp_s", given["ramp_s"], 0, MAX_SECONDS),
            hold_s=whole_number("hold_s", given["hold_s"], 0, MAX_SECONDS),
            ping_s=whole_number("ping_s", given["ping_s"], 0, MAX_SECONDS),
            deflates=given["deflate"],
            follows=given["follow_redirects"],
        )

    def address(self, order: WebSocketTarget) -> tuple[str, int]:
        """What is dialled first."""
        hop = first_hop(order.url, "GET", order.headers, b"")
        return hop.host, hop.port

    def is_secure(self, order: WebSocketTarget) -> bool:
        """As the address says."""
        return order.url.startswith("https:")

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """Whether it asks another system about the target."""
        return False

    async def run(self, order: WebSocketTarget, clock: Clock, egress: Egress) -> Reading:
        """Open, ask, hold, and count."""
        try:
            with places(order.connections):
                hold = Hold(order, clock, egress)
                clock.at_deadline = lambda: reading_of(hold.found, clock)
                await hold.run()
        except NoPlaceError as full:
            return clock.reading(failure=Failure.OWN_FAULT, detail=str(full))
        return reading_of(hold.found, clock)


def _address(target: str) -> str:
    """As it is dialled: with http: for ws:. Raises InvalidProbeError."""
    text = target.strip(" \t\r\n")
    if SCHEME.match(text) is None:
        raise InvalidProbeError("target", "Enter the full address, with ws:// or wss://.")
    return split_address(SCHEME.sub(r"http\1://", text, count=1)).geturl()


def _subprotocols(text: str) -> tuple[str, ...]:
    """The names, in order of preference. Raises InvalidProbeError."""
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    for name in names:
        if not TOKEN.fullmatch(name):
            raise InvalidProbeError(
                "subprotocol", f"“{name[:40]}” is not a name: write them as “graphql-ws, chat”."
            )
    return tuple(dict.fromkeys(names))


def _refuse_odd_headers(field: str, headers: Mapping[str, str]) -> None:
    """Those of the upgrade are ours. Raises InvalidProbeError."""
    for name in headers:
        if name.lower() == "sec-websocket-protocol":
            raise InvalidProbeError(field, "Put the subprotocol into its own field, not into the headers.")
        if name.lower() in OF_UPGRADE or name.lower().startswith("sec-websocket-"):
            raise InvalidProbeError(field, f"{name} is part of the upgrade and is always sent: remove it.")
        if name.lower() in OF_BODY:
            raise InvalidProbeError(field, f"{name} belongs to a body, and none is sent: remove it.")
