"""The kinds of alerts, each with a function that finds what is wrong now.

To add a kind, write the function and one line in KINDS. What it no longer finds is closed.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Max, Min

from components.models import Probe, RemoteRegion
from incidents import sight, slowdowns, staff_questions
from incidents.automation import PROPOSE_AFTER
from incidents.models import Incident
from incidents.times import clock
from subscribers.alerts import recovery
from subscribers.alerts.owed import HOUR, INCIDENTS, SYSTEM, Kind, Owed, World, address
from subscribers.delivery import refused_mail
from subscribers.delivery.leases import MAIL_SERVER
from subscribers.models import Delivery, DeliveryState, Host
from subscribers.models.host import FAILURES_BEFORE_REST
from subscribers.models.subscriber import RANKS

HOLD_S = 30.0  # `up` restarts a part within seconds: that needs no alert
REGION_SILENT_S = 120
ANSWERED_S = 120.0  # a probe being set up may still be corrected
MANY_GIVEN_UP = 20  # in an hour
MAX_NAMED = 5


# Incidents


def suggestions(world: World) -> Iterator[Owed]:
    """Suggested incidents, which only staff see."""
    for incident in _open().filter(published_at=None, is_by_machine=True, is_owned=False):
        end = "It will not be published automatically."
        if incident.publish_at:
            end = f"It will be published at {clock(incident.publish_at, world.now)} unless you act."
        names = ", ".join(incident.names())
        yield Owed(
            str(incident.pk),
            f"Suggested incident: {incident.title}. {end}",
            f"Affected: {names}. Started at {clock(incident.started_at, world.now)}." if names else "",
            address("console_compose", incident.public_id),
            rank=_rank(incident),
        )


def published(world: World) -> Iterator[Owed]:
    """Incidents published automatically that no one has taken over."""
    incidents = _open().filter(is_by_machine=True, is_owned=False).exclude(published_at=None)
    for incident in incidents:
        yield Owed(
            str(incident.pk),
            f"Incident published automatically: {incident.title}",
            f"Affected: {', '.join(incident.names())}. Started at {clock(incident.started_at, world.now)}."
            " Updates are automatic until someone takes over.",
            address("console_compose", incident.public_id),
            f"Resolved automatically: {incident.title}",
            rank=_rank(incident),
        )


def became(subject: str) -> str:
    """What became of an incident that was published automatically; empty if unknown."""
    incident = Incident.objects.filter(pk=subject).select_related("merged_into").first()
    if incident is None:
        return ""
    if incident.deleted_at:
        return f"Deleted by staff: {incident.title}"
    if incident.merged_into:
        return f"Merged into “{incident.merged_into}”: {incident.title}"
    if incident.resolved_at:
        return f"Resolved {'by staff' if incident.is_owned else 'automatically'}: {incident.title}"
    return f"Taken over by staff: {incident.title}" if incident.is_owned else ""


def proposals(world: World) -> Iterator[Owed]:
    """Recovered incidents that wait for a person to resolve them."""
    minutes = int(PROPOSE_AFTER.total_seconds() // 60)
    for incident in _open().filter(is_owned=True).exclude(proposed_at=None):
        yield Owed(
            f"{incident.pk}:{_stamp(incident.proposed_at)}",
            f"Ready to resolve? {incident.title}",
            f"All checks have passed for {minutes} minutes. The incident is still open.",
            address("console_compose", incident.public_id),
        )


def overdue(world: World) -> Iterator[Owed]:
    """Incidents whose update, promised by staff, is overdue."""
    for incident in _open().filter(is_owned=True, next_update_at__lte=world.now).exclude(published_at=None):
        assert incident.next_update_at is not None
        yield Owed(
            f"{incident.pk}:{_stamp(incident.next_update_at)}",
            f"Update overdue: {incident.title}. Promised by {clock(incident.next_update_at, world.now)}.",
            "Customers are waiting for the update that was promised on the page.",
            address("console_compose", incident.public_id),
        )


def unproven(world: World) -> Iterator[Owed]:
    """Probes that fail and never passed a check: they show no outage; their address may be wrong."""
    for probe in staff_questions.unproven():
        yield Owed(
            f"{probe.public_id}:{probe.target_mark}",
            staff_questions.never_passed(probe).text,
            f"Probe “{probe}”. It is shown as unknown until a check passes, and opens no incident.",
            address("console_probe", probe.public_id),
            f"{probe.component} has passed its first check.",
        )


def proven(subject: str) -> str:
    """The message if the probe has passed a check; empty if it was deleted, paused or changed instead."""
    public_id, _, mark = subject.partition(":")
    probe = Probe.objects.filter(public_id=public_id).select_related("component").first()
    if probe is None or probe.target_mark != mark:
        return ""
    return f"{probe.component} has passed its first check." if probe.passed_at else ""


def unwatched(world: World) -> Iterator[Owed]:
    """Automatic incidents that no probe checks any more: they will not be resolved automatically."""
    for incident in staff_questions.unwatched_incidents():
        assert incident.unwatched_at is not None
        yield Owed(
            f"{incident.pk}:{_stamp(incident.unwatched_at)}",
            staff_questions.unwatched(incident).text,
            "It is not resolved automatically: take it over, or let a probe check it again.",
            address("console_compose", incident.public_id),
            rank=_rank(incident),
        )


def disputed(world: World) -> Iterator[Owed]:
    """Automatic incidents where staff set another status than the probes see."""
    for incident in staff_questions.disputed_incidents():
        yield Owed(
            str(incident.pk),
            staff_questions.disputed(incident).text,
            "It is not resolved automatically: clear the status, or take the incident over.",
            address("console_compose", incident.public_id),
            rank=_rank(incident),
        )


def _rank(incident: Incident) -> int:
    return RANKS[incident.shown_impact]


def _stamp(at: datetime) -> int:
    """The time as part of a subject: another time is another alert."""
    return int(at.timestamp())


def _open() -> Any:
    return Incident.objects.live().filter(resolved_at=None)


# The system itself


PARTS = {  # by check of /healthz: (message when failing, message when over)
    "worker:heartbeat": ("The worker is not running checks.", "The worker is running again."),
    "deliveries:heartbeat": ("The message worker is not running.", "The message worker is running again."),
    "dispatcher:heartbeat": ("The dispatcher is not sending messages.", "The dispatcher is sending again."),
    "web:heartbeat": ("No web process is answering.", "The page is answering again."),
    "renderer:heartbeat": ("The page is not being rendered.", "The page is being rendered again."),
    "spooler:heartbeat": ("Reports are not being stored.", "Reports are being stored again."),
    "alerts:heartbeat": ("An alert thread is not running.", "The alert thread is running again."),
    "selfTest:lastNoticed": (
        "The self-test failed on purpose and was not noticed in time: outages may be missed.",
        "The self-test is noticed again.",
    ),
    "hooks:heartbeat": ("Recovery hooks are not being called.", "Recovery hooks are being called again."),
    "deliveries:oldestDue": ("Messages to subscribers are not being sent.", "Messages are being sent again."),
    "probes:oldestDueSlot": ("Checks are not being started on time.", "Checks are on time again."),
    "probes:lastCheck": ("No check has finished recently.", "Checks are finishing again."),
    "broker:responseTime": ("The broker is not responding.", "The broker is responding again."),
    "database:responseTime": ("The database is not responding.", "The database is responding again."),
}
AGAIN = {  # the message when over; when failing it is the check's output
    "copies:disk": "Copies of the page are saved to disk again.",
    "copies:rendered": "The page is rendered again.",
}
CLOCK = ("The clock (beat) is not running: nothing is scheduled.", "The clock (beat) is running again.")
BEAT = "beat:heartbeat"
BY_CLOCK = ("worker:heartbeat", "deliveries:heartbeat")  # both fail without beat; a dead worker stops one
OWN = "copies:"  # checks that each web process can only judge for its own machine
BROKER = "broker:responseTime"
FOLLOWS = {  # checks that fail as a consequence of another
    "probes:oldestDueSlot": BY_CLOCK[:1], "probes:lastCheck": BY_CLOCK[:1],
    "deliveries:oldestDue": BY_CLOCK[1:], "dispatcher:heartbeat": BY_CLOCK[1:],
    "hooks:heartbeat": BY_CLOCK[1:],
    "renderer:heartbeat": ("web:heartbeat",), "spooler:heartbeat": ("web:heartbeat",),
    "selfTest:lastNoticed": (*BY_CLOCK[:1], "probes:oldestDueSlot", "probes:lastCheck"),
}  # fmt: skip
NO_CLOCK = (*BY_CLOCK, *(name for name, causes in FOLLOWS.items() if "web:heartbeat" not in causes))
# the first has a kind of alert of its own, which names the region; the second fails with another check
APART = ("regions:lastCheck", "regions:lastSeen", "pipeline:lastPass")


def parts(world: World) -> Iterator[Owed]:
    """Parts of this system that /healthz reports as unhealthy, without mere consequences."""
    bad = {
        name: check for name, check in world.vitals.items() if check["status"] != "pass" and name not in APART
    }
    if BROKER in bad:  # nothing is scheduled and nothing is taken without it
        bad = {name: check for name, check in bad.items() if name not in (BEAT, *NO_CLOCK)}
    has_no_clock = BEAT in bad if BEAT in world.vitals else all(name in bad for name in BY_CLOCK)
    if has_no_clock:
        yield _part("clock", CLOCK, {})
        bad = {name: check for name, check in bad.items() if name not in (BEAT, *NO_CLOCK)}
    for name, check in bad.items():
        is_ours = bool(world.node) or not name.startswith(OWN)
        if is_ours and not any(cause in bad for cause in FOLLOWS.get(name, ())):
            subject = f"{name}@{world.node}" if name.startswith(OWN) else name
            output = str(check.get("output") or f"{name} is unhealthy.")
            words = PARTS.get(name, (output, AGAIN.get(name, f"OK again: {output}")))
            if check["status"] == "warn" and name.endswith(":heartbeat"):  # some of several
                subject, words = f"{name}:some", (output, f"All of them report again: {name}.")
            yield _part(subject, words, check)


def _part(subject: str, words: tuple[str, str], check: Mapping[str, Any]) -> Owed:
    facts = str(check.get("output", ""))
    if check.get("observedUnit") == "s":
        facts = f"For {check['observedValue']:.0f} seconds."
    return Owed(subject, words[0], "" if facts == words[0] else facts, address("console"), words[1])


def regions(world: World) -> Iterator[Owed]:
    """Remote regions that stopped asking for work; regions without results while others have some."""
    remote = RemoteRegion.objects.filter(is_active=True).exclude(last_seen_at=None)
    cut_off = {row.name: row.last_seen_at for row in remote if not row.is_seen(world.now)}
    for name, seen_at in cut_off.items():
        assert seen_at is not None
        yield Owed(
            name, f"Region {name} is cut off.",
            f"It last asked for work at {clock(seen_at, world.now)}. Its checks are unknown meanwhile.",
            address("console_regions"), f"Region {name} is checking again.",
        )  # fmt: skip
    yield from _without_results(world, set(cut_off))


def _without_results(world: World, cut_off: set[str]) -> Iterator[Owed]:
    rows = list(
        Probe.objects.filter(is_paused=False).order_by().values("region")
        .annotate(heard=Max("heard_s"), interval=Min("interval_s"))
    )  # fmt: skip
    now = world.now.timestamp()
    silent = [
        row["region"] for row in rows
        if row["heard"] is not None and now - row["heard"] > max(REGION_SILENT_S, 3 * row["interval"])
    ]  # fmt: skip
    if len(silent) == len(rows):  # then it is not about a region
        return
    for region in silent:
        if region in cut_off:
            continue
        yield Owed(
            region, f"No checks from region {region}.", "Its probes have not reported; other regions have.",
            address("console_probes"), f"Region {region} is checking again.",
        )  # fmt: skip


def blind(world: World) -> Iterator[Owed]:
    """A region whose canaries fail together with most of its checks: it is unknown what it watches."""
    for region in sight.blind_regions(world.now):
        yield Owed(
            region, f"Region {region} cannot see anything.",
            "Its canaries and most of its checks fail: they count as unknown. Check its network.",
            address("console_probes"), f"Region {region} can see again.",
        )  # fmt: skip


def slow(world: World) -> Iterator[Owed]:
    """A component that was slower in the last hour than it usually is at this hour of the week."""
    for component, slowdown in slowdowns.slow_components(world.now):
        yield Owed(
            component.public_id, f"{component} responds slower than usual.",
            f"Median {slowdown.now_ms:,.0f} ms in the last full hour; {slowdown.usual_ms:,.0f} ms is usual"
            f" for this hour of the week (from {slowdown.weeks} weeks).",
            address("console_component", component.public_id), f"{component} responds at its usual speed.",
        )  # fmt: skip


def mail_server(world: World) -> Iterator[Owed]:
    """Our mail server is failing; also while all mail waits, as then it cannot be known to work."""
    failing = Host.objects.filter(name=MAIL_SERVER, failures__gte=FAILURES_BEFORE_REST)
    is_resting = failing.filter(rests_until__gt=world.now - timedelta(seconds=30)).exists()
    if is_resting or (failing.exists() and refused_mail.waiting().exists()):
        yield Owed(
            "mail", "The mail server does not accept our mail.", "Mail to subscribers is queued and retried.",
            address("console_subscribers"), "The mail server accepts our mail again.",
        )  # fmt: skip


def mail_refused(world: World) -> Iterator[Owed]:
    """Recipients refused again and again because of us, while others get their mail."""
    domains = refused_mail.domains_alone()
    if domains:
        yield Owed(
            "refused", "The mail server rejects our mail to some subscribers and accepts it for others.",
            f"At {', '.join(domains[:MAX_NAMED])}{' and more' if len(domains) > MAX_NAMED else ''}."
            " Its reply is shown next to each. Their mail is queued and retried.",
            f"{address('console_subscribers')}?{urlencode({'q': domains[0]})}",
            "The mail server no longer rejects our mail to only some subscribers.",
        )  # fmt: skip


def given_up(world: World) -> Iterator[Owed]:
    """Many messages given up within an hour."""
    since = world.now - HOUR
    number = Delivery.objects.filter(state=DeliveryState.FAILED, finished_at__gte=since).count()
    if number >= MANY_GIVEN_UP:
        yield Owed(
            "deliveries", "Many messages to subscribers could not be delivered.",
            f"{number:,} were given up on within the last hour.",
            f"{address('console_subscribers')}?failing=1",
        )  # fmt: skip


NUDGES = (timedelta(minutes=15), HOUR)
KINDS: dict[str, Kind] = {
    "suggestion": Kind(INCIDENTS, suggestions),
    "published": Kind(INCIDENTS, published, became),
    "proposal": Kind(INCIDENTS, proposals, reminders=(HOUR,)),
    "never_passed": Kind(INCIDENTS, unproven, proven, hold_s=ANSWERED_S),
    "unwatched": Kind(INCIDENTS, unwatched, reminders=(HOUR,)),
    "disputed": Kind(INCIDENTS, disputed, reminders=(HOUR,)),
    "overdue": Kind(INCIDENTS, overdue, reminders=NUDGES, repeat=HOUR),
    "hook_approval": Kind(INCIDENTS, recovery.proposals, recovery.decided, reminders=NUDGES[:1]),
    "hook_disarmed": Kind(INCIDENTS, recovery.disarmed),
    "hooks_brake": Kind(SYSTEM, recovery.brake, repeat=HOUR),
    "part": Kind(SYSTEM, parts, hold_s=HOLD_S, repeat=HOUR),
    "region": Kind(SYSTEM, regions, hold_s=HOLD_S, repeat=HOUR),
    "blind": Kind(SYSTEM, blind, hold_s=HOLD_S, repeat=HOUR),
    "slow": Kind(SYSTEM, slow),
    "mail_server": Kind(SYSTEM, mail_server, repeat=HOUR),
    "mail_refused": Kind(SYSTEM, mail_refused),
    "given_up": Kind(SYSTEM, given_up),
    "database": Kind(SYSTEM, lambda _: ()),  # sent by last_resort, which creates its row afterwards
}
