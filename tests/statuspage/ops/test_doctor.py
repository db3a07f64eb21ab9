"""`manage.py doctor`: each line is true, nothing hangs, and no secret is printed."""

import json
import socket
import threading
import time
from contextlib import closing

import pytest

from statuspage.ops.doctor import environment, folder
from statuspage.ops.doctor.examination import examine
from statuspage.ops.doctor.findings import Finding, Look, State, fail, ok
from tests.servers import Valkey
from tests.statuspage.ops.installation import Installation
from tests.subscribers.mailbox import Mailbox
from tests.targets import Raw
from tests.whole import wait_for

SECRET = "pa55-of-ours"
DEADLINE_S = 120


@pytest.fixture
def there(tmp_path):
    made = Installation(tmp_path / "installation")
    yield made
    made.close()


def findings(there, **env):
    """By name: the findings of one run, which shows no traceback and none of our secrets."""
    began = time.monotonic()
    text = there.run("doctor", "--json", check=False, **env)
    assert time.monotonic() - began < DEADLINE_S
    assert "Traceback" not in text
    assert SECRET not in text
    found = {}
    for row in json.loads(text[text.index("[\n") :]):
        found.setdefault(row["name"], []).append((row["state"], row["sentence"]))
    assert there.code == int(any(state == "fail" for rows in found.values() for state, _ in rows))
    return found


def says(found, name, state, words):
    assert any(s == state and words in sentence for s, sentence in found[name]), found[name]


def test_with_everything_down_it_says_so(there):
    found = findings(
        there,
        DATABASE_URL=f"postgres://me:{SECRET}@127.0.0.1:1/none",
        REDIS_URL=f"redis://:{SECRET}@127.0.0.1:1/0",
        EMAIL_URL=f"smtp://me:{SECRET}@127.0.0.1:1/",
        OIDC_ISSUER="http://127.0.0.1:1", OIDC_CLIENT_ID="page", OIDC_CLIENT_SECRET=SECRET,
        EGRESS_ALLOW="127.0.0.0/8", METRICS_TOKEN=f"{SECRET}-metrics",
        HEARTBEAT_URL=f"https://ping.example/{SECRET}",
    )  # fmt: skip
    says(found, "database", "fail", "It cannot be used")
    says(found, "broker", "fail", "It is not responding")
    says(found, "mail server", "fail", "Nothing is listening on port 1")
    says(found, "single sign-on", "fail", "The provider cannot be reached")
    says(found, "PUBLIC_URL", "fail", "cannot be reached from here")
    for name in ("migrations", "SECRET_KEY", "loops", "probes", "people", "backup"):
        assert found[name][0][0] == "skip"
    says(found, "HEARTBEAT_URL", "ok", "It is set")
    says(found, "METRICS_TOKEN", "ok", "It is set")


def test_all_wrong_settings_are_named_at_once(there):
    found = findings(
        there, PORT="http", METRICS_TOKEN=SECRET, PUBLIC_URL="http://[bad", LOG_FORMAT="xml",
        MAIL_EVENTS="pigeon", PAGE_TIME_ZONE="Mars/Olympus", UNDO_S="100000", STREAM_MAX="7",
        DATABASE_URL="oracle://here", SMTP_HOST="no setting of ours",
    )  # fmt: skip
    sentences = "\n".join(sentence for state, sentence in found["settings"] if state == "fail")
    for name in ("PORT", "METRICS_TOKEN", "PUBLIC_URL", "LOG_FORMAT", "MAIL_EVENTS", "PAGE_TIME_ZONE",
                 "UNDO_S", "DATABASE_URL"):  # fmt: skip
        assert name in sentences
    says(found, "settings", "warn", "STREAM_MAX is set, and is not a setting: is STREAMS_MAX meant?")
    says(found, "database", "ok", "SQLite")  # the default


