"""Staff hear by mail of what breaks in the program itself, once, and of its return."""

import time

import psutil
import pytest

from tests.faults.faults import only_long, report
from tests.servers import PostgreSQL
from tests.subscribers.mailbox import Mailbox
from tests.whole import wait_for

CHANNEL = """
from django.contrib.auth import get_user_model
from django.utils import timezone
from subscribers.states import Channel
from subscribers.models import AlertChannel
one = AlertChannel(user=get_user_model().objects.get(), channel=Channel.EMAIL, created_at=timezone.now())
one.point_to("ada@example.org", "ada@example.org")
one.save()
"""
TOLD_S = 30 + 60  # what must last before it is told, and what it takes to be seen and sent
pytestmark = only_long


@pytest.fixture
def mailbox():
    with Mailbox() as box:
        yield box


def arrival(mailbox, number):
    """How long it takes until this many mails have come (s)."""
    began = time.monotonic()
    wait_for(lambda: len(mailbox.got) >= number, TOLD_S)
    return round(time.monotonic() - began)


def judge(mailbox, what, away_s, back_s):
    """Each was told once."""
    time.sleep(15)
    subjects = [str(one.message["Subject"]) for one in mailbox.got]
    report("alerts", what=what, away_told_s=away_s, back_told_s=back_s, subjects=subjects)
    assert len(subjects) == 2


def start(whole, mailbox, **env):
    whole.start(EMAIL_URL=f"smtp://127.0.0.1:{mailbox.port}", **env)
    whole.manage("shell", "-v0", "-c", CHANNEL)
    wait_for(lambda: whole.json("/api/v2/status.json")["status"]["indicator"] == "none", 60)
    time.sleep(10)  # each process keeps a copy of whom to tell


def test_a_database_that_stops_is_told_and_its_return(whole, mailbox):
    database = PostgreSQL()
    try:
        start(whole, mailbox, DATABASE_URL=database.create("alerts"))
        database.stop_at_once()
        away_s = arrival(mailbox, 1)
        database.start()
        judge(mailbox, "database stopped", away_s, arrival(mailbox, 2))
    finally:
        whole.close()
        database.close()


def test_a_worker_killed_is_told_and_its_return(whole, mailbox):
    start(whole, mailbox)
    psutil.Process(whole.process.pid).suspend()  # nobody brings it back
    leader = whole.child("worker")
    for one in [*leader.children(recursive=True), leader]:
        one.kill()
    away_s = arrival(mailbox, 1)
    psutil.Process(whole.process.pid).resume()
    judge(mailbox, "worker killed", away_s, arrival(mailbox, 2))
