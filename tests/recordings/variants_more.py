"""Other configurations of Varnish, Caddy and lighttpd, and of application servers and PostgreSQL."""

import signal
import time

from tests.recordings.applications import gunicorn, nginx_before, uvicorn
from tests.recordings.backends import Backends
from tests.recordings.case import Recorder
from tests.recordings.processes import Server, busy

VARNISH = """
vcl 4.1;
backend refused {{ .host = "127.0.0.1"; .port = "{refused}"; }}
backend silent {{ .host = "127.0.0.1"; .port = "{silent}"; .first_byte_timeout = 1s; }}
backend ok {{ .host = "127.0.0.1"; .port = "{ok}"; }}
backend sick {{ .host = "127.0.0.1"; .port = "{sick}";
  .probe = {{ .url = "/health"; .interval = 100ms; .timeout = 1s; .window = 2; .threshold = 2; }} }}
backend half {{ .host = "127.0.0.1"; .port = "{dies_in_body}"; }}
sub vcl_recv {{
  if (req.url == "/refused") {{ set req.backend_hint = refused; return (pass); }}
  if (req.url == "/silent") {{ set req.backend_hint = silent; return (pass); }}
  if (req.url == "/sick") {{ set req.backend_hint = sick; return (pass); }}
  if (req.url == "/half") {{ set req.backend_hint = half; return (pass); }}
  if (req.url == "/many") {{ return (synth(429, "Too Many Requests")); }}
  set req.backend_hint = ok; return (pass);
}}
sub vcl_backend_response {{ if (bereq.url == "/half") {{ set beresp.do_stream = false; }} }}
sub vcl_backend_error {{
  set beresp.http.Content-Type = "text/html; charset=utf-8";
  synthetic({{"<html><body><h1>Oops</h1><p>Something went wrong.</p></body></html>"}});
  return (deliver);
}}
"""
CADDY = """
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port} {{
  bind 127.0.0.1
  handle /own {{
    reverse_proxy 127.0.0.1:{refused}
  }}
  handle /tries {{
    reverse_proxy 127.0.0.1:{refused} {{
      lb_try_duration 2s
    }}
  }}
  handle /many {{
    reverse_proxy 127.0.0.1:{slow} {{
      unhealthy_request_count 1
      fail_duration 5s
    }}
  }}
  handle /abort {{
    abort
  }}
  handle /plain {{
    respond 503
  }}
  handle /php {{
    reverse_proxy 127.0.0.1:{refused} {{
      transport fastcgi
    }}
  }}
  handle /ok {{
    reverse_proxy 127.0.0.1:{ok}
  }}
  handle_errors {{
    @own path /own
    respond @own "Something went wrong." {{err.status_code}}
  }}
}}
"""
LIGHTTPD = """
server.document-root = "{folder}"
server.port = {port}
server.bind = "127.0.0.1"
server.modules = ("mod_proxy", "mod_fastcgi", "mod_cgi", "mod_access")
server.errorlog = "{folder}/error.log"
server.errorfile-prefix = "{folder}/own-"
cgi.assign = (".sh" => "/bin/sh")
url.access-deny = (".bak")
$HTTP["url"] == "/php" {{ fastcgi.server = ("" => (("host" => "127.0.0.1", "port" => {refused},
  "check-local" => "disable"))) }}
$HTTP["url"] == "/refused" {{ proxy.server = ("" => (("host" => "127.0.0.1", "port" => {refused}))) }}
$HTTP["url"] == "/ok" {{ proxy.server = ("" => (("host" => "127.0.0.1", "port" => {ok}))) }}
"""


def record_into(recorder: Recorder, backends: Backends) -> None:
    """Add their cases."""
    ports = {name: port for name, port in backends.ports.items() if name.isidentifier()}
    _varnish(recorder, ports)
    _caddy(recorder, ports)
    _lighttpd(recorder, ports)
    _application_servers(recorder)


