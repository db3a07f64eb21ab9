"""The same servers in other configurations: own error pages, limits, TLS, FastCGI, retries, drains.

Labelled before the diagnosis saw them; where two causes look the same by every fact, both stand there, the
one that was made first.
"""

import signal
import socket
import ssl
import tempfile
import time
from pathlib import Path

from tests.certificates import make
from tests.recordings.backends import Backends
from tests.recordings.case import Recorder
from tests.recordings.processes import Server, busy

SORRY = "<html><body><h1>Oops!</h1><p>Something went wrong on our end.</p></body></html>"
BACK = "<html><body><h1>We'll be right back</h1><p>Please try again in a moment.</p></body></html>"
NGINX = """
user root; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections {most}; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; server_tokens off;
  proxy_read_timeout 2s; proxy_connect_timeout 2s; fastcgi_read_timeout 1s;
  upstream one {{ server 127.0.0.1:{slow} max_conns=1; }}
  upstream mixed {{ server 127.0.0.1:{silent}; server 127.0.0.1:{refused}; }}
  server {{
    listen 127.0.0.1:{port}; error_page 418 @sorry;
    location = /own_502 {{ error_page 502 /sorry.html; proxy_pass http://127.0.0.1:{refused}; }}
    location = /own_504 {{ error_page 504 /sorry.html; proxy_pass http://127.0.0.1:{silent}; }}
    location = /back_502 {{ error_page 502 /back.html; proxy_pass http://127.0.0.1:{refused}; }}
    location = /as_503 {{ error_page 502 =503 /sorry.html; proxy_pass http://127.0.0.1:{refused}; }}
    location = /json_502 {{ error_page 502 @json; proxy_pass http://127.0.0.1:{refused}; }}
    location = /json_504 {{ error_page 504 @late; proxy_pass http://127.0.0.1:{silent}; }}
    location = /sorry.html {{ internal; root {folder}; }}
    location = /back.html {{ internal; root {folder}; }}
    location @json {{ default_type application/json; return 502 '{{"error":"bad gateway"}}'; }}
    location @late {{ default_type application/json; return 504 '{{"error":"timeout"}}'; }}
    location = /socket {{ fastcgi_pass unix:{folder}/php.sock; }}
    location = /php_dead {{ fastcgi_pass 127.0.0.1:{refused}; }}
    location = /php_silent {{ fastcgi_pass 127.0.0.1:{silent}; }}
    location = /uwsgi_dead {{ include /etc/nginx/uwsgi_params; uwsgi_pass 127.0.0.1:{refused}; }}
    location = /one {{ proxy_pass http://one; }}
    location = /mixed {{ proxy_pass http://mixed; }}
    location = /auth {{ auth_request /asks; proxy_pass http://127.0.0.1:{ok}; }}
    location = /asks {{ internal; proxy_pass http://127.0.0.1:{refused}; }}
    location = /loop {{ rewrite ^ /loop last; }}
    location = /basic {{ auth_basic "members"; auth_basic_user_file {folder}/none; }}
    location = /hangs_up {{ return 444; }}
    location = /hidden {{ deny all; }}
    location = /ok {{ proxy_pass http://127.0.0.1:{ok}; }}
    location = /limit_own {{ error_page 503 /sorry.html; limit_conn c 1;
      proxy_pass http://127.0.0.1:{slow}; }}
  }}
  limit_conn_zone $binary_remote_addr zone=c:1m;
  server {{
    listen 127.0.0.1:{tls} ssl http2; ssl_certificate {cert}; ssl_certificate_key {key};
    location = /refused {{ proxy_pass http://127.0.0.1:{refused}; }}
    location = /silent {{ proxy_pass http://127.0.0.1:{silent}; }}
    location = /bare_503 {{ proxy_pass http://127.0.0.1:{bare_503}; }}
    location = /redis_down {{ proxy_pass http://127.0.0.1:{redis_down}; }}
    location = /limit {{ limit_conn c 1; proxy_pass http://127.0.0.1:{slow}; }}
  }}
}}
"""
HAPROXY = """
global
  stats socket {folder}/socket level admin
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 2s
  timeout queue 1s
  timeout tarpit 1s
frontend f
  bind 127.0.0.1:{port}
  use_backend refused if {{ path /refused }}
  use_backend own_page if {{ path /own_page }}
  use_backend own_json if {{ path /own_json }}
  use_backend tarpit if {{ path /tarpit }}
  use_backend drained if {{ path /drained }}
  use_backend tls if {{ path /tls }}
  use_backend nameless if {{ path /nameless }}
  use_backend silent if {{ path /silent }}
  default_backend ok
backend ok
  server s 127.0.0.1:{ok}
backend refused
  retries 2
  server s 127.0.0.1:{refused}
backend own_page
  errorfile 503 {folder}/page.http
  server s 127.0.0.1:{refused} check inter 100 fall 1
backend own_json
  errorfile 504 {folder}/json.http
  server s 127.0.0.1:{silent}
backend tarpit
  http-request tarpit
  server s 127.0.0.1:{ok}
backend drained
  server s 127.0.0.1:{ok} weight 0
backend tls
  server s 127.0.0.1:{ok} ssl verify none
backend nameless
  server s nowhere.invalid:80 init-addr none
backend silent
  timeout server 3s
  server s 127.0.0.1:{silent}
listen tcp
  mode tcp
  bind 127.0.0.1:{tcp}
  server s 127.0.0.1:{refused}
listen few
  bind 127.0.0.1:{few}
  maxconn 1
  server s 127.0.0.1:{slow}
"""
APACHE = """
ServerName status.test
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{tls}
PidFile {folder}/pid
ErrorLog {folder}/error.log
{modules}
User nobody
Group nogroup
ProxyTimeout 2
ServerTokens Prod
DocumentRoot {folder}
TypesConfig /etc/mime.types
ScriptAlias /cgi/ {folder}/cgi/
Alias /error/ /usr/share/apache2/error/
<Directory "/usr/share/apache2/error">
  Options IncludesNoExec
  AddOutputFilter Includes html
  AddHandler type-map var
  Require all granted
  LanguagePriority en de
  ForceLanguagePriority Prefer Fallback
</Directory>
<Directory "{folder}/cgi">
  Options +ExecCGI
  Require all granted
</Directory>
<Proxy "fcgi://127.0.0.1:{refused}">
  ProxySet retry=0
</Proxy>
ProxyPass "/php" "fcgi://127.0.0.1:{refused}/x.php"
ProxyPass "/refused" "http://127.0.0.1:{refused}/" retry=0
ProxyPass "/own" "http://127.0.0.1:{refused}/" retry=0
ProxyPass "/multi" "http://127.0.0.1:{refused}/" retry=0
ProxyPass "/override" "http://127.0.0.1:{redis_down}/" retry=0
<Location "/own">
  ErrorDocument 503 "<h1>Oops</h1><p>Something went wrong.</p>"
</Location>
<Location "/multi">
  ErrorDocument 503 /error/HTTP_SERVICE_UNAVAILABLE.html.var
</Location>
<Location "/override">
  ProxyErrorOverride On
</Location>
<Location "/denied">
  Require all denied
</Location>
<VirtualHost 127.0.0.1:{tls}>
  SSLEngine on
  SSLCertificateFile {cert}
  SSLCertificateKeyFile {key}
</VirtualHost>
"""
MODULES = ("mpm_event", "authz_core", "alias", "proxy", "proxy_http", "proxy_fcgi", "cgid", "mime", "include",
           "negotiation", "socache_shmcb", "ssl", "dir")  # fmt: skip


