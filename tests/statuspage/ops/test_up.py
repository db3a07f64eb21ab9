"""`make run`: everything with one command, brought back when it dies, gone when it is told to go."""

import os
import shutil
import signal
import sqlite3
import stat
import time

import httpx
import pytest

from tests.faults.faults import only_long
from tests.once import migrated_file
from tests.targets import Target
from tests.whole import Whole, wait_for


def test_first_start_shows_real_things_and_says_what_to_do(whole):
    whole.is_new = True
    whole.start()
    text = "\n".join(whole.lines)
    assert f"http://localhost:{whole.port}/" in text
    assert "staff / " in text
    assert "Next:" in text
    assert stat.S_IMODE((whole.var / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((whole.var / "running.json").stat().st_mode) == 0o600
    wait_for(lambda: whole.json("/api/v2/status.json")["status"]["indicator"] == "none", 40)
    assert {row["name"] for row in whole.json()["components"]} >= {"Web", "Worker", "Database"}
    wait_for(lambda: whole.web.get("/healthz").status_code == 200, 20)
    page = whole.web.get("/")
    assert "All systems are operational" in page.text
    style = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
    assert whole.web.get(style).headers["cache-control"].startswith("max-age=")
    password = text.split("staff / ")[1].split()[0]
    assert "/accounts/login/   staff" in text
    login = whole.web.get("/accounts/login/")
    answer = whole.web.post(
        "/accounts/login/?next=/admin/",
        data={
            "login": "staff",
            "password": password,
            "csrfmiddlewaretoken": login.text.split('csrfmiddlewaretoken" value="')[1].split('"')[0],
        },
        headers={"referer": f"{whole.url}/accounts/login/"},
    )
    assert answer.status_code == 302
    took = whole.stop()
    assert took < 10
    assert whole.process.returncode == 0
    assert whole.left() == []
    # again: no second password, everything still there
    whole.lines.clear()
    whole.start()
    assert "staff / " not in "\n".join(whole.lines)
    assert {row["name"] for row in whole.json()["components"]} >= {"Web", "Worker", "Database"}


def test_whatever_is_killed_is_back_within_ten_seconds_and_nothing_is_lost(whole):
    whole.start()
    with Target() as target:
        whole.watch(target.url, "Shop")
        wait_for(lambda: whole.status_of("Shop") == "operational", 30)
        state = "operational"
        for role in ("worker", "valkey", "beat", "web"):
            victim = whole.child(role)
            for one in [victim, *victim.children(recursive=True)]:
                one.kill()
            # the change falls into the gap
            target.answers, state = (503, "major_outage") if state == "operational" else (200, "operational")
            wait_for(lambda: whole.is_back(role, victim), 10)  # noqa: B023
            wait_for(lambda: _answers(whole), 10)
            wait_for(lambda: whole.status_of("Shop") == state, 40)  # noqa: B023
        titles = {one["name"] for one in whole.incidents()}
        assert titles == {"Shop is returning errors"}
    assert whole.stop() < 10
    assert whole.left() == []


def _answers(whole):
    try:
        return httpx.get(f"{whole.url}/livez", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def test_with_a_broker_of_ones_own_a_worker_that_lives_but_does_nothing_is_started_again(whole, settings):
    whole.start(WORKER_SILENCE_S="10", REDIS_URL=settings.REDIS_URL)
    assert whole.child("valkey") is None
    assert whole.child("post").pid != whole.child("worker").pid  # it may be there for more machines
    wait_for(lambda: whole.json("/api/v2/status.json")["status"]["indicator"] == "none", 40)
    worker = whole.child("worker")
    for one in [worker, *worker.children(recursive=True)]:
        one.suspend()
    wait_for(lambda: whole.is_back("worker", worker), 30)
    assert any("the worker has been idle for 10 s" in line for line in whole.lines)


def test_the_one_worker_that_lives_but_does_nothing_is_started_again_and_is_the_clock_again(whole):
    whole.start(WORKER_SILENCE_S="10")
    worker = whole.child("worker")
    assert (whole.child("post").pid, whole.child("beat").pid) == (worker.pid, worker.pid)
    worker.suspend()
    wait_for(lambda: whole.is_back("worker", worker), 60)
    assert any("has been idle for 10 s: restarting it" in line for line in whole.lines)
    with Target() as target:
        whole.watch(target.url, "Shop")
        wait_for(lambda: whole.status_of("Shop") == "operational", 60)


def test_a_page_that_hangs_is_started_again_and_goes_on_reporting_on_the_others(whole):
    whole.start(WORKER_SILENCE_S="10")
    page = whole.child("web")
    page.suspend()
    wait_for(lambda: whole.is_back("web", page), 90)
    assert any("the web has been idle for 10 s: restarting it" in line for line in whole.lines)
    wait_for(lambda: _answers(whole), 30)
    worker = whole.child("worker")
    worker.suspend()
    wait_for(lambda: whole.is_back("worker", worker), 90)


def test_told_to_go_while_it_starts_it_ends_in_order(whole):
    """The signal comes between the start of the children and the small process that supervises them."""
    whole.start(wait=False)
    wait_for(lambda: any("child.started role=web" in line for line in whole.lines), 60, every_s=0.001)
    whole.process.send_signal(signal.SIGTERM)
    whole.family()
    assert whole.process.wait(20) == 0
    assert whole.left() == []
    assert not (whole.var / "running.json").exists()


def test_without_its_broker_the_one_worker_goes_on_checking(whole):
    whole.start()
    with Target() as target:
        whole.watch(target.url, "Shop")
        wait_for(lambda: whole.status_of("Shop") == "operational", 60)
        whole.child("valkey").suspend()
        asked = len(target.asked)
        target.answers = 503
        wait_for(lambda: len(target.asked) > asked + 2, 60)
        wait_for(lambda: whole.status_of("Shop") == "major_outage", 60)
        whole.child("valkey").resume()


def readiness_until_its_end(whole):
    """What /readyz says until the program has ended; None once nobody answers."""
    seen, end = [], time.monotonic() + 10
    while whole.process.poll() is None and time.monotonic() < end:
        try:
            seen.append(httpx.get(f"{whole.url}/readyz", timeout=1).status_code)
        except httpx.HTTPError:
            seen.append(None)
        time.sleep(0.02)
    return seen


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=only_long)])
def test_told_to_go_it_finishes_what_it_has_in_hand_and_readiness_ends_first(whole, number):
    whole.start()
    with Target() as target:
        target.waits_s = 1.5
        whole.watch(target.url, "Slow shop")
        wait_for(lambda: len(target.asked) > 1, 20)  # the worker's own check is on its way
        whole.family()
        whole.process.send_signal(number)
        seen = readiness_until_its_end(whole)
        assert whole.process.poll() is not None  # within ten seconds
    assert whole.left() == []
    assert 503 in seen
    assert seen.index(503) < (seen.index(None) if None in seen else len(seen))
    rows = whole.manage("shell", "-c", "from components.models import Check; print(Check.objects.filter("
                        "probe__component__name='Slow shop', outcome='up').count())")  # fmt: skip
    assert int(rows.stdout.split()[-1]) >= 1


