"""nginx: in front of broken applications, at its limits, and on its way out."""

import signal
import time

from tests.recordings.backends import Backends
from tests.recordings.case import Recorder
from tests.recordings.processes import Server, busy

LIMITS = (
    "refused", "silent", "dies", "dies_late", "resets", "garbage", "dies_in_head", "bare_503", "busy_503",
    "redis_down", "spring", "health_json", "terminus", "kubernetes", "django", "microprofile", "asp_net",
    "pool", "hikari", "mysql", "challenge_503", "waf", "captcha", "maintenance", "full", "ok", "slow",
)  # fmt: skip
CONFIG = """
user root; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  limit_req_zone $binary_remote_addr zone=r:1m rate=2r/m; limit_conn_zone $binary_remote_addr zone=c:1m;
  proxy_read_timeout 2s; proxy_connect_timeout 3s; {more}
  upstream two {{ server 127.0.0.1:{refused}; server 127.0.0.1:{refused} backup; }}
  server {{
    listen 127.0.0.1:{port}; {inside}
    {locations}
    location = /two {{ proxy_pass http://two; }}
    location = /limit_req {{ limit_req zone=r; proxy_pass http://127.0.0.1:{ok}; }}
    location = /limit_429 {{ limit_req zone=r; limit_req_status 429; proxy_pass http://127.0.0.1:{ok}; }}
    location = /limit_conn {{ limit_conn c 1; proxy_pass http://127.0.0.1:{slow}; }}
    location = /return {{ return 503; }}
    location = /denied {{ deny all; }}
    location = /missing_upstream {{ resolver 127.0.0.1:{refused}; resolver_timeout 2s; set $u nowhere.invalid;
      proxy_pass http://$u; }}
    location = /quick {{ proxy_read_timeout 1s; proxy_pass http://127.0.0.1:{silent}; }}
    location = /tls {{ proxy_pass https://127.0.0.1:{ok}; }}
  }}
}}
"""


def start(backends: Backends, *, more: str = "", inside: str = "") -> Server:
    """Every behaviour at the path of its name."""
    server = Server("nginx")
    places = "".join(f"location = /{n} {{ proxy_pass http://127.0.0.1:{backends[n]}; }}\n" for n in LIMITS)
    text = CONFIG.format(
        folder=server.folder, port=server.port, locations=places, more=more, inside=inside,
        **{name: backends[name] for name in ("refused", "ok", "slow", "silent")},
    )  # fmt: skip
    server.start(
        "-c", server.write("nginx.conf", text), "-p", server.folder, "-e", server.folder / "error.log"
    )
    return server


def record(backends: Backends) -> Recorder:
    """The cases of this server."""
    recorder = Recorder("nginx")
    with start(backends) as server:
        _behind(recorder, server)
        _limits(recorder, server)
    with start(backends, inside="error_page 503 @down; location @down { return 503 'Down for maintenance'; } "
               "if ($uri) { return 503; }") as server:  # fmt: skip
        beside = {"/ok": f"{server.url}/ok"}
        recorder.record("a maintenance page", f"{server.url}/x", "deploy", beside=beside)
    with start(backends, inside="if ($uri) { return 503; }") as server:
        beside = {"/ok": f"{server.url}/ok", "/slow": f"{server.url}/slow"}
        recorder.record(
            "everything returns 503", f"{server.url}/x", "deploy", "overload", beside=beside, times=4
        )
    _drains(recorder, backends)
    return recorder


def _behind(recorder: Recorder, server: Server) -> None:
    at = recorder.at(server.url)
    beside = {"/ok": f"{server.url}/ok"}
    at("refused", "not_started", beside=beside)
    at("two", "not_started", name="all servers of an upstream refuse")
    at("silent", "stuck")
    at("quick", "stuck", name="silent, 1 s")
    at("dies", "crash", "not_started", name="dies at once")
    at("dies_late", "crash", name="dies after 0.6 s")
    at("resets", "crash", "not_started", name="resets")
    at("dies_in_head", "crash", "not_started", name="dies in its head")
    at("full", "network", "overload", "stuck", name="its queue is full")
    at("tls", "crash", "not_started", name="TLS towards a plain port")
    at("missing_upstream", "dns", "not_started", name="no resolver for its upstream", times=1)
    at("bare_503", name="a bare 503 of the application")
    at("busy_503", "overload", name="the application asks to retry")
    for path, part in (
        ("redis_down", "redis"), ("spring", "db"), ("health_json", "rabbitmq"), ("terminus", "mongodb"),
        ("kubernetes", "etcd"), ("django", "Mail"), ("microprofile", "kafka"), ("asp_net", "blob-storage"),
    ):  # fmt: skip
        at(path, "dependency", name=f"a health document names {part}")
    at("pool", "db_connections", name="QueuePool in a traceback")
    at("hikari", "db_connections", name="Hikari in JSON")
    at("mysql", "db_connections", name="MySQL 1040")
    at("challenge_503", "blocked", name="a challenge with 503")
    at("waf", "blocked", name="access denied with a reference")
    at("captcha", "blocked", name="a captcha")
    at("maintenance", "deploy", name="the application's maintenance page")


def _limits(recorder: Recorder, server: Server) -> None:
    beside = {"/ok": f"{server.url}/ok"}
    recorder.record("limit_req", f"{server.url}/limit_req", "overload", times=4, beside=beside)
    recorder.record("limit_req, 429", f"{server.url}/limit_429", "overload", times=3, beside=beside)
    held = busy(server.port, 1, "/limit_conn")
    recorder.record("limit_conn", f"{server.url}/limit_conn", "overload", beside=beside)
    for line in held:
        line.close()
    recorder.record("one location returns 503", f"{server.url}/return", "deploy", "overload", beside=beside)


def _drains(recorder: Recorder, backends: Backends) -> None:
    with start(backends) as server:
        good = recorder.good(f"{server.url}/ok")
        server.send(signal.SIGQUIT)
        time.sleep(0.5)
        recorder.record("stopped", f"{server.url}/ok", "not_started", "deploy", good=good)
        recorder.record("stopped after a deploy", f"{server.url}/ok", "deploy", good=good, deployed_s=20.0)
