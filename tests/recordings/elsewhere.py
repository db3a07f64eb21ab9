"""Servers in settings that no other recording has; databases and mail servers by their own kinds of probe.

Labelled before the diagnosis saw them.
"""

import os
import signal
import time

import psycopg
import redis

from tests.recordings.backends import Backends
from tests.recordings.case import Recorder
from tests.recordings.processes import Server
from tests.servers import PostgreSQL, Valkey
from tests.targets import Raw

HAPROXY = """
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 1s
  timeout queue 1s
frontend f
  bind 127.0.0.1:{port}
  http-request return status 503 content-type text/plain string "planned maintenance" if {{ path /planned }}
  http-request return status 401 content-type text/plain string "login first" if {{ path /login }}
  http-request deny deny_status 429 if {{ path /quota }}
  http-request reject if {{ path /reject }}
  use_backend again if {{ path /again }}
  use_backend redispatch if {{ path /redispatch }}
  use_backend sick if {{ path /sick }}
  default_backend none
backend none
backend again
  retry-on all-retryable-errors
  retries 1
  server s 127.0.0.1:{dies}
backend redispatch
  option redispatch 1
  server a 127.0.0.1:{refused}
  server b 127.0.0.1:{silent}
backend sick
  option httpchk GET /health
  server s 127.0.0.1:{sick} check inter 100 fall 1 rise 9
"""
NGINX = """
user root; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  proxy_read_timeout 1s; grpc_read_timeout 1s;
  limit_req_zone $binary_remote_addr zone=r:1m rate=1r/m;
  upstream two {{ server 127.0.0.1:{refused} max_fails=1 fail_timeout=60s; server 127.0.0.1:{dies} backup; }}
  server {{
    listen 127.0.0.1:{port};
    location = /grpc {{ grpc_pass grpc://127.0.0.1:{refused}; }}
    location = /scgi {{ include /etc/nginx/scgi_params; scgi_pass 127.0.0.1:{refused}; }}
    location = /two {{ proxy_pass http://two; }}
    location = /limit {{ limit_req zone=r; limit_req_status 420; proxy_pass http://127.0.0.1:{ok}; }}
    location = /small {{ proxy_buffer_size 1k; proxy_buffers 2 1k; proxy_busy_buffers_size 1k;
      proxy_pass http://127.0.0.1:{large_head}; }}
    location = /gone {{ return 410; }}
    location = /teapot {{ return 503 "We are performing scheduled maintenance."; }}
    location = /missing {{ root {folder}; }}
    location = /post {{ limit_except POST {{ deny all; }} proxy_pass http://127.0.0.1:{silent}; }}
  }}
}}
"""
APACHE = """
ServerName status.test
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog {folder}/error.log
{modules}
User nobody
Group nogroup
ServerTokens Full
DocumentRoot {folder}
<Proxy "balancer://drained">
  BalancerMember "http://127.0.0.1:{silent}" status=+D
</Proxy>
ProxyPass "/drained" "balancer://drained/"
ProxyPass "/short" "http://127.0.0.1:{silent}/" timeout=1 retry=0
ProxyPass "/head" "http://127.0.0.1:{garbage}/" retry=0
<Location "/members">
  AuthType Basic
  AuthName members
  AuthBasicProvider file
  AuthUserFile {folder}/none
  Require valid-user
</Location>
Redirect gone /left
RewriteEngine On
RewriteRule ^/rewritten$ - [R=503,L]
"""
MODULES = ("mpm_event", "authz_core", "authn_core", "authn_file", "authz_user", "auth_basic", "alias",
           "proxy", "proxy_http", "proxy_balancer", "slotmem_shm",
           "lbmethod_byrequests", "rewrite")  # fmt: skip
LIGHTTPD = """
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{folder}/error.log"
server.modules = ( "mod_proxy", "mod_scgi", "mod_auth", "mod_authn_file" )
auth.backend = "plain"
auth.backend.plain.userfile = "{folder}/none"
$HTTP["url"] =~ "^/members" {{ auth.require = ( "" => ( "method" => "basic", "realm" => "m", "require" => "valid-user" ) ) }}
$HTTP["url"] =~ "^/slow" {{ proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => {silent}, "read-timeout" => 1 ) ) ) }}
$HTTP["url"] =~ "^/scgi" {{ scgi.server = ( "/scgi" => ( ( "host" => "127.0.0.1", "port" => {refused}, "check-local" => "disable" ) ) ) }}
"""  # noqa: E501
CADDY = """
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port} {{
  handle /auth {{
    forward_auth 127.0.0.1:{refused} {{
      uri /verify
    }}
    respond "ok"
  }}
  handle /slow {{
    reverse_proxy 127.0.0.1:{silent} {{
      transport http {{
        response_header_timeout 1s
      }}
    }}
  }}
  handle /maintenance {{
    respond "Down for maintenance, back at noon" 503
  }}
  handle /members {{
    respond "no" 401
  }}
  handle /php {{
    reverse_proxy 127.0.0.1:{silent} {{
      transport fastcgi {{
        read_timeout 1s
      }}
    }}
  }}
  handle /teapot {{
    error "no" 500
  }}
}}
"""


