"""WebSockets that end: with each close code, at limits, behind proxies, and when their server goes."""

import asyncio
import signal
import threading
from collections.abc import Callable

from tests import ws_targets as ws
from tests.recordings.applications import uvicorn
from tests.recordings.backends import Backends, says
from tests.recordings.case import Recorder
from tests.recordings.processes import Server
from tests.targets import Raw

HELD = {"connections": 3, "hold_s": 4, "ping_s": 0}
ONE = {"hold_s": 1, "ping_s": 0}
NGINX = """
user root; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port}; proxy_http_version 1.1; proxy_read_timeout 2s;
    location = /chat {{ proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
      proxy_pass http://127.0.0.1:{chat}; }}
    location = /dead {{ proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
      proxy_pass http://127.0.0.1:{refused}; }}
    location = /forgotten {{ proxy_pass http://127.0.0.1:{chat}; }}
  }}
}}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  timeout tunnel 3s
listen f
  bind 127.0.0.1:{port}
  server s 127.0.0.1:{chat}
"""
# What a server says on purpose, with the truth
CLOSES = (
    (1001, "", "deploy not_started"),
    (1008, "token expired", "unauthorized blocked"),
    (1009, "", "rejected"),
    (1011, "", "error crash"),
    (1011, "remaining connection slots are reserved", "db_connections"),
    (1012, "", "deploy"),
    (1013, "", "overload"),
    (1014, "", "crash not_started dependency"),
    (4401, "Unauthorized", "unauthorized"),
    (4429, "Too many initialisation requests", "overload"),
    (4500, "Internal server error", "error"),
    (4999, "", ""),
    (1000, "", ""),
)


def record(backends: Backends) -> Recorder:
    """The cases of WebSockets."""
    recorder = Recorder("websockets")
    for code, reason, truth in CLOSES:
        with ws.Served(_closing(code, reason)) as server:
            said = f", “{reason}”" if reason else ""
            _record(recorder, f"closed with {code}{said}", server.url, ONE, truth)
    with Raw(ws.accepts_only(5)) as server:
        target = f"ws://127.0.0.1:{server.port}/"
        _record(recorder, "a limit on connections", target, {**HELD, "connections": 8}, "overload")
    with ws.Served(_failing) as server:
        _record(recorder, "its handler fails", server.url, ONE, "error crash")
    with Raw(says("200 OK", "<h1>Chat</h1>", "text/html")) as server:
        _record(recorder, "a page in place of it", f"ws://127.0.0.1:{server.port}/", {}, "misconfigured")
    _proxies(recorder, backends)
    _ends(recorder)
    return recorder


def _record(recorder: Recorder, name: str, target: str, options: dict[str, object], truth: str) -> None:
    recorder.record(name, target, *truth.split(), options=options, kind="websocket", times=1, deadline_s=8)


def _closing(code: int, reason: str) -> Callable[..., object]:
    async def handle(connection):
        await asyncio.sleep(0.1)
        await connection.close(code, reason)

    return handle


async def _failing(connection):
    await asyncio.sleep(0.1)
    raise RuntimeError("a defect in the handler")


def _proxies(recorder: Recorder, backends: Backends) -> None:
    with ws.Served(ws.stay) as chat:
        nginx, haproxy = Server("nginx"), Server("haproxy")
        text = NGINX.format(folder=nginx.folder, port=nginx.port, chat=chat.port, refused=backends["refused"])
        with nginx:
            nginx.start("-c", nginx.write("c", text), "-p", nginx.folder, "-e", nginx.folder / "e.log")
            base = f"ws://127.0.0.1:{nginx.port}"
            idle = "misconfigured network"
            _record(recorder, "nginx: its limit on idle connections", f"{base}/chat", HELD, idle)
            _record(recorder, "nginx: nothing behind it", f"{base}/dead", HELD, "not_started crash")
            wrong = "misconfigured rejected"
            _record(recorder, "nginx: it does not pass on the upgrade", f"{base}/forgotten", {}, wrong)
        text = HAPROXY.format(port=haproxy.port, chat=chat.port)
        with haproxy:
            haproxy.start("-db", "-f", haproxy.write("c", text))
            target = f"ws://127.0.0.1:{haproxy.port}/"
            _record(recorder, "haproxy: its tunnel limit", target, HELD, "misconfigured network")


def _ends(recorder: Recorder) -> None:
    """Its server is told to stop, or is killed, while they are held."""
    for number, name, truth in (
        (signal.SIGTERM, "uvicorn: told to stop", "deploy not_started"),
        (signal.SIGKILL, "uvicorn: killed", "crash network deploy"),
    ):
        with uvicorn() as app:
            timer = threading.Timer(1.5, app.send, (number,))
            timer.start()
            _record(recorder, name, f"ws://127.0.0.1:{app.port}/", HELD, truth)
            timer.join()
    with uvicorn() as app:
        refusal = "unauthorized rejected blocked"
        _record(
            recorder, "uvicorn: refused by the application", f"ws://127.0.0.1:{app.port}/refuses", {}, refusal
        )
