"""What every prober has: options, a parser for its target, and a check that never raises."""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from components.blame import is_ours, sentence_of_tls
from components.client_certificates import ClientCertificate, Protocols
from components.egress import Egress, EgressError, Line
from components.lookup import SILENT
from components.networks import literal_address
from components.outcomes import Failure, Reading
from components.probers import redaction
from components.probers.unexpected import loggable
from components.targets import InvalidProbeError, checked_host
from components.texts import harmless

log = logging.getLogger(__name__)

EXCERPT_CHARACTERS = 1000
PORT = re.compile("[0-9]{1,5}")
WHOLE = re.compile(r"[+-]?[0-9]{1,15}")  # int() reads "1_000", foreign digits and True as well
HALVES = re.compile("[\ud800-\udfff]")
ONCE = ("host", "authorization", "content-length", "content-type", "user-agent")
DOUBT_S = 1.0  # a look-up takes longer: is it the name, or our resolver?
ASKING_S = 1.2  # how long finding out takes; a check with less time cannot be sure
SPARE_S = 1  # the least that a timeout leaves beside what a check takes by order
PATIENCE_S = 1.0  # with a body of unannounced length


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a kind of probe. `type` is str, text, int, bool, choice, mapping, secret or secrets.

    Of a secret (one line) and of secrets (a mapping) the row keeps only an encrypted form.
    """

    name: str
    label: str
    type: str = "str"
    default: Any = ""
    choices: tuple[str, ...] = ()
    help: str = ""
    rows: int = 3  # of a text in the form


class Clock:
    """The progress of a check: its phase, as a failure if the deadline came now, and the facts so far."""

    def __init__(self, deadline_s: float = 10.0) -> None:
        self.began = time.perf_counter()
        self.deadline_s = deadline_s
        self.patience_s = min(PATIENCE_S, deadline_s / 4)
        self.phase = Failure.TIMEOUT_DNS
        self.seen: dict[str, Any] = {}
        self.taken: set[str] = set()  # tokens out of answers, which are stored and logged nowhere
        self.at_deadline: Callable[[], Reading] | None = None  # for who knows more by then than a phase
        self.resolver: asyncio.Task[bool] | None = None  # whether it is alive, asked once it kept us waiting

    @property
    def total_ms(self) -> float:
        """Time since the check began."""
        return (time.perf_counter() - self.began) * 1000

    @property
    def has_heard(self) -> bool:
        """Whether anything was received yet: from a name server, the target, or a redirect before it."""
        if self.phase is Failure.TIMEOUT_DNS and "dns_ms" in self.seen:
            return True
        is_early = self.phase in (Failure.TIMEOUT_DNS, Failure.TIMEOUT_CONNECT)
        return not is_early or "hop" in self.seen.get("facts", {})

    def note(self, **facts: str) -> None:
        """Add facts by name."""
        self.seen["facts"] = {**self.seen.get("facts", {}), **facts}

    def remark(self, sentence: str) -> None:
        """Append a note for staff."""
        notes = (self.seen.get("facts", {}).get("note", ""), sentence)
        self.note(note=" ".join(filter(None, notes)))

    def reading(self, **facts: Any) -> Reading:
        """The reading of everything seen so far, with these fields."""
        return Reading(total_ms=self.total_ms, **{**self.seen, **facts})


class Prober(Protocol):
    """One kind of probe; each lives in a file of its own."""

    kind: str
    label: str
    target_help: str
    shows_certificate: bool  # whether its orders have a place for a client certificate (`shown`)
    steps: tuple[str, ...]  # `components.steps` on its way, in order

    @property
    def options(self) -> tuple[Option, ...]: ...

    def parse(self, target: str, options: Mapping[str, Any]) -> Any:
        """The order, checked. Raises InvalidProbeError."""
        ...

    def address(self, order: Any) -> tuple[str, int] | None:
        """The host and port that will be dialled first; None when none is."""
        ...

    def is_secure(self, order: Any) -> bool:
        """Whether TLS is used, so that the server may ask for our certificate."""
        ...

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """Whether it asks another system, whose failure says nothing about the thing itself."""
        ...

    async def run(self, order: Any, clock: Clock, egress: Egress) -> Reading:
        """Run one check. May raise EgressError; is cancelled at the deadline."""
        ...


@runtime_checkable
class WantsPast(Protocol):
    """An order that is judged by what its probe measured before: `facts["value"]` of its recent checks."""

    def past_s(self, interval_s: int) -> int:
        """How many seconds of its past it wants, checked this often; 0 for none."""
        ...

    def with_past(self, past: Iterable[tuple[float, float]]) -> "WantsPast":
        """The same with its past: seconds before this check (negative) and value, oldest first."""
        ...


PHASES = {
    Failure.TIMEOUT_DNS: "looking up the name",
    Failure.TIMEOUT_CONNECT: "connecting",
    Failure.TIMEOUT_TLS: "negotiating TLS",
    Failure.TIMEOUT_FIRST_BYTE: "waiting for the first byte",
    Failure.TIMEOUT_TRANSFER: "reading the response",
    Failure.OWN_FAULT: "parsing the response",  # which is our own work
}


async def carry_out(prober: Prober, order: Any, *, deadline_s: float, egress: Egress) -> Reading:
    """Run one check under its one hard deadline. Never raises, never outlives it."""
    clock = Clock(deadline_s)
    loop = asyncio.get_running_loop()
    doubt = loop.call_later(min(DOUBT_S, deadline_s - ASKING_S), _ask_for_resolver, clock, egress)
    try:
        reading = await _carried_out(prober, order, clock, egress)
    except Exception as error:
        secrets = {*getattr(order, "secrets", ()), *clock.taken}
        log.error("unexpected error in a %s check", prober.kind, exc_info=loggable(error, secrets))
        reading = _unforeseen(error, clock)
    finally:
        doubt.cancel()
        if clock.resolver is not None:
            clock.resolver.cancel()
    return redaction.without(_storable(reading), clock.taken)


async def _carried_out(prober: Prober, order: Any, clock: Clock, egress: Egress) -> Reading:
    """Raises what is unexpected."""
    try:
        async with asyncio.timeout(clock.deadline_s):
            return await prober.run(order, clock, egress)
    except TimeoutError:
        return too_late(clock, clock.deadline_s) if clock.at_deadline is None else clock.at_deadline()
    except EgressError as error:
        return clock.reading(failure=error.failure, detail=error.sentence, dns_ms=error.dns_ms)


def _ask_for_resolver(clock: Clock, egress: Egress) -> None:
    """After a while without an answer: test our resolver now, as there is no time after the deadline."""
    if not clock.has_heard and clock.phase is Failure.TIMEOUT_DNS and clock.deadline_s > ASKING_S:
        clock.resolver = asyncio.create_task(egress.lookup.is_alive())


def too_late(clock: Clock, after_s: float) -> Reading:
    """The deadline has passed: it is the name's fault only if our resolver answers other questions."""
    asked = clock.resolver if clock.phase is Failure.TIMEOUT_DNS and not clock.has_heard else None
    if asked is not None and asked.done() and not asked.exception() and not asked.result():
        return clock.reading(failure=Failure.OWN_FAULT, detail=SILENT)
    where = PHASES[clock.phase]
    return clock.reading(failure=clock.phase, detail=f"Timed out after {after_s:.3g} s: {where}.")


