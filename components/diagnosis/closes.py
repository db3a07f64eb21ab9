"""How WebSockets ended: the code that the server gave, who was refused, and what was silent before.

Codes: RFC 6455, section 7.4.1, and IANA's registry for 1012 to 1014
(https://www.iana.org/assignments/websocket). 4000 to 4999 are private to an application; of them only the
convention "4000 and the HTTP status" is read, as in the graphql-ws protocol, and it counts less.
"""

import re
from collections.abc import Iterator

from components.diagnosis import timing
from components.diagnosis.maker import Maker
from components.diagnosis.signs import Sign, several
from components.diagnosis.view import View

CUT = 1006  # never sent: the connection ended without a close
# Also used by servers that close what was silent for too long
OF_SILENCE = (1000, 1001, CUT)
CODES: dict[int, tuple[str, dict[str, float]]] = {
    1001: ("the server is going away, as when it stops or restarts", {"deploy": 0.66, "not_started": 0.42}),
    1002: ("it says that the probe broke the protocol", {"rejected": 0.6, "misconfigured": 0.42}),
    1003: ("it does not accept this kind of data", {"rejected": 0.66}),
    1007: ("it cannot read what was sent", {"rejected": 0.64}),
    1008: ("its policy does not allow it", {"unauthorized": 0.62, "blocked": 0.5, "overload": 0.41}),
    1009: ("a message was too big for it", {"rejected": 0.7}),
    1011: ("an error in the server", {"error": 0.72, "crash": 0.45, "dependency": 0.42}),
    1012: ("the service restarts", {"deploy": 0.8}),
    1013: ("try again later: it sheds clients, as when overloaded", {"overload": 0.8}),
    1014: ("it is a gateway, and got no valid response", {"crash": 0.56, "not_started": 0.54}),
    4400: ("by convention: bad request", {"rejected": 0.56}),
    4401: ("by convention: not authorized", {"unauthorized": 0.66}),
    4403: ("by convention: forbidden", {"unauthorized": 0.6, "blocked": 0.45}),
    4408: ("by convention: it waited for a first message", {"rejected": 0.56}),
    4429: ("by convention: too many requests", {"overload": 0.66, "blocked": 0.42}),
    4500: ("by convention: an error in the server", {"error": 0.6}),
}
COUNTED = re.compile(r"(\d{4}) × (\d+)")
REFUSED_WITH = re.compile(r"× (\d{3})\b")
OPENED = re.compile(r"(\d+) of (\d+)")
LIMITS = ("503", "429")


def closes(view: View, maker: Maker) -> Iterator[Sign]:
    """By the facts that the WebSocket prober stores; nothing without them."""
    yield from _refused(view)
    yield from _not_switched(view)
    code = _code(view)
    if code in OF_SILENCE and (limit := _idle_limit(view)):
        because = f"Each connection was closed after {limit} without traffic: a limit on idle connections."
        yield from several(because, misconfigured=0.64, network=0.41)
    elif code == CUT:
        because = "Connections were cut while they were open, without a close."
        yield from several(because, crash=0.6, network=0.46, deploy=0.45)
    elif code in CODES:
        meaning, weights = CODES[code]
        yield from several(f"The server closes the WebSocket with {code}: {meaning}.", **weights)


def _code(view: View) -> int:
    """The code that at least half of those closed were given; 0 without one."""
    counts = {int(code): int(count) for code, count in COUNTED.findall(view.header("close_codes"))}
    code = max(counts, key=lambda code: counts[code], default=0)
    return code if counts and 2 * counts[code] >= sum(counts.values()) else 0


def _idle_limit(view: View) -> str:
    """How long each was silent before, if that is where limits are set; empty otherwise."""
    text = view.header("idle_limit")
    number = text.removesuffix(" s")
    try:
        silent_s = float(number)
    except ValueError:
        return ""
    is_round = any(abs(silent_s - limit) <= max(0.4, 0.02 * limit) for limit in timing.LIMITS_S)
    return text if is_round else ""


def _refused(view: View) -> Iterator[Sign]:
    """Some open and some do not: there is a limit."""
    refused, opened = view.header("refused"), OPENED.match(view.header("opened"))
    if not refused or opened is None or int(opened[1]) == 0:
        return
    said = f"{opened[0]} connections opened, and {refused} were refused"
    if set(REFUSED_WITH.findall(refused)) & set(LIMITS):
        yield Sign("overload", 0.78, f"{said}: a limit on connections is reached.")
    elif "timeout" in refused:
        yield from several(f"{said}: those that wait are not accepted.", overload=0.62, stuck=0.45)
    else:
        yield from several(f"{said}.", overload=0.52, crash=0.48)


def _not_switched(view: View) -> Iterator[Sign]:
    """An ordinary answer to the upgrade."""
    if "did not switch to WebSocket" not in view.facts.detail:
        return
    if view.status in (200, 426):
        because = (
            f"It answers the upgrade with {view.status}: a proxy does not pass it on, or the path is wrong."
        )
        yield Sign("misconfigured", 0.66, because)
    elif view.status in (400, 404):
        yield Sign("misconfigured", 0.5, f"It answers the upgrade with {view.status}.")
