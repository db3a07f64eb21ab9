"""Who made this answer: a proxy's own page, a platform's, an application server's, or something behind one.

The same words mean different things by maker, so this comes before any cause.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from components.diagnosis.view import View

APPLICATIONS = (
    ("uvicorn", "uvicorn"), ("gunicorn", "gunicorn"), ("daphne", "daphne"), ("hypercorn", "hypercorn"),
    ("granian", "granian"), ("waitress", "waitress"), ("werkzeug", "Werkzeug"), ("puma", "Puma"),
    ("thin", "Thin"), ("tomcat", "Tomcat"), ("apache-coyote", "Tomcat"), ("jetty", "Jetty"),
    ("kestrel", "Kestrel"), ("undertow", "Undertow"), ("wildfly", "WildFly"), ("cowboy", "Cowboy"),
    ("tornadoserver", "Tornado"), ("cherrypy", "CherryPy"), ("wsgiserver", "Django's runserver"),
    ("unicorn", "Unicorn"), ("passenger", "Passenger"), ("netty", "Netty"), ("express", "Express"),
)  # fmt: skip
PROXIES = (
    ("cloudflare", "Cloudflare"), ("istio-envoy", "Envoy"), ("envoy", "Envoy"), ("openresty", "nginx"),
    ("tengine", "nginx"), ("nginx", "nginx"), ("apache", "Apache"), ("caddy", "Caddy"),
    ("lighttpd", "lighttpd"), ("varnish", "Varnish"), ("awselb", "AWS load balancer"),
    ("cloudfront", "CloudFront"), ("microsoft-azure-application-gateway", "Azure Application Gateway"),
    ("microsoft-httpapi", "IIS"), ("microsoft-iis", "IIS"), ("google frontend", "Google"), ("gws", "Google"),
    ("heroku", "Heroku"), ("vercel", "Vercel"), ("netlify", "Netlify"), ("fly/", "Fly"),
    ("railway", "Railway"), ("akamaighost", "Akamai"), ("traefik", "Traefik"), ("haproxy", "HAProxy"),
    ("litespeed", "LiteSpeed"), ("kong/", "Kong"), ("squid", "Squid"), ("ats/", "Traffic Server"),
    ("nghttpx", "nghttpx"), ("h2o", "H2O"), ("big-ip", "BIG-IP"),
)  # fmt: skip
HAPROXY = (
    "no server is available to handle this request", "the server returned an invalid or incomplete response",
    "the server didn't respond in time", "request forbidden by administrative rules",
    "you have sent too many requests in a given amount of time", "an internal server error occurred.",
    "your browser didn't send a complete request in time",
)  # fmt: skip
ENVOY = (
    "no healthy upstream", "upstream connect error or disconnect/reset before headers",
    "upstream request timeout", "no cluster match",
)  # fmt: skip
APACHE = (
    "maintenance downtime or", "the proxy server received an invalid",
    "the proxy server could not handle the request", "the gateway did not receive a timely response",
    "you don't have permission to access this resource",
    "the server encountered an internal error or misconfiguration",
)  # fmt: skip
# The beginning of its pages in other languages (mod_negotiation's error documents)
MULTI_LANGUAGE = re.compile(r"xhtml 1\.0 strict.{0,400}<link rev=\"made\" href=\"mailto:")
FASTLY = (
    "connection refused", "connection timed out", "first byte timeout", "between bytes timeout",
    "backend read error", "backend write error", "backend.max_conn reached", "backend is unhealthy",
    "all backends failed or unhealthy", "unable to get local issuer certificate", "no stale object available",
    "ssl handshake error", "hostname doesn't match against certificate", "certificate has expired",
    "backend fetch failed",
)  # fmt: skip
GO_TEXTS = {502: "bad gateway", 504: "gateway timeout", 503: "no available server"}
NGINX_PAGE = re.compile(
    r"<center><h1>[45]\d\d [^<]{0,60}</h1></center>\s{0,4}<hr><center>(?:nginx|openresty|tengine)"
)
IIS_PAGE = "http error 503. the service is unavailable"
LIGHTTPD_PAGE = re.compile(r"xhtml 1\.0 transitional.{0,400}<h1>[45]\d\d [^<]{0,60}</h1> </body>")


@dataclass(frozen=True, slots=True)
class Maker:
    """`name` as people know it, empty when unknown. `is_own`: it made this answer itself, rather than
    passing on what something behind it said. `is_application`: it is, or passes on, an application.
    """

    name: str = ""
    is_own: bool = False
    is_application: bool = False

    @property
    def spelled(self) -> str:
        """ "nginx", "an application behind nginx", "unknown"."""
        if not self.name:
            return "unknown"
        if self.is_own or self.is_application_server:
            return self.name
        return f"an application behind {self.name}"

    @property
    def is_application_server(self) -> bool:
        """Whether it serves one application, in its own process."""
        return self.name in {name for _, name in APPLICATIONS}

    @property
    def behind(self) -> str:
        """ " behind nginx", for the middle of a sentence; empty when nothing is known to stand before it."""
        return f" behind {self.name}" if self.name and not self.is_application_server else ""


UNKNOWN = Maker()


def identify(view: View) -> Maker:
    """Own pages first, since their bytes are surest; then who passed it on, by headers."""
    for name, is_own in OWN:
        if is_own(view):
            return Maker(name, is_own=True)
    for word, name in APPLICATIONS:
        if word in view.server or (word == "express" and word in view.header("x_powered_by").lower()):
            return Maker(name, is_own=_is_servers_own(name, view), is_application=True)
    if view.body.endswith("(generated by waitress)"):
        return Maker("waitress", is_own=True, is_application=True)
    if "<h1><p>internal server error</p></h1>" in view.body:
        return Maker("gunicorn", is_own=True, is_application=True)
    for word, name in PROXIES:
        if word in view.server:
            return Maker(name, is_application=True)
    passed_on = _by_via(view)
    return Maker(passed_on, is_application=True) if passed_on else UNKNOWN


def _by_via(view: View) -> str:
    words = (
        ("heroku", "Heroku"), ("caddy", "Caddy"), ("varnish", "Varnish"), ("google", "Google"),
        ("cloudfront", "CloudFront"),
    )  # fmt: skip
    for word, name in words:
        if word in view.via:
            return "Fastly" if name == "Varnish" and view.header("x_served_by").startswith("cache-") else name
    if view.header("x_varnish"):
        return "Varnish"
    if view.header("x_envoy_upstream_service_time"):
        return "Envoy"
    by_header = (("cf_ray", "Cloudflare"), ("x_iinfo", "Imperva"), ("x_sucuri_id", "Sucuri"))
    return next((name for header, name in by_header if view.header(header)), "")


def _is_servers_own(name: str, view: View) -> bool:
    """Whether the application server answered in place of its application."""
    body, length = view.body, view.header("body_length")
    if name == "uvicorn":
        is_plain = view.header("content_type").lower() == "text/plain; charset=utf-8"
        return is_plain and body in ("service unavailable", "internal server error")
    if name == "daphne":
        return "<footer>daphne</footer>" in body or "within time limit" in body
    if name in ("granian", "hypercorn"):
        return body == "internal server error" or (length == "0" and view.status == 500)
    if name == "gunicorn":
        return "<h1><p>" in body
    if name == "Jetty":
        return "powered by jetty" in body and view.status == 503
    return "generated by waitress" in body or f"<h1>http status {view.status}" in body


def _nginx(view: View) -> bool:
    """Its page, but not with a reason phrase of the origin: "Service Unavailable" came from behind it."""
    if not NGINX_PAGE.search(view.body) or "awselb" in view.server:
        return False
    return not (view.status == 503 and view.reason == "service unavailable")


def _traefik(view: View) -> bool:
    """Go's bare text without any header of its own."""
    if view.server or view.via or not view.is_recorded_whole:
        return False
    is_text = view.header("content_type").lower() == "text/plain; charset=utf-8"
    return is_text and view.body == GO_TEXTS.get(view.status, "-")


