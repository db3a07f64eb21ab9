"""The whole program with a part missing: who is named, who is left in peace, how much is logged."""

import time

import httpx
import pytest

from tests.clock import WallClock
from tests.faults.faults import only_long
from tests.subscribers.receivers import Sink
from tests.targets import Target
from tests.whole import wait_for

SUBSCRIBE = """
from django.utils import timezone
from subscribers.models import Subscriber
Subscriber.objects.take_in("webhook", "{address}", timezone.now(), source="staff", agreed=True)
"""
BROKEN = """import sys
if sys.orig_argv[-1] == "beat":
    sys.modules["packaging"] = None
"""


def is_served(whole):
    try:
        return httpx.get(f"{whole.url}/").status_code == 200
    except httpx.HTTPError:
        return False


def said(whole, text):
    return [line for line in whole.lines if text in line]


def test_a_broker_that_is_refused_is_named_and_no_worker_is_killed_for_it(whole):
    whole.start(wait=False, REDIS_URL="redis://:secret@127.0.0.1:1/0", WORKER_SILENCE_S="10")
    wait_for(lambda: said(whole, "the broker is unavailable: 127.0.0.1:1 is not responding"), 30)
    wait_for(lambda: is_served(whole), 20)
    workers = wait_for(lambda: whole.child("worker") and whole.child("post") and whole.family(), 20)
    time.sleep(15)  # longer than their patience
    assert {one.pid for one in workers} <= {one.pid for one in whole.family()}
    assert not said(whole, "is live")
    assert not said(whole, "has been idle")
    assert said(whole, "waiting for the first activity of")
    assert not said(whole, "secret")
    before = len(whole.lines)
    time.sleep(10)
    assert len(whole.lines) - before <= 5  # 20 a minute, at the most


@only_long
def test_a_part_that_cannot_start_is_named_with_its_reason_once(whole, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BROKEN)
    whole.start(wait=False, PYTHONPATH=str(tmp_path / "site"), WORKER_SILENCE_S="10")
    reason = "beat cannot start: ModuleNotFoundError: No module named 'packaging"
    wait_for(lambda: said(whole, reason), 90)
    worker = wait_for(lambda: whole.child("worker"), 10)
    time.sleep(20)
    assert len(said(whole, "beat    | Traceback")) <= 2  # the library's own words for it, and the reason
    assert len(said(whole, "beat cannot start")) == 1
    assert not said(whole, "is live")
    assert whole.child("worker").pid == worker.pid  # silent, for want of a clock
    (tmp_path / "site" / "sitecustomize.py").write_text("")
    wait_for(lambda: said(whole, "is live"), 60)
    wait_for(lambda: said(whole, "beat is running again"), 30)


@pytest.mark.parametrize(
    "step_s", [pytest.param(-150, marks=only_long), -3600, pytest.param(7200, marks=only_long)]
)
def test_a_clock_that_steps_stops_neither_checks_nor_messages(whole, tmp_path, step_s):
    clock = WallClock(tmp_path)
    whole.start(**clock.env, SUBSCRIBER_EGRESS_ALLOW="127.0.0.0/8")
    with Target() as target, Sink() as sink:
        whole.watch(target.url, "Shop")
        whole.manage("shell", "-c", SUBSCRIBE.format(address=f"{sink.url}/hook"))
        wait_for(lambda: whole.status_of("Shop") == "operational", 30)
        clock.step(step_s)
        asked = len(target.asked)
        target.answers = 503
        wait_for(lambda: len(target.asked) > asked, 30)
        wait_for(lambda: whole.status_of("Shop") == "major_outage", 60)
        wait_for(whole.incidents, 30)
        wait_for(lambda: sink.got, 90)
        wait_for(lambda: whole.web.get("/healthz").status_code == 200, 60)
    assert not said(whole, "has been idle")
    titles = {one["name"] for one in whole.incidents()}
    assert titles == {"Shop is returning errors"}
