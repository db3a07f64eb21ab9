"""Reports to passive probes, at a real web process: taken, refused, and kept while the database is away."""

import base64
import contextlib
import shutil
import socket
import sqlite3
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from components.clock import database_now
from components.models import Component, Heartbeat, Inbox, Probe, Signal, SpoolMark
from components.models.inbox import hash_of, new_key
from statuspage.models import Role
from statuspage.ops.supervisor import free_port
from statuspage.serving.reports.front import MAX_STRANGE
from tests.components.inbound.payloads import ALERTMANAGER, UPTIMEROBOT
from tests.people import person
from tests.web import Web
from tests.whole import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def passive(kind="heartbeat", target="1 h", **options) -> Probe:
    component = Component.objects.create(name=f"Job {Component.objects.count()}")
    return Probe.objects.create(component=component, kind=kind, target=target, options=options)


@pytest.fixture
def job(web):
    """A heartbeat probe, and where it takes reports."""
    return passive()


def ping(web, probe) -> str:
    return f"{web.url}/ping/{probe.inbox.key}"


def alerts(web, probe) -> str:
    return f"{web.url}/in/{probe.inbox.key}"


def told(probe, count=1):
    """What was stored, oldest first, once there are so many."""
    rows = Signal.objects.filter(probe=probe).order_by("received_at", "id")
    wait_for(lambda: rows.count() >= count, 20)
    return [(row.kind, row.run, row.exit_status, row.text) for row in rows]


@pytest.mark.parametrize(
    ("method", "path", "body", "row"),
    [
        ("GET", "", None, ("success", "", None, "")),
        ("HEAD", "", None, ("success", "", None, "")),
        ("POST", "", None, ("success", "", None, "")),
        ("POST", "", b"all is well", ("success", "", None, "all is well")),
        ("GET", "/start?rid=run-1", None, ("start", "run-1", None, "")),
        ("GET", "/fail", None, ("fail", "", None, "")),
        ("POST", "/log", "é\0ü".encode(), ("log", "", None, "é·ü")),
        ("GET", "/0?rid=5f0e2a7e-7b0c-4f55-8d9c-8b1f2f8f3a11", None,
         ("exit", "5f0e2a7e-7b0c-4f55-8d9c-8b1f2f8f3a11", 0, "")),
        ("POST", "/255/", b"\xff broken", ("exit", "", 255, "\ufffd broken")),
    ],
)  # fmt: skip
def test_a_job_reports(web, job, method, path, *, body, row):
    answer = httpx.request(method, ping(web, job) + path, content=body)
    assert answer.status_code == 200
    assert answer.text == ("" if method == "HEAD" else "OK\n")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert told(job) == [row]


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/ping/nonsense", 400, "not complete"),
        ("GET", "/ping/", 400, "not complete"),
        ("GET", "/ping/{key}/nonsense", 400, "exit status from 0 to 255"),
        ("GET", "/ping/{key}/256", 400, "exit status from 0 to 255"),
        ("GET", "/ping/{key}/-1", 400, "exit status from 0 to 255"),
        ("GET", "/ping/{key}/٣", 400, "exit status from 0 to 255"),
        ("GET", "/ping/{key}/1/2", 400, "exit status from 0 to 255"),
        ("GET", "/ping/{key}?rid=a%20b", 400, "run id"),
        ("PUT", "/ping/{key}", 405, "GET, HEAD or POST"),
        ("GET", f"/ping/{'b' * 32}", 404, "no such address"),
        ("POST", "/in/{key}", 404, "no such address"),
        ("POST", f"/in/{'b' * 32}", 404, "no such address"),
        ("POST", "/in/x", 400, "not complete"),
        ("OPTIONS", "/ping/{key}", 204, ""),
    ],
)
def test_what_is_not_right_is_refused_in_a_sentence(web, job, method, path, *, status, says):
    answer = httpx.request(method, web.url + path.format(key=job.inbox.key))
    assert answer.status_code == status
    assert says in answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    assert not Signal.objects.exists()


def test_a_long_log_keeps_its_first_10_kb(web, job):
    httpx.post(ping(web, job), content=b"x" * 3_000_000)
    assert told(job) == [("success", "", None, "x" * 10 * 1024)]


def test_a_request_that_ends_too_soon_reports_nothing(web, job):
    with socket.create_connection(("127.0.0.1", web.port), timeout=5) as line:
        head = f"POST /ping/{job.inbox.key} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nhalf"
        line.sendall(head.encode())
    httpx.get(ping(web, job) + "/log")
    assert [row[0] for row in told(job)] == ["log"]


