"""Checks 18, 19, 22, 23, 24, 28 of docs/faults.md: nothing that was said is lost, whatever dies."""

import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import defaultdict

import psutil
import pytest
import redis

from tests.faults.faults import Readers, length, only_long, p99, report
from tests.servers import Valkey
from tests.subscribers.mailbox import Mailbox
from tests.subscribers.receivers import Sink
from tests.whole import ROOT, wait_for

SUBSCRIBE = """
from django.utils import timezone
from components.models import Component
from subscribers.states import Channel
from subscribers.models import State, Subscriber
from components import encryption, webhook_signature
import json, pathlib, secrets
component = Component.objects.create(name="Chat", status="operational")
now, rows = timezone.now(), []
for url in pathlib.Path({file!r}).read_text().split():
    channel = Channel.WEBHOOK if "://" in url else Channel.EMAIL
    one = Subscriber(channel=channel, state=State.ACTIVE, created_at=now)
    one.key = secrets.token_urlsafe(24)
    one.point_to(url)
    one.signing = encryption.seal(json.dumps([[webhook_signature.new_secret(), None]]))
    rows.append(one)
Subscriber.objects.bulk_create(rows, batch_size=500)
"""
POST = """
import time
from django.db import OperationalError
from django.utils import timezone
from components.models import Component
from incidents.models import Incident, Post
chat = Component.objects.get(name="Chat")
incidents, told, number = [], [], 0
while number < {updates}:
    try:
        if number < {incidents}:
            incidents.append(Incident.objects.open(f"Incident {{number}}", "Word 0.", now=timezone.now(),
                             components=[chat], statuses={{chat: "major_outage"}}))
        else:
            told = Post(f"Word {{number}}.", phase="identified")
            incidents[number % {incidents}].post(told, now=timezone.now())
        number += 1
    except OperationalError:
        time.sleep(0.2)  # what was not committed was not said
    time.sleep({pause})
"""
QUESTIONS = {
    "updates": "SELECT u.public_id FROM incidents_update u JOIN incidents_notice n ON n.update_id = u.id",
    "unsorted": "SELECT count(*) FROM incidents_notice WHERE sorted_at IS NULL",
    "rows": "SELECT count(*) FROM subscribers_delivery",
    "owed": "SELECT count(*) FROM subscribers_delivery WHERE state = 'owed'",
    "stopped": "SELECT count(*) FROM subscribers_subscriber WHERE state <> 'active'",
}


def state(whole):
    """What the program's database says, asked from outside."""
    import psycopg

    source = whole.database or str(whole.var / "statuspage.sqlite3")
    opened = psycopg.connect(source) if whole.database else sqlite3.connect(source, timeout=20)
    with contextlib.closing(opened) as line:
        rows = {name: line.execute(question).fetchall() for name, question in QUESTIONS.items()}
    return {
        name: [row[0] for row in found] if name == "updates" else found[0][0] for name, found in rows.items()
    }


def subscribe(whole, urls):
    file = whole.folder / "urls.txt"  # ten thousand are more than a command line holds
    file.write_text("\n".join(urls))
    whole.manage("shell", "-v0", "-c", SUBSCRIBE.format(file=str(file)))


def posting(whole, updates, incidents, pause):
    """Somebody who posts, beside the program."""
    return beside(whole, POST.format(updates=updates, incidents=incidents, pause=pause))


def beside(whole, code):
    """Somebody who works on the program's database meanwhile."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", code],
        env=whole.env | whole.given,
        stdout=subprocess.DEVNULL,
    )


def settled(whole, updates, timeout_s=120):
    """Everything said was given out and ended, one way or the other."""

    end = time.monotonic() + timeout_s
    while True:
        found = state(whole)
        if len(found["updates"]) >= updates and not found["unsorted"] and not found["owed"]:
            return found
        seen = {**found, "updates": len(found["updates"])}
        assert time.monotonic() < end, f"not settled within {timeout_s} s: {seen}"
        time.sleep(0.2)


def judge(sink, urls, found):
    """Jepsen's words: lost, unexpected, duplicated."""
    paths = {url.removeprefix(sink.url) for url in urls}
    heard, ids, copies = defaultdict(set), defaultdict(set), defaultdict(int)
    for one in sink.got:
        words = one.json["incident"]["incident_updates"]
        heard[one.path] |= {word["id"] for word in words}
        ids[one.path, words[0]["id"]].add(one.id)
        copies[one.path, one.id] += 1
    lost = sum(len(set(found["updates"]) - heard[path]) for path in paths)
    unexpected = sum(one.path not in paths for one in sink.got)
    renamed = sum(len(names) > 1 for names in ids.values())
    return {
        "lost": lost,
        "unexpected": unexpected,
        "under_another_id": renamed,
        "duplicated": sum(number - 1 for number in copies.values()),
    }


