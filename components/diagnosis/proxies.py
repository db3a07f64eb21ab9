"""What the own pages of proxies mean, by maker, status and time.

Recorded from the servers themselves (`tests/recordings`); Traefik and Envoy by their sources.
"""

from collections.abc import Iterator

from components.diagnosis.maker import Maker
from components.diagnosis.signs import Rule, Sign, several
from components.diagnosis.timing import Pace
from components.diagnosis.view import View


def proxies(view: View, maker: Maker) -> Iterator[Sign]:
    """The rule of this maker, if the page is its own."""
    if maker.is_own and (rule := RULES.get(maker.name)) is not None:
        yield from rule(view, maker)
    elif view.status == 502 and maker.name and not maker.is_own and not maker.is_application_server:
        yield from _a_page_of_somebodys(view, maker)


def _a_page_of_somebodys(view: View, maker: Maker) -> Iterator[Sign]:
    """502 with a page that is not the proxy's usual one: whoever made it, a gateway got no answer."""
    said = f"502 by {maker.name} or behind it, after {view.took}: a gateway got no valid answer"
    if view.pace is Pace.LIMIT:
        yield from several(f"{said}, at a round time.", stuck=0.5, network=0.44, crash=0.42)
    elif view.pace is Pace.OTHER:
        yield from several(f"{said}.", crash=0.54, not_started=0.42)
    else:
        yield from several(f"{said}.", not_started=0.52, crash=0.46)


def timed_out(view: View, maker: Maker) -> Iterator[Sign]:
    """504: it waited, and gave up."""
    at = f"{maker.name} gave up after {view.took}"
    if view.pace is Pace.LIMIT:
        because = f"{at}, exactly its time limit: the application accepted the request and did not respond."
        yield from several(because, stuck=0.74, overload=0.5, network=0.42)
    else:
        yield from several(f"{at} without a response.", stuck=0.68, overload=0.48)


def _unreachable_backend(view: View, maker: Maker, *, dns: float = 0.0) -> Iterator[Sign]:
    """502 of a proxy that says the same of a refused connection and of a broken one: time tells."""
    said = f"{maker.name} itself responds with {view.status}"
    if view.pace is Pace.LIMIT:
        because = f"{said} after {view.took}, a round time: a time limit between it and the application."
        yield from several(because, stuck=0.5, network=0.46, crash=0.44, dns=0.41 if dns else 0.0)
    elif view.pace is Pace.OTHER:
        because = (
            f"{said} after {view.took}: the application accepted the request, then closed the connection."
        )
        yield from several(because, crash=0.72, stuck=0.4)
    else:
        because = f"{said} at once: nothing accepts its connections, or what accepts them hangs up."
        yield from several(because, not_started=0.66, crash=0.5, dns=dns)


def _limited(view: View, maker: Maker) -> Iterator[Sign]:
    because = f"{maker.name} responds with 429: a request limit is reached."
    yield from several(because, overload=0.73, blocked=0.42)


def _nginx(view: View, maker: Maker) -> Iterator[Sign]:
    if view.status == 502:
        yield from _unreachable_backend(view, maker)
        if view.pace is Pace.LIMIT:
            yield Sign("dns", 0.42, "nginx also responds with 502 when its resolver times out.")
    elif view.status == 504:
        yield from timed_out(view, maker)
    elif view.status == 429:
        yield from _limited(view, maker)
    elif view.status == 503:
        yield from _nginx_503(view)
    elif view.status == 500:
        because = (
            "This 500 is nginx's own: a loop in its rules, a failed authorization, a full disk, or no free "
            "connection."
        )
        yield from several(because, misconfigured=0.5, error=0.46, dependency=0.44, overload=0.42)


