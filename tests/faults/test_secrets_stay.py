"""Recognizable secrets in every setting and all that is saved; then all fails, and they are looked for.

In the log, on every page of the console, on public pages, in /metrics, /healthz and error pages, in files, in
the broker, in the command lines of processes, and in a backup.
"""

import asyncio
import base64
import json
import re
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import psutil
import pytest
import redis

from tests.faults.faults import only_long
from tests.servers import Valkey
from tests.statuspage.ops.installation import CLIENTS, Installation
from tests.subscribers.mailbox import Mailbox
from tests.targets import Raw, Target
from tests.whole import ROOT, wait_for

pytestmark = [pytest.mark.data, pytest.mark.stack, only_long]
FILLING = Path(__file__).with_name("filling_secrets.py")
CANARY = re.compile(rb"canary-[a-z-]+-0815")
BASE64 = re.compile(rb"[A-Za-z0-9+/]{20,}")
KEPT_ON_PURPOSE = ("secret_key", "vapid_key")  # files of mode 600 that hold keys
MAX_OF_A_KIND = 3  # pages whose addresses differ by ids and numbers alone
ID = re.compile(r"/(?:[0-9a-z]{12}|[0-9-]+)(?=/|$)")
LINK = re.compile(r'(?:href|src|action|hx-get|data-url)="([^"#]+)"')
LEAVES = ("/accounts/logout", "/static/", "/live", "export")
PUBLIC = ("/", "/history", "/history.atom", "/api/v2/summary.json", "/api/v2/incidents.json", "/healthz",
          "/readyz", "/accounts/login/", "/no-such-page", "/metrics")  # fmt: skip
ATTEMPTS = (
    "SELECT count(DISTINCT probe_id) FROM components_check",
    "SELECT count(*) FROM subscribers_delivery WHERE attempts > 0",
    "SELECT count(*) FROM incidents_act",
    "SELECT count(*) FROM subscribers_alertdelivery WHERE attempts > 0",
)
ENOUGH = (8, 5, 1, 1)  # probes, one message for each subscriber, a call of the hook, an alert


async def echo(reader, writer):
    """A server that answers every request with an error that repeats all of it, as some debug pages do."""
    try:
        try:
            text = await asyncio.wait_for(reader.read(65536), 0.4)
        except TimeoutError:
            writer.write(b"* OK ready\r\n")  # of those who wait to be greeted
            text = await reader.read(65536)
        while text:
            if b" HTTP/1.1\r\n" in text:
                head = b"HTTP/1.1 500 No\r\nConnection: close\r\nContent-Type: text/plain\r\n"
                writer.write(head + b"Content-Length: %d\r\n\r\n" % len(text) + text)
                await writer.drain()
                return
            writer.write(b"-ERR I do not know " + text)
            await writer.drain()
            text = await reader.read(65536)
    except OSError:
        pass
    finally:
        writer.close()


def settings_of(echo_port, mail_port, broker_port):
    """Every setting that is a secret or holds one."""
    at = f"127.0.0.1:{echo_port}"
    return {
        "SECRET_KEY": "canary-key-0815" + "k" * 50,
        "SECRET_KEY_FALLBACKS": "canary-fallback-0815" + "k" * 50,
        "REDIS_URL": f"redis://:canary-redis-0815@127.0.0.1:{broker_port}/0",
        "EMAIL_URL": f"smtp://page:canary-mail-0815@127.0.0.1:{mail_port}/",
        "METRICS_TOKEN": "canary-metrics-token-0815",
        "OIDC_ISSUER": f"http://{at}/", "OIDC_CLIENT_ID": "page", "OIDC_CLIENT_SECRET": "canary-oidc-0815",
        "HEARTBEAT_URL": f"http://{at}/canary-heartbeat-0815",
        "HEARTBEAT_FAIL_URL": f"http://{at}/canary-heartbeat-fail-0815",
        "MAIL_EVENTS": "postmark", "MAIL_EVENTS_SECRET": "page:canary-events-0815",
        "APPRISE_URLS": f"json://page:canary-apprise-0815@{at}/",
        "EGRESS_ALLOW": "127.0.0.0/8", "SUBSCRIBER_EGRESS_ALLOW": "127.0.0.0/8",
        "UNDO_S": "0", "LOG_LEVEL": "DEBUG", "PROCESSES": "many",
    }  # fmt: skip


class Place:
    """Secrets that were found, by where."""

    def __init__(self, made):
        self.made = {name: word.encode() for name, word in made.items()}
        self.found = {}

    def look(self, where, content, *, may_show=()):
        """`may_show`: names of secrets of ours that are shown there on purpose."""
        text = content.encode() if isinstance(content, str) else content
        hits = {hit.decode() for hit in CANARY.findall(text)}
        hits |= {name for name, word in self.made.items() if word in text and name not in may_show}
        hits |= {hit.decode() for hit in CANARY.findall(decoded(text))}
        if hits:
            self.found[where] = sorted(hits)


