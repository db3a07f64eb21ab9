"""Checks 19, 20, 39 of docs/faults.md: the broker forgets, restarts; SQLite under many writers."""

import threading
import time

import pytest
import redis
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from components.checking import Finding
from components.models import Check, Heartbeat, Page, Probe
from incidents.tasks import settle
from tests.faults.faults import length, only_long, report
from tests.making import reading, watched
from tests.servers import Valkey
from tests.targets import Target
from tests.whole import wait_for


@pytest.fixture
def valkey():
    made = Valkey()
    yield made
    made.close()


def count(whole):
    """How many checks of the shop were written, by asking the program's own database."""
    text = whole.manage("shell", "-c", "from components.models import Check; print('n=', Check.objects."
                        "filter(probe__component__name='Shop').count())").stdout  # fmt: skip
    return int(text.split("n=")[1])


@pytest.mark.parametrize("amnesia", length(["flushed"], ["flushed", "killed"]))
def test_19_broker_amnesia(whole, valkey, amnesia):
    whole.start(REDIS_URL=valkey.url)
    with Target() as target:
        whole.watch(target.url, "Shop")
        wait_for(lambda: whole.status_of("Shop") == "operational", 40)
        if amnesia == "killed":
            valkey.kill()
        target.answers = 503  # while nobody can be told
        time.sleep(2)
        if amnesia == "killed":
            valkey.start()
        else:
            for _ in range(5):
                redis.Redis.from_url(valkey.url).flushall()
                time.sleep(0.2)
        back = time.monotonic()
        wait_for(lambda: whole.status_of("Shop") == "major_outage", 60)
        healed_s = time.monotonic() - back
        assert [one["name"] for one in whole.incidents()] == ["Shop is returning errors"]
    report(19, amnesia=amnesia, told_after_s=round(healed_s, 1))


@only_long
def test_20_broker_restarts(whole, valkey):
    whole.start(REDIS_URL=valkey.url)
    worst = 0.0
    with Target() as target:
        whole.watch(target.url, "Shop")
        wait_for(lambda: whole.status_of("Shop") == "operational", 40)
        for cycle in range(length(2, 30)):
            for _ in range(1 + cycle % 3):
                valkey.kill()
                time.sleep(0.1 + 0.4 * (cycle % 4))
                valkey.start()
                time.sleep(0.3)
            before, began = len(target.asked), time.monotonic()
            wait_for(lambda: len(target.asked) > before, 60)  # noqa: B023
            worst = max(worst, time.monotonic() - began)
        assert count(whole) >= 2
    report(20, consuming_again_s_max=round(worst, 1))
    assert worst <= 15 + 5  # and the interval of the shop's own probe


def test_39_many_writers(transactional_db):
    """Claims, results, heartbeats and posts at once: nothing is locked out, nothing lost."""
    probes = [watched(f"C{n}") for n in range(20)]
    Page.objects.this()
    stop, locked, waits = threading.Event(), [], []
    written = {"checks": 0, "turns": 0}
    guard = threading.Lock()

    def writer(act, name):
        while not stop.is_set():
            began = time.monotonic()
            try:
                act()
            except OperationalError as error:
                locked.append(str(error))
                continue
            waits.append(time.monotonic() - began)
            with guard:
                written[name] = written.get(name, 0) + 1
        connection.close()

    def worker():
        """What a worker does, on whatever is due; then all is due again."""
        at = timezone.now()
        claims = Probe.objects.claim_due(int(at.timestamp()))
        Probe.objects.begin(claims)
        settle([Finding(claim, reading("up"), at, 0) for claim in claims], at)
        Probe.objects.filter(pk__in=[claim.probe_id for claim in claims]).update(next_slot=1)
        with guard:
            written["checks"] += len(claims)

    def turn():
        with transaction.atomic():
            Page.objects.lock()
            Page.objects.filter(pk=1).update(rolled_up_to=F("rolled_up_to") + 1)

    acts = [(worker, "rounds"), (worker, "rounds"), (turn, "turns"), (turn, "turns"),
            (lambda: Heartbeat.objects.beat("worker", "w", timezone.now()), "beats")]  # fmt: skip
    threads = [threading.Thread(target=writer, args=act) for act in acts]
    for thread in threads:
        thread.start()
    time.sleep(length(4, 600))
    wait_for(lambda: written["checks"] >= 3 * len(probes), 40)
    stop.set()
    for thread in threads:
        thread.join(30)
    report(39, writes=len(waits), locked=len(locked), worst_wait_s=round(max(waits), 2))
    assert locked == []
    assert Page.objects.get().rolled_up_to == written["turns"]
    assert Check.objects.count() >= len(probes)
    assert Probe.objects.exclude(claimed_slot=None).count() == 0