def record(backends: Backends) -> Recorder:
    """The cases of all of them."""
    recorder = Recorder("elsewhere")
    with Raw(_large_head) as large:
        ports = {name: port for name, port in backends.ports.items() if name.isidentifier()}
        ports["large_head"] = large.port
        _haproxy(recorder, ports)
        _nginx(recorder, ports)
        _apache(recorder, ports)
        _small(recorder, ports)
    _valkey(recorder)
    _postgres(recorder)
    _mail(recorder)
    return recorder


async def _large_head(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 9000 + b"\r\nContent-Length: 2\r\n\r\nok")
    await writer.drain()


def _haproxy(recorder: Recorder, ports: dict[str, int]) -> None:
    server = Server("haproxy")
    with server:
        server.start("-db", "-f", server.write("c", HAPROXY.format(port=server.port, **ports)))
        time.sleep(0.6)
        at = recorder.at(server.url)
        at("planned", "deploy", name="haproxy: returns planned maintenance")
        at("login", "unauthorized", name="haproxy: returns 401")
        at("quota", "overload", "blocked", name="haproxy: denies with 429")
        at("reject", "blocked", "crash", name="haproxy: rejects")
        at("again", "crash", name="haproxy: retries whoever dies")
        at("redispatch", "stuck", name="haproxy: one refuses, the other is silent")
        at("sick", "unhealthy", name="haproxy: a check with a status")
        at("nothing", "unhealthy", "not_started", name="haproxy: a default backend without servers")


def _nginx(recorder: Recorder, ports: dict[str, int]) -> None:
    server = Server("nginx")
    text = NGINX.format(folder=server.folder, port=server.port, **ports)
    with server:
        server.start("-c", server.write("c", text), "-p", server.folder, "-e", server.folder / "e.log")
        at = recorder.at(server.url)
        at("grpc", "not_started", "crash", name="nginx: gRPC is refused")
        at("scgi", "not_started", "crash", name="nginx: SCGI is refused")
        at("two", "crash", "not_started", name="nginx: the backup dies as well")
        at("limit", "overload", "rejected", "error", name="nginx: a limit with 420")
        at("small", "crash", "misconfigured", "not_started", name="nginx: a head larger than its buffer")
        at("gone", "moved", name="nginx: gone")
        at("teapot", "deploy", name="nginx: returns scheduled maintenance")
        at("missing", "moved", name="nginx: no such file")
        at("post", "unauthorized", "blocked", name="nginx: only POST is allowed")


def _apache(recorder: Recorder, ports: dict[str, int]) -> None:
    server = Server("apache2")
    modules = "\n".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in MODULES)
    with server:
        server.write("none", "")
        text = APACHE.format(folder=server.folder, port=server.port, modules=modules, **ports)
        server.start("-DFOREGROUND", "-f", server.write("c", text))
        at = recorder.at(server.url)
        at("drained", "deploy", "unhealthy", "not_started", name="apache: a drained member")
        at("short", "stuck", name="apache: silent for 1 s")
        at("head", "crash", "misconfigured", "content", name="apache: a backend that is not HTTP",
           options={"expect_text": "shop"})  # fmt: skip
        at("members", "unauthorized", name="apache: a password is asked for")
        at("left", "moved", name="apache: gone")
        at("rewritten", "deploy", "not_started", "overload", name="apache: a rewrite to 503")


def _small(recorder: Recorder, ports: dict[str, int]) -> None:
    server = Server("lighttpd")
    with server:
        server.write("none", "")
        text = LIGHTTPD.format(folder=server.folder, port=server.port, **ports)
        server.start("-D", "-f", server.write("c", text))
        at = recorder.at(server.url)
        at("members", "unauthorized", name="lighttpd: a password is asked for")
        at("slow", "stuck", name="lighttpd: its backend is silent", deadline_s=4)
        at("scgi", "not_started", name="lighttpd: SCGI is refused")
    caddy = Server("caddy")
    with caddy:
        file = caddy.write("Caddyfile", CADDY.format(port=caddy.port, **ports))
        caddy.start("run", "--config", file, "--adapter", "caddyfile", env={"HOME": str(caddy.folder)})
        at = recorder.at(caddy.url)
        at("auth", "dependency", "not_started", "crash", name="caddy: forward_auth is refused")
        at("slow", "stuck", name="caddy: its backend is silent for 1 s")
        at("maintenance", "deploy", name="caddy: responds maintenance")
        at("members", "unauthorized", name="caddy: responds 401")
        at("php", "stuck", name="caddy: FastCGI is silent for 1 s")
        at("teapot", "error", "misconfigured", name="caddy: error 500")