def record(backends: Backends) -> Recorder:
    """The cases of all of them."""
    recorder = Recorder("variants")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        key, certificate = make(Path(folder), "127.0.0.1")
        for server in (_nginx, _haproxy, _apache):
            server(recorder, backends, key=key, cert=certificate)
    from tests.recordings import variants_more

    variants_more.record_into(recorder, backends)
    return recorder


def _ports(backends: Backends) -> dict[str, int]:
    return {name: port for name, port in backends.ports.items() if name.isidentifier()}


def _nginx(recorder: Recorder, backends: Backends, **files: Path) -> None:
    server, tls = Server("nginx"), _free()
    for name, page in (("sorry.html", SORRY), ("back.html", BACK), ("none", "")):
        server.write(name, page)
    text = NGINX.format(folder=server.folder, port=server.port, tls=tls, most=64, **_ports(backends), **files)
    with server:
        server.start("-c", server.write("c", text), "-p", server.folder, "-e", server.folder / "e.log")
        _nginx_pages(recorder, server)
        _nginx_others(recorder, server, tls)
        _nginx_h2(recorder, tls, str(files["cert"]))
    few = Server("nginx")
    text = NGINX.format(folder=few.folder, port=few.port, tls=_free(), most=8, **_ports(backends), **files)
    with few:
        few.start("-c", few.write("c", text), "-p", few.folder, "-e", few.folder / "e.log")
        held = busy(few.port, 4, "/own_504")
        recorder.record(
            "nginx: worker_connections are used up", f"{few.url}/ok", "overload", "crash", times=1
        )
        for line in held:
            line.close()


