"""Apache httpd as a proxy, with its worker slots used up, and in maintenance."""

import signal
import time

from tests.recordings.backends import Backends
from tests.recordings.case import Recorder
from tests.recordings.processes import Server, busy

PASSED = (
    "refused", "silent", "dies", "dies_late", "garbage", "dies_in_head", "resets", "bare_503", "busy_503",
    "spring", "hikari", "maintenance", "ok", "slow",
)  # fmt: skip
CONFIG = """
ServerName status.test
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog {folder}/error.log
{modules}
User nobody
Group nogroup
ServerLimit {servers}
ThreadLimit 2
StartServers 1
ThreadsPerChild 2
MinSpareThreads 1
MaxSpareThreads {workers}
MaxRequestWorkers {workers}
ProxyTimeout 2
{places}
<Proxy "balancer://two">
  BalancerMember "http://127.0.0.1:{refused}" retry=0
  BalancerMember "http://localhost:{refused}" retry=0
</Proxy>
ProxyPass "/balancer" "balancer://two/"
ProxyPass "/nowhere" "http://nowhere.invalid/"
Redirect 503 "/redirect"
<Location "/page">
  ErrorDocument 503 "<h1>Down for maintenance</h1> We will be back at noon."
  Redirect 503
</Location>
<Location "/forbidden">
  Require all denied
</Location>
"""
MODULES = (
    "mpm_event", "authz_core", "alias", "proxy", "proxy_http", "proxy_balancer", "slotmem_shm",
    "lbmethod_byrequests",
)  # fmt: skip


def start(backends: Backends, *, workers: int = 8) -> Server:
    """Every behaviour at the path of its name."""
    server = Server("apache2")
    modules = "\n".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in MODULES)
    places = "\n".join(
        f'ProxyPass "/{name}" "http://127.0.0.1:{backends[name]}/" connectiontimeout=2 retry=0'
        for name in PASSED
    )
    text = CONFIG.format(
        port=server.port, folder=server.folder, modules=modules, places=places, refused=backends["refused"],
        workers=workers, servers=workers // 2,
    )  # fmt: skip
    server.start("-DFOREGROUND", "-f", server.write("apache.conf", text))
    return server


def record(backends: Backends) -> Recorder:
    """The cases of this server."""
    recorder = Recorder("apache")
    with start(backends) as server:
        _all(recorder, server)
        good = recorder.good(f"{server.url}/ok")
        server.send(signal.SIGTERM)
        time.sleep(1.0)
        recorder.record("stopped", f"{server.url}/ok", "not_started", "deploy", good=good)
    with start(backends, workers=2) as server:
        good = recorder.good(f"{server.url}/ok")
        held = busy(server.port, 8, "/silent")
        time.sleep(0.3)
        recorder.record("all workers are busy", f"{server.url}/ok", "stuck", "overload", good=good,
                        deadline_s=1.2, times=1)  # fmt: skip
        for line in held:
            line.close()
    return recorder


def _all(recorder: Recorder, server: Server) -> None:
    at = recorder.at(server.url)
    beside = {"/ok": f"{server.url}/ok"}
    at("refused", "not_started", name="refused", beside=beside)
    at("silent", "stuck", name="silent")
    at("dies", "crash", name="dies at once")
    at("dies_late", "crash", name="dies after 0.6 s")
    at("resets", "crash", name="resets")
    at("dies_in_head", "crash", name="dies in its head")
    at("balancer", "not_started", "unhealthy", name="all members of a balancer refuse", beside=beside)
    at("nowhere", "dns", name="the name of its backend is not known", times=1, deadline_s=30)
    at("redirect", "deploy", "not_started", name="Redirect 503", beside=beside)
    at("page", "deploy", name="a maintenance page", beside=beside)
    at("bare_503", name="a bare 503 of the application")
    at("busy_503", "overload", name="the application asks to retry")
    at("spring", "dependency", name="a health document names db")
    at("hikari", "db_connections", name="Hikari in JSON")
    at("maintenance", "deploy", name="the application's maintenance page")
