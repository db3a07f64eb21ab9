"""HAProxy: one 503 for four causes, told apart by time."""

import time

from tests.recordings.backends import Backends
from tests.recordings.case import Recorder
from tests.recordings.processes import Server, busy

HEAD = """
global
  stats socket {folder}/socket level admin
defaults
  mode http
  timeout connect {connect}
  timeout client 30s
  timeout server 2s
  timeout queue {queue}
  {more}
frontend f
  bind 127.0.0.1:{port}
"""
PLACES = {
    "refused": "server s 127.0.0.1:{refused}",
    "no_retry": "retries 0\n  server s 127.0.0.1:{refused}",
    "silent": "server s 127.0.0.1:{silent}",
    "dies": "server s 127.0.0.1:{dies}",
    "dies_late": "server s 127.0.0.1:{dies_late}",
    "garbage": "server s 127.0.0.1:{garbage}",
    "dies_in_head": "server s 127.0.0.1:{dies_in_head}",
    "queue": "timeout server 20s\n  server s 127.0.0.1:{silent} maxconn 1",
    "sick": "option httpchk GET /health\n  server s 127.0.0.1:{sick} check inter 100 fall 1",
    "gone": "server s 127.0.0.1:{refused} check inter 100 fall 1",
    "disabled": "server s 127.0.0.1:{ok} disabled",
    "empty": "",
    "full": "retries 1\n  server s 127.0.0.1:{full}",
    "ok": "server s 127.0.0.1:{ok}",
    "bare_503": "server s 127.0.0.1:{bare_503}",
    "redis_down": "server s 127.0.0.1:{redis_down}",
    "maintenance": "server s 127.0.0.1:{maintenance}",
    "pool": "server s 127.0.0.1:{pool}",
    "busy_503": "server s 127.0.0.1:{busy_503}",
    "denied": "http-request deny deny_status 429\n  server s 127.0.0.1:{ok}",
    "forbidden": "http-request deny\n  server s 127.0.0.1:{ok}",
    "returns": "http-request return status 503 content-type text/html string "
               "\"<h1>Scheduled maintenance</h1>\"\n  server s 127.0.0.1:{ok}",
}  # fmt: skip


def start(backends: Backends, *, queue: str = "1s", connect: str = "1s", more: str = "") -> Server:
    """Every backend at the path of its name."""
    server = Server("haproxy")
    text = HEAD.format(folder=server.folder, port=server.port, queue=queue, connect=connect, more=more)
    text += "".join(f"  use_backend {name} if {{ path /{name} }}\n" for name in PLACES)
    for name, inside in PLACES.items():
        text += f"backend {name}\n  {inside.format(**backends.ports)}\n"
    server.start("-db", "-f", server.write("haproxy.cfg", text))
    time.sleep(0.6)  # its health checks
    return server


def record(backends: Backends) -> Recorder:
    """The cases of this server."""
    recorder = Recorder("haproxy")
    with start(backends) as server:
        _all(recorder, server)
    for seconds in ("2s", "3s"):
        with start(backends, queue=seconds) as server:
            _queue(recorder, server, f"the queue is full for {seconds}")
    with start(backends, more="retries 1\n  option redispatch 1") as server:
        recorder.record("refused, one retry", f"{server.url}/refused", "not_started")
    with start(backends, connect="2s") as server:
        recorder.record("its queue is full, 2 s", f"{server.url}/full", "network", "overload", "stuck")
    return recorder


def _queue(recorder: Recorder, server: Server, name: str) -> None:
    held = busy(server.port, 1, "/queue")
    recorder.record(name, f"{server.url}/queue", "overload", beside={"/ok": f"{server.url}/ok"})
    for line in held:
        line.close()


def _all(recorder: Recorder, server: Server) -> None:
    at = recorder.at(server.url)
    beside = {"/ok": f"{server.url}/ok"}
    at("refused", "not_started", name="refused")
    at("no_retry", "not_started", "unhealthy", name="refused, no retries")
    at("silent", "stuck", name="silent")
    at("dies", "crash", name="dies at once")
    at("dies_late", "crash", name="dies after 0.6 s")
    at("garbage", "crash", name="garbage")
    at("dies_in_head", "crash", name="dies in its head")
    _queue(recorder, server, "the queue is full for 1 s")
    at("sick", "unhealthy", name="its health check fails", beside=beside)
    at("gone", "unhealthy", "not_started", name="its health check is refused", beside=beside)
    at("disabled", "unhealthy", "deploy", name="its server is disabled", beside=beside)
    at("empty", "unhealthy", "not_started", name="a backend without servers", beside=beside)
    at("full", "network", "overload", "stuck", name="its queue is full")
    at("bare_503", name="a bare 503 of the application")
    at("busy_503", "overload", name="the application asks to retry")
    at("redis_down", "dependency", name="a health document names redis")
    at("maintenance", "deploy", name="the application's maintenance page")
    at("pool", "db_connections", name="QueuePool in a traceback")
    at("denied", "overload", name="too many requests")
    at("forbidden", "blocked", "auth", name="denied by a rule")
    at("returns", "deploy", name="a maintenance page")
