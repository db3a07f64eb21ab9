"""Varnish: 503 for everything, and always with Retry-After."""

import time

from tests.recordings.backends import Backends
from tests.recordings.case import Recorder
from tests.recordings.processes import Server, busy

PLACES = (
    "refused",
    "silent",
    "dies",
    "dies_late",
    "resets",
    "garbage",
    "dies_in_head",
    "bare_503",
    "busy_503",
    "redis_down",
    "mysql",
    "ok",
    "full",
    "maintenance",
)


def record(backends: Backends) -> Recorder:
    """The cases of this server."""
    recorder = Recorder("varnish")
    server = Server("varnishd", "varnish")
    rules = f'vcl 4.1;\nbackend b_first {{ .host = "127.0.0.1"; .port = "{backends["ok"]}"; }}\n'
    for name in PLACES:
        rules += (
            f'backend b_{name} {{ .host = "127.0.0.1"; .port = "{backends[name]}"; '
            ".connect_timeout = 1s; .first_byte_timeout = 2s; .between_bytes_timeout = 2s; }\n"
        )
    rules += (
        f'backend b_one {{ .host = "127.0.0.1"; .port = "{backends["slow"]}"; .max_connections = 1; }}\n'
        f'backend b_sick {{ .host = "127.0.0.1"; .port = "{backends["sick"]}"; .probe = '
        '{ .url = "/health"; .interval = 100ms; .timeout = 1s; .window = 2; .threshold = 2; } }\n'
        "sub vcl_recv {\n"
    )
    for name in (*PLACES, "one", "sick"):
        rules += f'  if (req.url == "/{name}") {{ set req.backend_hint = b_{name}; return (pass); }}\n'
    rules += (
        '  if (req.url == "/synth") { return (synth(503, "Down for maintenance")); }\n'
        '  if (req.url == "/plain") { return (synth(503)); }\n'
        '  if (req.url == "/forbidden") { return (synth(403, "Blocked by policy")); }\n'
        "  set req.backend_hint = b_first; return (pass);\n}\n"
    )
    with server:
        file = server.write("default.vcl", rules)
        server.start(
            "-F",
            "-j",
            "none",
            "-a",
            f"127.0.0.1:{server.port}",
            "-f",
            file,
            "-n",
            server.folder / "n",
            "-s",
            "malloc,32m",
        )
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
    at("resets", "crash", "not_started", name="resets")
    at("garbage", "crash", "not_started", name="garbage")
    at("full", "network", "overload", "stuck", name="its queue is full")
    at("sick", "unhealthy", "not_started", name="its health check fails", beside=beside)
    held = busy(server.port, 1, "/one")
    at("one", "overload", "not_started", "unhealthy", name="max_connections", beside=beside)
    for line in held:
        line.close()
    at("synth", "deploy", name="synth with the operator's words", beside=beside)
    at("forbidden", "blocked", "auth", name="synth 403")
    at("bare_503", name="a bare 503 of the application")
    at("busy_503", "overload", name="the application asks to retry")
    at("redis_down", "dependency", name="a health document names redis")
    at("mysql", "db_connections", name="MySQL 1040")
    at("maintenance", "deploy", name="the application's maintenance page")
