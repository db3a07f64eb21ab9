"""The second example postmortem: a chat vendor whose safeguard failed twice."""

from datetime import date

from components.status import Status
from incidents.lifecycle import Phase
from incidents.models import ActionKind, ActionState
from statuspage.ops.demo.past import Action, Story, at, timeline

FIRST, SECOND = "2016-05-11", "2016-05-20"
CHAT_FIRST = Story(
    title="Chat refuses new connections",
    started_at=at(FIRST, "11:43"),
    ended_at=at(FIRST, "15:13"),
    statuses={"Chat": Status.MAJOR_OUTAGE},
    told=(
        (
            Phase.INVESTIGATING,
            at(FIRST, "12:05"),
            (
                "Chat does not connect. Posts and comments work as usual. We are looking into it and will "
                "write again by 12:45 UTC."
            ),
        ),
        (
            Phase.IDENTIFIED,
            at(FIRST, "12:44"),
            (
                "All places for chat connections are taken, many by connections that nobody uses any more. "
                "We are freeing them. We will write again by 13:45 UTC."
            ),
        ),
        (
            Phase.MONITORING,
            at(FIRST, "14:30"),
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
    started_at=at(SECOND, "12:02"),
    ended_at=at(SECOND, "13:20"),
    statuses={"Chat": Status.MAJOR_OUTAGE},
    told=(
        (
            Phase.INVESTIGATING,
            at(SECOND, "12:10"),
            ("Chat does not connect, as on 11 May. Posts and comments work as usual. We will write again "
             "by 12:40 UTC."),
        ),
        (
            Phase.IDENTIFIED,
            at(SECOND, "12:36"),
            ("The part that should keep idle connections away has stopped by itself and lets nobody in. We "
             "are starting it again. We will write again by 13:10 UTC."),
        ),
    ),
    last_word=(
        "Chat did not connect from 12:02 to 13:20 UTC (1 h 18 min). Posts and comments worked all the "
        "time. What links this to 11 May, and what we change, we tell in a postmortem."
    ),
    published_at=at("2016-05-24", "16:00"),
    report={
        "title": "Tern Chat refused connections twice in ten days",
        "authors": "Chat and platform teams",
        "users_how": "Everybody who opened the chat in these hours; people who were connected before "
                     "stayed connected.",
        "detected_at": at(SECOND, "12:04"),
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
            *timeline(
                FIRST,
                ("11:43", "", "04:43 Pacific: the last place for a chat connection is taken."),
                ("12:03", "", "Your reports reach the team. No alert had fired."),
                ("12:05", "", "First public word."),
                ("12:20", "Wrong turn", "We add servers. They fill up as well, within minutes."),
                ("12:41", "", "Silent connections are found to hold most places."),
                ("15:13", "", "All silent connections are closed; everybody can connect."),
            ),
            *timeline(
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