def _caddy(view: View) -> bool:
    is_empty = view.header("body_length") == "0" and not view.header("content_type")
    return view.server == "caddy" and is_empty and "caddy" not in view.via


def _apache(view: View) -> bool:
    is_page = "<!doctype html public" in view.body and "iso-8859-1" in view.header("content_type").lower()
    if "apache" in view.server and MULTI_LANGUAGE.search(view.body):
        return True
    return (is_page or "apache" in view.server) and any(text in view.body for text in APACHE)


def _varnish(view: View) -> bool:
    is_cache = bool(view.header("x_varnish")) or "varnish" in f"{view.server} {view.via}"
    return is_cache and ("guru meditation" in view.body or view.reason == "backend fetch failed")


def _fastly(view: View) -> bool:
    is_fastly = view.header("x_served_by").startswith("cache-") or "fastly error" in view.body
    own = "guru mediation" in view.body or "fastly error" in view.body or view.reason in FASTLY
    return is_fastly and own


def _cloudflare(view: View) -> bool:
    is_cloudflare = "cloudflare" in view.server or bool(view.header("cf_ray"))
    if not is_cloudflare:
        return False
    if view.header("cf_error_type") or view.header("cf_mitigated") or 520 <= view.status <= 530:
        return True
    return view.body.startswith("error code:") or "<center>cloudflare</center>" in view.body


def _heroku(view: View) -> bool:
    return "herokucdn.com/error-pages/" in view.body


OWN: tuple[tuple[str, Callable[[View], bool]], ...] = (
    ("Cloudflare", _cloudflare),
    ("Heroku", _heroku),
    ("Fastly", _fastly),
    ("Render", lambda view: bool(view.header("x_render_routing"))),
    ("Railway", lambda view: view.header("x_railway_fallback").lower() == "true"),
    ("Vercel", lambda view: bool(view.header("x_vercel_error"))),
    ("CloudFront", lambda view: "the request could not be satisfied" in view.body),
    ("AWS load balancer", lambda view: "awselb" in view.server),
    ("Azure Application Gateway", lambda view: "azure-application-gateway" in view.server),
    ("IIS", lambda view: "microsoft-httpapi" in view.server or IIS_PAGE in view.body),
    ("nginx", _nginx),
    ("HAProxy", lambda view: any(text in view.body for text in HAPROXY)),
    ("Apache", _apache),
    ("Varnish", _varnish),
    ("Envoy", lambda view: any(view.body.startswith(text) for text in ENVOY)
     or bool(view.header("x_envoy_overloaded"))),
    ("Squid", lambda view: bool(view.header("x_squid_error"))
     or ("squid" in view.server and "could not be retrieved" in view.body)),
    ("Tomcat", lambda view: "<h3>apache tomcat/" in view.body
     or "<h1>http status 503 " in view.body),
    ("lighttpd", lambda view: bool(LIGHTTPD_PAGE.search(view.body))),
    ("Caddy", _caddy),
    ("Google", lambda view: "error: server error" in view.body and ("google" in f"{view.via} {view.server}")),
    ("Traefik", _traefik),
)  # fmt: skip