def _varnish(recorder: Recorder, ports: dict[str, int]) -> None:
    with Server("varnishd", "varnish") as server:
        server.start("-F", "-j", "none", "-a", f"127.0.0.1:{server.port}", "-f",
                     server.write("v.vcl", VARNISH.format(**ports)), "-n", server.folder / "n", "-s",
                     "malloc,32m")  # fmt: skip
        time.sleep(1.0)
        at, beside = recorder.at(server.url), {"/ok": f"{server.url}/ok"}
        at(
            "refused",
            "not_started",
            "unhealthy",
            "crash",
            name="varnish: an own page, refused",
            beside=beside,
        )
        at("silent", "stuck", name="varnish: an own page, silent")
        at("sick", "unhealthy", "not_started", name="varnish: an own page, its health check fails")
        at("half", "crash", "not_started", name="varnish: the body breaks off")
        at("many", "overload", name="varnish: synth 429")


def _caddy(recorder: Recorder, ports: dict[str, int]) -> None:
    with Server("caddy") as server:
        home = {"HOME": str(server.folder), "XDG_DATA_HOME": str(server.folder)}
        text = CADDY.format(port=server.port, **ports)
        file = server.write("Caddyfile", text)
        server.start("run", "--adapter", "caddyfile", "--config", file, env=home)
        time.sleep(0.5)
        at, beside = recorder.at(server.url), {"/ok": f"{server.url}/ok"}
        at("own", "not_started", "crash", name="caddy: an own page for 502", beside=beside)
        at("tries", "not_started", name="caddy: refused, tried for 2 s")
        held = busy(server.port, 1, "/many")
        at("many", "overload", "unhealthy", name="caddy: its limit of requests", beside=beside, times=1)
        for line in held:
            line.close()
        at("abort", "blocked", "crash", name="caddy: abort hangs up")
        at("plain", "deploy", "unhealthy", name="caddy: respond 503", beside=beside)
        at("php", "not_started", name="caddy: FastCGI is refused")
        good = recorder.good(f"{server.url}/ok")
        server.send(signal.SIGTERM)
        time.sleep(0.7)
        recorder.record("caddy: stopped", f"{server.url}/ok", "not_started", "deploy", good=good)


def _lighttpd(recorder: Recorder, ports: dict[str, int]) -> None:
    with Server("lighttpd") as server:
        server.write("own-503.html", "<html><body><h1>Oops</h1></body></html>")
        server.write("dies.sh", "exit 1\n")
        server.write("x.bak", "secret")
        text = LIGHTTPD.format(folder=server.folder, port=server.port, **ports)
        server.start("-D", "-f", server.write("c", text))
        at, beside = recorder.at(server.url), {"/ok": f"{server.url}/ok"}
        at("refused", name="lighttpd: an own page, refused", beside=beside)
        at("dies.sh", "crash", "error", name="lighttpd: a CGI script dies")
        at("x.bak", "unauthorized", "blocked", name="lighttpd: url.access-deny")
        at("nothing", "moved", name="lighttpd: no such file")


def _application_servers(recorder: Recorder) -> None:
    with gunicorn("-w", "1", "--timeout", "2") as app, nginx_before(app.port) as proxy:
        recorder.record("nginx, gunicorn: a worker is stopped at its time-out", f"{proxy.url}/slow", "stuck",
                        "crash", times=1)  # fmt: skip
    with gunicorn("-w", "1") as app:
        good = recorder.good(f"{app.url}/")
        app.send(signal.SIGSTOP)
        recorder.record(
            "gunicorn: its master is stopped, workers go on", f"{app.url}/error", "error", good=good
        )
        app.send(signal.SIGCONT)
        app.send(signal.SIGKILL)
        time.sleep(0.5)
    with uvicorn("--no-server-header", "--limit-concurrency", "2") as app:
        held = busy(app.port, 1) + busy(app.port, 1)
        recorder.record("uvicorn: --limit-concurrency without its name", f"{app.url}/", "overload")
        for line in held:
            line.close()
    with uvicorn("--limit-max-requests", "3") as app:
        good = recorder.good(f"{app.url}/", times=3)
        time.sleep(1.0)
        recorder.record("uvicorn: --limit-max-requests is reached", f"{app.url}/", "not_started", good=good)
    with uvicorn() as app:
        _pause(app, recorder)


def _pause(app: Server, recorder: Recorder) -> None:
    """SIGSTOP: the kernel accepts, nobody answers."""
    good = recorder.good(f"{app.url}/")
    app.send(signal.SIGSTOP)
    recorder.record("uvicorn: it is stopped by SIGSTOP", f"{app.url}/", "stuck", "overload", good=good,
                    times=1, deadline_s=1.5)  # fmt: skip
    app.send(signal.SIGCONT)
