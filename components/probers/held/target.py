"""What a WebSocket probe is to do, checked, and how it fits into the time of one check."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.client_certificates import ClientCertificate

MAX_CONNECTIONS = 1_000
MANY = 50  # connections from which our own time counts: to close them, and how late we are
MAX_MESSAGE_BYTES = 1024 * 1024
MIN_MESSAGE_BYTES = 64 * 1024
MIN_PATIENCE_S = 0.5
MESSAGES_BYTES = 64 * 1024 * 1024  # of unfinished messages, in all connections of one check


@dataclass(frozen=True, slots=True)
class WebSocketTarget:
    """Times in seconds. `url` begins with http: or https:, for ws: and wss:."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    subprotocols: tuple[str, ...]
    send: str
    expect: str
    echo: str
    connections: int
    max_lost: int
    ramp_s: int
    hold_s: int
    ping_s: int  # 0: no pings
    deflates: bool
    follows: bool
    shown: ClientCertificate | None = None  # to the origin of `url` alone
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def lasts_s(self) -> int:
        """How long a check takes by order; of very many connections the opening and closing counts too."""
        return self.ramp_s + self.hold_s + self.connections // 500

    @property
    def max_message_bytes(self) -> int:
        """Of one message: less with many connections, since each may bring one at once."""
        return max(MIN_MESSAGE_BYTES, min(MAX_MESSAGE_BYTES, MESSAGES_BYTES // self.connections))


@dataclass(frozen=True, slots=True)
class Plan:
    """An order fitted into a deadline, in seconds."""

    ramp_s: float
    hold_s: float
    end_s: float  # from the check's begin until everything is over, a little before the hard deadline
    patience_s: float  # with each opening, pong, echo and first message


def fitted(order: WebSocketTarget, deadline_s: float) -> Plan:
    """The plan of this order; with too short a deadline it holds for less time, and ramps up faster."""
    # what many connections do at the end takes a moment as well
    spare_s = 0.1 if order.connections < MANY else 0.3 + order.connections / 2_000
    end_s = max(deadline_s / 2, deadline_s - spare_s)
    room_s = max(0.0, end_s - MIN_PATIENCE_S)
    ramp_s = min(float(order.ramp_s), room_s)
    hold_s = min(float(order.hold_s), room_s - ramp_s)
    return Plan(ramp_s, hold_s, end_s, max(MIN_PATIENCE_S, end_s - ramp_s - hold_s))