def decoded(text):
    """What there is in base64 in it, as in an Authorization header or in the text of a mail."""
    words = [word[begin:] for word in BASE64.findall(text) for begin in range(4)]
    return b"\n".join(base64.b64decode(word[: len(word) // 4 * 4]) for word in words)


@pytest.fixture
def there(tmp_path):
    made = Installation(tmp_path / "installation")
    yield made
    made.close()


def test_no_secret_is_seen_where_it_does_not_belong(there, tmp_path):
    with ExitStack() as stack:
        server, target = stack.enter_context(Raw(echo)), stack.enter_context(Target())
        mailbox = stack.enter_context(Mailbox(login=("page", "another password")))
        broker = stack.enter_context(closing(Valkey(None, "--requirepass", "canary-redis-0815")))
        env = settings_of(server.port, mailbox.port, broker.port)
        if there.database:
            there.database = there.database.replace("postgres@", "postgres:canary-database-0815@")
        filled = fill(there, env, server.port, mailbox.port, target.port)
        place = Place(filled["made"])
        there.start(**env)
        wait_for(lambda: there.status_of("Web") == "operational", 60)
        target.answers = 500  # what never passed opens no incident
        try:
            wait_for(lambda: all(n >= m for n, m in zip(attempts(there), ENOUGH, strict=True)), 120)
        except AssertionError:
            print("\n".join(there.lines[-200:]))
            raise AssertionError(attempts(there)) from None
        for process in there.family():
            place.look(f"command line of {process.name()}", "\0".join(cmdline(process)))
        visit_all(there, place, filled["cookie"], env)
        with broken_table(there):
            with web(there, filled["cookie"]) as staff:
                errors = staff.get("/console/templates")
            assert errors.status_code == 500
            place.look("the page of a 500", errors.text)
        wait_for(lambda: any("Traceback" in line or "UndefinedTable" in line or "no such table" in line
                             for line in there.lines), 10)  # fmt: skip
        place.look("doctor", there.run("doctor", check=False, **env))
        there.run("backup", tmp_path / "copy", **env)
        place.look("backup", readable(tmp_path / "copy"))
        with redis.Redis(port=broker.port, password="canary-redis-0815") as client:
            place.look("broker", b"\n".join(client.dump(key) or b"" for key in client.scan_iter()))
        there.stop()
    place.look("log", "\n".join(there.lines))
    for file in files_of(there):
        place.look(str(file.relative_to(there.var)), file.read_bytes())
    assert len("\n".join(there.lines)) > 2_000
    assert place.found == {}, json.dumps(place.found, indent=1)


def fill(there, env, echo_port, mail_port, target_port):
    """What the filling says."""
    with closing(Raw(echo)) as gone:
        closed = gone.port
    places = [f"127.0.0.1:{port}" for port in (echo_port, closed, mail_port, target_port)]
    more = {"DJANGO_SETTINGS_MODULE": "statuspage.settings", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(FILLING), *places], env=there.env | env | more, cwd=ROOT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def attempts(there):
    return [there.rows(query)[0][0] for query in ATTEMPTS]


def cmdline(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def web(there, cookie):
    return httpx.Client(base_url=there.url, cookies=dict([cookie]), timeout=30)


def visit_all(there, place, cookie, env):
    """Public pages, and all of the console and Django's admin that links lead to."""
    with httpx.Client(base_url=there.url, timeout=30) as reader:
        for path in PUBLIC:
            place.look(f"public {path}", reader.get(path).text)
        token = {"Authorization": f"Bearer {env['METRICS_TOKEN']}"}
        metrics = reader.get("/metrics", headers=token)
        assert metrics.status_code == 200
        place.look("metrics", metrics.text)
    seen, kinds, waiting = (
        set(),
        Counter(),
        ["/console/", "/admin/", "/console/subscribers/", "/console/audit/"],
    )
    with web(there, cookie) as staff:
        while waiting:
            path = waiting.pop(0)
            kind = ID.sub("/*", path)
            if path in seen or kinds[kind] >= MAX_OF_A_KIND or any(part in path for part in LEAVES):
                continue
            seen.add(path)
            kinds[kind] += 1
            answer = staff.get(path)
            # staff give an inbox's address to those who report there
            place.look(f"staff {path}", answer.text, may_show=("inbox",))
            links = [urlsplit(urljoin(path, link)) for link in LINK.findall(answer.text)]
            waiting += [link.path for link in links if not link.netloc]
    assert len(seen) > 60, seen
    assert any("/console/hooks/" in path for path in seen)
    assert any("/console/subscribers/" in path for path in seen)
    assert any("/console/probes/" in path for path in seen)


@contextmanager
def broken_table(there):
    there.write("ALTER TABLE incidents_template RENAME TO away")
    yield
    there.write("ALTER TABLE away RENAME TO incidents_template")


def readable(copy):
    """SQLite's file, or the script of a dump."""
    head = copy.read_bytes()
    if not head.startswith(b"PGDMP"):
        return head
    return subprocess.run([CLIENTS / "pg_restore", "-f", "-", copy], check=True, capture_output=True).stdout


def files_of(there):
    files = [file for file in there.var.rglob("*") if file.is_file() and "static" not in file.parts]
    return [file for file in files if file.name not in KEPT_ON_PURPOSE]