def test_on_the_folder_of_a_running_program_all_is_in_order(there):
    there.start()
    there.run("backup", there.folder / "copy")
    wait_for(lambda: there.web.get("/healthz").status_code == 200)  # each loop has reported once
    found = findings(there)
    fails = [(name, row) for name, rows in found.items() for row in rows if row[0] == "fail"]
    assert fails == []
    says(found, "program", "ok", "is running in VAR_DIR")
    says(found, "broker", "ok", "Valkey")  # of running.json
    says(found, "PUBLIC_URL", "ok", "Our own page answers there.")
    says(found, "/live", "ok", "first bytes come at once")
    says(found, "static files", "ok", "are those of this version")
    says(found, "loops", "ok", "checks of /healthz pass")
    says(found, "people", "warn", "The first password was never changed: staff")
    says(found, "backup", "ok", "ago")
    says(found, "TRUSTED_PROXIES", "ok", "0 fits")
    says(findings(there, TRUSTED_PROXIES="2"), "TRUSTED_PROXIES", "fail", "too high")


async def _silent(reader, writer):
    await reader.read()


def test_servers_that_accept_and_say_nothing_hold_up_no_other_look(there):
    with Raw(_silent) as silent:
        there.web.close()
        found = findings(
            there, REDIS_URL=f"redis://:{SECRET}@127.0.0.1:{silent.port}/0",
            EMAIL_URL=f"smtp://127.0.0.1:{silent.port}/", PUBLIC_URL=f"http://127.0.0.1:{silent.port}",
        )  # fmt: skip
    says(found, "broker", "fail", "It is not responding")
    says(found, "mail server", "fail", "")
    says(found, "PUBLIC_URL", "fail", "cannot be reached")
    says(found, "database", "ok", "SQLite")


def test_a_look_that_never_ends_is_named_and_others_go_on():
    never = threading.Event()
    looks = [
        Look("hangs", lambda: never.wait() or [], deadline_s=0.3),
        Look("breaks", lambda: 1 / 0),
        Look("works", lambda: [ok("works", "Fine.")]),
        Look("depends", lambda: [ok("depends", "Fine.")], needs=("hangs",)),
    ]
    found = list(examine(looks))
    never.set()
    assert [f.state for f in found] == [State.FAIL, State.FAIL, State.OK, State.SKIP]
    assert "it hangs" in found[0].sentence
    assert "ZeroDivisionError" in found[1].sentence


def test_nothing_that_a_server_says_forges_lines_or_shows_a_secret(settings):
    settings.METRICS_TOKEN = SECRET
    hostile = f"220 \x1b[2J\x9b\u202eok\n fail {SECRET} " + "x" * 5000
    (found,) = examine([Look("it", lambda: [fail("it", hostile)])])
    assert isinstance(found, Finding)
    assert found.sentence.isprintable() or "…" in found.sentence
    assert "\n" not in found.sentence
    assert "\x1b" not in found.sentence
    assert SECRET not in found.sentence
    assert len(found.sentence) < 600


def test_mail_is_logged_in_to_and_not_sent(there):
    with Mailbox(login=("me", SECRET)) as box:
        found = findings(there, EMAIL_URL=f"smtp://me:{SECRET}@127.0.0.1:{box.port}/")
        says(found, "mail server", "warn", "the password travels unencrypted")
        found = findings(there, EMAIL_URL=f"smtp://me:wrong-{SECRET}@127.0.0.1:{box.port}/")
        says(found, "mail server", "fail", "rejects our login")
        assert box.got == []


def test_a_broker_that_evicts_and_one_that_wants_a_password(there):
    with closing(Valkey(None, "--maxmemory-policy", "allkeys-lru", "--requirepass", SECRET)) as valkey:
        place = f"127.0.0.1:{valkey.port}/0"
        found = findings(there, REDIS_URL=f"redis://:{SECRET}@{place}")
        says(found, "broker memory", "warn", "allkeys-lru")
        says(findings(there, REDIS_URL=f"redis://{place}"), "broker", "fail", "")


