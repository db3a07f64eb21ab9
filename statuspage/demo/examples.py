"""Two postmortems to look at: what a finished one is like, months and years later.

Widgetify's database connections, as in the demo itself, and a chat vendor whose
safeguard failed twice. Both are invented; `load` may run again and adds nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from components.models import Component, Group
from components.status import Status
from incidents.lifecycle import Phase
from incidents.models import ActionKind, ActionState, Incident, Postmortem

Told = tuple[Phase, datetime, str]


@dataclass(frozen=True, slots=True)
class Action:
    """What was promised."""

    text: str
    kind: ActionKind
    team: str
    due: date
    state: ActionState
    done_on: date | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """An incident that is over, and its postmortem if it has one of its own."""

    title: str
    started_at: datetime
    ended_at: datetime
    statuses: Mapping[str, Status]  # by component
    told: Sequence[Told]
    last_word: str
    report: Mapping[str, Any] = field(default_factory=dict)
    actions: Sequence[Action] = ()
    published_at: datetime | None = None


def load(now: datetime) -> None:
    """Write down the stories that are not there yet; the components they name are made if need be."""
    for group, names in PARTS.items():
        for name in names:
            _component(group, name, now)
    for group, stories in STORIES.items():
        for story in stories:
            incident = Incident.objects.filter(title=story.title, started_at=story.started_at).first()
            incident = incident or _record(group, story, now)
            if story.report and not Postmortem.objects.filter(incident=incident).exists():
                _report(incident, story)


def _record(group: str, story: Story, now: datetime) -> Incident:
    statuses = {_component(group, name, now): status for name, status in story.statuses.items()}
    return Incident.objects.record(
        story.title,
        story.last_word,
        started_at=story.started_at,
        ended_at=story.ended_at,
        now=story.ended_at,
        statuses=statuses,
        told=story.told,
    )


def _component(group: str, name: str, now: datetime) -> Component:
    """The component of this name. One that we make has no probe, so we say that it is well."""
    last = Group.objects.order_by("-position").first()
    place, _ = Group.objects.get_or_create(
        name=group, defaults={"position": last.position + 1 if last else 1}
    )
    count = place.components.count()
    found, is_new = Component.objects.get_or_create(group=place, name=name, defaults={"position": count + 1})
    if is_new:
        found.say_by_hand(Status.OPERATIONAL, now)
    return found


def _report(incident: Incident, story: Story) -> None:
    """From the draft to the last action that is done, each at its time."""
    published_at = story.published_at or story.ended_at
    report = Postmortem.objects.draft_of(incident, author=None, now=incident.resolved_at or published_at)
    report.keep(dict(story.report), published_at - timedelta(hours=2))
    for position, action in enumerate(story.actions, start=1):
        report.actions.create(
            position=position, text=action.text, kind=action.kind, team=action.team, due=action.due
        )
    report.publish(published_at, notifies=False)
    moved = [
        (_afternoon(action.done_on or published_at.date()), item, action.state)
        for item, action in zip(report.actions.all(), story.actions, strict=True)
    ]
    for at, item, state in sorted(moved, key=lambda one: one[0]):
        item.move(state, max(at, published_at))


def _afternoon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 15, tzinfo=UTC)


def _at(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}+00:00")


def _rows(day: str, *rows: tuple[str, str, str]) -> list[list[str]]:
    return [[_at(day, clock).strftime("%Y-%m-%dT%H:%M:%SZ"), tag, text] for clock, tag, text in rows]


FEB = "2024-02-15"
POOL = Story(
    title="Widgetify is unavailable",
    started_at=_at(FEB, "08:00"),
    ended_at=_at(FEB, "10:30"),
    statuses={"Web app": Status.MAJOR_OUTAGE, "REST API": Status.MAJOR_OUTAGE},
    told=(
        (
            Phase.INVESTIGATING,
            _at(FEB, "08:06"),
            ("The web app and the REST API answer every request with an error (503). Images and scripts "
             "load as usual. We are looking into it and will write again by 08:35 UTC."),
        ),
        (
            Phase.INVESTIGATING,
            _at(FEB, "08:33"),
            ("Nothing has changed for you yet. We have taken back this morning's releases; they were not "
             "the cause. We will write again by 09:05 UTC."),
        ),
        (
            Phase.INVESTIGATING,
            _at(FEB, "09:04"),
            ("The web app and the API still do not work. More of us are on it now, the people who look "
             "after the database among them. We will write again by 09:35 UTC."),
        ),
        (
            Phase.IDENTIFIED,
            _at(FEB, "09:34"),
            ("We have found the cause: our servers open more connections than the database can serve. We "
             "are setting a limit now, one server after the other. We will write again by 10:05 UTC."),
        ),
        (
            Phase.MONITORING,
            _at(FEB, "10:12"),
            "The first servers answer again, and the others follow. We watch them until all of them do.",
        ),
    ),
    last_word=(
        "Widgetify did not work from 08:00 to 10:30 UTC (2 h 30 min). A setting let our servers open more "
        "database connections than the database could serve. No data was lost. A postmortem follows by "
        "Monday."
    ),
    published_at=_at("2024-02-19", "14:00"),
    report={
        "title": "Widgetify was unavailable for two and a half hours",
        "authors": "DevOps and backend teams",
        "detected_at": _at(FEB, "08:00"),
        "users_percent": Decimal(75),
        "users_how": "of those active on a Thursday morning, by sign-ins of the four weeks before",
        "summary": (
            "On the morning of 15 February every request to Widgetify was answered with an error for two "
            "and a half hours. About three of four people who wanted to work with it that morning could "
            "not. We are sorry."
        ),
        "impact": "Web app and REST API answered every request with 503.\n\nNo data was lost.",
        "detection": "Monitoring: an alert on response time, at once; nobody had to call us.",
        "what_happened": (
            "At 08:00 UTC the people of three time zones begin their day with us. Each of our servers "
            "keeps a pool of connections to the database, and opens another one when none is free. That "
            "morning none was free for long, so every server opened more, and the database came to spend "
            "its time on greeting connections instead of answering questions.\n\nRequests waited, ran into "
            "their deadline and were answered with 503. Browsers and programs asked again, which made more "
            "of them."
        ),
        "root_cause": (
            "The pool was configured without an upper limit: `max_overflow` stood at `-1`, meant for a "
            "test machine. So nothing held the connections back, and together they **overwhelmed the "
            "database server**, which serves 400 at a time. On a quieter morning the same setting does no "
            "harm, which is why it had gone unnoticed for weeks."
        ),
        "timeline": _rows(
            FEB,
            ("08:00", "Start", "Every request is answered with 503."),
            ("08:00", "Detected", "The alert on response time fires. The on-call engineer is paged."),
            ("08:06", "", "First public word."),
            ("08:10", "Wrong turn", "Two releases went out at 07:30. We take both back: nothing changes."),
            ("08:35", "Wrong turn", "Requests have tripled. We suspect an attack and filter addresses."),
            ("08:55", "Escalated", "The DevOps and backend teams are called in."),
            ("09:28", "Cause found", "The database refuses connections: the pool has no limit."),
            ("09:40", "", "The limit is set, and the servers are restarted one at a time."),
            ("10:12", "Recovery", "The first servers answer."),
            ("10:30", "End", "All servers answer, and the queue is empty."),
        ),
        "misled": [
            [
                "Two releases had gone out half an hour before.",
                "Neither touched the database. The setting was weeks old and waited for a busy morning.",
            ],
            [
                "Three times the usual requests, many from the same addresses: it looked like an attack.",
                "Our own customers, whose programs asked again because we had answered with 503.",
            ],
        ],
        "escalation": (
            "The on-call engineer worked alone for 55 minutes. At 08:55 UTC the **DevOps** team was called "
            "in for the servers and the **backend** team for the database; from then on the two worked in "
            "one call."
        ),
        "resolution": (
            "We limited each server's pool to 20 connections, closed those that were left over, and "
            "restarted the servers one at a time, so that the database was never asked by all of them at "
            "once."
        ),
        "lessons": (
            "- What changed last is a place to look, not an answer.\n- A 503 without `Retry-After` invites "
            "a crowd.\n- A second team is called after 15 minutes, not when we are out of ideas."
        ),
        # Every request failed from the first minute to the last, so the curve is known
        "curve": {
            "start": int(_at(FEB, "07:50").timestamp()),
            "step_s": 60,
            "counts": [
                *[[8, 8]] * 10, *[[0, 8]] * 132, *[[2, 8]] * 6, *[[4, 8]] * 6, *[[6, 8]] * 6, *[[8, 8]] * 10,
            ],
        },
    },
    actions=(
        Action(
            "Watch the database: connections in use, refused and waiting, with an alert at 80 %",
            ActionKind.DETECT, "DevOps", date(2024, 2, 29), ActionState.DONE, date(2024, 2, 27),
        ),
        Action(
            "Refuse to start with a pool that has no limit",
            ActionKind.PREVENT, "Backend", date(2024, 3, 8), ActionState.DONE, date(2024, 3, 5),
        ),
        Action(
            "Add and remove servers by load, within what the database can serve",
            ActionKind.LIMIT, "DevOps", date(2024, 4, 30), ActionState.DOING,
        ),
        Action(
            "Send Retry-After with every 503",
            ActionKind.LIMIT, "Backend", date(2024, 3, 15), ActionState.DONE, date(2024, 3, 14),
        ),
        Action(
            "Review the settings of all pools every quarter",
            ActionKind.PREVENT, "Backend", date(2030, 3, 31), ActionState.DOING,
        ),
    ),
)  # fmt: skip

FIRST, SECOND = "2016-05-11", "2016-05-20"
CHAT_FIRST = Story(
    title="Chat refuses new connections",
    started_at=_at(FIRST, "11:43"),
    ended_at=_at(FIRST, "15:13"),
    statuses={"Chat": Status.MAJOR_OUTAGE},
    told=(
        (
            Phase.INVESTIGATING,
            _at(FIRST, "12:05"),
            (
                "Chat does not connect. Posts and comments work as usual. We are looking into it and will "
                "write again by 12:45 UTC."
            ),
        ),
        (
            Phase.IDENTIFIED,
            _at(FIRST, "12:44"),
            (
                "All places for chat connections are taken, many by connections that nobody uses any more. "
                "We are freeing them. We will write again by 13:45 UTC."
            ),
        ),
        (
            Phase.MONITORING,
            _at(FIRST, "14:30"),
            "Most people can chat again. We let the others in little by little and watch.",
        ),
    ),
    last_word=(
        "Chat did not connect from 11:43 to 15:13 UTC (3 h 30 min). Posts and comments worked all the "
        "time. No messages were lost."
    ),
)
CHAT_SECOND = Story(
    title="Chat refuses new connections again",
    started_at=_at(SECOND, "12:02"),
    ended_at=_at(SECOND, "13:20"),
    statuses={"Chat": Status.MAJOR_OUTAGE},
    told=(
        (
            Phase.INVESTIGATING,
            _at(SECOND, "12:10"),
            ("Chat does not connect, as on 11 May. Posts and comments work as usual. We will write again "
             "by 12:40 UTC."),
        ),
        (
            Phase.IDENTIFIED,
            _at(SECOND, "12:36"),
            ("The part that should keep idle connections away has stopped by itself and lets nobody in. We "
             "are starting it again. We will write again by 13:10 UTC."),
        ),
    ),
    last_word=(
        "Chat did not connect from 12:02 to 13:20 UTC (1 h 18 min). Posts and comments worked all the "
        "time. What links this to 11 May, and what we change, we tell in a postmortem."
    ),
    published_at=_at("2016-05-24", "16:00"),
    report={
        "title": "Tern Chat refused connections twice in ten days",
        "authors": "Chat and platform teams",
        "users_how": "Everybody who opened the chat in these hours; people who were connected before "
                     "stayed connected.",
        "detected_at": _at(SECOND, "12:04"),
        "summary": (
            "On 11 May from 04:43 Pacific time (11:43 UTC) nobody could connect to the chat for about "
            "three and a half hours, and on 20 May once more for 1 h 18 min. Both times it was the same "
            "safeguard: first it did not act, then it acted on everybody. You rely on us to talk to each "
            "other. We are sorry."
        ),
        "impact": "New chat connections were refused on both days.\n\nPosts and comments worked.",
        "detection": (
            "Our team: on 11 May by your reports, 20 minutes late; on 20 May by an alert on refused "
            "connections."
        ),
        "what_happened": (
            "A chat server has a fixed number of places for connections. People close their laptops "
            "without saying goodbye, so a safeguard in a library that we use counts silent connections and "
            "closes them.\n\n**11 May.** The safeguard had stopped counting. Silent connections piled up "
            "overnight, and when the American east coast began its day at 04:43 Pacific time, all places "
            "were taken. Posts and comments take another way and were not touched.\n\n**20 May.** We had "
            "repaired the safeguard's setting. Under the load of the morning it waited for a lock that it "
            "held itself. From then on it let nobody in, although there were places enough."
        ),
        "root_cause": (
            "One part of a third-party library was all that stood between silent connections and full "
            "servers, and nothing watched that part itself. On 11 May it **did not work**: its timer was "
            "never started again after a reload. On 20 May it **locked up**: the repaired timer and the "
            "count of connections each waited for the other.\n\nWe chose the library, and we ran it "
            "without a second line. That is ours."
        ),
        "timeline": [
            *_rows(
                FIRST,
                ("11:43", "", "04:43 Pacific: the last place for a chat connection is taken."),
                ("12:03", "", "Your reports reach the team. No alert had fired."),
                ("12:05", "", "First public word."),
                ("12:20", "Wrong turn", "We add servers. They fill up as well, within minutes."),
                ("12:41", "", "Silent connections are found to hold most places."),
                ("15:13", "", "All silent connections are closed; everybody can connect."),
            ),
            *_rows(
                SECOND,
                ("12:02", "Start", "The repaired safeguard locks up and refuses every new connection."),
                ("12:04", "Detected", "An alert on refused connections fires, new since 11 May."),
                ("12:10", "", "First public word."),
                ("12:15", "Wrong turn", ("It looks like 11 May, so we close silent connections. There are "
                                         "none.")),
                ("12:31", "Cause found", "The safeguard holds a lock that it waits for."),
                ("13:20", "End", "It is restarted everywhere, behind a watchdog that would do so again."),
            ),
        ],
        "misled": [
            ["The servers were full, so we thought that more people than ever had come.",
             "There were fewer than on the day before. Most places belonged to people who had left."],
            ["The second time looked like the first.",
             "The servers were nearly empty; the door was shut."],
        ],
        "escalation": "On both days the chat team called in the platform team within the first half hour.",
        "resolution": (
            "On 11 May we closed the silent connections by hand and started the safeguard's timer. On 20 "
            "May we restarted it, limited what it may hold a lock for, and put a watchdog of our own "
            "beside it."
        ),
        "lessons": (
            "A safeguard is a part like any other: it fails, and it needs somebody who notices. And "
            "telling you only when you ask is too late; this page is the first thing that came of it."
        ),
    },
    actions=(
        Action(
            "Protect connections from end to end: limits and timeouts at the edge, in the library and in "
            "our own code",
            ActionKind.PREVENT, "Chat", date(2016, 6, 30), ActionState.DONE, date(2016, 6, 28),
        ),
        Action(
            "Put a monitor on the safeguard itself: it proves every minute that it acts",
            ActionKind.DETECT, "Platform", date(2016, 6, 3), ActionState.DONE, date(2016, 6, 1),
        ),
        Action(
            "Let the chat recover by itself: a part that does not answer is restarted without a person",
            ActionKind.RECOVER, "Chat", date(2016, 7, 15), ActionState.DONE, date(2016, 7, 20),
        ),
        Action(
            "Give everybody a public status page in real time",
            ActionKind.LIMIT, "Platform", date(2016, 6, 10), ActionState.DONE, date(2016, 6, 9),
        ),
        Action(
            "Count availability of the chat outside of specified maintenance, and publish it",
            ActionKind.DETECT, "Platform", date(2016, 8, 31), ActionState.DONE, date(2016, 8, 30),
        ),
    ),
)  # fmt: skip

PARTS = {"Widgetify": ("Web app", "REST API"), "Tern Chat": ("Chat", "Posts and comments")}
STORIES: Mapping[str, Sequence[Story]] = {"Widgetify": (POOL,), "Tern Chat": (CHAT_FIRST, CHAT_SECOND)}