def _nginx_503(view: View) -> Iterator[Sign]:
    """limit_req, limit_conn and `return 503` are the same bytes; neighbours and trend tell them apart."""
    because = "This 503 is nginx's own: a request or connection limit, or a configured “return 503”."
    overload, deploy = 0.5, 0.47
    if view.is_mixed:
        overload, deploy = 0.7, 0.3
        because += " Checks pass in between, as with a limit."
    elif view.facts.same_host_failing and not view.facts.same_host_answering:
        overload, deploy = 0.42, 0.62
        because += " Everything on this host fails, as in maintenance."
    yield from several(because, overload=overload, deploy=deploy)
    yield Sign("unhealthy", 0.41, "In Kubernetes, nginx responds with 503 when a service has no ready pods.")


def _haproxy(view: View, maker: Maker) -> Iterator[Sign]:
    if view.status == 503:
        yield from _haproxy_503(view)
    elif view.status == 504:
        yield from timed_out(view, maker)
    elif view.status == 429:
        yield from _limited(view, maker)
    elif view.status == 502:
        because = (
            "HAProxy got an invalid or incomplete response: the application closed the connection early."
        )
        yield from several(because, crash=0.8)
    elif view.status == 403:
        yield Sign("blocked", 0.7, "A rule of HAProxy denies the request.")
    elif view.status == 500:
        because = "HAProxy's own 500 is what its rules (tarpit) answer to those they hold off."
        yield from several(because, blocked=0.52, error=0.45, overload=0.44)


def _haproxy_503(view: View) -> Iterator[Sign]:
    """One 503 for four causes, distinguished by time (retries are one second apart, three by default)."""
    said = f"HAProxy has no server for the request, after {view.took}"
    if view.pace in (Pace.QUICK, Pace.UNKNOWN):
        because = f"{said}: at once, so its servers are already marked down, disabled or missing."
        yield from several(because, unhealthy=0.64, not_started=0.55, deploy=0.42)
        return
    if view.pace is Pace.OTHER:
        yield from several(f"{said}.", overload=0.5, not_started=0.48)
    elif view.limit_s == 3:
        because = f"{said}: three retries a second apart, as when connections are refused, or a full queue."
        yield from several(because, not_started=0.6, overload=0.55, network=0.42)
    else:
        because = f"{said}, a round time: the request waited in a full queue, or for a connection."
        yield from several(because, overload=0.58, not_started=0.5, network=0.48)


def _apache(view: View, maker: Maker) -> Iterator[Sign]:
    if "dns lookup failure for" in view.body:
        yield Sign("dns", 0.88, "Apache says that it cannot resolve the name of its backend.")
    elif view.status == 503:
        yield from _apache_503(view)
    elif view.status == 502 and view.pace is Pace.LIMIT:
        because = f"Apache gave up reading after {view.took}, exactly its ProxyTimeout."
        yield from several(because, stuck=0.73, overload=0.48, crash=0.42)
    elif view.status == 502:
        because = "Apache got an invalid response, or none: the application closed the connection early."
        yield from several(because, crash=0.8)
    elif view.status == 504:
        yield from timed_out(view, maker)
    elif view.status == 429:
        yield from _limited(view, maker)
    elif view.status == 403:
        yield Sign("unauthorized", 0.3, "Apache itself denies access.")
    elif view.status == 500:
        because = "This 500 is Apache's own: a script that ended without an answer, or its configuration."
        yield from several(because, crash=0.52, error=0.48, misconfigured=0.45)


def _apache_503(view: View) -> Iterator[Sign]:
    if view.pace is Pace.LIMIT:
        because = f"Apache could not connect to its backend within {view.took}, a time limit."
        yield from several(because, network=0.55, overload=0.5, not_started=0.45)
        return
    because = (
        "This 503 is Apache's own, at once: its backend refuses connections, or it is configured to say so."
    )
    yield from several(because, not_started=0.64, deploy=0.47, unhealthy=0.42)


