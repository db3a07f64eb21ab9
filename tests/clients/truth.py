"""What was said on a page, in two acts, as those who said it would put it: readers must see the same.

Nothing here asks the API, the feeds or the calendar: their words would agree with themselves.
"""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from django.utils import timezone

from components.models import Component, Group, Page
from incidents.models import Incident, Maintenance, Post, Postmortem
from tests import full_page

TITLE = 'Chat <b>&amp; ]]> "quoted" 🚨 עברית'  # as it is kept: what turns the writing round is gone
FIRST = "We look — “quotes” and 'others', 100 % \\ done; a,b."
READ = "Logins fail & <i>time out</i>, 5 < 6 ]]> <. Second line 🧯 שלום, see the plan."
PLAN = "We replace parts: briefly read-only; see the plan."
EDITED = "We look closely."
ENDED = "It works again 🎉 & all is <well>."


def begin() -> dict:
    """The first act: a page full of everything."""
    Component.objects.all().delete()  # what a new page watches of itself may say something meanwhile
    shown = full_page.spoken(timezone.now())
    names = {name: one.pk for name, one in vars(shown).items()}
    return _told(shown, second=False) | {"keys": names}


def go_on(keys: dict) -> dict:
    """The second act: words are edited, incidents end, a window moves."""
    shown, now = _found(keys), timezone.now()
    first = shown.opened.updates.get(number=1)
    shown.opened.edit(first, EDITED, now)
    shown.opened.post(
        Post(ENDED, phase="resolved", statuses={shown.chat: "operational", shown.api: "operational"}), now=now
    )
    one = shown.planned
    moved = timedelta(hours=5)
    one.replan(now, starts_at=one.starts_at + moved, ends_at=one.ends_at + moved)
    return _told(_found(keys), second=True)


def _found(keys: dict) -> SimpleNamespace:
    models = dict.fromkeys(("chat", "api", "files", "docs", "hidden"), Component) | {"group": Group}
    models |= dict.fromkeys(("planned", "working", "completed", "cancelled"), Maintenance)
    rows = {name: models.get(name, Incident).objects.get(pk=pk) for name, pk in keys.items()}
    return SimpleNamespace(**rows)


def _told(shown: SimpleNamespace, *, second: bool) -> dict:
    return {
        "status": ["minor", "Monitoring the fix"] if second else ["minor", "Minor Service Outage"],
        "components": _components(shown, second=second),
        "incidents": _incidents(shown, second=second),
        "unresolved": [one.public_id for one in _open(shown, second=second)],
        "works": {one.public_id: _work(one, state) for one, state in _works(shown)},
        "planned": [shown.planned.public_id],
        "active": [shown.working.public_id],
        "entries": _entries(shown, second=second),
        "events": {one.title if state != "cancelled" else f"Cancelled: {one.title}": _event(one, state)
                   for one, state in _works(shown)},
    }  # fmt: skip


def _open(shown: SimpleNamespace, *, second: bool) -> list[Incident]:
    return [shown.monitored] if second else [shown.monitored, shown.opened]


def _components(shown: SimpleNamespace, *, second: bool) -> dict:
    chat, api = ("operational", "operational") if second else ("partial_outage", "degraded_performance")
    return {
        shown.group.public_id: ["Widgetify — Core & more", chat],
        shown.chat.public_id: ["Chat 💬", chat],
        shown.api.public_id: ["API & <tags>", api],
        shown.files.public_id: ["Files", "operational"],
        shown.docs.public_id: ["Documentation", "under_maintenance"],
    }


