"""One proxy before another, and applications behind proxies other than nginx."""

import contextlib
import signal
import time
from collections.abc import Iterator

from tests.recordings import haproxy
from tests.recordings.applications import Application, gunicorn, nginx_before, uvicorn
from tests.recordings.backends import Backends
from tests.recordings.case import Recorder
from tests.recordings.processes import Server, busy

HAPROXY = """
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 3s
  timeout queue 2s
frontend f
  bind 127.0.0.1:{port}
  default_backend b
backend b
  option httpchk GET {health}
  server s 127.0.0.1:{to} check inter 200 fall 1 rise 1
"""
APACHE = """
ServerName status.test
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog {folder}/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
User nobody
Group nogroup
ProxyTimeout 3
ServerTokens Prod
ProxyPass / http://127.0.0.1:{to}/ retry=0
"""


@contextlib.contextmanager
def haproxy_before(port: int, health: str = "/") -> Iterator[Server]:
    """HAProxy with health checks before this application."""
    with Server("haproxy") as server:
        text = HAPROXY.format(port=server.port, to=port, health=health)
        server.start("-db", "-f", server.write("haproxy.cfg", text))
        time.sleep(0.8)
        yield server


@contextlib.contextmanager
def apache_before(port: int) -> Iterator[Server]:
    """Apache httpd before this application."""
    with Server("apache2") as server:
        text = APACHE.format(port=server.port, folder=server.folder, to=port)
        server.start("-DFOREGROUND", "-f", server.write("apache.conf", text))
        yield server


def record(backends: Backends) -> Recorder:
    """The cases of two in a row."""
    recorder = Recorder("stacked")
    _haproxy_behind_nginx(recorder, backends)
    _apache_behind_nginx(recorder, backends)
    _applications_behind_haproxy(recorder)
    _applications_behind_apache(recorder)
    return recorder


def _haproxy_behind_nginx(recorder: Recorder, backends: Backends) -> None:
    with haproxy.start(backends, queue="1s") as inner, nginx_before(inner.port) as outer:
        for path, *truth in (
            ("no_retry", "not_started", "unhealthy"),
            ("sick", "unhealthy"),
            ("dies", "crash"),
            ("dies_late", "crash"),
            ("bare_503",),
            ("redis_down", "dependency"),
            ("pool", "db_connections"),
            ("denied", "overload"),
            ("returns", "deploy"),
        ):
            recorder.record(f"nginx, haproxy: {path}", f"{outer.url}/{path}", *truth)
        held = busy(inner.port, 1, "/queue")
        recorder.record("nginx, haproxy: the queue is full", f"{outer.url}/queue", "overload")
        for line in held:
            line.close()
        outer.send(signal.SIGTERM)
        time.sleep(0.5)
        recorder.record("nginx, haproxy: the outer one is stopped", f"{outer.url}/ok", "not_started")


def _apache_behind_nginx(recorder: Recorder, backends: Backends) -> None:
    for name, *truth in (
        ("refused", "not_started"),
        ("dies", "crash"),
        ("dies_late", "crash"),
        ("microprofile", "dependency"),
        ("hikari", "db_connections"),
        ("bare_503",),
    ):
        with apache_before(backends[name]) as inner, nginx_before(inner.port) as outer:
            recorder.record(f"nginx, apache: {name}", f"{outer.url}/x", *truth)
    with apache_before(backends["silent"]) as inner, nginx_before(inner.port) as outer:
        recorder.record("nginx, apache: silent, the outer one gives up", f"{outer.url}/x", "stuck")


def _applications_behind_haproxy(recorder: Recorder) -> None:
    with gunicorn("-w", "1", "--timeout", "30") as app, haproxy_before(app.port) as proxy:
        good = recorder.good(f"{proxy.url}/")
        held = busy(app.port, 1)
        recorder.record(
            "haproxy, gunicorn: all workers are busy",
            f"{proxy.url}/",
            "stuck",
            "unhealthy",
            "overload",
            good=good,
            times=1,
        )
        for line in held:
            line.close()
    with gunicorn("-w", "1") as app, haproxy_before(app.port) as proxy:
        good = recorder.good(f"{proxy.url}/")
        recorder.record("haproxy, gunicorn: a worker is killed", f"{proxy.url}/kill", "crash", times=1)
        time.sleep(1.5)
        recorder.record("haproxy, gunicorn: an error", f"{proxy.url}/error", "error")
        app.send(signal.SIGTERM)
        time.sleep(1.5)
        recorder.record("haproxy, gunicorn: stopped", f"{proxy.url}/", "unhealthy", "not_started", good=good)
    with uvicorn("--limit-concurrency", "3") as app, haproxy_before(app.port) as proxy:
        held = [*busy(app.port, 1), *busy(app.port, 1), *busy(app.port, 1)]
        time.sleep(0.6)
        recorder.record(
            "haproxy, uvicorn: at its limit, and so unhealthy", f"{proxy.url}/", "unhealthy", "overload"
        )
        for line in held:
            line.close()
    with uvicorn() as app, haproxy_before(app.port, "/bare") as proxy:
        recorder.record("haproxy, uvicorn: its health address says 503", f"{proxy.url}/", "unhealthy")


def _applications_behind_apache(recorder: Recorder) -> None:
    with uvicorn() as app, apache_before(app.port) as proxy:
        good = recorder.good(f"{proxy.url}/")
        recorder.record("apache, uvicorn: slow", f"{proxy.url}/slow", "stuck", times=1)
        recorder.record("apache, uvicorn: an error", f"{proxy.url}/error", "error")
        recorder.record("apache, uvicorn: its own bare 503", f"{proxy.url}/bare")
        app.send(signal.SIGKILL)
        time.sleep(0.5)
        recorder.record("apache, uvicorn: killed", f"{proxy.url}/", "not_started", good=good)
    arguments = ("--listen=127.0.0.1:{port}", "--threads=1", "broken_app:wsgi")
    with Application("waitress-serve", *arguments) as app, apache_before(app.port) as proxy:
        recorder.record("apache, waitress: it asks to retry", f"{proxy.url}/retry", "overload", times=1)
        held = busy(app.port, 1)
        recorder.record(
            "apache, waitress: all threads are busy", f"{proxy.url}/", "stuck", "overload", times=1
        )
        for line in held:
            line.close()
    with Application("waitress-serve", *arguments) as app, apache_before(app.port) as proxy:
        recorder.record("apache, waitress: killed", f"{proxy.url}/kill", "crash", times=1)
