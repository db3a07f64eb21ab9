"""Caddy and lighttpd as proxies."""

import time

from tests.recordings.backends import Backends
from tests.recordings.case import Recorder
from tests.recordings.processes import Server

PLACES = (
    "refused", "silent", "dies", "dies_late", "resets", "garbage", "dies_in_head", "bare_503", "busy_503",
    "terminus", "pool", "ok", "full", "maintenance", "captcha", "challenge",
)  # fmt: skip
LIGHTTPD = ("refused", "silent", "dies", "dies_late", "garbage", "bare_503", "microprofile", "mysql", "ok")


def record(backends: Backends) -> Recorder:
    """The cases of Caddy."""
    recorder = Recorder("caddy")
    server = Server("caddy")
    places = ""
    for name in PLACES:
        places += (
            f"  handle /{name} {{\n    reverse_proxy 127.0.0.1:{backends[name]} {{\n"
            "      transport http {\n        response_header_timeout 2s\n        dial_timeout 2s\n      }\n"
            "    }\n  }\n"
        )
    places += (
        f"  handle /sick {{\n    reverse_proxy 127.0.0.1:{backends['sick']} {{\n      health_uri /health\n"
        "      health_interval 200ms\n    }\n  }\n"
        f"  handle /nowhere {{\n    reverse_proxy nowhere.invalid:80\n  }}\n"
        '  handle /respond {\n    respond "Down for maintenance" 503\n  }\n'
        "  handle /plain {\n    respond 503\n  }\n"
    )
    text = (
        "{\n  admin off\n  auto_https off\n}\n"
        f"http://127.0.0.1:{server.port} {{\n  bind 127.0.0.1\n{places}}}\n"
    )
    with server:
        home = {"HOME": str(server.folder), "XDG_DATA_HOME": str(server.folder)}
        file = server.write("Caddyfile", text)
        server.start("run", "--adapter", "caddyfile", "--config", file, env=home)
        time.sleep(1.0)
        _all(recorder, server)
    return recorder


def _all(recorder: Recorder, server: Server) -> None:
    at = recorder.at(server.url)
    beside = {"/ok": f"{server.url}/ok"}
    at("refused", "not_started", name="refused", beside=beside)
    at("silent", "stuck", name="silent")
    at("dies", "crash", "not_started", name="dies at once")
    at("dies_late", "crash", name="dies after 0.6 s")
    at("garbage", "crash", "not_started", name="garbage")
    at("full", "network", "overload", "stuck", name="its queue is full")
    at("sick", "unhealthy", name="its health check fails", beside=beside)
    at("nowhere", "dns", "not_started", name="the name of its backend is not known", times=1, deadline_s=30)
    at("respond", "deploy", name="a maintenance page", beside=beside)
    at("bare_503", name="a bare 503 of the application")
    at("busy_503", "overload", name="the application asks to retry")
    at("terminus", "dependency", name="a health document names mongodb")
    at("pool", "db_connections", name="QueuePool in a traceback")
    at("maintenance", "deploy", name="the application's maintenance page")
    at("captcha", "blocked", name="a captcha")
    at("challenge", "blocked", name="a challenge of Cloudflare")


def record_lighttpd(backends: Backends) -> Recorder:
    """The cases of lighttpd."""
    recorder = Recorder("lighttpd")
    server = Server("lighttpd")
    text = (
        f'server.document-root = "{server.folder}"\nserver.port = {server.port}\n'
        'server.bind = "127.0.0.1"\nserver.modules = ("mod_proxy")\n'
        f'server.errorlog = "{server.folder}/error.log"\n'
    )
    first = True
    for name in LIGHTTPD:
        word = "" if first else "else "
        text += (
            f'{word}$HTTP["url"] == "/{name}" {{ proxy.server = ("" => (("host" => "127.0.0.1", '
            f'"port" => {backends[name]}, "connect-timeout" => 2, "read-timeout" => 2))) }}\n'
        )
        first = False
    with server:
        server.start("-D", "-f", server.write("lighttpd.conf", text))

        at = recorder.at(server.url)
        at("refused", "not_started", name="refused", beside={"/ok": f"{server.url}/ok"})
        at("silent", "stuck", name="silent", deadline_s=8, times=1)
        at("dies", "crash", name="dies at once")
        at("dies_late", "crash", name="dies after 0.6 s")
        at("bare_503", name="a bare 503 of the application")
        at("microprofile", "dependency", name="a health document names kafka")
        at("mysql", "db_connections", name="MySQL 1040")
    return recorder
