"""kill -9 at the worst moments, and receivers that hang: no call comes twice, nothing else waits."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from components.models import Heartbeat
from incidents.hooks import runner as runners
from incidents.hooks.runner import Runner
from incidents.models import Act, Incident
from tests.incidents.hooks.making import Rounds, failing, hook, notes
from tests.making import joining
from tests.targets import Raw
from tests.whole import ROOT, wait_for

pytestmark = pytest.mark.data


async def silent(reader, writer):
    await asyncio.sleep(60)


@pytest.fixture
def process(transactional_db):
    """Starts `tests.incidents.hooks.dying` with these arguments; ends it, if it still lives."""
    started = []

    def start(*arguments):
        name = connection.settings_dict["NAME"]
        database = settings.POSTGRES.url(name) if settings.POSTGRES else f"sqlite:///{name}"
        env = os.environ | {
            "DJANGO_SETTINGS_MODULE": "statuspage.settings",
            "DATABASE_URL": database,
            "SECRET_KEY": settings.SECRET_KEY,
        }
        command = [sys.executable, "-m", "tests.incidents.hooks.dying", *arguments]
        started.append(subprocess.Popen(command, env=env, cwd=ROOT))
        return started[-1]

    yield start
    for child in started:
        if child.poll() is None:
            child.kill()
        child.wait(10)


@pytest.fixture
def next_runner():
    made = Rounds()
    yield made
    made.close()


def test_killed_between_the_commit_and_the_call_it_is_never_called(process, target, next_runner):
    now = timezone.now()
    hook(failing(at=now - timedelta(minutes=1)).component, target.url, cooldown_s=300)
    child = process("before")
    assert child.wait(30) == -signal.SIGKILL
    act = Act.objects.get()
    assert (act.state, target.asked) == ("started", [])
    assert act.key in notes(Incident.objects.get())[-1]  # its line is there, although it was never sent
    next_runner.at(act.started_at + timedelta(seconds=5))
    assert Act.objects.get().state == "started"  # another process may still be at it
    next_runner.at(act.ends_at + timedelta(seconds=1))
    act.refresh_from_db()
    assert (act.state, act.is_open, target.asked) == ("interrupted", True, [])
    assert "may or may not have been called" in notes(Incident.objects.get())[-1]
    next_runner.at(act.judge_at + timedelta(seconds=1))
    act.refresh_from_db()
    assert (act.helped, target.asked) == ("unknown", [])  # its cooldown counts from the start
    next_runner.at(act.started_at + timedelta(seconds=301))
    assert [one.key for one in Act.objects.filter(state="answered")] != [act.key]
    ((_, _, headers, _),) = target.asked
    assert headers["webhook-id"] != act.key  # a new act, with a key of its own


def test_killed_during_the_call_it_is_not_sent_again(process, next_runner):
    now = timezone.now()
    with Raw(silent) as receiver:
        row = hook(
            failing(at=now - timedelta(minutes=1)).component, f"http://127.0.0.1:{receiver.port}/",
            deadline_s=60, settle_s=3600,
        )  # fmt: skip
        child = process()
        wait_for(lambda: receiver.taken == 1, 30)
        child.kill()
        child.wait(10)
        second = process()
        wait_for(lambda: Heartbeat.objects.filter(role="hooks", name__endswith=f":{second.pid}").exists(), 30)
        next_runner.at(timezone.now() + timedelta(seconds=row.deadline_s + 30))
        act = Act.objects.get()
        assert (act.state, receiver.taken) == ("interrupted", 1)


def test_a_receiver_that_hangs_holds_up_no_round_and_no_other_call(transactional_db, target):
    now = timezone.now()
    joining("never")
    with Raw(silent) as receiver:
        hanging, other = (failing(name, now - timedelta(minutes=1)) for name in ("Chat", "Posts"))
        hook(hanging.component, f"http://127.0.0.1:{receiver.port}/", deadline_s=60)
        runner = Runner(every_s=0.05)
        runner.start()
        try:
            wait_for(lambda: receiver.taken == 1, 20)
            hook(other.component, target.url)
            wait_for(lambda: Act.objects.filter(state="answered").exists(), 20)
            assert Act.objects.filter(state="started").count() == 1
            beat = Heartbeat.objects.get(role="hooks").at
            runner.beat_at = 0.0
            wait_for(lambda: Heartbeat.objects.get(role="hooks").at > beat, 20)
            began = time.monotonic()
            runner.stop(0.1)
            assert time.monotonic() - began < 15
        finally:
            runner.stop()
            runner.threads[1].join(10)
            runner.threads[0].join(10)


def test_a_runner_that_makes_no_more_rounds_is_replaced(transactional_db, monkeypatch):
    monkeypatch.setattr(runners, "_runner", None)
    runners.watch()
    first = runners._runner
    runners.watch()
    assert runners._runner is first
    first.round_at -= runners.WEDGED_S + 1
    runners.watch()
    second = runners._runner
    assert second is not first
    assert first.stopping.is_set()
    runners.stop(1.0)
    for one in (first, second):
        for thread in one.threads:
            thread.join(10)


def test_two_runners_make_one_call(transactional_db, target):
    now = timezone.now()
    hook(failing(at=now - timedelta(minutes=1)).component, target.url)
    both = [Runner(every_s=0.01), Runner(every_s=0.01)]
    for runner in both:
        runner.start()
    try:
        wait_for(lambda: Act.objects.filter(state="answered").exists(), 20)
        time.sleep(0.3)
    finally:
        for runner in both:
            runner.stop(1.0)
            runner.threads[0].join(10)
    assert len(target.asked) == Act.objects.count() == 1


def test_a_clock_that_is_set_back_stops_no_verdict(transactional_db, target, next_runner):
    now = timezone.now()
    hook(failing(at=now - timedelta(minutes=1)).component, target.url)
    next_runner.at(now)
    back = now - timedelta(hours=5)
    next_runner.at(back)
    act = Act.objects.get()
    assert act.judge_at <= back + timedelta(seconds=121)
