"""The first example postmortem: Widgetify runs out of database connections."""

from datetime import date
from decimal import Decimal

from components.status import Status
from incidents.lifecycle import Phase
from incidents.models import ActionKind, ActionState
from statuspage.ops.demo.past import Action, Story, at, timeline

FEB = "2024-02-15"
POOL = Story(
    title="Widgetify is unavailable",
    started_at=at(FEB, "08:00"),
    ended_at=at(FEB, "10:30"),
    statuses={"Web app": Status.MAJOR_OUTAGE, "REST API": Status.MAJOR_OUTAGE},
    told=(
        (
            Phase.INVESTIGATING,
            at(FEB, "08:06"),
            ("The web app and the REST API answer every request with an error (503). Images and scripts "
             "are loading normally. We're investigating and will post another update by 08:35 UTC."),
        ),
        (
            Phase.INVESTIGATING,
            at(FEB, "08:33"),
            ("Nothing has changed for you yet. We rolled back this morning's releases; they were not "
             "the cause. We'll post another update by 09:05 UTC."),
        ),
        (
            Phase.INVESTIGATING,
            at(FEB, "09:04"),
            ("The web app and the API are still not working. More engineers have joined, including the "
             "database team. We'll post another update by 09:35 UTC."),
        ),
        (
            Phase.IDENTIFIED,
            at(FEB, "09:34"),
            ("We've found the cause: our servers open more connections than the database can serve. We "
             "are setting a limit now, one server after the other. We'll post another update by 10:05 UTC."),
        ),
        (
            Phase.MONITORING,
            at(FEB, "10:12"),
            ("The first servers are responding again, and the others are following. We're monitoring until "
             "all have recovered."),
        ),
    ),
    last_word=(
        "Widgetify did not work from 08:00 to 10:30 UTC (2 h 30 min). A setting let our servers open more "
        "database connections than the database could serve. No data was lost. A postmortem will follow "
        "by Monday."
    ),
    published_at=at("2024-02-19", "14:00"),
    report={
        "title": "Widgetify was unavailable for two and a half hours",
        "authors": "DevOps and backend teams",
        "detected_at": at(FEB, "08:00"),
        "users_percent": Decimal(75),
        "users_how": "of those active on a Thursday morning, by sign-ins of the four weeks before",
        "summary": (
            "On the morning of 15 February every request to Widgetify failed with an error for two and "
            "a half hours. About three in four people who wanted to use it that morning could not. We are "
            "sorry."
        ),
        "impact": "The web app and REST API responded to every request with 503.\n\nNo data was lost.",
        "detection": "Monitoring: an alert on response time, immediately; no one had to call us.",
        "what_happened": (
            "At 08:00 UTC people in three time zones start their day with us. Each of our servers keeps a "
            "pool of connections to the database, and opens another one when none is free. That morning "
            "none was free for long, so every server opened more, and the database spent its time "
            "accepting connections instead of running queries.\n\nRequests waited, timed out and got a "
            "503. Browsers and API clients retried, which added to the load."
        ),
        "root_cause": (
            "The pool was configured without an upper limit: `max_overflow` was `-1`, meant for a test "
            "machine. So nothing limited the connections, and together they **overwhelmed the "
            "database server**, which serves 400 at a time. On quieter mornings the same setting does no "
            "harm, which is why it had gone unnoticed for weeks."
        ),
        "timeline": timeline(
            FEB,
            ("08:00", "Start", "Every request fails with 503."),
            ("08:00", "Detected", "The alert on response time fires. The on-call engineer is paged."),
            ("08:06", "", "First public update."),
            ("08:10", "Wrong turn", "Two releases went out at 07:30. We roll both back: nothing changes."),
            ("08:35", "Wrong turn", "Requests have tripled. We suspect an attack and filter addresses."),
            ("08:55", "Escalated", "The DevOps and backend teams are called in."),
            ("09:28", "Cause found", "The database refuses connections: the pool has no limit."),
            ("09:40", "", "The limit is set, and the servers are restarted one at a time."),
            ("10:12", "Recovery", "The first servers respond."),
            ("10:30", "End", "All servers respond, and the queue is empty."),
        ),
        "misled": [
            [
                "Two releases had gone out half an hour before.",
                "Neither touched the database. The setting was weeks old and only mattered under load.",
            ],
            [
                "Three times the usual requests, many from the same addresses: it looked like an attack.",
                "Our own customers, whose programs retried because we had responded with 503.",
            ],
        ],
        "escalation": (
            "The on-call engineer worked alone for 55 minutes. At 08:55 UTC the **DevOps** team was called "
            "in for the servers and the **backend** team for the database; from then on both worked in "
            "one call."
        ),
        "resolution": (
            "We limited each server's pool to 20 connections, closed the extra ones, and restarted "
            "the servers one at a time, so that they never all connected to the database at once."
        ),
        "lessons": (
            "- The latest change is a place to look, not an answer.\n- A 503 without `Retry-After` invites "
            "retries.\n- Escalate to a second team after 15 minutes, not when out of ideas."
        ),
        # Every request failed from the first minute to the last, so the curve is known
        "curve": {
            "start": int(at(FEB, "07:50").timestamp()),
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
