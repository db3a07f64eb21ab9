"""What fails before HTTP, and the edge of other people's networks, replayed byte for byte."""

import ssl
import tempfile
from pathlib import Path

from tests.certificates import make
from tests.recordings.backends import Backends, says
from tests.recordings.case import Recorder, check
from tests.targets import Raw

SICK = "503 Service Unavailable"
HTML = "text/html; charset=utf-8"
# As their makers document them; these cannot be run here
EDGES = (
    (
        "cloudflare 521",
        "521 ",
        "<title>shop.example | 521: Web server is down</title>",
        HTML,
        "not_started",
        ("Server: cloudflare", "CF-RAY: 8c1f0a2b-FRA", "cf-error-type: 521", "cf-error-origin: origin"),
    ),
    (
        "cloudflare 522",
        "522 ",
        "<title>shop.example | 522: Connection timed out</title>",
        HTML,
        "network",
        ("Server: cloudflare", "CF-RAY: 8c1f0a2b-FRA"),
    ),
    (
        "cloudflare 526",
        "526 ",
        "<title>shop.example | 526: Invalid SSL certificate</title>",
        HTML,
        "certificate",
        ("Server: cloudflare", "CF-RAY: 8c1f0a2b-FRA"),
    ),
    (
        "envoy, no healthy upstream",
        SICK,
        "no healthy upstream",
        "text/plain",
        "unhealthy",
        ("server: envoy",),
    ),
    (
        "envoy, overloaded",
        SICK,
        "upstream connect error or disconnect/reset before headers. reset reason: overflow",
        "text/plain",
        "overload",
        ("server: istio-envoy", "x-envoy-overloaded: true"),
    ),
    (
        "envoy, connection failure",
        SICK,
        "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: "
        "remote connection failure, transport failure reason: delayed connect error: 111",
        "text/plain",
        "not_started",
        ("server: envoy",),
    ),
    (
        "envoy, connection termination",
        SICK,
        "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
        "text/plain",
        "crash",
        ("server: envoy",),
    ),
    (
        "traefik, no available server",
        SICK,
        "no available server\n",
        "text/plain; charset=utf-8",
        "unhealthy",
        ("X-Content-Type-Options: nosniff",),
    ),
    (
        "IIS, the pool is stopped",
        SICK,
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN"><BODY><h2>Service Unavailable</h2><hr><p>'
        "HTTP Error 503. The service is unavailable.</p></BODY>",
        "text/html; charset=us-ascii",
        "not_started",
        ("Server: Microsoft-HTTPAPI/2.0",),
    ),
    (
        "heroku, crashed",
        SICK,
        '<iframe src="//www.herokucdn.com/error-pages/application-error.html">',
        HTML,
        "not_started",
        ("Server: Heroku", "Via: 1.1 heroku-router"),
    ),
    (
        "heroku, maintenance",
        SICK,
        '<iframe src="//www.herokucdn.com/error-pages/maintenance-mode.html">',
        HTML,
        "deploy",
        ("Server: Heroku", "Via: 1.1 heroku-router"),
    ),
    (
        "render, nothing bound",
        "404 Not Found",
        "Not Found",
        "text/plain",
        "not_started",
        ("x-render-routing: no-server", "rndr-id: 1f2e"),
    ),
    (
        "railway, failed to respond",
        "502 Bad Gateway",
        '{"status":"error","code":502,"message":"Application failed to respond","request_id":"x"}',
        "application/json",
        "not_started",
        ("x-railway-fallback: true", "Server: railway-edge"),
    ),
    (
        "vercel, time-out",
        "504 Gateway Timeout",
        "An error occurred with your deployment",
        "text/plain",
        "stuck",
        ("Server: Vercel", "x-vercel-error: FUNCTION_INVOCATION_TIMEOUT"),
    ),
    (
        "fastly, refused",
        "503 Connection refused",
        "<h1>Error 503 Connection refused</h1>",
        HTML,
        "not_started",
        ("Via: 1.1 varnish", "X-Served-By: cache-fra-eddf1234", "X-Cache: MISS", "Retry-After: 0"),
    ),
    (
        "fastly, first byte timeout",
        "503 first byte timeout",
        "<h1>Error 503 first byte timeout</h1>",
        HTML,
        "stuck",
        ("Via: 1.1 varnish", "X-Served-By: cache-fra-eddf1234", "X-Cache: MISS", "Retry-After: 0"),
    ),
    (
        "cloudfront, cannot connect",
        "502 Bad Gateway",
        "<H1>502 ERROR</H1><H2>The request could not be satisfied.</H2>CloudFront wasn't able to connect "
        "to the origin.",
        "text/html",
        "not_started",
        ("Server: CloudFront", "X-Cache: Error from cloudfront"),
    ),
    (
        "ALB, no targets",
        "503 Service Temporarily Unavailable",
        "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>"
        "503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>",
        "text/html",
        "unhealthy",
        ("Server: awselb/2.0",),
    ),
    ("an unknown maker's bare 503", SICK, "Service Unavailable", "text/plain", "", ()),
    ("an unknown maker's empty 503", SICK, "", "text/plain", "", ()),
    (
        "an unknown maker's 503 with a page",
        SICK,
        "<html><body><h1>503 Service Unavailable</h1></body></html>",
        HTML,
        "",
        (),
    ),
    (
        "an unknown maker's 503 with Retry-After",
        SICK,
        "Service Unavailable",
        "text/plain",
        "",
        ("Retry-After: 120",),
    ),
    ("an unknown maker's 502", "502 Bad Gateway", "Bad Gateway", "text/html", "", ()),
    ("JSON that only says no", SICK, '{"message": "Service Unavailable"}', "application/json", "", ()),
    ("JSON that only says down", SICK, '{"status": "DOWN"}', "application/json", "", ()),
)