def _unforeseen(error: Exception, clock: Clock) -> Reading:
    """For an unexpected exception: our own fault only if nothing was received, else the target's answer."""
    if is_ours(error) or isinstance(error, (MemoryError, NameError, ImportError)) or not clock.has_heard:
        return clock.reading(failure=Failure.OWN_FAULT, detail="The check itself failed; see the log.")
    where = PHASES[clock.phase]
    return clock.reading(failure=Failure.PROTOCOL, detail=f"The response was not valid while {where}.")


def broken_off(error: OSError, clock: Clock) -> Reading:
    """For a connection that broke after it was made: by the target, TLS, the network or ourselves."""
    if isinstance(error, ssl.SSLError):
        return clock.reading(failure=Failure.TLS, detail=sentence_of_tls(error))
    if is_ours(error):
        return clock.reading(
            failure=Failure.OWN_FAULT, detail="This machine could not keep the connection open."
        )
    where = PHASES[clock.phase]
    if isinstance(error, ConnectionError):
        return clock.reading(failure=Failure.RESET, detail=f"The connection was closed while {where}.")
    return clock.reading(failure=Failure.RESET, detail=f"The connection was lost while {where}.")


def _storable(reading: Reading) -> Reading:
    """Without characters that a database refuses or a terminal obeys.

    So that a target's text can neither hide its failure nor pretend to be ours.
    """
    facts = {name: harmless(text) if isinstance(text, str) else text for name, text in reading.facts.items()}
    written = ("detail", "degraded", "excerpt")
    words: dict[str, Any] = {name: harmless(getattr(reading, name)) for name in written}
    if facts == reading.facts and all(getattr(reading, name) == text for name, text in words.items()):
        return reading
    return replace(reading, facts=facts, **words)


async def connect(
    host: str,
    port: int,
    clock: Clock,
    egress: Egress,
    *,
    tls: bool = False,
    shown: ClientCertificate | None = None,
    offers: Protocols = (),
) -> Line:
    """Open a line with the clock following each phase. Raises EgressError."""
    began = time.perf_counter()
    addresses, later = await egress.look_up(host, port)
    clock.seen["dns_ms"] = (time.perf_counter() - began) * 1000
    clock.phase = Failure.TIMEOUT_CONNECT
    try:
        line = await egress.dial(addresses, port, host=host, later=later)
    except EgressError as error:
        error.dns_ms = clock.seen["dns_ms"]
        error.address = str(addresses[0])
        raise
    clock.seen.update(address=line.address, family=line.family, connect_ms=line.connect_ms)
    if tls:
        clock.phase = Failure.TIMEOUT_TLS
        try:
            await egress.secure(line, host, shown=shown, offers=offers)
        except EgressError as error:
            error.dns_ms = clock.seen["dns_ms"]
            raise
        clock.seen["tls_ms"] = line.tls_ms
    return line