def _nginx_pages(recorder: Recorder, server: Server) -> None:
    at, beside = recorder.at(server.url), {"/ok": f"{server.url}/ok"}
    at("own_502", "not_started", "crash", name="nginx: an own page for 502", beside=beside)
    at("own_504", "stuck", name="nginx: an own page for 504", beside=beside)
    at("back_502", "not_started", "crash", name="nginx: “right back” for 502", beside=beside)
    at("as_503", name="nginx: an own page that makes 503 of 502", beside=beside)
    at("json_502", "not_started", "crash", name="nginx: JSON for 502", beside=beside)
    at("json_504", "stuck", name="nginx: JSON for 504", beside=beside)
    at("socket", "not_started", name="nginx: the socket of PHP-FPM is missing", beside=beside)
    at("php_dead", "not_started", name="nginx: FastCGI is refused", beside=beside)
    at("php_silent", "stuck", name="nginx: FastCGI is silent", beside=beside)
    at("uwsgi_dead", "not_started", name="nginx: uWSGI is refused", beside=beside)


def _nginx_others(recorder: Recorder, server: Server, tls: int) -> None:
    at, beside = recorder.at(server.url), {"/ok": f"{server.url}/ok"}
    held = busy(server.port, 1, "/one")
    at("one", "overload", "not_started", name="nginx: max_conns of its upstream", beside=beside)
    for line in held:
        line.close()
    at("mixed", "stuck", name="nginx: one server is silent, the other refuses", times=1)
    at("auth", "dependency", "error", "misconfigured", name="nginx: its auth_request is refused")
    at("loop", "misconfigured", "error", name="nginx: a rewrite loop")
    at("basic", "unauthorized", name="nginx: a password is asked for")
    at("hangs_up", "blocked", "crash", name="nginx: 444 hangs up")
    at("hidden", "unauthorized", "blocked", name="nginx: deny all")
    held = busy(server.port, 1, "/limit_own")
    at("limit_own", name="nginx: an own page at a limit", beside=beside)
    for line in held:
        line.close()
    secure = recorder.at(f"https://127.0.0.1:{tls}")
    secure("refused", "certificate", name="nginx: a self-signed certificate")
    recorder.record("nginx: HTTP on its HTTPS port", f"http://127.0.0.1:{tls}/refused", "misconfigured")


def _nginx_h2(recorder: Recorder, tls: int, vouches: str) -> None:
    """Over HTTP/2 there is no reason phrase."""
    for path, truth in (
        ("refused", "not_started crash"), ("silent", "stuck"), ("bare_503", ""), ("redis_down", "dependency"),
        ("limit", "overload deploy"),
    ):  # fmt: skip
        held = busy_tls(tls, vouches) if path == "limit" else None
        recorder.record(
            f"nginx: {path} over HTTP/2", f"https://127.0.0.1:{tls}/{path}", *truth.split(),
            options={"http2": True}, ca_file=vouches,
        )  # fmt: skip
        if held is not None:
            held.close()


