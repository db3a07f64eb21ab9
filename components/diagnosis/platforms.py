"""What the own pages of clouds, CDNs and application servers mean, as their makers document them."""

import re
from collections.abc import Iterator

from components.diagnosis.maker import Maker
from components.diagnosis.proxies import timed_out
from components.diagnosis.signs import Rule, Sign, several
from components.diagnosis.timing import Pace
from components.diagnosis.view import View

CLOUDFLARE: dict[int, tuple[str, dict[str, float]]] = {
    520: ("got an empty or invalid response from the origin", {"crash": 0.72}),
    521: ("was refused by the origin", {"not_started": 0.82}),
    522: ("could not connect to the origin in time", {"network": 0.68, "overload": 0.5}),
    523: ("cannot reach the origin", {"network": 0.78, "dns": 0.42}),
    524: ("waited 100 s for the origin's response", {"stuck": 0.82, "overload": 0.5}),
    525: ("could not negotiate TLS with the origin", {"certificate": 0.85}),
    526: ("does not accept the origin's certificate", {"certificate": 0.88}),
}
FASTLY = (
    (r"connection refused|backend write error", {"not_started": 0.74, "network": 0.41}),
    (r"first byte timeout|between bytes timeout", {"stuck": 0.8, "overload": 0.5}),
    (r"connection timed out", {"network": 0.7, "overload": 0.46}),
    (r"backend read error", {"crash": 0.72, "stuck": 0.42}),
    (r"max_conn reached", {"overload": 0.82}),
    (r"unhealthy", {"unhealthy": 0.85}),
    (r"certificate|handshake|hostname doesn't match", {"certificate": 0.85}),
    (r"unknown domain", {"misconfigured": 0.8}),
)
HEROKU = (
    ("maintenance-mode", {"deploy": 0.9}, "Heroku shows its page for maintenance mode."),
    ("no-such-app", {"moved": 0.8}, "Heroku knows no such application."),
)
VERCEL = (
    ("TIMEOUT", {"stuck": 0.85}), ("THROTTLED", {"overload": 0.85}), ("INVOCATION_FAILED", {"crash": 0.82}),
    ("DNS_", {"dns": 0.82}), ("DEPLOYMENT_NOT_FOUND", {"moved": 0.7}), ("DEPLOYMENT_PAUSED", {"deploy": 0.6}),
    ("DEPLOYMENT_", {"deploy": 0.5}), ("ROUTER_EXTERNAL", {"network": 0.6}),
)  # fmt: skip


def platforms(view: View, maker: Maker) -> Iterator[Sign]:
    """The rule of this maker, if the page is its own."""
    if maker.is_own and (rule := RULES.get(maker.name)) is not None:
        yield from rule(view, maker)
    elif maker.is_own and maker.is_application_server:
        yield from _application_server(view, maker)


def _cloudflare(view: View, maker: Maker) -> Iterator[Sign]:
    if view.status in CLOUDFLARE:
        what, weights = CLOUDFLARE[view.status]
        yield from several(f"Cloudflare {what} ({view.status}).", **weights)
    elif view.status == 530:
        is_tunnel = "1033" in view.body
        weights = {"not_started": 0.7} if is_tunnel else {"dns": 0.72}
        yield from several("Cloudflare cannot find the origin (530).", **weights)
    elif view.status == 429 or "1015" in view.body[:60]:
        yield from several("Cloudflare limits the rate of requests.", overload=0.62, blocked=0.6)
    elif view.status == 504:
        yield from several("Cloudflare reports a time-out.", stuck=0.62, overload=0.42)
    elif view.status in (502, 503):
        yield from several(f"Cloudflare itself responds with {view.status}.", network=0.42, not_started=0.4)


def _fastly(view: View, maker: Maker) -> Iterator[Sign]:
    for pattern, weights in FASTLY:
        if re.search(pattern, view.text):
            phrase = view.quoted(view.header("reason")[:60] or "its page")
            yield from several(f"Fastly says why{phrase and ':'}{phrase}.", **weights)
            return


def _heroku(view: View, maker: Maker) -> Iterator[Sign]:
    for word, weights, because in HEROKU:
        if word in view.body:
            yield from several(because, **weights)
            return
    if (view.facts.first_byte_ms or 0) >= 29_500:
        yield from several("Heroku gave up after 30 s (H12).", stuck=0.8, overload=0.5)
    else:
        yield from several(
            "Heroku's router got no response from the application.", not_started=0.64, crash=0.55
        )


