"""One program of Python's world reads the page: `by_python.py NAME URL FOLDER`. Out comes JSON: what it saw.

It runs where that program is installed, and not where ours is: so it imports nothing of ours.
"""

import calendar
import json
import shutil
import sqlite3
import subprocess
import sys
import urllib.request
from pathlib import Path

PATHS = (
    "summary", "status", "components", "incidents", "incidents/unresolved", "scheduled-maintenances",
    "scheduled-maintenances/upcoming", "scheduled-maintenances/active",
)  # fmt: skip


def plain(url, folder):
    """No library at all."""
    return {path: json.loads(text(f"{url}/api/v2/{path}.json")) for path in PATHS}


def whadup(url, folder):
    """Written for GitHub's page; its address is a constant of the module."""
    import whadup

    whadup.API_BASE_URL = f"{url}/api/"
    one = whadup.GithubStatus()
    return {
        "summary": one.summary(), "status": one.status(), "components": one.components(),
        "incidents": one.Incidents(), "incidents/unresolved": one.Incidents.unresolved(),
        "scheduled-maintenances": one.Maintenances(),
        "scheduled-maintenances/upcoming": one.Maintenances.upcoming(),
        "scheduled-maintenances/active": one.Maintenances.active(),
    }  # fmt: skip


def discordstatus(url, folder):
    """Written for Discord's page; its address is an attribute."""
    from discordstatus import DiscordStatus

    one = DiscordStatus()
    one.base_target = f"{url}/api/v2"
    return {
        "summary": one.summary, "status": one.status, "components": one.components,
        "incidents": one.all_incidents, "incidents/unresolved": one.unresolved_incidents,
        "scheduled-maintenances": one.all_maintenances,
        "scheduled-maintenances/upcoming": one.upcoming_maintenances,
        "scheduled-maintenances/active": one.active_maintenances,
    }  # fmt: skip


def exporter(url, folder):
    """statuspage-prometheus-exporter: what it would show of one service."""
    import os

    os.chdir(folder)  # it keeps its cache in a folder of where it is
    from statuspage_prometheus_exporter.service_checker import check_service_status

    return check_service_status("page", {"name": "page", "url": f"{url}/api/v2/summary.json"})


def feedparser(url, folder):
    import feedparser

    return {form: [_entry(one) for one in _parsed(feedparser, url, form)] for form in ("atom", "rss")}


def _parsed(feedparser, url, form):
    found = feedparser.parse(f"{url}/history.{form}")
    if found.bozo:
        raise SystemExit(f"history.{form}: {found.bozo_exception}")
    return found.entries


def _entry(one):
    html = one.content[0].value if "content" in one else one.summary
    at = calendar.timegm(one.published_parsed)
    return {"id": one.id, "link": one.link, "title": one.title, "at": at, "html": html}


def newsboat(url, folder):
    """Debian's newsboat, and what it kept: the folder is the same both times, as a reader's own is."""
    found = {}
    for form in ("atom", "rss"):
        home = Path(folder) / f"newsboat-{form}"
        home.mkdir(exist_ok=True)
        (home / "urls").write_text(f"{url}/history.{form}\n")
        (home / "config").write_text("")
        files = ["-u", home / "urls", "-c", home / "cache.db", "-C", home / "config"]
        done = subprocess.run(
            [shutil.which("newsboat"), *files, "-x", "reload"],
            env={"HOME": str(home), "TERM": "dumb", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"newsboat: {done.stdout} {done.stderr}")
        with sqlite3.connect(home / "cache.db") as kept:
            rows = kept.execute(
                "SELECT guid, url, title, pubDate, content FROM rss_item ORDER BY pubDate DESC"
            )
            found[form] = [
                {"id": guid, "link": link, "title": title, "at": at, "html": html}
                for guid, link, title, at, html in rows
            ]
    return found


def icalendar(url, folder):
    from icalendar import Calendar

    made = Calendar.from_ical(text(f"{url}/maintenance.ics"))
    return [
        {
            "uid": str(one["UID"]), "summary": str(one["SUMMARY"]), "start": one["DTSTART"].dt.timestamp(),
            "end": one["DTEND"].dt.timestamp(), "status": str(one["STATUS"]),
            "words": str(one["DESCRIPTION"]), "sequence": int(one["SEQUENCE"]),
        }
        for one in made.walk("VEVENT")
    ]  # fmt: skip


def ics(url, folder):
    from ics import Calendar

    return [
        {
            "uid": one.uid, "summary": one.name, "start": one.begin.timestamp(), "end": one.end.timestamp(),
            "status": one.status, "words": one.description,
            "sequence": next((int(line.value) for line in one.extra if line.name == "SEQUENCE"), None),
        }
        for one in Calendar(text(f"{url}/maintenance.ics")).events
    ]  # fmt: skip


def text(address):
    with urllib.request.urlopen(address) as answer:
        return answer.read().decode()


if __name__ == "__main__":
    name, url, folder = sys.argv[1:]
    seen = globals()[name](url, folder)
    json.dump(seen, sys.stdout)