def _incidents(shown: SimpleNamespace, *, second: bool) -> list:
    """Newest first: id, title, phase, impact, beginning and end (s), and what was said, newest first."""
    said = ["Still <the> same.", full_page.WORDS, EDITED if second else FIRST]
    chat = (TITLE, "resolved", "major", [ENDED, *said]) if second else (TITLE, "identified", "major", said)
    return [
        _incident(shown.monitored, "Files are slow", "monitoring", "none", ["It is fixed."]),
        _incident(shown.opened, *chat),
        _incident(shown.resolved, "Files fail", "resolved", "major", ["Over.", "It recovers.", "We look."]),
        _incident(shown.reported, "API fails", "resolved", "critical", ["Over.", "We look."]),
        _incident(
            shown.backdated, "Documentation was away", "resolved", "critical", ["It is back.", "A disk."]
        ),
    ]


def _incident(one: Incident, title: str, phase: str, impact: str, said: list[str]) -> list:
    updates = list(one.updates.filter(kind="post").order_by("-number"))
    told = [
        [update.public_id, update.phase, words, int(update.at.timestamp())]
        for update, words in zip(updates, said, strict=True)
    ]
    ended = int(one.resolved_at.timestamp()) if one.resolved_at else None
    return [one.public_id, title, phase, impact, int(one.started_at.timestamp()), ended, told]


def _works(shown: SimpleNamespace) -> list[tuple[Maintenance, str]]:
    return [
        (shown.planned, "scheduled"), (shown.working, "in_progress"), (shown.completed, "completed"),
        (shown.cancelled, "cancelled"),
    ]  # fmt: skip


def _work(one: Maintenance, state: str) -> list:
    """Title, state, from when to when (s)."""
    told = "completed" if state == "cancelled" else state
    return [one.title, told, *_window(one)]


def _window(one: Maintenance) -> list[int]:
    return [int(one.starts_at.timestamp()), int(one.ends_at.timestamp())]


def _event(one: Maintenance, state: str) -> list:
    """From when to when (s), whether it was called off, and its text."""
    return [*_window(one), state == "cancelled", PLAN]


def _entries(shown: SimpleNamespace, *, second: bool) -> list:
    """What is to come, then the newest first: path, title, time of the newest word (s), texts in order."""
    report = Postmortem.objects.get()
    chat = [ENDED, "Still <the> same.", READ, EDITED] if second else ["Still <the> same.", READ, FIRST]
    of_chat = [shown.opened.get_absolute_url(), TITLE, _newest(shown.opened), chat]
    files = [shown.monitored.get_absolute_url(), "Files are slow", _newest(shown.monitored), ["It is fixed."]]
    work = [shown.working.get_absolute_url(), shown.working.title, _newest(shown.working), [PLAN]]
    ahead = [shown.planned.get_absolute_url(), shown.planned.title, _newest(shown.planned), [PLAN]]
    now = [of_chat, work, files] if second else [work, files, of_chat]
    return [
        ahead,
        *now,
        [shown.completed.get_absolute_url(), shown.completed.title, _newest(shown.completed), [PLAN]],
        [shown.cancelled.get_absolute_url(), shown.cancelled.title, _newest(shown.cancelled), [PLAN]],
        [shown.resolved.get_absolute_url(), "Files fail", _newest(shown.resolved),
         ["Over.", "It recovers.", "We look."]],
        [report.get_absolute_url(), "Postmortem: API fails", report.published_at.timestamp(),
         ["The pool ran full ]]>."]],
        [shown.reported.get_absolute_url(), "API fails", _newest(shown.reported), ["Over.", "We look."]],
        [shown.backdated.get_absolute_url(), "Documentation was away", _newest(shown.backdated),
         ["It is back.", "A disk."]],
    ]  # fmt: skip


def _newest(one: Incident | Maintenance) -> float:
    return max(update.at for update in one.updates.all()).timestamp()


def write(path: str) -> None:
    """Play the next act and write it down: the second if the file holds the first."""
    file = Path(path)
    held = json.loads(file.read_text()) if file.exists() else None
    told = go_on(held["keys"]) | {"keys": held["keys"]} if held else begin()
    told["version"] = Page.objects.version()
    file.write_text(json.dumps(told, ensure_ascii=False))
