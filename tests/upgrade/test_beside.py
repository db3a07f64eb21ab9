"""The version before serves, checks and writes while this version's migrations run, and after them.

As a rolling upgrade has it: the new version migrates first, the old processes end later.
"""

import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.faults.faults import only_long
from tests.targets import Target
from tests.upgrade.test_rehearsal import row_of
from tests.upgrade.versions import WITH_SUBSCRIBERS, Earlier, Later
from tests.whole import ROOT, wait_for

pytestmark = [pytest.mark.data, pytest.mark.stack, only_long]
WRITING = Path(__file__).with_name("writing.py")
TITLE = "Uploads fail — some of them"
PATHS = ("/", "/history", "/api/v2/summary.json", "/history.atom", "/accounts/login/", "/healthz")
GOES_ON_S = 10  # of the old version on the new tables
RESULTS = (
    "SELECT slot FROM components_check c JOIN components_probe p ON p.id = c.probe_id"
    " WHERE p.target LIKE '{}%'"
)


class Reader:
    """Reads pages until it is stopped; keeps every answer that is not right."""

    def __init__(self, url):
        self.url, self.count, self.wrong, self.ends = url, 0, [], threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        with httpx.Client(base_url=self.url, timeout=30) as web:
            while not self.ends.wait(0.02):
                path = PATHS[self.count % len(PATHS)]
                answer = web.get(path)
                # how it is with its own processes is not about the tables
                if answer.status_code != 200 and path != "/healthz":
                    self.wrong.append((path, answer.status_code))
                self.count += 1

    def stop(self):
        self.ends.set()
        self.thread.join(60)


class Writer:
    def __init__(self, page):
        self.log = page.folder / "writing.log"
        env = {"PYTHONPATH": str(page.root), "DJANGO_SETTINGS_MODULE": "statuspage.settings"}
        with self.log.open("w") as out, self.log.with_suffix(".errors").open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(WRITING), TITLE],
                cwd=page.root,
                env=page.env | env,
                stdout=out,
                stderr=errors,
            )

    @property
    def committed(self):
        return len(self.log.read_text().split("\n")) - 1

    def stop(self):
        self.process.terminate()
        self.process.wait()


def results(page, target):
    return sorted(slot for (slot,) in row_of(page, RESULTS.format(target)))


def test_nothing_fails_and_nothing_is_lost_while_the_tables_change(tmp_path):
    with closing(Earlier(tmp_path / "page", WITH_SUBSCRIBERS)) as page, Target() as target:
        page.fill()
        page.start()
        page.watch(target.url, "Watched")
        wait_for(lambda: len(results(page, target.url)) >= 2, 60)
        reader, writer = Reader(page.url), Writer(page)
        try:
            wait_for(lambda: writer.committed >= 10 and reader.count >= 20, 60)
            before = writer.committed
            began = time.time()
            later_migrates(page)
            took = time.time() - began
            during = writer.committed - before
            # new slots by the old worker, on the new tables
            wait_for(lambda: results(page, target.url)[-1] > began + took + GOES_ON_S, 90)
            at_the_end = writer.committed
        finally:
            reader.stop()
            writer.stop()
        assert writer.log.with_suffix(".errors").read_text() == ""
        assert reader.wrong == []
        assert at_the_end > before + during > 0
        assert_posted(page, at_the_end)
        page.stop()
        # all that it asked, but for the first look from the shell and one that was under way at the stop
        assert len(results(page, target.url)) >= len(target.asked) - 2
    with closing(Later(page)) as later:
        later.start()
        assert f"Still looking, number {at_the_end - 1}." in later.web.get("/").text + str(later.incidents())


def later_migrates(page):
    """As `statuspage prepare` of a new release does; what it says and its code."""
    return end_of(later_begins(page), page)


def later_begins(page):
    log = page.folder / "prepare.log"
    with log.open("w") as out:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "prepare"], cwd=ROOT, env=page.env, stdout=out,
            stderr=subprocess.STDOUT,
        )  # fmt: skip


def end_of(process, page):
    process.wait(300)
    text = (page.folder / "prepare.log").read_text()
    assert process.returncode == 0, text
    return text


def assert_posted(page, count):
    rows = row_of(page, "SELECT body FROM incidents_update WHERE body LIKE 'Still looking%'")
    assert {body for (body,) in rows} >= {f"Still looking, number {number}." for number in range(count)}


def test_a_table_that_is_in_use_is_waited_for(tmp_path):
    """The migrations give way after `lock_timeout`, so readers behind them go on, and try again."""
    with closing(Earlier(tmp_path / "page", WITH_SUBSCRIBERS)) as page:
        if not page.database:
            pytest.skip("SQLite has one writer at a time, who waits: there are no locks of tables.")
        page.fill()
        with psycopg.connect(page.database) as holder:
            holder.execute("SELECT count(*) FROM components_probe")  # holds it until this transaction ends
            preparing = later_begins(page)
            wait_for(lambda: "migrate.table_in_use" in (page.folder / "prepare.log").read_text(), 120)
        end_of(preparing, page)
