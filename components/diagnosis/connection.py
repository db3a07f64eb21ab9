"""What fails before or beside an answer: names, routes, refusals, handshakes, silence."""

from collections.abc import Iterator

from components.diagnosis.maker import Maker
from components.diagnosis.signs import Rule, Sign, several
from components.diagnosis.view import View

# Codes that say why by themselves: registered ones, and what their makers document
TELLING: dict[int, tuple[str, dict[str, float]]] = {
    420: ("slow down, by an old convention", {"overload": 0.55, "rejected": 0.5}),
    421: ("the request was sent to the wrong server", {"misconfigured": 0.64}),
    430: ("too many requests, as Shopify says it", {"overload": 0.56, "blocked": 0.5}),
    451: ("withheld for legal reasons", {"blocked": 0.72}),
    495: ("nginx does not accept the client certificate", {"certificate": 0.66, "unauthorized": 0.5}),
    496: ("nginx requires a client certificate", {"certificate": 0.66, "unauthorized": 0.5}),
    497: ("nginx got plain HTTP at an HTTPS port", {"misconfigured": 0.72}),
    507: ("there is no storage left", {"overload": 0.7}),
    508: ("a loop, or a hosting account's limit of processes", {"overload": 0.55, "misconfigured": 0.54}),
    509: ("a bandwidth limit is used up", {"overload": 0.72}),
    511: ("the network itself wants a login", {"blocked": 0.62, "network": 0.5}),
    521: ("by Cloudflare's convention, the origin refuses connections", {"not_started": 0.66}),
    522: ("by Cloudflare's convention, connecting took too long", {"network": 0.6, "overload": 0.5}),
    523: ("by Cloudflare's convention, the origin cannot be reached", {"network": 0.66, "dns": 0.42}),
    524: ("by Cloudflare's convention, the response took too long", {"stuck": 0.68, "overload": 0.45}),
    525: ("by Cloudflare's convention, TLS with the origin failed", {"certificate": 0.68}),
    526: ("by Cloudflare's convention, the origin's certificate is not valid", {"certificate": 0.7}),
    529: ("overloaded, by convention", {"overload": 0.7}),
    530: ("a frozen site, or an origin that cannot be found", {"dns": 0.46, "deploy": 0.42}),
    561: ("the load balancer's login failed", {"unauthorized": 0.64}),
    598: ("a proxy's time limit, by convention", {"stuck": 0.6, "network": 0.45}),
    599: ("a proxy could not connect in time, by convention", {"network": 0.55, "stuck": 0.5}),
}
LIMITERS = ("nginx", "HAProxy", "Apache", "Cloudflare")  # their 429 has a rule of its own


def connection(view: View, maker: Maker) -> Iterator[Sign]:
    """By the failure that the prober stored."""
    if (rule := RULES.get(view.facts.failure)) is not None:
        yield from rule(view, maker)


def _refused(view: View, maker: Maker) -> Iterator[Sign]:
    because = "The host refuses the connection: no process listens on the port."
    yield Sign("not_started", 0.8, because)
    if view.facts.same_host_failing and not view.facts.same_host_answering:
        yield Sign("network", 0.4, "Other probes of this host fail as well.")


def _reset(view: View, maker: Maker) -> Iterator[Sign]:
    if view.header("close_codes") or view.header("refused"):
        return  # of WebSockets: `closes` says what that means
    if "reading the response" in view.facts.detail:
        yield Sign("crash", 0.74, "The connection breaks in the middle of the response.")
    elif "being set up" in view.facts.detail or "tls" in view.facts.detail.lower():
        yield from several("The connection is closed before a request is sent.", crash=0.5, overload=0.48,
                           not_started=0.42)  # fmt: skip
    else:
        because = "It accepts the connection and closes it without a response."
        yield from several(because, crash=0.64, overload=0.45, not_started=0.43, deploy=0.3)


def _timeout_connect(view: View, maker: Maker) -> Iterator[Sign]:
    because = "Connections are neither accepted nor refused."
    if view.facts.same_host_answering:
        yield from several(f"{because} Others on this host respond, so its queue is full.", overload=0.62,
                           network=0.45, stuck=0.5)  # fmt: skip
    else:
        yield from several(because, network=0.58, overload=0.5)


def _timeout_first_byte(view: View, maker: Maker) -> Iterator[Sign]:
    because = "It accepts connections, but sends nothing in time."
    yield from several(because, stuck=0.72, overload=0.52)


