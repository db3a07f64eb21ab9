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
                "Chat is not connecting. Posts and comments are working normally. "
                "We're investigating and will post another update by 12:45 UTC."
            ),
        ),
        (
            Phase.IDENTIFIED,
            at(FIRST, "12:44"),
            (
                "All slots for chat connections are in use, many by connections that are no longer active. "
                "We're freeing them. We'll post another update by 13:45 UTC."
            ),
        ),
        (
            Phase.MONITORING,
            at(FIRST, "14:30"),
            "Most people can chat again. We're letting the others in gradually and monitoring.",
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
            ("Chat is not connecting, as on 11 May. Posts and comments are working normally. "
             "We'll post another update by 12:40 UTC."),
        ),
        (
            Phase.IDENTIFIED,
            at(SECOND, "12:36"),
            ("The part that should keep idle connections away has locked up and rejects everyone. We "
             "are starting it again. We'll post another update by 13:10 UTC."),
        ),
    ),
    last_word=(
        "Chat did not connect from 12:02 to 13:20 UTC (1 h 18 min). Posts and comments worked all the "
        "time. A postmortem will explain the link to 11 May and what we are changing."
    ),
    published_at=at("2016-05-24", "16:00"),
    report={
        "title": "Tern Chat refused connections twice in ten days",
        "authors": "Chat and platform teams",
        "users_how": "Everyone who opened the chat during these hours; people who were already "
                     "connected stayed connected.",
        "detected_at": at(SECOND, "12:04"),
        "summary": (
            "On 11 May from 04:43 Pacific time (11:43 UTC) no one could connect to the chat for about "
            "three and a half hours, and on 20 May once more for 1 h 18 min. Both times the same "
            "safeguard failed: first it did nothing, then it blocked everyone. You rely on us to talk to "
            "each other. We are sorry."
        ),
        "impact": "New chat connections were refused on both days.\n\nPosts and comments kept working.",
        "detection": (
            "Our team: on 11 May by your reports, 20 minutes late; on 20 May by an alert on refused "
            "connections."
        ),
        "what_happened": (
            "A chat server has a fixed number of connection slots. People close their laptops without "
            "disconnecting, so a safeguard in a library that we use detects idle connections and closes "
            "them.\n\n**11 May.** The safeguard had stopped. Idle connections piled up overnight, and when "
            "the American east coast started its day at 04:43 Pacific time, all slots were in use. Posts "
            "and comments use a different path and were not affected.\n\n**20 May.** We had fixed the "
            "safeguard's setting. Under the morning load it deadlocked on its own lock. From then on it "
            "rejected every new connection, although there were enough free slots."
        ),
        "root_cause": (
            "A single part of a third-party library kept idle connections from filling the servers, and "
            "nothing monitored that part. On 11 May it **did not work**: its timer was never restarted "
            "after a reload. On 20 May it **locked up**: the fixed timer and the connection count waited "
            "for each other.\n\nWe chose the library and ran it without a second safeguard. That is our "
            "responsibility."
        ),
        "timeline": [
            *timeline(
                FIRST,
                ("11:43", "", "04:43 Pacific: the last slot for a chat connection is used."),
                ("12:03", "", "Your reports reach the team. No alert had fired."),
                ("12:05", "", "First public update."),
                ("12:20", "Wrong turn", "We add servers. They also fill up within minutes."),
                ("12:41", "", "We find that idle connections take up most slots."),
                ("15:13", "", "All idle connections are closed; everyone can connect."),
            ),
            *timeline(
                SECOND,
                ("12:02", "Start", "The fixed safeguard locks up and refuses every new connection."),
                ("12:04", "Detected", "An alert on refused connections fires, new since 11 May."),
                ("12:10", "", "First public update."),
                ("12:15", "Wrong turn", "It looks like 11 May, so we close idle connections: none."),
                ("12:31", "Cause found", "The safeguard is waiting for a lock that it holds."),
                ("13:20", "End", "It is restarted everywhere, with a watchdog that restarts it if needed."),
            ),
        ],
        "misled": [
            ["The servers were full, so we assumed record traffic.",
             "There were fewer people than the day before. Most slots belonged to people who had left."],
            ["The second time looked like the first.",
             "The servers were nearly empty; nothing could connect."],
        ],
        "escalation": "On both days the chat team escalated to the platform team within the first half hour.",
        "resolution": (
            "On 11 May we closed the idle connections by hand and started the safeguard's timer. On 20 "
            "May we restarted it, limited how long it may hold a lock, and added a watchdog of our own."
        ),
        "lessons": (
            "A safeguard is a component like any other: it fails, and it needs monitoring. And updating "
            "you only when you ask is too late; this page is our first step."
        ),
    },
    actions=(
        Action(
            "Protect connections end to end: limits and timeouts at the edge, in the library and in "
            "our own code",
            ActionKind.PREVENT, "Chat", date(2016, 6, 30), ActionState.DONE, date(2016, 6, 28),
        ),
        Action(
            "Monitor the safeguard itself: check every minute that it works",
            ActionKind.DETECT, "Platform", date(2016, 6, 3), ActionState.DONE, date(2016, 6, 1),
        ),
        Action(
            "Let the chat recover automatically: restart any part that is not responding",
            ActionKind.RECOVER, "Chat", date(2016, 7, 15), ActionState.DONE, date(2016, 7, 20),
        ),
        Action(
            "Give everyone a public status page in real time",
            ActionKind.LIMIT, "Platform", date(2016, 6, 10), ActionState.DONE, date(2016, 6, 9),
        ),
        Action(
            "Measure chat availability outside of specified maintenance, and publish it",
            ActionKind.DETECT, "Platform", date(2016, 8, 31), ActionState.DONE, date(2016, 8, 30),
        ),
    ),
)  # fmt: skip
