"""The stories of the demo, hurried: what fails, what the page says by itself, and how it ends."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid

import psutil
import pytest

from tests.faults.faults import IS_LONG
from tests.whole import ROOT

INNER = ("DJANGO_SETTINGS_MODULE", "VAR_DIR", "DATABASE_URL", "REDIS_URL", "PUBLIC_URL")


def told_by(story):
    """What the demo prints, in order; it must end well, and leave no process."""
    mark = uuid.uuid4().hex
    env = {k: v for k, v in os.environ.items() if k not in INNER} | {"MARK": mark}
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--story", story, "--pace", "0", "--once"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert [one for one in psutil.process_iter() if _mark_of(one) == mark] == []
    return done.stdout


def in_order(told, chapters):
    places = [told.index(words) for words in chapters]
    assert places == sorted(places)
    return places


def test_widgetify_runs_out_of_connections_and_the_page_tells_it():
    told = told_by("widgetify")
    places = in_order(told, [
        "A quiet day", "degraded performance", "503", "major outage",
        "The page posted automatically (investigating",
        "The console: ", "200 connections instead of 5",
        "The page posted automatically (resolved",
        "A release forgets the styles", "Kim logs in: ", "The console suggests it", "Kim takes it over",
        "The files are restored", "All checks pass, and the incident stays open", "Kim resolves it.",
        "The demo has been removed.",
    ])  # fmt: skip
    assert "Static assets          operational" in told[places[3] : places[4]]
    assert "The database has run out of connections" in told[places[5] : places[6]]


def test_a_chat_fills_up_and_then_its_safeguard_locks_up():
    told = told_by("chat")
    places = in_order(told, [
        "A quiet day", "80 % of all slots", "Chat                   degraded performance",
        "All slots are in use", "Chat                   major outage",
        "The page posted automatically (investigating", "A recovery hook has the chat server restarted",
        "Restart the chat server: Answered. Restarted: ", "It helped",
        "The safeguard itself locks up", "Connection safeguard   major outage",
        "The page posted automatically (investigating, impact critical): Connection safeguard",
        "The page posted automatically (resolved", "The demo has been removed.",
    ])  # fmt: skip
    assert "Posts and comments     operational" in told[places[4] : places[5]]
    assert "Chat                   operational" in told[places[9] : places[10]]


@pytest.mark.skipif(
    not (shutil.which("nginx") or shutil.which("/usr/sbin/nginx")),
    reason="needs nginx: apt-get install nginx-light",
)
def test_seven_causes_behind_nginx_are_told_apart():
    told = told_by("503")
    has_haproxy = shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy")
    assert ("HAProxy is not installed" in told) is (not has_haproxy)
    in_order(told, [
        "A crowd comes", "Overload", "is killed", "is not running", "A worker waits",
        "does not respond in time",
        "A new version", "A deploy, drain or maintenance", "All connections", "has run out of connections",
        "The search behind", "A dependency is failing: search",
        "fails its health check", "The balancer has no healthy server", "Seven failures",
        "The demo has been removed.",
    ])  # fmt: skip


# a terminal that is closed ends it the same way: in the long form
SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if IS_LONG else [])]


@pytest.mark.parametrize("how", SIGNALS, ids=lambda how: how.name)
def test_a_demo_that_is_interrupted_leaves_nothing_however_impatiently(how, tmp_path):
    mark = uuid.uuid4().hex
    env = {k: v for k, v in os.environ.items() if k not in INNER}
    env |= {"MARK": mark, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "manage.py", "demo", "--pace", "0", "--once"]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as demo:
        try:
            while "Open http" not in (line := demo.stdout.readline()):
                assert line, "it ended before the page was there"
            for _ in range(3):
                demo.send_signal(how)
                time.sleep(0.2)
            rest = demo.stdout.read()
            assert demo.wait(60) == 0
        finally:
            demo.kill()
    assert "The demo has been removed." in rest
    assert [one for one in psutil.process_iter() if _mark_of(one) == mark] == []
    assert list(tmp_path.iterdir()) == []


def _mark_of(process):
    try:
        return process.environ().get("MARK")
    except psutil.Error:
        return None