def _timeout_transfer(view: View, maker: Maker) -> Iterator[Sign]:
    yield from several("The response starts and does not finish.", stuck=0.58, overload=0.48, network=0.42)


def _timeout_tls(view: View, maker: Maker) -> Iterator[Sign]:
    because = "The port is open, but the TLS handshake does not go on."
    yield from several(because, stuck=0.52, certificate=0.46, overload=0.42)


def _dns(view: View, maker: Maker) -> Iterator[Sign]:
    yield Sign("dns", 0.85, view.facts.detail or "The name cannot be resolved.")


def _timeout_dns(view: View, maker: Maker) -> Iterator[Sign]:
    yield Sign("dns", 0.72, "The name servers do not respond in time.")
    yield Sign("own_fault", 0.41, "Our own resolver may be slow.")


def _unreachable(view: View, maker: Maker) -> Iterator[Sign]:
    yield Sign("network", 0.8, "There is no route to the host.")


def _tls(view: View, maker: Maker) -> Iterator[Sign]:
    end = view.header("not_after")
    because = view.facts.detail or "The TLS handshake fails."
    yield Sign("certificate", 0.85, f"{because} It expires {end}." if end else because)


def _protocol(view: View, maker: Maker) -> Iterator[Sign]:
    detail = view.facts.detail
    if "JSON" in detail:
        yield Sign("content", 0.6, detail)
    elif view.facts.first_byte_ms is None:
        yield from several(
            "What answers does not speak HTTP, or closes early.", misconfigured=0.58, crash=0.55
        )
    else:
        yield from several(detail or "The response cannot be read.", crash=0.58, misconfigured=0.45)


def _redirect(view: View, maker: Maker) -> Iterator[Sign]:
    yield Sign("misconfigured", 0.66, view.facts.detail or "It redirects without end.")


def _assertion(view: View, maker: Maker) -> Iterator[Sign]:
    yield Sign("content", 0.6, view.facts.detail or "The content is not as expected.")


def _reported(view: View, maker: Maker) -> Iterator[Sign]:
    yield Sign("content", 0.66, view.facts.detail or "It reports that it is down.")


def _limit(view: View, maker: Maker) -> Iterator[Sign]:
    yield Sign("overload", 0.6, view.facts.detail or "A number it gives is beyond the limit.")


def _own_fault(view: View, maker: Maker) -> Iterator[Sign]:
    yield Sign("own_fault", 0.9, view.facts.detail or "The check could not be made.")


def _status(view: View, maker: Maker) -> Iterator[Sign]:
    """What the code alone says; those that many causes share say nothing by themselves."""
    status = view.status
    because = f"It responds with {status}."
    if status in TELLING and not maker.is_own:
        meaning, weights = TELLING[status]
        yield from several(f"It responds with {status}: {meaning}.", **weights)
    elif status in (401, 407):
        yield Sign("unauthorized", 0.72, because)
    elif status == 403:
        yield Sign("unauthorized", 0.6, because)
    elif status in (404, 410):
        yield Sign("moved", 0.62, because)
    elif status == 429 and not (maker.is_own and maker.name in LIMITERS):
        yield from several("It responds with 429: a request limit is reached.", overload=0.7, blocked=0.42)
    elif 400 <= status < 500:
        yield Sign("rejected", 0.6, because)
    elif status == 504 and not maker.is_own:
        yield from several("504 means that a gateway waited and gave up.", stuck=0.5, overload=0.4)
    elif (status in (500, 501) or status > 504) and not (maker.is_own and not maker.is_application):
        yield Sign("error", 0.6, because)


RULES: dict[str, Rule] = {
    "refused": _refused,
    "reset": _reset,
    "timeout_connect": _timeout_connect,
    "timeout_first_byte": _timeout_first_byte,
    "timeout_transfer": _timeout_transfer,
    "timeout_tls": _timeout_tls,
    "timeout_dns": _timeout_dns,
    "dns": _dns,
    "unreachable": _unreachable,
    "tls": _tls,
    "protocol": _protocol,
    "redirect": _redirect,
    "assertion": _assertion,
    "reported": _reported,
    "limit": _limit,
    "own_fault": _own_fault,
    "denied": _own_fault,
    "no_data": _assertion,
    "status": _status,
}