def options_of(prober: Prober, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options with their defaults, each of its type.

    Raises InvalidProbeError naming the one that is not.
    """
    by_name = {option.name: option for option in prober.options}
    for name in given:
        if name not in by_name:
            raise InvalidProbeError(name, f"A {prober.kind} probe has no option “{name}”.")
    return {name: _typed(option, given.get(name)) for name, option in by_name.items()}


def _typed(option: Option, value: Any) -> Any:
    if value is None or value == "":
        return option.default
    if option.type == "int":
        if not WHOLE.fullmatch(str(value).strip()):
            raise InvalidProbeError(option.name, "Enter a whole number.")
        return int(value)
    if option.type == "bool":
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true", "yes", "on")
    if option.type == "choice":
        for choice in option.choices:
            if choice.lower() == str(value).lower():
                return choice
        raise InvalidProbeError(option.name, f"Choose one of {', '.join(option.choices)}.")
    if option.type in ("mapping", "secrets"):
        return _mapping(option, value)
    text = _whole(option, str(value))
    # a browser ends the lines of a textarea by CRLF, whatever was typed
    return text.replace("\r\n", "\n") if option.type == "text" else text


def _whole(option: Option, text: str) -> str:
    """The same text. Raises InvalidProbeError for halves of letters, which a shell makes of odd bytes."""
    if HALVES.search(text):
        raise InvalidProbeError(option.name, "It is not valid UTF-8: type it again.")
    return text


def _mapping(option: Option, value: Any) -> dict[str, str]:
    """Headers as a mapping, or as lines "Name: value"."""
    if isinstance(value, Mapping):
        return {_whole(option, str(name)): _whole(option, str(text)) for name, text in value.items()}
    pairs: dict[str, str] = {}
    for line in _whole(option, str(value)).splitlines():
        name, colon, text = line.partition(":")
        if not colon or not name.strip():
            raise InvalidProbeError(option.name, "Write one “Name: value” per line.")
        _add(pairs, name.strip(), text.strip(), option)
    return pairs


def _add(pairs: dict[str, str], name: str, text: str, option: Option) -> None:
    """A name that comes twice is kept as one line, as HTTP joins them. Raises InvalidProbeError."""
    existing = next((other for other in pairs if other.lower() == name.lower()), None)
    if existing is None:
        pairs[name] = text
    elif name.lower() in ONCE:
        raise InvalidProbeError(option.name, f"“{name}” can be set only once.")
    else:
        pairs[existing] += f"{'; ' if name.lower() == 'cookie' else ', '}{text}"


def refuse_private(place: tuple[str, int] | None, egress: Egress) -> None:
    """Refuse a spelled-out host and port we would never dial. Raises InvalidProbeError."""
    if place is None:
        return
    host, port = place
    address = literal_address(host)
    if address is not None and not egress.may_dial(address, port):
        raise InvalidProbeError(
            "target",
            f"{host} is on a private or reserved network: an operator can allow it with {egress.setting}.",
        )


def refuse_untried(prober: Prober, order: Any, egress: Egress) -> None:
    """Refuse what this machine cannot check at all, where its kind can tell. Raises InvalidProbeError."""
    refuse = getattr(prober, "refuse_untried", None)
    if refuse is not None:
        refuse(order, egress)


def refuse_short(order: Any, timeout_s: float) -> None:
    """Refuse a timeout that ends before what was ordered does. Raises InvalidProbeError.

    What an order takes by itself is its `lasts_s`; most have none.
    """
    lasts_s = getattr(order, "lasts_s", 0)
    if lasts_s and timeout_s < lasts_s + SPARE_S:
        raise InvalidProbeError(
            "timeout_s",
            f"By its options a check takes {lasts_s} s, and {SPARE_S} s to connect and answer: use a timeout"
            f" of at least {lasts_s + SPARE_S} s, or shorten the check.",
        )


def whole_number(name: str, value: int, low: int, high: int) -> int:
    """The same number. Raises InvalidProbeError where it is out of range."""
    if not low <= value <= high:
        raise InvalidProbeError(name, f"Use {low:,} to {high:,}.")
    return value


def host_and_port(target: str, *, default: int | None = None) -> tuple[str, int]:
    """ "example.org:443" or "[::1]:443". Raises InvalidProbeError."""
    host, port = target.strip(), ""
    if host.startswith("["):
        host, _, port = host[1:].partition("]")
        port = port.removeprefix(":")
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    if not port and default is not None:
        return checked_host(host), default
    if not PORT.fullmatch(port) or not 1 <= int(port) <= 65535:
        raise InvalidProbeError("target", "Write host:port, with a port from 1 to 65535.")
    return checked_host(host), int(port)


def printable(data: bytes) -> str:
    """At most 1 kB of an answer that is safe to keep and to show."""
    text = data[: 4 * EXCERPT_CHARACTERS].decode("utf-8", "replace")
    safe = "".join(c if c.isprintable() or c in "\n\t" else "·" for c in text)
    return safe.encode()[:EXCERPT_CHARACTERS].decode(errors="ignore")