def assert_well(verdict):
    assert (verdict["lost"], verdict["unexpected"], verdict["under_another_id"]) == (0, 0, 0), verdict


def kill(whole, roles, draw):
    """kill -9 of the leader or one of the children of one of these roles. False when nobody is there."""
    victim = whole.child(draw.choice(roles))
    if victim is None:
        return False
    children = victim.children()
    (draw.choice(children) if children and draw.random() < 0.5 else victim).send_signal(signal.SIGKILL)
    return True


def test_18_kill_9_anywhere(whole):
    """Workers are killed every second or three while people post; then always in the middle of work."""
    updates, number, blind, aimed = length(24, 500), length(6, 20), length(3, 25), length(0, 25)
    draw = random.Random(18)
    whole.start()
    with Sink() as sink:
        urls = [f"{sink.url}/{n}" for n in range(number)]
        subscribe(whole, urls)
        poster = posting(whole, updates, length(4, 25), length(0.2, 0.65))
        done = 0
        while done < blind:
            time.sleep(draw.uniform(1, 3))
            done += kill(whole, ["post", "post", "worker"], draw)
        while done < blind + aimed and poster.poll() is None:
            seen = len(sink.got)
            wait_for(lambda: len(sink.got) > seen or poster.poll() is not None, 60, 0.01)  # noqa: B023
            time.sleep(draw.uniform(0, 0.3))
            done += kill(whole, ["post"], draw)
        last = time.monotonic()
        poster.wait(length(120, 900))
        found = settled(whole, updates)
        verdict = judge(sink, urls, found)
        report(18, updates=updates, subscribers=number, kills=done, **verdict,
               done_s_after_the_last_kill=round(time.monotonic() - last))  # fmt: skip
    assert_well(verdict)
    assert found["rows"] == len(found["updates"]) * number
    assert found["stopped"] == 0


@only_long
@pytest.mark.parametrize("amnesia", ["flushed", "stopped"])
def test_19_broker_amnesia_and_delivery(whole, amnesia):
    valkey = Valkey()
    try:
        whole.start(REDIS_URL=valkey.url)
        with Sink() as sink:
            urls = [f"{sink.url}/{n}" for n in range(5)]
            subscribe(whole, urls)
            poster = posting(whole, 10, 2, 0.2)
            time.sleep(2.5)
            if amnesia == "flushed":
                for _ in range(5):
                    redis.Redis.from_url(valkey.url).flushall()
                    time.sleep(0.2)
            else:
                valkey.kill()
                time.sleep(2)
                valkey.start()
            poster.wait(60)
            back = time.monotonic()
            found = settled(whole, 10, 60)
            verdict = judge(sink, urls, found)
            report(19, amnesia=amnesia, **verdict, done_s_after=round(time.monotonic() - back))
        assert_well(verdict)
    finally:
        valkey.close()


@only_long
def test_22_a_broker_that_hangs_keeps_nobody_waiting_and_loses_nothing(whole):
    valkey = Valkey()
    try:
        whole.start(REDIS_URL=valkey.url)
        with Sink() as sink:
            urls = [f"{sink.url}/{n}" for n in range(3)]
            subscribe(whole, urls)
            valkey.process.send_signal(signal.SIGSTOP)
            began = time.monotonic()
            poster = posting(whole, 4, 1, 0)
            poster.wait(60)
            took_s = time.monotonic() - began
            valkey.process.send_signal(signal.SIGCONT)
            found = settled(whole, 4, 90)
            verdict = judge(sink, urls, found)
            report(22, four_posts_took_s=round(took_s, 1), **verdict)
        assert_well(verdict)
        assert took_s < 4 * 2 + 6  # and the start of a process
    finally:
        valkey.close()