def _varnish(view: View, maker: Maker) -> Iterator[Sign]:
    """503 for everything. Its `Retry-After: 5` is always there and says nothing."""
    if view.status != 503 or view.reason not in ("backend fetch failed", "service unavailable", ""):
        return
    said = f"Varnish could not fetch from its backend, after {view.took}"
    if view.reason == "service unavailable":
        yield from several("Varnish is configured to respond with 503.", deploy=0.45)
    elif view.pace is Pace.LIMIT:
        because = f"{said}, exactly a time limit."
        yield from several(because, stuck=0.66, network=0.5, overload=0.46)
    elif view.pace is Pace.OTHER:
        yield from several(f"{said}: it was accepted, then closed early.", crash=0.66, stuck=0.42)
    else:
        because = f"{said}: at once, so it was refused, marked sick, or closed early."
        yield from several(because, not_started=0.56, unhealthy=0.5, crash=0.47, overload=0.42)


def _caddy(view: View, maker: Maker) -> Iterator[Sign]:
    if view.status == 502 and view.pace is Pace.LIMIT:
        because = f"Caddy could not connect within {view.took}, a time limit, or the end of its retries."
        yield from several(because, network=0.55, not_started=0.52, overload=0.5, stuck=0.44)
    elif view.status == 502:
        yield from _unreachable_backend(view, maker, dns=0.41)
    elif view.status == 503:
        because = "Caddy's empty 503 means that no upstream is available: all fail their health checks."
        yield from several(because, unhealthy=0.7, overload=0.42, deploy=0.41)
    elif view.status == 504:
        yield from timed_out(view, maker)


def _lighttpd(view: View, maker: Maker) -> Iterator[Sign]:
    if view.status == 503:
        because = "lighttpd responds with 503 when its backend refuses connections, and for a while after."
        yield from several(because, not_started=0.67, overload=0.42)
    elif view.status == 504:
        yield from timed_out(view, maker)
    elif view.status == 500:
        because = "lighttpd responds with 500 when its backend closes the connection without a response."
        yield from several(because, crash=0.68, error=0.42)
    elif view.status == 502:
        yield from _unreachable_backend(view, maker)


def _traefik(view: View, maker: Maker) -> Iterator[Sign]:
    if view.status == 502:
        yield from _unreachable_backend(view, maker)
    elif view.status == 503:
        yield Sign("unhealthy", 0.8, "“no available server” is Traefik's: no server passes its health check.")
    elif view.status == 504:
        yield from timed_out(view, maker)


ENVOY = (  # a failed handshake is named behind other words: it comes first
    ("tls_error", "certificate", 0.8, "TLS between Envoy and the upstream fails."),
    ("tls error", "certificate", 0.8, "TLS between Envoy and the upstream fails."),
    ("no healthy upstream", "unhealthy", 0.85, "Envoy has no healthy upstream."),
    ("reset reason: overflow", "overload", 0.83, "Envoy's circuit breaker is open: too many requests."),
    ("connection timeout", "network", 0.68, "Envoy's connections to the upstream time out."),
    ("connection failure", "not_started", 0.72, "Envoy's connections to the upstream fail."),
    ("connection termination", "crash", 0.78, "The upstream closed the connection before it responded."),
    ("remote reset", "crash", 0.72, "The upstream reset the request."),
    ("local reset", "crash", 0.5, "The request was reset before a response came."),
    ("protocol error", "crash", 0.72, "The upstream broke the protocol."),
    ("upstream request timeout", "stuck", 0.8, "Envoy's time limit for the upstream has passed."),
)  # fmt: skip


def _envoy(view: View, maker: Maker) -> Iterator[Sign]:
    if view.header("x_envoy_overloaded").lower() == "true":
        yield Sign("overload", 0.85, "Envoy says that it is overloaded (x-envoy-overloaded).")
    for words, kind, weight, because in ENVOY:
        if words in view.body:
            yield Sign(kind, weight, because)
            return


RULES: dict[str, Rule] = {
    "nginx": _nginx,
    "HAProxy": _haproxy,
    "Apache": _apache,
    "Varnish": _varnish,
    "Caddy": _caddy,
    "lighttpd": _lighttpd,
    "Traefik": _traefik,
    "Envoy": _envoy,
}
