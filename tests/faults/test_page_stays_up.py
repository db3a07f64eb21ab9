"""Checks 1, 2, 5, 7 of docs/faults.md: the page stays up and honest."""

import re
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import psycopg
import pytest

from tests.faults.faults import Readers, length, only_long, report
from tests.servers import PostgreSQL, Valkey
from tests.targets import Target
from tests.whole import wait_for

PATHS = ["/", "/history", "/history.rss", "/history.atom", "/api/v2/summary.json", "/api/v2/status.json"]


@pytest.fixture
def servers():
    postgres, valkey = PostgreSQL(), Valkey()
    yield postgres, valkey
    valkey.close()
    postgres.close()


def is_well(whole):
    try:
        return httpx.get(f"{whole.url}/healthz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("dead", length(["both"], ["database", "broker", "both"]))
def test_01_database_or_broker_dead(whole, servers, dead):
    postgres, valkey = servers
    whole.start(DATABASE_URL=postgres.create("page"), REDIS_URL=valkey.url)
    wait_for(lambda: is_well(whole), 40)
    with Readers(whole.url, PATHS) as readers:
        time.sleep(1)
        if dead != "broker":
            postgres.stop_at_once()
        if dead != "database":
            valkey.kill()
        time.sleep(length(6, 180))
        if dead != "broker":
            postgres.start()
        if dead != "database":
            valkey.start()
        back_at = time.monotonic()
        wait_for(lambda: is_well(whole), 60)
        healed_s = time.monotonic() - back_at
        time.sleep(1)
    readers.report(1, dead=dead, healed_s=round(healed_s, 1))
    assert set(readers.codes) == {200}
    assert len(readers.codes) > 50
    if dead != "broker":
        wait_for(lambda: whole.json("/api/v2/status.json")["status"]["indicator"] == "none", 60)


def test_01_started_with_everything_dead_it_serves_the_last_page(whole):
    whole.start()
    wait_for(lambda: whole.json("/api/v2/status.json")["status"]["indicator"] == "none", 40)
    wait_for(lambda: "All systems are operational" in whole.web.get("/").text, 20)
    whole.stop()
    import subprocess
    import sys

    env = whole.env | {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    web = subprocess.Popen([sys.executable, "manage.py", "web"], env=env, stderr=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)  # fmt: skip
    try:
        page = wait_for(lambda: _get(whole.url), 20)
        assert page.status_code == 200
        assert "All systems are operational" in page.text or "We don’t currently know" in page.text
        assert 'data-checked="' in page.text
        unheard = httpx.get(f"{whole.url}/history/2020-01", timeout=10)
        assert unheard.status_code == 503
        assert "We don’t currently know the status" in unheard.text
    finally:
        web.terminate()
        web.wait(10)


def _get(url):
    try:
        return httpx.get(url, timeout=5)
    except httpx.HTTPError:
        return None


def test_02_no_workers(whole):
    whole.start()
    with Target() as target:
        whole.watch(target.url, "Shop")
        wait_for(lambda: whole.status_of("Shop") == "operational", 30)
        wait_for(lambda: whole.json("/api/v2/status.json")["status"]["indicator"] == "none", 30)
        figure = _uptime(whole)
        psutil.Process(whole.process.pid).suspend()  # nobody brings them back
        for leader in {whole.child("beat"), whole.child("worker")}:  # one process, unless told otherwise
            for one in [*leader.children(recursive=True), leader]:
                one.kill()
        began = time.monotonic()
        names = ["Shop", "Web", "Worker", "Database"]
        wait_for(lambda: {whole.status_of(name) for name in names} == {"unknown"}, 3 * 10 + 10 + 5)
        report(2, components=len(names), unknown_after_s=round(time.monotonic() - began))
        assert whole.json("/api/v2/status.json")["status"]["indicator"] != "none"
        wait_for(lambda: "We don’t currently know" in whole.web.get("/").text, 15)
        assert _uptime(whole) == figure
        assert whole.incidents() == []
        psutil.Process(whole.process.pid).resume()
        wait_for(lambda: {whole.status_of(name) for name in names} == {"operational"}, 60)
        assert whole.incidents() == []


def _uptime(whole):
    rows = whole.json("/api/v2/components.json")["components"]
    shop = next(row["id"] for row in rows if row["name"] == "Shop")
    return re.search(r"<p>\s*<b>(.+?)</b>", whole.web.get(f"/components/{shop}").text)[1]


@only_long
def test_05_traffic_spike(whole, servers):
    postgres, _ = servers
    url = postgres.create("spike")
    whole.start(DATABASE_URL=url)
    wait_for(lambda: is_well(whole), 40)
    whole.manage("post", "new", "--title", "Spike", "--body", "We look.")
    with psycopg.connect(url, autocommit=True) as database, httpx.Client(timeout=10) as reader:
        idle = _commits(database)
        time.sleep(3)
        before = _commits(database)
        idle = (before - idle) / 3  # what worker and renderer do by themselves
        began, asked, bad = time.monotonic(), 0, 0
        seconds = length(5, 60)

        def load(_):
            answer = reader.get(f"{whole.url}/", headers={"accept-encoding": "br"})
            return answer.status_code

        with ThreadPoolExecutor(16) as pool:
            while time.monotonic() - began < seconds:
                for code in pool.map(load, range(200)):
                    asked, bad = asked + 1, bad + (code != 200)
        took = time.monotonic() - began
        commits = (_commits(database) - before) / took
        words = f"News {time.time():.0f}"
        whole.manage("post", "last", "--phase", "identified", "--body", words)
        posted = time.monotonic()
        wait_for(lambda: words in reader.get(f"{whole.url}/").text, 10)
        visible_s = time.monotonic() - posted
    report(
        5,
        asked=asked,
        not_200=bad,
        per_s=round(asked / took),
        commits_per_s=round(commits, 1),
        idle=round(idle, 1),
        post_visible_s=round(visible_s, 1),
    )
    assert bad == 0
    assert visible_s < 5
    # readers must add nothing: not one query in twenty answers
    assert commits - idle < asked / took / 20 + 10


def _commits(database):
    database.execute("SELECT pg_stat_clear_snapshot()")
    return database.execute(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone()[0]


def test_07_streams_do_not_leak(web):
    process = psutil.Process(web.process.pid)
    family = [process, *process.children(recursive=True)]
    ask = f"GET /live HTTP/1.1\r\nHost: localhost:{web.port}\r\n\r\n".encode()

    def files():
        return sum(one.num_fds() for one in family)

    def round_():
        for n in range(length(300, 5_000)):
            line = socket.create_connection(("127.0.0.1", web.port), timeout=5)
            line.sendall(ask if n % 3 else ask[:20])
            if n % 3 == 1:
                line.recv(10)
            if n % 2:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.close()

    round_()  # warm
    wait_for(lambda: files() > 0, 5)
    time.sleep(3)
    start, memory = files(), sum(one.memory_info().rss for one in family)
    for _ in range(2):
        round_()
    wait_for(lambda: abs(files() - start) <= 5, 40)
    grown = sum(one.memory_info().rss for one in family) / memory
    report(7, files_before=start, files_after=files(), memory_ratio=round(grown, 3))
    assert grown < 1.10
    assert httpx.get(f"{web.url}/livez").status_code == 200