def record(backends: Backends) -> Recorder:
    """The cases without a server of their own."""
    recorder = Recorder("direct")
    base = "http://127.0.0.1:"
    recorder.record("refused", f"{base}{backends['refused']}/", "not_started")
    recorder.record("reset", f"{base}{backends['resets']}/", "crash")
    recorder.record("closed without an answer", f"{base}{backends['dies']}/", "crash")
    recorder.record("cut in its body", f"{base}{backends['dies_in_body']}/", "crash")
    recorder.record("cut in its head", f"{base}{backends['dies_in_head']}/", "crash")
    recorder.record("not HTTP", f"{base}{backends['garbage']}/", "crash", "misconfigured")
    recorder.record("silent", f"{base}{backends['silent']}/", "stuck", deadline_s=1.5)
    recorder.record("its queue is full", f"{base}{backends['full']}/", "network", "overload", deadline_s=1.5)
    recorder.record("no such name", "http://nowhere.invalid/", "dns", "own_fault", times=1)
    recorder.record("a plain port asked for TLS", f"https://127.0.0.1:{backends['ok']}/", "certificate")
    for name, truth in (
        ("proxy_status", "not_started"),
        ("proxy_status_timeout", "stuck"),
        ("proxy_status_dns", "dns"),
        ("proxy_status_origin", ""),
        ("challenge", "blocked"),
        ("challenge_503", "blocked"),
        ("waf", "blocked"),
        ("captcha", "blocked"),
        ("maintenance", "deploy"),
        ("redis_down", "dependency"),
        ("pool", "db_connections"),
    ):
        recorder.record(name.replace("_", " "), f"{base}{backends[name]}/", *filter(None, (truth,)))
    _certificates(recorder)
    _trends(recorder, backends)
    for name, status, body, kind, truth, headers in EDGES:
        with Raw(says(status, body, kind, *headers)) as edge:
            recorder.record(name, f"{base}{edge.port}/", *filter(None, (truth,)))
    return recorder


def _certificates(recorder: Recorder) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, days, ago in (("self-signed", 30, 1), ("expired", -3, 40)):
            key, file = make(Path(folder), "127.0.0.1", days=days, ago=ago)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(file, key)
            with Raw(says("200 OK", "ok"), tls=context) as server:
                recorder.record(
                    f"a certificate that is {name}", f"https://127.0.0.1:{server.port}/", "certificate"
                )


def _trends(recorder: Recorder, backends: Backends) -> None:
    """The same bare 503, with and without a trend before it."""
    url = f"http://127.0.0.1:{backends['bare_503']}/"
    quick = tuple(check(f"http://127.0.0.1:{backends['ok']}/") for _ in range(6))
    with Raw(says("200 OK", "ok", wait_s=0.4)) as slower:
        slow = tuple(check(f"http://127.0.0.1:{slower.port}/") for _ in range(3))
    recorder.record("a bare 503 after it had slowed down", url, "overload", good=(*quick, *slow))
    recorder.record("a bare 503 after steady answers", url, good=quick)
    recorder.record("a bare 503 right after a deploy", url, "deploy", good=quick, deployed_s=25.0)
    recorder.record("a bare 503 long after a deploy", url, good=quick, deployed_s=7200.0)