def refused(whole, **env):
    whole.start(wait=False, **env)
    assert whole.process.wait(30) == 1
    time.sleep(0.1)
    text = "\n".join(line for line in whole.lines if line.strip())
    assert "Traceback" not in text
    return text


def test_a_busy_port(whole):
    with Target(port=whole.port):
        text = refused(whole)
    assert f"Cannot listen on 127.0.0.1:{whole.port}" in text
    assert "set PORT to a free one" in text
    assert len(text.splitlines()) == 1


def test_a_folder_that_cannot_be_written(whole, tmp_path):
    (tmp_path / "file").write_text("in the way")
    whole.var = tmp_path / "file" / "var"
    assert "is not writable" in refused(whole)


def test_two_in_one_folder_and_kill_9_of_the_supervisor_leaves_nothing_running(whole):
    whole.start()
    other = Whole(whole.folder)
    other.database = whole.database
    try:
        assert "is already running" in refused(other)
    finally:
        other.close()
    whole.family()
    os.kill(whole.process.pid, signal.SIGKILL)
    whole.process.wait()
    wait_for(lambda: whole.left() == [], 15)


def test_a_database_of_a_newer_version(whole):
    whole.database = ""  # a file is easy to forge
    whole.var.mkdir()
    shutil.copy(migrated_file(), whole.var / "statuspage.sqlite3")
    with sqlite3.connect(whole.var / "statuspage.sqlite3") as database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('incidents', '0999_future', '2030-01-01')"
        )
    database.close()
    assert "written by a newer version" in refused(whole)


def test_a_database_that_does_not_answer(whole):
    text = refused(whole, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert "The database cannot be used" in text
    assert "DATABASE_URL" in text
