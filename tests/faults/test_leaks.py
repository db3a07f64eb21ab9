"""Check 25 of docs/faults.md: what does the same thing a thousand times is no bigger afterwards."""

import contextlib
import itertools
import json
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import psutil
import pytest
import redis
from celery import Celery

from tests.faults.faults import only_long, report
from tests.faults.test_post import beside, posting, settled, subscribe
from tests.subscribers.receivers import Sink
from tests.whole import wait_for

LOOKS = 20  # at memory, files and connections, over each run
WARM = 8  # of these are before caches and arenas are full
MOST_MB_PER_10K = 1.0
PAGES = [
    "/", "/history", "/components/{}", "/incidents/{}", "/api/v2/summary.json", "/history.atom",
    "/subscribe", "/subscribe/webhook", "/subscribe/slack",
]  # fmt: skip


@dataclass
class Watched:
    """Processes, looked at from outside while they work."""

    processes: list[psutil.Process]
    done: list[int] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def look(self, done: int) -> None:
        self.done.append(done)
        self.memory_mb.append(sum(one.memory_info().rss for one in self.processes) / 2**20)
        self.files.append(sum(one.num_fds() for one in self.processes))

    def follow(self, number: int, so_far, timeout_s: float) -> None:
        """Look each time another part of `number` is done, until all is."""
        for part in range(1, LOOKS + 1):
            due = number * part // LOOKS
            wait_for(lambda: so_far() >= due, timeout_s, 0.1)  # noqa: B023
            self.look(due)

    @property
    def slope(self) -> float:
        """Megabytes for each 10,000 more, once it was warm."""
        return 10_000 * statistics.linear_regression(self.done[WARM:], self.memory_mb[WARM:]).slope

    def judge(self, what: str, **more) -> None:
        half = (LOOKS - WARM) // 2
        files = (min(self.files[WARM:-half]), min(self.files[-half:]))  # what is in flight comes and goes
        memory = [round(one) for one in self.memory_mb[:: LOOKS - 1]]
        report(25, what=what, done=self.done[-1], memory_mb=memory,
               mb_per_10k=round(self.slope, 2), files=files, **more)  # fmt: skip
        assert self.slope <= MOST_MB_PER_10K
        assert files[1] - files[0] <= 10


def with_children(leader):
    return [leader, *leader.children(recursive=True)]


def connections(whole):
    """How many the program holds open in PostgreSQL; None on SQLite."""
    if not whole.database:
        return None
    import psycopg

    with contextlib.closing(psycopg.connect(whole.database)) as line:
        question = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return line.execute(question).fetchone()[0]


class Counting(Sink):
    """A receiver that keeps only how many different messages came to whom."""

    def __init__(self):
        super().__init__("0.0.0.0")
        self.seen = set()

    def count(self):
        with self.lock:
            came, self.got = self.got, []
        self.seen |= {(one.path, one.id) for one in came}
        return len(self.seen)


# one after the other: what is open is told of in every message, so what stays open is no leak
SHORT_INCIDENTS = """
import time
from django.db import OperationalError
from django.utils import timezone
from components.models import Component
from incidents.models import Incident, Post
chat = Component.objects.get(name="Chat")
number, one = 0, None
while number < {incidents}:
    try:
        if one is None:
            one = Incident.objects.open(f"Incident {{number}}", "It began.", now=timezone.now(),
                                        components=[chat], statuses={{chat: "major_outage"}})
        else:
            one.post(Post("It is over.", phase="resolved", notifies=False), now=timezone.now())
            number, one = number + 1, None
    except OperationalError:
        pass  # what was not committed was not said
    time.sleep(0.5)
"""


@only_long
def test_25_deliveries_leave_nothing_behind(whole):
    """As many incidents as it takes, each told to 500 webhooks."""
    subscribers, incidents = 500, 100
    whole.start()
    with Counting() as sink:
        # each on a host of its own: of one host two are told at a time
        subscribe(
            whole, [f"http://127.1.{n // 250}.{n % 250 + 1}:{sink.port}/{n}" for n in range(subscribers)]
        )
        poster = beside(whole, SHORT_INCIDENTS.format(incidents=incidents))
        wait_for(lambda: sink.count() > 0, 30)
        before = connections(whole)
        watched = Watched(with_children(whole.child("post")))
        watched.follow(subscribers * incidents, sink.count, 300)
        poster.wait(60)
        settled(whole, incidents)
        assert sink.count() == subscribers * incidents
        after = connections(whole)
    watched.judge("deliveries", connections=(before, after))
    assert before is None or after <= before + 1


@only_long
@pytest.mark.parametrize("task", ["incidents.tick", "subscribers.sort_post"])
def test_25_tasks_leave_nothing_behind(whole, task):
    """Tens of thousands of the tasks that come every second."""
    number = 50_000
    whole.start()
    role, queue = ("worker", "celery") if task == "incidents.tick" else ("post", "post")
    broker = json.loads((whole.var / "running.json").read_text())["REDIS_URL"]
    line = redis.Redis.from_url(broker)
    wait_for(lambda: whole.child(role), 30)
    time.sleep(5)  # its children are there
    before = connections(whole)
    watched = Watched(with_children(whole.child(role)))
    with Celery("sender", broker=broker, set_as_current=False) as sender:
        for _ in range(number):
            sender.send_task(task, queue=queue)
    watched.follow(number, lambda: number - line.llen(queue), 900)
    wait_for(lambda: line.llen(queue) < 5, 30)
    after = connections(whole)
    watched.judge(task, connections=(before, after))
    assert before is None or after <= before + 1


@only_long
def test_25_pages_leave_nothing_behind(whole):
    """Readers, eight at a time: documents come from memory, every third page is rendered for its reader."""
    number = 60_000
    whole.start()
    subscribe(whole, [])  # makes the component
    posting(whole, 3, 1, 0).wait(60)
    component = next(row for row in whole.json()["components"] if row["name"] == "Chat")["id"]
    paths = [path.format(component if "comp" in path else whole.incidents()[0]["id"]) for path in PAGES]
    watched = Watched(with_children(whole.child("web")))
    before, turn, bad, guard = connections(whole), itertools.count(), [], threading.Lock()

    def read(_):
        with httpx.Client(base_url=whole.url, timeout=30) as client:
            while (mine := next(turn)) < number:
                code = client.get(f"{paths[mine % len(paths)]}?reader={mine}").status_code
                if code != 200:
                    bad.append((paths[mine % len(paths)], code))
                if mine % (number // LOOKS) == 0:
                    with guard:
                        watched.look(mine)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(8)))
    after = connections(whole)
    assert not bad, bad[:5]
    watched.judge("pages", connections=(before, after))
    assert before is None or after <= before + 1