def busy_tls(port: int, vouches: str) -> ssl.SSLSocket:
    """A connection that has asked for something slow, and waits."""
    context = ssl.create_default_context(cafile=vouches)
    line = context.wrap_socket(_open(port), server_hostname="127.0.0.1")
    line.sendall(b"GET /limit HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    time.sleep(0.3)
    return line


def _haproxy(recorder: Recorder, backends: Backends, **_: Path) -> None:
    server, tcp, few = Server("haproxy"), _free(), _free()
    head = "HTTP/1.0 {} \r\nCache-Control: no-cache\r\nConnection: close\r\nContent-Type: {}\r\n\r\n{}"
    server.write("page.http", head.format("503 Service Unavailable", "text/html", SORRY))
    server.write("json.http", head.format("504 Gateway Timeout", "application/json", '{"error":"timeout"}'))
    text = HAPROXY.format(folder=server.folder, port=server.port, tcp=tcp, few=few, **_ports(backends))
    with server:
        server.start("-db", "-f", server.write("c", text))
        time.sleep(0.6)
        at, beside = recorder.at(server.url), {"/ok": f"{server.url}/ok"}
        at("refused", "not_started", name="haproxy: refused, two retries")
        at("own_page", name="haproxy: an own page when all are down", beside=beside)
        at("own_json", "stuck", name="haproxy: JSON for 504", beside=beside)
        at("tarpit", "blocked", "overload", "error", name="haproxy: a tarpit", beside=beside)
        at("drained", "deploy", "unhealthy", name="haproxy: its server is drained", beside=beside)
        at("tls", "certificate", "not_started", name="haproxy: TLS towards a plain port", beside=beside)
        at(
            "nameless",
            "dns",
            "unhealthy",
            "not_started",
            name="haproxy: its server has no address",
            beside=beside,
        )
        at("silent", "stuck", name="haproxy: silent for 3 s")
        recorder.record("haproxy: TCP, refused behind it", f"http://127.0.0.1:{tcp}/", "not_started", "crash")
        held = busy(few, 1)
        recorder.record("haproxy: maxconn of the frontend", f"http://127.0.0.1:{few}/", "overload", "stuck",
                        times=1, deadline_s=1.5)  # fmt: skip
        for line in held:
            line.close()
        good = recorder.good(f"{server.url}/ok")
        server.send(signal.SIGUSR1)
        time.sleep(0.5)
        recorder.record("haproxy: it drains", f"{server.url}/ok", "deploy", "not_started", good=good)


def _apache(recorder: Recorder, backends: Backends, **files: Path) -> None:
    server, tls = Server("apache2"), _free()
    modules = "\n".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in MODULES)
    (server.folder / "cgi").mkdir()
    script = server.write("cgi/dies", "#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    text = APACHE.format(
        folder=server.folder, port=server.port, tls=tls, modules=modules, **_ports(backends), **files
    )
    with server:
        server.start("-DFOREGROUND", "-f", server.write("c", text))
        at = recorder.at(server.url)
        at("php", "not_started", name="apache: FastCGI is refused")
        at("own", name="apache: an own page when refused")
        at("multi", "not_started", "overload", "deploy", name="apache: its page in English")
        german = {"headers": {"Accept-Language": "de"}}
        at("multi", "not_started", "overload", "deploy", name="apache: its page in German", options=german)
        at("override", "error", "not_started", "dependency", name="apache: ProxyErrorOverride hides a 503")
        at("denied", "unauthorized", "blocked", name="apache: Require all denied")
        at("cgi/dies", "crash", "error", name="apache: a CGI script dies")
        recorder.record("apache: HTTP on its HTTPS port", f"http://127.0.0.1:{tls}/", "misconfigured")


def _open(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def _free() -> int:
    from statuspage.ops.supervisor import free_port

    return free_port()
