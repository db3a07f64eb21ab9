"""Whether a program saw what was said: each complaint is a sentence; none is good."""

import re
from datetime import datetime
from html.parser import HTMLParser
from urllib.parse import urlsplit


class _Words(HTMLParser):
    """The text of a piece of HTML, as a reader shows it, with single spaces."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts = []
        self.feed(html)
        self.close()
        self.text = " ".join("".join(self.parts).split())

    def handle_data(self, data):
        self.parts.append(data)

    def handle_starttag(self, tag, attrs):
        if tag in ("p", "br", "h3", "li"):
            self.parts.append(" ")


def api(seen, told):
    """Bodies by their address, as a client of Statuspage returns them."""
    bodies = {name: body for name, body in seen.items() if body is not None}
    status = bodies["status"]["status"]
    yield from _same("status", [status["indicator"], status["description"]], told["status"])
    for name in ("components", "summary"):
        rows = {one["id"]: [one["name"], one["status"]] for one in bodies[name]["components"]}
        yield from _same(f"components in {name}", rows, told["components"])
    incidents = [_incident(one) for one in bodies["incidents"]["incidents"]]
    yield from _same("incidents, newest first", incidents, told["incidents"])
    for name in ("incidents/unresolved", "summary"):
        ids = [one["id"] for one in bodies[name]["incidents"]]
        yield from _same(f"open incidents in {name}", ids, told["unresolved"])
    if "scheduled-maintenances" in bodies:
        works = {one["id"]: _work(one) for one in bodies["scheduled-maintenances"]["scheduled_maintenances"]}
        yield from _same("maintenances", works, told["works"])
    for name, which in (
        ("scheduled-maintenances/upcoming", told["planned"]),
        ("scheduled-maintenances/active", told["active"]),
        ("summary", told["active"] + told["planned"]),
    ):
        if name in bodies:
            ids = [one["id"] for one in bodies[name]["scheduled_maintenances"]]
            yield from _same(f"maintenances in {name}", ids, which)


def _incident(one):
    told = [
        [update["id"], update["status"], update["body"], _second(update["display_at"])]
        for update in one["incident_updates"]
    ]
    times = _second(one["started_at"]), one["resolved_at"] and _second(one["resolved_at"])
    return [one["id"], one["name"], one["status"], one["impact"], *times, told]


def _work(one):
    return [one["name"], one["status"], _second(one["scheduled_for"]), _second(one["scheduled_until"])]


def _second(text):
    return int(datetime.fromisoformat(text).timestamp())


def exporter(seen, told):
    """What Prometheus would be shown."""
    yield from _same("success", seen["success"], True)
    rows = {one["name"]: one["status"] for one in seen["component_metadata"]}
    yield from _same("components", rows, dict(told["components"].values()))
    opened = [one[:4] for one in told["incidents"] if one[0] in told["unresolved"]]
    rows = [[one["id"], one["name"], one["status"], one["impact"]] for one in seen["incident_metadata"]]
    yield from _same("open incidents", rows, opened)
    works = [one["id"] for one in seen["maintenance_metadata"]]
    yield from _same("maintenances", works, told["active"] + told["planned"])


def feeds(seen, told):
    """Entries of Atom and of RSS, in the order in which the reader shows them."""
    for form, entries in seen.items():
        yield from (f"{form}: {fault}" for fault in _feed(entries, told["entries"], sorts=False))


def kept(seen, told):
    """The same of a reader that sorts by itself, and keeps the date by which it first knew an entry."""
    for form, entries in seen.items():
        yield from (f"{form}: {fault}" for fault in _feed(entries, told["entries"], sorts=True))


def _feed(entries, told, *, sorts):
    paths, wanted = [urlsplit(one["link"]).path for one in entries], [one[0] for one in told]
    yield from _same("entries", *((sorted(paths), sorted(wanted)) if sorts else (paths, wanted)))
    by_path = dict(zip(paths, entries, strict=True))
    if len({one["id"] for one in entries}) != len(entries):
        yield "two entries have one id"
    for path, title, at, texts in told:
        if (one := by_path.get(path)) is None:
            continue
        yield from _same(f"title of {path}", one["title"], title)
        if not sorts and abs(one["at"] - at) > 1:
            yield f"time of {path}: {one['at']}, not {at}"
        yield from _in_order(path, _Words(one["html"]).text, texts)


def _in_order(path, words, texts):
    place = 0
    for text in texts:
        found = words.find(text, place)
        if found < 0:
            yield f"{path} lacks “{text}” where it belongs, in: {words}"
        place = max(found, place)


def calendar(seen, told):
    """Events of a calendar."""
    rows = {
        one["summary"]: [round(one["start"]), round(one["end"]), one["status"].upper() == "CANCELLED",
                         re.sub(r"\s+", " ", one["words"]).partition(" (http")[0].removesuffix(".") + "."]
        for one in seen
    }  # fmt: skip
    yield from _same("events", rows, told["events"])


def ids(kind, seen):
    """What a program knows each thing by."""
    if kind == "api":
        rows = seen["incidents"]["incidents"]
        words = {f"first word of {row['name']}": row["incident_updates"][-1]["id"] for row in rows}
        return words | {row["name"]: row["id"] for row in (*rows, *seen["components"]["components"])}
    if kind == "exporter":
        return {one["name"]: one["id"] for one in seen["maintenance_metadata"]}
    if kind == "calendar":
        return {one["summary"]: one["uid"] for one in seen}
    return {f"{form} {one['link']}": one["id"] for form, entries in seen.items() for one in entries}


def stable(kind, before, after):
    """Ids of the first reading that are others in the second."""
    was, now = ids(kind, before), ids(kind, after)
    yield from (
        f"id of {name}: {now.get(name)}, was {key}" for name, key in was.items() if now.get(name) != key
    )
    if kind == "calendar":
        was, now = ({one["uid"]: one["sequence"] for one in seen} for seen in (before, after))
        raised = [now[uid] - was[uid] for uid in was.keys() & now.keys() if now[uid] != was[uid]]
        if raised != [1]:
            yield f"one window moved, SEQUENCE says {was} and then {now}"


def _same(what, seen, told):
    if isinstance(seen, dict) and isinstance(told, dict):
        for key in seen.keys() | told.keys():
            yield from _same(f"{what}: {key}", seen.get(key), told.get(key))
    elif isinstance(seen, list) and isinstance(told, list) and len(seen) == len(told):
        for place, (one, other) in enumerate(zip(seen, told, strict=True)):
            yield from _same(f"{what}[{place}]", one, other)
    elif seen != told:
        yield f"{what}: {seen!r}, and not {told!r}"


JUDGES = {"api": api, "exporter": exporter, "feed": feeds, "kept": kept, "calendar": calendar}
