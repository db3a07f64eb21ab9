"""A page full of everything that strangers may see, and of what they may not, for those who read it whole."""

from datetime import date, datetime, timedelta
from types import SimpleNamespace

from components.models import Component, Group, Probe
from incidents import automation, postmortem_draft
from incidents.models import Incident, Maintenance, Post
from tests.making import fell, found, group, rose, watched

# what readers, parsers and programs stumble over
AWKWARD = 'Chat <b>&amp; ]]> "quoted" 🚨 עברית \u202b'
WORDS = """Logins *fail* & <i>time out</i>, 5 < 6 ]]> &lt;.
Second line 🧯

שלום, see [the plan](/history?a=1&b=2)."""
FIRST_WORDS = "We look — “quotes” and 'others', 100 % \\ done; a,b."
SECRET = "zzsecretzz"


def fill(now: datetime) -> SimpleNamespace:
    """What staff say, and what probes see, of the days before `now`."""
    shown = spoken(now)
    shown.silent = seen(now)
    return shown


def spoken(now: datetime) -> SimpleNamespace:
    """Rows by name, as people make them: nothing here is watched by a probe."""
    parent = group("Widgetify — Core & more")
    group("Nobody is in it")
    made = [
        _component("Chat 💬", now, group=parent, description="Messages <now>"),
        _component("API & <tags>", now, group=parent, position=2),
        _component("Files", now, position=3),
        _component("Documentation", now, position=4),
    ]
    chat, api, files, docs = made
    hidden = _component(f"inner {SECRET}", now, is_shown=False)
    shown = SimpleNamespace(group=parent, chat=chat, api=api, files=files, docs=docs, hidden=hidden)
    shown.resolved, shown.backdated, shown.reported = _over(shown, now)
    for one in (*made, hidden):
        one.refresh_from_db()  # what was said of them above is over
    shown.opened = _open(shown, now)
    shown.monitored = Incident.objects.open(
        "Files are slow", "It is fixed.", phase="monitoring", components=[files], now=now - timedelta(hours=2)
    )
    _unseen(shown, now)
    shown.planned, shown.working, shown.completed, shown.cancelled = _works(shown, now)
    return shown


def _component(name: str, now: datetime, **more) -> Component:
    """Staff say that it works; so it has been for a month."""
    made = Component.objects.create(name=name, manual_status="operational", **more)
    long_ago = now - timedelta(days=30)
    Component.objects.filter(pk=made.pk).update(created_at=long_ago)
    made.refresh(long_ago)
    made.refresh_from_db()
    return made


def _open(shown: SimpleNamespace, now: datetime) -> Incident:
    """Open, with a word for each phase but the last, and what customers can do."""
    at = now - timedelta(hours=3)
    one = Incident.objects.open(
        AWKWARD, FIRST_WORDS, now=at, statuses={shown.chat: "major_outage", shown.hidden: "major_outage"},
        components=[shown.chat, shown.api, shown.hidden],
    )  # fmt: skip
    one.post(
        Post(
            WORDS,
            phase="identified",
            workaround="Use the *app*.",
            statuses={shown.chat: "partial_outage", shown.api: "degraded_performance"},
        ),
        now=at + timedelta(minutes=20),
    )
    one.post(Post("Still <the> same.", phase="identified"), now=at + timedelta(minutes=40))
    return one


def _over(shown: SimpleNamespace, now: datetime) -> tuple[Incident, Incident, Incident]:
    """Resolved after it was watched; written down late; and one with a published report."""
    at = now - timedelta(days=3)
    resolved = Incident.objects.open(
        "Files fail", "We look.", statuses={shown.files: "partial_outage"}, now=at
    )
    resolved.post(
        Post("It recovers.", phase="monitoring", statuses={shown.files: "operational"}),
        now=at + timedelta(minutes=30),
    )
    resolved.post(Post("Over.", phase="resolved"), now=at + timedelta(hours=1))
    began = now - timedelta(days=9)
    told = [("identified", began + timedelta(minutes=9), "A disk.")]
    backdated = Incident.objects.record(
        "Documentation was away",
        "It is back.",
        started_at=began,
        now=now,
        ended_at=began + timedelta(hours=2),
        statuses={shown.docs: "major_outage"},
        told=told,
    )
    at = now - timedelta(days=5)
    reported = Incident.objects.open("API fails", "We look.", statuses={shown.api: "major_outage"}, now=at)
    reported.post(Post("Over.", phase="resolved"), now=at + timedelta(hours=1))
    report = postmortem_draft.create(reported, author=None, now=at + timedelta(hours=2))
    report.keep(
        {"summary": "The pool ran **full** ]]>.", "root_cause": "It was too small."}, now - timedelta(days=4)
    )
    report.actions.create(text="Watch the pool", kind="detect", team="API", due=date(2030, 1, 1))
    report.publish(now - timedelta(days=4))
    return resolved, backdated, reported


def _unseen(shown: SimpleNamespace, now: datetime) -> None:
    """Deleted, and not published: nobody outside reads the word SECRET."""
    at = now - timedelta(hours=5)
    deleted = Incident.objects.open(f"Deleted {SECRET}", SECRET, components=[shown.docs], now=at)
    deleted.post(Post("Over.", phase="resolved"), now=at + timedelta(minutes=1))
    deleted.delete_softly(at + timedelta(minutes=2))
    draft = Incident.objects.open(f"Suggested {SECRET}", SECRET, components=[shown.docs], now=at)
    Incident.objects.filter(pk=draft.pk).update(published_at=None)
    shown.draft = draft


def _works(shown: SimpleNamespace, now: datetime) -> tuple[Maintenance, ...]:
    """To come, under way, over and called off."""
    hour, ago = timedelta(hours=1), now - timedelta(days=2)
    planned = _plan("Upgrade; step 1, then 2 \\ done", now + 30 * hour, shown.api, now=ago)
    working = _plan("Disks are replaced", now - hour, shown.docs, now=ago, hours=26)
    working.begin(now - hour)
    completed = _plan("Cables & <plugs>", ago + hour, shown.files, now=ago)
    completed.begin(ago + hour)
    automation.complete_maintenance(completed, ago + 3 * hour)
    cancelled = _plan("Called off 🚨", now + 40 * hour, shown.files, now=ago)
    cancelled.cancel(ago + hour)
    return planned, working, completed, cancelled


def _plan(
    title: str, starts_at: datetime, *components: Component, now: datetime, hours: int = 2
) -> Maintenance:
    return Maintenance.objects.plan(
        title, "We replace parts: *briefly* read-only;\nsee [the plan](https://plan.example/?a=1&b=2).",
        starts_at, starts_at + timedelta(hours=hours), components=components, now=now, notice_h=0,
    )  # fmt: skip


def seen(now: datetime) -> Probe:
    """What probes saw: an outage that ended and came back to us late, one now, and one out of sight."""
    ours = Group.objects.filter(components__isnull=False).first()
    late, down, silent = (watched(name, group=ours, position=9) for name in ("Late", "Down", "Silent"))
    fell(late, now - timedelta(days=1))
    rose(late, now - timedelta(hours=23))
    automation.advance(now - timedelta(hours=20))
    found(late, "up", now)
    found(silent, "up", now - timedelta(hours=1))
    fell(down, now - timedelta(minutes=1))
    return silent