def _valkey(recorder: Recorder) -> None:
    server = Valkey(None, "--maxclients", "4")
    target = f"127.0.0.1:{server.port}"
    try:
        recorder.record("valkey: an unwanted password", target, "unauthorized", "misconfigured",
                        kind="redis", options={"password": "wrong", "user": "shop"})  # fmt: skip
        held = [redis.Redis.from_url(server.url) for _ in range(4)]
        for client in held:
            client.ping()
        recorder.record("valkey: maxclients", target, "db_connections", kind="redis")
        for client in held:
            client.close()
        time.sleep(0.3)
        os.kill(server.process.pid, signal.SIGSTOP)
        recorder.record("valkey: stopped by a signal", target, "stuck", kind="redis", deadline_s=1.5)
        os.kill(server.process.pid, signal.SIGCONT)
        recorder.record("valkey: asked for TLS", target, "misconfigured", "certificate", "crash",
                        kind="redis", options={"tls": True})  # fmt: skip
        recorder.record("valkey: asked as a web server", f"http://{target}/", "misconfigured", "crash")
    finally:
        server.close()
    recorder.record("valkey: killed", target, "not_started", kind="redis")
    locked = Valkey()
    try:
        with redis.Redis.from_url(locked.url) as client:
            client.config_set("requirepass", "secret")
        recorder.record("valkey: no password", f"127.0.0.1:{locked.port}", "unauthorized",
                        "misconfigured", kind="redis")  # fmt: skip
    finally:
        locked.close()


def _postgres(recorder: Recorder) -> None:
    database = PostgreSQL(max_connections=5, superuser_reserved_connections=1)
    target = f"127.0.0.1:{database.port}"
    as_app = {"user": "app", "password": "x", "database": "postgres", "tls": False}
    try:
        recorder.record("postgres: no such role", target, "unauthorized", "misconfigured",
                        kind="postgres", options=as_app | {"user": "nobody_here"})  # fmt: skip
        with psycopg.connect(database.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE ROLE app LOGIN PASSWORD 'x'")
            connection.execute("CREATE ROLE one LOGIN CONNECTION LIMIT 0")
        recorder.record("postgres: a role's limit", target, "db_connections", kind="postgres",
                        options=as_app | {"user": "one"})  # fmt: skip
        held = []
        while True:
            try:
                held.append(psycopg.connect(database.url("postgres").replace("postgres@", "app@")))
            except psycopg.OperationalError:
                break
        recorder.record("postgres: slots are used up", target, "db_connections", kind="postgres",
                        options=as_app)  # fmt: skip
        for connection in held:
            connection.close()
        recorder.record("postgres: no such database", target, "misconfigured", "moved",
                        "unauthorized", kind="postgres",
                        options=as_app | {"database": "nowhere"})  # fmt: skip
        recorder.record("postgres: asked as a web server", f"http://127.0.0.1:{database.port}/",
                        "misconfigured", "crash")  # fmt: skip
    finally:
        database.close()
    recorder.record("postgres: stopped", target, "not_started", kind="postgres", options=as_app)


def _greets(words: str):
    async def behave(reader, writer):
        writer.write(words.encode() + b"\r\n")
        await writer.drain()
        await reader.read(100)

    return behave


def _mail(recorder: Recorder) -> None:
    for name, kind, words, truth in (
        ("smtp: too many connections", "smtp", "421 4.7.0 mx.example Too many connections", "overload"),
        ("smtp: shutting down", "smtp", "421 4.3.2 mx.example Service shutting down", "deploy not_started"),
        ("smtp: our address is listed", "smtp", "554 5.7.1 Your IP is listed on zen.spamhaus.org", "blocked"),
        ("smtp: an insufficient system", "smtp", "452 4.3.1 Insufficient system storage", "overload error"),
        ("imap: it says goodbye", "imap", "* BYE Temporary system failure", "error"),
        ("imap: too many", "imap", "* BYE Too many connections from your address", "overload"),
    ):  # fmt: skip
        with Raw(_greets(words)) as server:
            target = f"127.0.0.1:{server.port}"
            recorder.record(name, target, *truth.split(), kind=kind, times=1, options={"tls": "none"})