def _render(view: View, maker: Maker) -> Iterator[Sign]:
    routing = view.header("x_render_routing")
    if "no-server" in routing or "hibernate" in routing:
        yield Sign(
            "not_started", 0.76, f"Render's router says{view.quoted(routing[:40], ' so')}: nothing listens."
        )
    elif "suspend" in routing:
        yield Sign("deploy", 0.55, "Render says that the service is suspended.")
    elif view.pace is Pace.LIMIT:
        yield from timed_out(view, maker)
    else:
        yield from several(
            f"Render's router says{view.quoted(routing[:40], ' so')}.", not_started=0.5, crash=0.45
        )


def _railway(view: View, maker: Maker) -> Iterator[Sign]:
    because = "Railway's router responds in place of the application."
    if view.status == 404:
        yield from several(because, not_started=0.6, moved=0.5)
    else:
        yield from several(because, not_started=0.7, crash=0.5)


def _vercel(view: View, maker: Maker) -> Iterator[Sign]:
    error = view.header("x_vercel_error")
    for word, weights in VERCEL:
        if word in error:
            yield from several(f"Vercel names the error{view.quoted(error[:60])}.", **weights)
            return


def _cloudfront(view: View, maker: Maker) -> Iterator[Sign]:
    if "request blocked" in view.body or view.status == 403:
        yield Sign("blocked", 0.7, "CloudFront blocks the request.")
    elif "resolve" in view.body:
        yield Sign("dns", 0.8, "CloudFront cannot resolve the origin's name.")
    elif view.status == 504:
        yield from several("CloudFront got no response from the origin in time.", stuck=0.66, network=0.5)
    elif view.status == 502:
        yield from several("CloudFront could not connect to the origin.", not_started=0.62, network=0.5,
                           certificate=0.42)  # fmt: skip
    elif view.status == 503:
        yield from several("CloudFront responds with 503.", overload=0.6, error=0.42)


def _balancer(view: View, maker: Maker) -> Iterator[Sign]:
    if view.status == 503:
        yield from several(
            "The load balancer has no target to send requests to.", unhealthy=0.68, deploy=0.45
        )
    elif view.status == 502:
        because = "The load balancer's target refused the connection, closed it, or sent no valid response."
        yield from several(because, crash=0.58, not_started=0.56, unhealthy=0.45)
    elif view.status == 504:
        yield from several("The load balancer's target did not respond in time.", stuck=0.68, network=0.5,
                           overload=0.46)  # fmt: skip
    elif view.status == 403:
        yield Sign("blocked", 0.7, "The load balancer's firewall denies the request.")


def _iis(view: View, maker: Maker) -> Iterator[Sign]:
    if re.search(r"\b500\.3\d|\b502\.5|ancm|failed to start", view.body):
        yield Sign("not_started", 0.78, "IIS could not start the application.")
    elif view.status == 503:
        because = (
            "This 503 comes from Windows' kernel, not the site: its application pool is stopped, or crashed."
        )
        yield from several(because, not_started=0.72, overload=0.42)


def _google(view: View, maker: Maker) -> Iterator[Sign]:
    if view.status in (502, 503):
        yield from several(
            "Google's load balancer found no backend.", unhealthy=0.56, not_started=0.5, crash=0.42
        )
    elif view.status == 504:
        yield from timed_out(view, maker)


def _application_server(view: View, maker: Maker) -> Iterator[Sign]:
    if maker.name == "uvicorn" and view.status == 503:
        because = "This is uvicorn's own 503: more connections than --limit-concurrency allows."
        yield Sign("overload", 0.72, because)
    elif "within time limit" in view.body:
        yield from several("daphne's time limit for the application has passed.", stuck=0.85, overload=0.5)
    elif maker.name == "gunicorn" and view.status == 500 and (view.facts.first_byte_ms or 0) >= 950:
        because = f"gunicorn's own page after {view.took}: a worker was stopped at its time-out."
        yield from several(because, stuck=0.66, crash=0.45)
    elif maker.name in ("Tomcat", "Jetty") and view.status == 503:  # Jetty says who it is on the page
        yield from several(
            f"{maker.name} is running, and the application in it is not.", not_started=0.5, deploy=0.48
        )
    elif maker.name == "Puma" and view.status == 503:
        yield from several("Puma is not ready to serve.", deploy=0.45, overload=0.42)


RULES: dict[str, Rule] = {
    "Cloudflare": _cloudflare,
    "Fastly": _fastly,
    "Heroku": _heroku,
    "Render": _render,
    "Railway": _railway,
    "Vercel": _vercel,
    "CloudFront": _cloudfront,
    "AWS load balancer": _balancer,
    "Azure Application Gateway": _balancer,
    "IIS": _iis,
    "Google": _google,
}
