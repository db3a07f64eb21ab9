"""Check 40 against the clock: the machine is lost, and the page is back elsewhere out of a backup."""

import shutil
import time

import pytest

from tests.faults.faults import only_long, report
from tests.statuspage.ops.installation import Installation
from tests.whole import wait_for

pytestmark = [pytest.mark.data, pytest.mark.stack, only_long]
COMPONENTS, CHECKS, READERS = 500, 1_000_000, 5_000
MAX_S = 300  # from the copy in hand until the page is the same
FILL = f"""
from datetime import UTC, datetime, timedelta
from django.db import connection
from benchmarks import filling
from components.models import Probe
from django.contrib.auth import get_user_model
from incidents.models import Incident, Post
from subscribers.models import State, Subscriber
from tests.upgrade.filling import outages
filling.fill({COMPONENTS})
outages()
Probe.objects.update(is_paused=True)
now, boss = datetime.now(UTC), get_user_model().objects.create_user("boss")
for number in range(10):
    began = now - timedelta(days=number + 1)
    incident = Incident.objects.open(f"Outage {{number}}", "We look.", now=began, author=boss)
    incident.post(Post("It is back.", phase="resolved"), now=began + timedelta(hours=1), author=boss)
ids, slot = list(Probe.objects.values_list("pk", flat=True)), int(now.timestamp()) - 60
series = "generate_series(0, %s)" if connection.vendor == "postgresql" else (
    "(WITH RECURSIVE n(v) AS (SELECT 0 UNION ALL SELECT v + 1 FROM n WHERE v < %s) SELECT v FROM n)")
with connection.cursor() as cursor:
    if connection.vendor == "postgresql":
        cursor.execute("SET statement_timeout = 0")  # that of the program is for single checks
    cursor.execute(
        "INSERT INTO components_check"
        " (probe_id, slot, region, outcome, lag_ms, total_ms, address, failure, detail, excerpt)"
        " SELECT p.id, %s - 40 * n.v, 'local', 'up', n.v %% 50, n.v %% 400, '127.0.0.1', '', '', ''"
        " FROM components_probe p, " + series + " AS n" + ("(v)" if connection.vendor == "postgresql" else "")
        , [slot, {CHECKS} // len(ids) - 1])
for number in range({READERS}):
    row = Subscriber(channel="email", state=State.ACTIVE, created_at=now, confirmed_at=now)
    row.point_to(f"reader{{number}}@widgetify.example")
    row.save()
"""
COUNTS = (
    "SELECT count(*) FROM components_check",
    "SELECT count(*) FROM components_daytally WHERE major_s > 0",
    "SELECT count(*) FROM subscribers_subscriber WHERE state = 'active'",
    "SELECT count(*) FROM incidents_update",
)


@pytest.fixture
def machines(tmp_path):
    """Three: the one that is lost, its replacement, and one that takes the subscribers alone."""
    made = [Installation(tmp_path / name) for name in ("lost", "new", "other")]
    yield made
    for there in made:
        there.close()


def test_the_page_is_back_on_another_machine_within_minutes(machines, tmp_path):
    lost, new, other = machines
    timed(lost, "shell", "-v0", "-c", FILL)
    shown, counts = page_of(lost), [lost.rows(query) for query in COUNTS]
    backup_s = timed(lost, "backup", tmp_path / "copy")
    key = (lost.var / "secret_key").read_bytes()
    shutil.rmtree(lost.var)
    new.var.mkdir(exist_ok=True)
    (new.var / "secret_key").write_bytes(key)
    (new.var / "secret_key").chmod(0o600)
    began = time.monotonic()
    restore_s = timed(new, "restore", tmp_path / "copy", "--discard-current")
    assert page_of(new) == shown
    back_s = time.monotonic() - began
    assert [new.rows(query) for query in COUNTS] == counts
    subscribers_s = timed(new, "export_subscribers", tmp_path / "people.csv")
    subscribers_s += timed(other, "import_subscribers", tmp_path / "people.csv")
    assert other.rows(COUNTS[2]) == counts[2]
    report(
        40, components=COMPONENTS, checks=CHECKS, subscribers=READERS,
        megabytes=f"{(tmp_path / 'copy').stat().st_size / 1e6:.1f}", backup=f"{backup_s:.1f} s",
        restore=f"{restore_s:.1f} s", page_equal_after=f"{back_s:.1f} s",
        subscribers_alone=f"{subscribers_s:.1f} s",
    )  # fmt: skip
    assert back_s < MAX_S


def timed(there, *arguments):
    """How long a command takes (s), which must end well."""
    began = time.monotonic()
    process = there.begin(*arguments)
    text, _ = process.communicate(timeout=900)
    assert process.returncode == 0, text
    return time.monotonic() - began


def page_of(there):
    """What the page says of components and incidents, without what time changes."""
    there.start()
    try:
        wait_for(lambda: there.web.get("/").status_code == 200, 60)
        rows = sorted((row["id"], row["name"], row["position"], row["created_at"])
                      for row in there.json("/api/v2/components.json")["components"])  # fmt: skip
        incidents = sorted((row["id"], row["name"], row["status"], len(row["incident_updates"]))
                           for row in there.incidents())  # fmt: skip
        return rows, incidents
    finally:
        there.stop()
