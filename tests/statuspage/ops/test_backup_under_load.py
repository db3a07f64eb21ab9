"""A backup that is made under write load, with a writer killed in the middle of a checkpoint, is whole."""

import signal
import subprocess
import sys
import time

import pytest

from tests.once import ROOT
from tests.statuspage.ops.installation import Installation
from tests.whole import wait_for

pytestmark = pytest.mark.data
MIN_ROWS = 200  # before the backup begins, so that there is something to lose
# Commits one row after the other and prints each number behind its commit; checkpoints in between
WRITER = """
import sys, itertools
import django; django.setup()
from django.db import connection
from components.models import SpoolMark
who = sys.argv[1]
for number in itertools.count():
    SpoolMark.objects.create(name=f"{who}-{number}", stored=number)
    print(number, flush=True)
    if connection.vendor == "sqlite" and number % 5 == 0:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
"""


@pytest.fixture
def there(tmp_path):
    made = Installation(tmp_path / "installation")
    yield made
    made.close()


class Writer:
    """Writes until it is killed; knows the last number that was committed."""

    def __init__(self, there, who):
        self.who, self.log = who, there.folder / f"{who}.log"
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WRITER, who], cwd=ROOT, stdout=out,
                env=there.env | {"DJANGO_SETTINGS_MODULE": "statuspage.settings"},
            )  # fmt: skip

    @property
    def committed(self):
        lines = self.log.read_text().split("\n")[:-1]  # the last one may be half a number
        return int(lines[-1]) if lines else -1

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def test_every_row_committed_before_its_start_is_in_it_and_the_page_is_equal(there, tmp_path):
    there.add("Chat")
    writers = [Writer(there, "a"), Writer(there, "b")]
    try:
        wait_for(lambda: all(writer.committed >= MIN_ROWS for writer in writers), 120)
        before = {writer.who: writer.committed for writer in writers}
        running = there.begin("backup", tmp_path / "copy")
        time.sleep(0.5)
        writers[0].kill()  # between the frames of a checkpoint, or within one
        text, _ = running.communicate(timeout=120)
        assert running.returncode == 0, text
    finally:
        for writer in writers:
            writer.kill()
    shown = page_of(there)
    there.write("UPDATE components_component SET name = 'Gone'")
    there.run("restore", tmp_path / "copy")
    marks = {name for (name,) in there.rows("SELECT name FROM components_spoolmark")}
    for who, last in before.items():
        assert {f"{who}-{number}" for number in range(last + 1)} <= marks
    if not there.database:
        assert there.rows("PRAGMA integrity_check") == [("ok",)]
    assert page_of(there) == shown


def page_of(there):
    """What the page shows, without what time changes."""
    there.lines.clear()
    there.start()
    try:
        rows = there.json()["components"]
        assert "Chat" in there.web.get("/").text
        return sorted((row["id"], row["name"], row["position"], row["created_at"]) for row in rows)
    finally:
        there.stop()