def test_the_same_within_a_second_is_one(web, job):
    with httpx.Client() as client:
        for _ in range(4):
            client.get(ping(web, job))
        client.get(ping(web, job) + "?rid=other")
        time.sleep(1.1)
        client.get(ping(web, job))
    time.sleep(1.5)
    assert [row[:2] for row in told(job, 3)] == [("success", ""), ("success", "other"), ("success", "")]


def test_many_at_once_are_all_kept(web, job):
    with ThreadPoolExecutor(10) as pool, httpx.Client() as client:
        answers = list(
            pool.map(lambda n: client.get(f"{ping(web, job)}/log?rid=r{n}").status_code, range(50))
        )
    assert set(answers) == {200}
    assert {row[1] for row in told(job, 50)} == {f"r{n}" for n in range(50)}


def test_an_address_that_reports_too_often_is_slowed_down(web, job):
    with httpx.Client() as client:
        answers = [client.get(f"{ping(web, job)}?rid={n}") for n in range(70)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert 5 <= len(refused) <= 10
        assert 1 <= int(refused[-1].headers["retry-after"]) <= 2
        assert "60 reports a minute" in refused[-1].text
        assert client.get(ping(web, passive())).status_code == 200  # each address by itself


def test_a_new_address_works_at_once_and_an_old_one_no_more(web, job):
    old = ping(web, job)
    assert httpx.get(old).status_code == 200
    job.inbox.change_key(database_now())
    assert httpx.get(ping(web, job)).status_code == 200
    wait_for(lambda: httpx.get(old).status_code == 404, 20)
    told(job)


def test_a_report_that_changes_something_is_judged_at_once(web, job):
    Probe.objects.filter(pk=job.pk).update(next_slot=time.time() + 5_000, outcome="up")
    httpx.get(ping(web, job))
    told(job)
    assert Probe.objects.get(pk=job.pk).next_slot > time.time() + 1_000  # nothing new
    httpx.get(ping(web, job) + "/fail")
    told(job, 2)
    assert Probe.objects.get(pk=job.pk).next_slot <= time.time() + 1


def test_web_processes_show_that_they_take_reports(web, job):
    httpx.get(ping(web, job))
    wait_for(lambda: Heartbeat.objects.filter(role="listening").count() == 2, 20)


def test_no_secret_is_at_rest_or_in_the_log(web, job, tmp_path):
    httpx.get(ping(web, job))
    told(job)
    key = job.inbox.key
    assert key not in (job.inbox.sealed_key, job.inbox.key_hash)
    wait_for((web.folder / "spool" / "addresses.json").exists, 20)
    files = [path for path in (web.folder / "spool").rglob("*") if path.is_file()]
    assert not [path for path in files if key in path.read_text()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


# Alerts


def test_alertmanager_is_taken_and_repeats_are_one(web):
    probe = passive("inbound", "alertmanager")
    for _ in range(3):
        assert httpx.post(alerts(web, probe), json=ALERTMANAGER).text == "OK\n"
    time.sleep(1.5)
    assert [row[0] for row in told(probe, 2)] == ["firing", "resolved"]
    probe.inbox.refresh_from_db()
    # a database may order the keys of a document
    assert sorted(row[0] for row in probe.inbox.state["alerts"].values()) == ["firing", "resolved"]


def test_a_message_that_cannot_be_read_is_refused(web):
    probe = passive("inbound", "alertmanager")
    answer = httpx.post(alerts(web, probe), json={"alerts": [{"status": "firing"}]})
    assert (answer.status_code, answer.text) == (400, "The field “alerts[0].fingerprint” is missing.\n")
    assert httpx.post(alerts(web, probe), content=b"x" * 4_300_000).status_code == 413
    assert httpx.get(alerts(web, probe)).status_code == 405
    assert httpx.post(f"{web.url}/ping/{probe.inbox.key}").status_code == 404


def test_uptimerobot_may_use_a_get(web):
    probe = passive("inbound", "uptimerobot")
    assert httpx.get(f"{alerts(web, probe)}?{UPTIMEROBOT}").status_code == 200
    assert told(probe)[0][0] == "firing"


@pytest.mark.parametrize(
    ("auth", "secret", "good"),
    [
        ("basic", "us:bétween", "Basic " + base64.b64encode("us:bétween".encode()).decode()),
        ("bearer", "t0ken", "Bearer t0ken"),
    ],
)
def test_a_password_can_be_asked_for_beside_the_address(web, auth, secret, good):
    probe = passive("inbound", "alertmanager", auth=auth, secret=secret)
    for header in ({}, {"Authorization": good + "x"}, {"Authorization": "Basic !!"}):
        answer = httpx.post(alerts(web, probe), json=ALERTMANAGER, headers=header)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].lower().startswith(auth)
    answer = httpx.post(alerts(web, probe), json=ALERTMANAGER, headers={"Authorization": good})
    assert answer.status_code == 200


def test_an_unsigned_message_is_refused_where_a_signature_is_asked_for(web):
    secret = "whsec_" + base64.b64encode(b"k" * 24).decode()
    probe = passive("inbound", "generic", auth="signature", secret=secret)
    answer = httpx.post(alerts(web, probe), json={"id": 1, "status": "down"})
    assert (answer.status_code, "webhook-signature" in answer.text) == (401, True)


# The database is away


@contextlib.contextmanager
def nothing_can_be_written():
    """Somebody else holds the database, or the tables that reports go to."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        other = sqlite3.connect(name, isolation_level=None, timeout=20)
        other.execute("BEGIN EXCLUSIVE")
    else:
        other = psycopg.connect(settings.POSTGRES.url(name))
        other.execute("LOCK TABLE components_spoolmark, components_signal IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


def killed(web: Web) -> None:
    """SIGKILL, for all of it at once."""
    family = [*psutil.Process(web.process.pid).children(recursive=True), psutil.Process(web.process.pid)]
    for one in family:
        one.kill()
    web.process.wait(10)
    psutil.wait_procs(family, 10)


@pytest.fixture
def own(tmp_path, transactional_db):
    """A web process that may be killed."""
    folder = tmp_path / "own"
    folder.mkdir()
    made = Web(folder)
    yield made
    made.stop()


@pytest.mark.parametrize("count", [3, 58])
def test_what_was_stored_before_it_was_killed_is_not_stored_again(own, count):
    """More than the state remembers as repeats, and fewer."""
    job = passive()
    with httpx.Client() as client:
        for number in range(count):
            client.get(f"{ping(own, job)}/log?rid=r{number}")
    told(job, count)
    killed(own)
    own.start()
    wait_for(lambda: not list((own.folder / "spool").glob("*.reports")), 20)
    assert len(told(job, count)) == count


def test_nothing_is_lost_or_doubled_when_it_is_killed_while_the_database_is_locked(own):
    job = passive()
    assert httpx.get(f"{ping(own, job)}/log?rid=r0").status_code == 200
    told(job)
    with nothing_can_be_written():
        for number in range(1, 21):
            assert httpx.post(f"{ping(own, job)}/log?rid=r{number}", content=b"x" * 5_000).status_code == 200
        arrived = time.time()
        killed(own)
        own.start()
        for number in range(21, 31):
            assert httpx.get(f"{ping(own, job)}/log?rid=r{number}").status_code == 200
        killed(own)
        own.start()
        assert httpx.get(f"{ping(own, job)}/log?rid=r31").status_code == 200
        time.sleep(2)
    assert [row[1] for row in told(job, 32)] == [f"r{number}" for number in range(32)]
    first = Signal.objects.get(run="r20")
    assert first.received_at.timestamp() <= arrived
    killed(own)  # with marks and files that are not tidied yet
    own.start()
    httpx.get(f"{ping(own, job)}/log?rid=r32")
    assert [row[1] for row in told(job, 33)] == [f"r{number}" for number in range(33)]
    wait_for(
        lambda: SpoolMark.objects.count() <= 1 and len(list((own.folder / "spool").glob("*.reports"))) <= 1,
        30,
    )


def test_killed_at_any_moment_while_it_stores_it_stores_each_once(own):
    """The moments between commit and mark, tidy and delete, are hit by chance: so it is tried some times."""
    job = passive()
    httpx.get(f"{ping(own, job)}/log?rid=warm")
    expected = {"warm"}
    for turn in range(4):
        stop = threading.Event()

        def send(turn=turn, stop=stop):
            with httpx.Client() as client:
                for number in range(1_000):
                    if stop.is_set():
                        return
                    try:
                        if client.get(f"{ping(own, job)}/log?rid=t{turn}-{number}").status_code == 200:
                            expected.add(f"t{turn}-{number}")
                    except httpx.HTTPError:
                        return

        thread = threading.Thread(target=send)
        thread.start()
        time.sleep(0.3 + 0.17 * turn)
        killed(own)
        stop.set()
        thread.join(10)
        own.start()
    runs = lambda: list(Signal.objects.filter(probe=job).values_list("run", flat=True))  # noqa: E731
    wait_for(lambda: expected <= set(runs()), 30)
    time.sleep(2)
    assert len(runs()) == len(set(runs()))


def test_it_starts_and_takes_reports_without_any_database(own):
    job = passive()
    httpx.get(f"{ping(own, job)}/log?rid=r0")
    kept = own.folder / "spool" / "addresses.json"
    wait_for(lambda: kept.exists() and job.inbox.key_hash in kept.read_text(), 20)
    killed(own)
    there = own.env["DATABASE_URL"]
    own.env["DATABASE_URL"] = f"postgres://nobody:x@127.0.0.1:{free_port()}/nothing"
    own.start()
    assert httpx.get(f"{ping(own, job)}/log?rid=r1").status_code == 200
    strange = passive()  # it could not be told of this one: taken, and looked up later
    assert httpx.get(f"{ping(own, strange)}/log?rid=r2").status_code == 200
    assert httpx.get(f"{own.url}/ping/{'b' * 32}").status_code == 200  # nobody can say, so it is kept
    assert httpx.post(f"{own.url}/in/{'b' * 32}").status_code == 503
    killed(own)
    own.env["DATABASE_URL"] = there
    own.start()
    assert [row[1] for row in told(job, 2)] == ["r0", "r1"]
    assert [row[1] for row in told(strange)] == ["r2"]


def test_pings_of_strangers_are_kept_up_to_a_limit_while_nobody_can_say(own):
    """Whatever known jobs report in between."""
    job = passive()
    httpx.get(ping(own, job))
    kept = own.folder / "spool" / "addresses.json"
    wait_for(lambda: kept.exists() and job.inbox.key_hash in kept.read_text(), 20)
    killed(own)
    own.env["DATABASE_URL"] = f"postgres://nobody:x@127.0.0.1:{free_port()}/nothing"
    own.start()
    thread = threading.local()  # a client each: a pool shared by threads closes lines that others are reading
    with contextlib.ExitStack() as clients, ThreadPoolExecutor(50) as pool:

        def stranger(_):
            if not hasattr(thread, "client"):
                thread.client = clients.enter_context(httpx.Client(timeout=30))
            return thread.client.get(f"{own.url}/ping/{new_key()}").status_code

        first = list(pool.map(stranger, range(MAX_STRANGE - 100)))
        assert httpx.get(ping(own, job), timeout=30).status_code == 200
        rest = list(pool.map(stranger, range(200)))
    assert set(first) == {200}
    assert (rest.count(200), rest.count(503)) == (100, 100)


def test_a_full_disk_is_no_reason_to_refuse_a_report(tmp_path, transactional_db):
    folder = tmp_path / "full"
    folder.mkdir()
    own = Web(folder)
    try:
        job = passive()
        assert httpx.get(ping(own, job)).status_code == 200
        told(job)
        killed(own)
        shutil.rmtree(folder / "spool")
        (folder / "spool").write_text("no folder")  # nothing can be written there, not even by root
        own.start()
        assert httpx.get(f"{ping(own, job)}?rid=r1").status_code == 200
        assert [row[1] for row in told(job, 2)] == ["", "r1"]
        with nothing_can_be_written():
            answer = httpx.get(f"{ping(own, job)}?rid=r2", timeout=60)
        assert answer.status_code in (200, 503)
        wait_for(lambda: Inbox.objects.filter(probe=job).exists(), 5)
    finally:
        own.stop()


def test_a_renewed_address_takes_reports_and_the_old_one_is_refused_at_once(web, job):
    """By a web process that knows the old one by heart, as soon as it hears of the change."""
    old = ping(web, job)
    assert httpx.get(old).status_code == 200
    told(job)
    client = Client()
    client.force_login(person("ed", Role.EDITOR))
    assert client.post(f"/console/probes/{job.public_id}/address").status_code == 302
    job.inbox.refresh_from_db()
    wait_for(lambda: httpx.get(old).status_code == 404, 5)
    assert httpx.get(f"{ping(web, job)}/start").status_code == 200
    assert [row[0] for row in told(job, 2)] == ["success", "start"]
    file = web.folder / "spool" / "addresses.json"
    wait_for(lambda: hash_of(job.inbox.key) in file.read_text(), 20)
    assert hash_of(old.rsplit("/", 1)[1]) not in file.read_text()
