"""This version starts on a database that an earlier one made and filled: its pages say the same."""

import os
import re
import sqlite3
import time
from contextlib import closing

import psycopg
import pytest

from tests.faults.faults import report
from tests.upgrade.filling import COMPONENTS, SUBSCRIBERS
from tests.upgrade.versions import FIRST, WITH_SUBSCRIBERS, Earlier, Later
from tests.whole import wait_for

pytestmark = [pytest.mark.data, pytest.mark.stack]
# an incident's or a component's fields that readers and programs see; times of the last change may move
KEPT = ("id", "name", "status", "created_at", "started_at", "resolved_at", "description", "position")
KEPT_OF_UPDATES = ("id", "status", "body", "display_at")
UPTIME = re.compile(r"<b>([\d.]+)\s%</b>")
COUNTS = (
    "SELECT channel, state, count(*) FROM subscribers_subscriber GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT sum(major_s) FROM components_daytally",
    "SELECT count(*) FROM components_statusspan WHERE status = 'major_outage'",
    "SELECT count(*) FROM incidents_maintenance",
)
# the upgrade counts all days once more, a little a minute
COUNTED_AGAIN = "SELECT count(*) FROM components_page WHERE days_upto IS NOT NULL"
VERSIONS = {"first": FIRST, "with-subscribers": WITH_SUBSCRIBERS}
SHORT = ("with-subscribers",)


def said(page):
    """What the pages say: incidents with their updates, components, and the uptime of each."""
    incidents = [
        {name: row[name] for name in KEPT if name in row}
        | {"updates": [{name: up[name] for name in KEPT_OF_UPDATES} for up in row["incident_updates"]]}
        for row in page.incidents()
    ]
    components = [row for row in page.json("/api/v2/components.json")["components"] if not row["group"]]
    uptimes = {
        row["name"]: UPTIME.search(page.web.get(f"/components/{row['id']}").text) for row in components
    }
    return {
        "incidents": incidents,
        "components": [{name: row[name] for name in KEPT if name in row} for row in components],
        "uptimes": {name: match and match.group(1) for name, match in uptimes.items()},
    }


def counts(page):
    """Rows by kind, past the program; None for a table that this version does not have yet."""
    return [row_of(page, query) for query in COUNTS]


def row_of(page, query):
    try:
        if page.database:
            with psycopg.connect(page.database) as connection:
                return connection.execute(query).fetchall()
        with closing(sqlite3.connect(page.var / "statuspage.sqlite3")) as connection:
            return connection.execute(query).fetchall()
    except (psycopg.errors.UndefinedTable, sqlite3.OperationalError):
        return None


@pytest.mark.parametrize("version", VERSIONS if os.environ.get("FAULTS") == "long" else SHORT)
def test_the_pages_say_the_same_after_an_upgrade(tmp_path, version):
    with closing(Earlier(tmp_path / "page", VERSIONS[version])) as earlier:
        earlier.fill()
        earlier.start()
        before, rows = said(earlier), counts(earlier)
        earlier.stop()
    assert len(before["incidents"]) == 2
    assert sum(name.startswith("Component ") for name in before["uptimes"]) == COMPONENTS
    assert set(before["uptimes"].values()) >= {"99.95", "99.97"}  # one outage or two in 90 days
    if rows[0] is not None:
        assert sum(number for *_, number in rows[0]) == SUBSCRIBERS
    with closing(Later(earlier)) as later:
        began = time.monotonic()
        later.start()
        assert said(later) == before
        report(40, upgrade_from=version, page_equal_after=f"{time.monotonic() - began:.1f} s")
        for was, now in zip(rows, counts(later), strict=True):
            assert was in (None, now)
        wait_for(lambda: later.web.get("/healthz").status_code == 200, 60)
        wait_for(lambda: row_of(later, COUNTED_AGAIN) not in ([], [(0,)]), 90)
        assert said(later) == before
        assert "Queries time out" in later.web.get("/history").text