def test_23_database_connections_cut(whole):
    """On PostgreSQL every connection is cut while messages are on their way."""
    from django.conf import settings

    if settings.POSTGRES is None:
        pytest.skip("SQLite has no connections to cut")
    import psycopg

    updates = length(10, 60)
    whole.start()
    with Sink() as sink, psycopg.connect(settings.POSTGRES.url("postgres"), autocommit=True) as admin:
        urls = [f"{sink.url}/{n}" for n in range(5)]
        subscribe(whole, urls)
        poster = posting(whole, updates, 2, 0.4)
        name = whole.database.rsplit("/", 1)[1].split("?")[0]
        for _ in range(length(3, 18)):
            time.sleep(length(1.5, 10))
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
                " AND application_name <> 'statuspage shell'", [name],
            )  # fmt: skip
        poster.wait(120)
        found = settled(whole, updates, 90)
        verdict = judge(sink, urls, found)
        report(23, updates=updates, **verdict)
    assert_well(verdict)


def test_24_deploy_in_the_middle(whole):
    """SIGTERM with messages in flight: the worker ends in time, and nothing is sent by it afterwards."""
    whole.start()
    number = length(40, 200)
    with Sink() as sink:
        urls = [f"{sink.url}/{n}" for n in range(number)]
        for url in urls:
            sink.answers[url.removeprefix(sink.url)] = lambda: time.sleep(0.05) or 200
        subscribe(whole, urls)
        posting(whole, 2, 1, 0.5).wait(30)
        wait_for(lambda: sink.got, 30, 0.02)
        old = whole.child("post")
        began = time.monotonic()
        old.terminate()
        psutil.wait_procs([old], 45)
        took_s = time.monotonic() - began
        found = settled(whole, 2, 90)
        verdict = judge(sink, urls, found)
        report(24, in_flight=number, ended_after_s=round(took_s, 1), **verdict)
    assert_well(verdict)
    assert took_s <= 45


@only_long
def test_28_mass_event(whole):
    """Many webhooks, some of them dead, and many on one host: the dead delay nobody, the page stays quick."""
    number, dead, crowd, mails = length(150, 4_750), length(8, 250), length(20, 200), length(40, 5_000)
    with Mailbox() as mailbox, Sink("0.0.0.0") as sink, Sink() as busy, Sink("0.0.0.0", "hang") as grave:
        whole.start(EMAIL_URL=f"smtp://127.0.0.1:{mailbox.port}")
        in_flight, most, guard = [0], [0], threading.Lock()

        def counted():
            with guard:
                in_flight[0] += 1
                most[0] = max(most[0], in_flight[0])
            time.sleep(0.02)
            with guard:
                in_flight[0] -= 1
            return 200

        healthy = [f"http://127.1.{n // 250}.{n % 250 + 1}:{sink.port}/{n}" for n in range(number)]
        crowded = [f"{busy.url}/{n}" for n in range(crowd)]
        for url in crowded:
            busy.answers[url.removeprefix(busy.url)] = counted
        graves = [f"http://127.3.{n // 250}.{n % 250 + 1}:{grave.port}/{n}" for n in range(dead)]
        readers_of_mail = [f"reader{n}@d{n % 40}.example" for n in range(mails)]
        subscribe(whole, [*healthy, *crowded, *graves, *readers_of_mail])
        with Readers(whole.url, ["/"]) as readers:
            began = time.monotonic()
            posting(whole, 1, 1, 0).wait(30)
            wait_for(lambda: len({one.path for one in sink.got}) >= number, 150, 0.2)
            told_s = time.monotonic() - began
            wait_for(lambda: len({one.path for one in busy.got}) >= crowd, 150, 0.2)
            wait_for(lambda: len({one.to for one in mailbox.got}) >= mails, 150, 0.2)
            mailed_s = time.monotonic() - began
        late = sorted(one.at - began for one in sink.got)
        report(28, healthy=number, dead=dead, told_s_p99=round(p99(late), 1), all_told_s=round(told_s, 1),
               mails=mails, mailed_s=round(mailed_s, 1),
               most_at_once_on_one_host=most[0], page_p99_ms=round(p99(readers.took_ms)))  # fmt: skip
        assert most[0] <= 2
        assert len(mailbox.got) == mails
        assert p99(late) <= 120
        assert set(readers.codes) == {200}