def test_a_key_that_is_not_the_one_of_the_database(there):
    code = (
        "from components.models import RemoteRegion as R; from components import encryption as e;"
        " R.objects.create(name='lab', sealed_key=e.seal('x'))"
    )
    there.run("shell", "-v0", "-c", code)
    says(findings(there), "SECRET_KEY", "ok", "can be read")
    other = findings(there, SECRET_KEY="another key, which is long enough to be one of ours")
    says(other, "SECRET_KEY", "fail", "encrypted with another key: keys of regions")


def test_a_database_that_is_newer_older_or_corrupt(there):
    there.write(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('incidents', '0999_future', '2030-01-01')"
    )
    found = findings(there)
    says(found, "migrations", "fail", "newer version of this program (incidents.0999_future)")
    says(found, "people", "skip", "")
    there.write("DELETE FROM django_migrations WHERE name = '0999_future' OR name LIKE '%_restored'")
    says(findings(there), "migrations", "fail", "1 not applied")
    data = bytearray(there.file.read_bytes())
    data[8192 : len(data) // 2] = b"\xff" * (len(data) // 2 - 8192)
    there.file.write_bytes(data)
    says(findings(there), "database", "fail", "corrupt (database disk image is malformed): stop the program")
    there.file.write_bytes(b"no database" * 1000)
    says(findings(there), "database", "fail", "corrupt (file is not a database): stop the program")
    there.file.unlink()
    there.file.mkdir()
    says(findings(there), "database", "fail", "check DATABASE_URL, and that this account may write")


def test_a_folder_that_is_not_there_or_open_to_all(there):
    there.var.chmod(0o755)
    says(findings(there), "VAR_DIR", "warn", "chmod 700")
    (there.folder / "file").write_text("")
    found = findings(there, VAR_DIR=str(there.folder / "file" / "var"))
    says(found, "VAR_DIR", "fail", "cannot be used")


@pytest.mark.parametrize(
    ("place", "kind"),
    [("/mnt/with space/db", "nfs4"), ("/mnt", "ext4"), ("/mnt/with spaces", "ext4"), ("/", "ext4")],
)
def test_the_file_system_of_a_folder(tmp_path, place, kind):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:5 / /mnt/with\\040space rw shared:1 - nfs4 server:/x rw\n"
    )
    assert folder.file_system_of(folder.Path(place), mounts) == kind


def test_what_makes_the_settings_fail_is_found_even_if_the_error_does_not_name_it(monkeypatch):
    monkeypatch.setenv("SUPPORT_URL", "x")
    monkeypatch.setenv("PAGE_NAME", "y")

    def read():
        if "SUPPORT_URL" in environment.os.environ:
            raise ValueError("Invalid IPv6 URL")

    ((name, sentence),) = environment.mend(read)
    assert name == "SUPPORT_URL"
    assert "SUPPORT_URL cannot be read" in sentence
    assert "PAGE_NAME" in environment.os.environ


def test_a_fault_of_no_setting_ends():
    def read():
        raise OSError("disk")

    assert environment.mend(read) == [("", "The settings cannot be read: OSError: disk")]


class Proxy:
    """Passes everything on to our page, and keeps what comes back of /live."""

    def __init__(self, port):
        self.line = socket.create_server(("127.0.0.1", 0))
        self.port, self.behind = self.line.getsockname()[1], port
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                asked, _ = self.line.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(asked,), daemon=True).start()

    def _pass_on(self, asked):
        with asked, socket.create_connection(("127.0.0.1", self.behind)) as inner:
            head = asked.recv(65536)
            if b"/live " in head:
                time.sleep(20)
                return
            inner.sendall(head)
            while data := inner.recv(65536):
                asked.sendall(data.replace(b"server: statuspage", b"server: proxy     "))

    def close(self):
        self.line.close()


def test_a_proxy_that_buffers_the_live_stream_and_is_not_counted(there):
    there.start()
    with closing(Proxy(there.port)) as proxy:
        found = findings(there, PUBLIC_URL=f"http://127.0.0.1:{proxy.port}")
    says(found, "PUBLIC_URL", "ok", "Our own page answers there.")
    says(found, "/live", "fail", "a proxy buffers it")
    says(found, "TRUSTED_PROXIES", "warn", "too low")
