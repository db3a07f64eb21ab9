"""Sentences that gateways and platforms have of their own, by what each means; whoever passed them on.

From their sources and documentation (`tests/recordings/written_*.py` names them) and from recordings.
"""

import re
from collections.abc import Iterator

from components.diagnosis.maker import Maker
from components.diagnosis.phrases import PHRASES
from components.diagnosis.signs import Sign, several
from components.diagnosis.view import View

SENTENCES: tuple[tuple[str, dict[str, float]], ...] = (
    # Kong
    (r"failure to get a peer from the (?:ring-)?balancer", {"unhealthy": 0.82}),
    (r"an invalid response was received from the upstream server", {"not_started": 0.6, "crash": 0.55}),
    (r"the upstream server is timing out", {"stuck": 0.78, "overload": 0.45}),
    (r"\"message\": ?\"name resolution failed\"", {"dns": 0.82}),
    # Amazon API Gateway
    (r"\"message\": ?\"endpoint request timed out\"", {"stuck": 0.78, "overload": 0.45}),
    # Azure
    (r"function host is not running", {"not_started": 0.78}),
    (r"this web app is (?:currently )?stopped|web app is currently disabled", {"not_started": 0.74,
         "deploy": 0.5}),
    # Google Cloud Run
    (r"response was malformed or connection to the instance had an error", {"crash": 0.74}),
    # DigitalOcean and others that print Envoy's response code details
    (r"upstream_reset_before_response_started\{[^}]{0,80}connection_failure", {"not_started": 0.74}),
    (r"upstream_reset_before_response_started", {"crash": 0.68}),
    (r"no_healthy_upstream", {"unhealthy": 0.82}),
    (r"upstream_response_timeout", {"stuck": 0.78}),
    # Squid
    (r"unable to determine ip address from host name", {"dns": 0.85}),
    (r"connection to .{1,80} failed.{0,200}\(111\) connection refused", {"not_started": 0.76}),
    (r"connection to .{1,80} failed.{0,200}\(11[03]\)", {"network": 0.74}),
    (r"squid did not receive any data|zero sized reply", {"crash": 0.76}),
    (r"a timeout occurred while waiting to read data", {"stuck": 0.76}),
    # Apache Traffic Server
    (r"could not connect to the requested server host", {"not_started": 0.66, "network": 0.45}),
    (r"server hangup", {"crash": 0.72}),
    # Akamai
    (r"service unavailable - zero size object", {"crash": 0.74}),
    (r"service unavailable - dns failure", {"dns": 0.84}),
    (r"service unavailable - (?:fail to connect|connect failure)", {"not_started": 0.6, "network": 0.55}),
    (r"the proxy server did not receive a timely response from the upstream", {"stuck": 0.74}),
    # IIS
    (r"\b502\.3\b.{0,400}(?:operation timed out|80072ee2)", {"stuck": 0.7, "network": 0.45}),
    (r"\b502\.3\b|connection error while trying to route the request", {"not_started": 0.62, "crash": 0.5}),
    (r"\b500\.3\d\b|\b502\.5\b|\bancm\b|asp\.net core app failed to start", {"not_started": 0.78}),
    # Passenger, LiteSpeed
    (r"could not be started by the (?:phusion )?passenger", {"not_started": 0.8}),
    (r"the server is temporarily busy, try again later", {"overload": 0.56, "not_started": 0.54}),
    # A plain request at a port that speaks TLS: nginx, Apache, Go
    (
        r"plain http request was sent to https port|client sent an http request to an https server",
        {"misconfigured": 0.86},
    ),
    (
        r"speaking plain http to an ssl-enabled server port",
        {"misconfigured": 0.86},
    ),
    (r"no required ssl certificate was sent|the ssl certificate error", {"certificate": 0.74}),
    # Circuit breakers: Resilience4j, Hystrix, Polly, opossum, gobreaker
    (
        r"circuit ?breaker [^.]{0,60}is open|short-circuited|the circuit is now open|breaker is open",
        {"dependency": 0.72},
    ),
    (r"outofmemoryerror|cannot allocate memory", {"overload": 0.62, "crash": 0.5}),
    (r"no space left on device", {"overload": 0.62, "error": 0.5}),
)  # fmt: skip
MEANINGS = tuple((re.compile(pattern), weights) for pattern, weights in (*SENTENCES, *PHRASES))
MAX_QUOTE = 60


def sentences(view: View, maker: Maker) -> Iterator[Sign]:
    """Of an answer that is an error, the first sentence that is known."""
    if view.status < 400:
        return
    for pattern, weights in MEANINGS:
        if match := pattern.search(view.text):
            yield from several(f"The response says “{match[0][:MAX_QUOTE]}”.", **weights)
            return
    if re.search(r"throttl|exceeded|toomanyrequests", view.header("x_amzn_errortype").lower()):
        yield Sign("overload", 0.8, "Amazon names a limit in x-amzn-ErrorType.")
    elif view.status == 502 and view.header("x_amzn_errortype").startswith("InternalServerError"):
        because = "API Gateway could not use its integration's response."
        yield from several(because, error=0.6, crash=0.5)
