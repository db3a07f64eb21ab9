"""Staff are told outside the console: in time, once, and by a way that is not broken."""

import asyncio
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from components import encryption, transport
from components.egress import Egress
from components.models import Probe
from incidents.models import Incident
from incidents.times import clock
from statuspage.models import Audit, Role
from subscribers.alerts import book, delivering, forms, sending
from subscribers.alerts.last_resort import LastResort
from subscribers.alerts.outgoing import ping
from subscribers.alerts.owed import World
from subscribers.alerts.watch import Watch
from subscribers.models import Alert, AlertChannel, AlertDelivery
from tests import hostile
from tests.making import found, watched
from tests.people import person
from tests.subscribers.mailbox import Mailbox
from tests.subscribers.test_push import AUTH, subscription
from tests.subscribers.test_push_encryption import read
from tests.targets import Raw

WELL = {"status": "pass"}
DEAD = {"status": "fail", "observedValue": 75.0, "observedUnit": "s"}
PARTS = ("worker:heartbeat", "deliveries:heartbeat", "probes:oldestDueSlot", "deliveries:oldestDue")


def vitals(*dead):
    return {name: DEAD if name in dead else WELL for name in (*PARTS, *dead)}


def channel(user, address, kind="apprise", **more):
    row = AlertChannel(user=user, channel=kind, created_at=timezone.now(), **more)
    row.point_to(address, "somewhere")
    row.save()
    return row


def at(sink, path="/staff"):
    return f"{sink.url.replace('http', 'json')}{path}"


@pytest.fixture
def admin(db):
    return person("ada", Role.ADMIN)


@pytest.fixture
def mail(settings):
    with Mailbox() as box:
        settings.EMAIL_URL, settings.EMAIL_HOST, settings.EMAIL_PORT = "smtp://x", "127.0.0.1", box.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield box


def suggest(now, publish_in_s=60, **more):
    return Incident.objects.create(
        title="API is returning errors", started_at=now, created_at=now, is_by_machine=True,
        publish_at=now + timedelta(seconds=publish_in_s) if publish_in_s else None, **more,
    )  # fmt: skip


def look(made, now, *dead):
    made.write(World(now, vitals(*dead)))
    delivering.deliver(now)


def titles(sink):
    return [got.json["title"] for got in sink.got]


@pytest.mark.django_db(transaction=True)
def test_a_suggestion_is_mailed_before_its_countdown_ends(mail):
    ada = person("ada", Role.RESPONDER)
    channel(ada, "ada@example.org", "email")
    now = timezone.now()
    incident = suggest(now)
    look(book.Book(), now)
    (got,) = mail.got
    due = clock(incident.publish_at, now)
    assert got.message["Subject"] == (
        f"Suggested incident: API is returning errors. It will be published at {due} unless you act."
    )
    link = f"/console/incidents/{incident.public_id}/compose"
    for part in ("plain", "html"):
        assert link in got.message.get_body((part,)).get_content()
    answer = Client().get(link)
    assert answer.url.endswith(f"?next={link.replace('/', '%2F')}")


@pytest.mark.django_db(transaction=True)
def test_a_part_that_is_dead_for_an_hour_is_one_alert_one_reminder_and_one_is_back(sink, admin):
    channel(admin, at(sink))
    made, now = book.Book(), timezone.now()
    for minute in range(62):
        look(made, now + timedelta(minutes=minute), "deliveries:heartbeat", "deliveries:oldestDue")
    for minute in (62, 63):
        look(made, now + timedelta(minutes=minute))
    down = "The message worker is not running."
    assert titles(sink) == [down, f"Still: {down}", "The message worker is running again."]
    assert len({json.dumps(one) for one in Alert.objects.values_list("kind", flat=True)}) == 1


@pytest.mark.django_db(transaction=True)
def test_a_part_that_is_back_within_seconds_is_no_news(sink, admin):
    channel(admin, at(sink))
    made, now = book.Book(), timezone.now()
    look(made, now, "worker:heartbeat")
    look(made, now + timedelta(seconds=20))
    look(made, now + timedelta(seconds=40), "worker:heartbeat")
    assert sink.got == []


@pytest.mark.django_db(transaction=True)
def test_a_part_that_dies_again_within_seconds_is_not_back(sink, admin):
    channel(admin, at(sink))
    made, now = book.Book(), timezone.now()
    for s in (0, 35):
        look(made, now + timedelta(seconds=s), "worker:heartbeat")
    look(made, now + timedelta(seconds=40))
    assert titles(sink) == ["The worker is not running checks."]
    look(made, now + timedelta(seconds=75))
    assert titles(sink)[1:] == ["The worker is running again."]


@pytest.mark.django_db(transaction=True)
def test_a_dead_clock_is_named_and_not_the_parts_it_feeds(sink, admin):
    channel(admin, at(sink))
    made, now = book.Book(), timezone.now()
    for s in (0, 40):
        look(made, now + timedelta(seconds=s), *PARTS)
    assert titles(sink) == ["The clock (beat) is not running: nothing is scheduled."]


def test_whoever_may_not_publish_is_told_nothing_and_system_alerts_are_asked_for(db):
    viewer, writer = person("vera", Role.VIEWER), person("rob", Role.RESPONDER)
    channel(viewer, "json://127.0.0.1/a")
    mine = channel(writer, "json://127.0.0.1/b", wants_system=False)
    assert list(AlertChannel.objects.for_group("incidents")) == [mine]
    assert not AlertChannel.objects.for_group("system").exists()
    writer.is_active = False
    writer.save()
    assert not AlertChannel.objects.for_group("incidents").exists()


@pytest.mark.django_db(transaction=True)
def test_an_overdue_promise_reminds_at_sensible_steps_and_ends_with_a_new_promise(sink, admin):
    channel(admin, at(sink), wants_system=False)  # two hours in which no clock runs are another alert
    now = timezone.now()
    incident = Incident.objects.create(
        title="Slow", started_at=now, is_owned=True, published_at=now, next_update_at=now
    )
    made = book.Book()
    for minute in range(126):
        look(made, now + timedelta(minutes=minute))
    late = [f"Update overdue: Slow. Promised by {clock(now, now + timedelta(minutes=minute))}."
            for minute in (0, 15, 60, 120)]  # fmt: skip
    assert titles(sink) == [late[0], *[f"Still: {words}" for words in late[1:]]]
    incident.next_update_at = now + timedelta(hours=9)
    incident.save()
    look(made, now + timedelta(minutes=127))
    assert not Alert.objects.filter(closed_at=None).exists()
    assert len(sink.got) == 4


@pytest.mark.django_db(transaction=True)
def test_a_failed_attempt_is_made_again_under_the_same_id(mail, admin):
    channel(admin, "ada@example.org", "email")
    mail.faults["ada"] = ["451 later", "rst after data"]
    now = timezone.now()
    suggest(now, 0)
    look(book.Book(), now)
    owed = AlertDelivery.objects.get()
    assert (owed.state, owed.attempts) == ("owed", 1)
    assert "451" in owed.channel.last_error
    assert delivering.deliver(now + timedelta(seconds=1)) == 0  # not before its pause
    for s in (6, 40):
        delivering.deliver(now + timedelta(seconds=s))
    assert AlertDelivery.objects.get().state == "sent"
    assert [got.id for got in mail.got] == [f"<{owed.message_id}@status.widgetify.example>"] * 2


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_midway_is_followed_by_another_with_the_same_id(sink, admin):
    channel(admin, at(sink))
    now = timezone.now()
    suggest(now)
    book.Book().write(World(now, vitals()))
    token, (lost,) = delivering.claim(now)
    assert delivering.deliver(now + timedelta(seconds=1)) == 0
    assert delivering.deliver(now + timedelta(seconds=41)) == 1
    assert (AlertDelivery.objects.get().state, AlertDelivery.objects.get().message_id) == (
        "sent",
        lost.message_id,
    )
    delivering.finish(
        token, [(lost, sending.Result(sending.End.GONE))], now
    )  # the dead one's word comes late
    assert AlertDelivery.objects.get().state == "sent"


@pytest.mark.django_db(transaction=True)
def test_what_is_over_before_it_was_sent_is_not_sent(sink, admin):
    channel(admin, at(sink))
    sink.answers["/staff"] = 500
    now = timezone.now()
    incident, made = suggest(now), book.Book()
    look(made, now)
    incident.delete()
    sink.answers["/staff"] = 200
    look(made, now + timedelta(minutes=1))
    assert len(sink.got) == 1
    assert AlertDelivery.objects.get().state == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_two_watchers_tell_once(sink, admin):
    channel(admin, at(sink))
    now = timezone.now()
    suggest(now)
    look(book.Book(), now)
    look(book.Book(), now)
    assert len(sink.got) == 1


@pytest.mark.django_db(transaction=True)
def test_a_browser_shows_an_alert_that_opens_the_composer(sink, admin):
    key = ec.generate_private_key(ec.SECP256R1())
    sink.answers["/push"] = 201
    channel(admin, json.dumps(subscription(f"{sink.url}/push", key)), "web_push")
    now = timezone.now()
    incident = suggest(now)
    look(book.Book(), now)
    told = json.loads(read(sink.got[0].body, key, AUTH))
    assert told["url"].endswith(f"/console/incidents/{incident.public_id}/compose")
    assert told["title"].startswith("Suggested incident: API is returning errors.")


@pytest.mark.django_db(transaction=True)
def test_the_database_is_away_and_staff_hear_it_once_from_the_copy(sink, admin, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    mine, now = channel(admin, at(sink)), timezone.now()
    LastResort().remember(now)
    kept = tmp_path / "alert_channels.json"
    assert (kept.stat().st_mode & 0o777, sink.url in kept.read_text()) == (0o600, False)
    for made in (LastResort(), LastResort()):  # a restart, or another process
        for s in (0, 10, 31, 60, 300):
            made.tell(now + timedelta(seconds=s))
    assert titles(sink) == ["The database is not responding."]
    LastResort().remember(now + timedelta(minutes=6))
    delivering.deliver(timezone.now() + timedelta(minutes=6))
    assert titles(sink)[1:] == ["The database is responding again."]
    alert = Alert.objects.get()
    assert (alert.kind, alert.closed_at is None) == ("database", False)
    assert [one.channel for one in alert.deliveries.all()] == [mine, mine]


@pytest.mark.django_db(transaction=True)
def test_a_watch_goes_the_last_way_when_the_database_raises(monkeypatch, admin):
    told = []
    made = Watch()
    monkeypatch.setattr(made.last_resort, "remember", lambda now: (_ for _ in ()).throw(DatabaseError()))
    monkeypatch.setattr(made.last_resort, "tell", told.append)
    made.look()
    assert len(told) == 1


def test_the_heartbeat_takes_a_redirect_for_an_answer_and_goes_nowhere_else(target):
    target.paths["/alive"] = (302, {"Location": "/elsewhere"}, b"")
    assert asyncio.run(ping(f"{target.url}alive?key=1", Egress(["127.0.0.1/32"]))) == 302
    assert [(method, path) for method, path, *_ in target.asked] == [("GET", "/alive?key=1")]
    assert target.asked[0][2]["User-Agent"] == "statuspage/1 (+heartbeat)"


def test_the_heartbeat_goes_through_the_door_of_alerts(target):
    with pytest.raises(transport.ERRORS, match="EGRESS_ALLOW"):
        asyncio.run(ping(target.url, Egress()))
    assert target.asked == []


def test_the_heartbeat_waits_for_the_head_alone():
    """A service may answer with a page of any size; only its status counts."""
    with Raw(hostile.endless_body) as server:
        assert asyncio.run(ping(f"http://127.0.0.1:{server.port}/", Egress(["127.0.0.1/32"]))) == 200


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_told_until_its_own_machine_has_room_again(sink, admin):
    channel(admin, at(sink))
    made, others, now = book.Book(), (book.Book(), book.Book()), timezone.now()
    full = {
        "copies:disk": {"status": "fail", "output": "Copies of the page cannot be saved to disk: it is full."}
    }
    for s in range(0, 300, 20):
        moment = now + timedelta(seconds=s)
        made.write(World(moment, full, "one"))
        others[0].write(World(moment, {"copies:disk": WELL}, "two"))
        others[1].write(World(moment, {"copies:disk": WELL}))  # the message worker keeps no copies
        delivering.deliver(moment)
    assert titles(sink) == ["Copies of the page cannot be saved to disk: it is full."]
    for s in (300, 340):
        made.write(World(now + timedelta(seconds=s), {"copies:disk": WELL}, "one"))
    delivering.deliver(now + timedelta(seconds=340))
    assert titles(sink)[1:] == ["Copies of the page are saved to disk again."]


# The console


@pytest.fixture
def console(admin):
    client = Client()
    admin.email = "ada@example.org"
    admin.save()
    client.force_login(admin)
    return client


def said(answer):
    return [str(one) for one in answer.context["messages"]]


@pytest.mark.django_db(transaction=True)
def test_own_address_is_added_at_once_and_another_only_by_the_link_in_it(console, mail):
    console.post("/console/alerts/mail", {"mail-address": "ada@example.org"})
    answer = console.post("/console/alerts/mail", {"mail-address": "pager@example.org"}, follow=True)
    assert said(answer)[-1:] == ["Check pager@example.org and click the link to confirm."]
    assert AlertChannel.objects.count() == 1
    text = mail.got[0].message.get_body(("plain",)).get_content()
    link = next(line for line in text.splitlines() if "/confirm/" in line)
    other = Client()
    other.force_login(person("eve", Role.RESPONDER))
    other.get(link.removeprefix("https://status.widgetify.example"))
    assert AlertChannel.objects.count() == 1
    console.get(link.removeprefix("https://status.widgetify.example"))
    assert [one.address for one in AlertChannel.objects.all()] == ["ada@example.org", "pager@example.org"]
    assert "pager@" not in str(list(Audit.objects.values()))


@pytest.mark.django_db(transaction=True)
def test_an_apprise_address_is_sealed_masked_tested_and_removed(console, sink):
    console.post("/console/alerts/apprise", {"apprise-address": at(sink, "/secret-token-abcd")})
    row = AlertChannel.objects.get()
    assert (row.shown, row.wants_system) == ("json://…abcd", True)
    assert "secret-token" not in row.sealed_address
    assert encryption.unseal(row.sealed_address) == at(sink, "/secret-token-abcd")
    assert b"secret-token" not in console.get("/console/alerts/").content
    (good,) = said(console.post(f"/console/alerts/{row.pk}/test", follow=True))
    assert good.startswith("Sent at ")
    sink.answers["/secret-token-abcd"] = 500
    assert said(console.post(f"/console/alerts/{row.pk}/test", follow=True)) == [
        "Not sent. Apprise could not deliver it."
    ]
    console.post(f"/console/alerts/{row.pk}/remove")
    assert not AlertChannel.objects.exists()
    assert set(Audit.objects.values_list("act", flat=True)) >= {"alerts.add", "alerts.remove"}


@pytest.mark.parametrize(
    "address",
    ["json://10.0.0.7/x", "json://169.254.169.254/", "dbus://", "nothing://x", "syslog://", "words"],
)
def test_an_apprise_address_that_leads_inside_or_nowhere_is_refused(address):
    assert not forms.AppriseForm({"address": address}).is_valid()


def test_nobody_touches_the_channels_of_another(console, db):
    theirs = channel(person("bob", Role.ADMIN), "json://127.0.0.1/x")
    for verb in ("test", "remove", "choose"):
        assert console.post(f"/console/alerts/{theirs.pk}/{verb}").status_code == 404
    guarded = Client(enforce_csrf_checks=True)
    guarded.cookies = console.cookies
    assert guarded.post("/console/alerts/mail", {"mail-address": "a@example.org"}).status_code == 403


# Probes that never passed, incidents nobody looks at, and how bad it must be


@pytest.mark.django_db(transaction=True)
def test_a_probe_that_never_passed_asks_for_its_address_and_says_when_it_passes(sink, admin):
    channel(admin, at(sink))
    now = timezone.now()
    probe = watched("Shop", target="https://shop.example.org/?key=SECRET")
    for s in (0, 30, 60):
        found(Probe.objects.get(), "down", now + timedelta(seconds=s - 60))
    made = book.Book()
    for s in (0, 60):
        look(made, now + timedelta(seconds=s))
    assert sink.got == []  # whoever sets it up may still be at it
    look(made, now + timedelta(seconds=125))
    assert titles(sink) == ["Shop has never passed a check: is the address right?"]
    assert f"/console/probes/{probe.public_id}" in json.dumps(sink.got[0].json)
    assert "SECRET" not in json.dumps(sink.got[0].json)
    found(Probe.objects.get(), "up", now + timedelta(seconds=130))
    found(Probe.objects.get(), "up", now + timedelta(seconds=190))
    for s in (200, 330):
        look(made, now + timedelta(seconds=s))
    assert titles(sink)[1:] == ["Shop has passed its first check."]


@pytest.mark.django_db(transaction=True)
def test_an_incident_that_nobody_looks_at_any_more_is_told(sink, admin):
    channel(admin, at(sink))
    now = timezone.now()
    incident = suggest(now, None, published_at=now, unwatched_at=now)
    made = book.Book()
    for s in (0, 5):  # one message after the other
        look(made, now + timedelta(seconds=s))
    assert f"No probe checks this incident anymore: {incident.title}" in titles(sink)


@pytest.mark.django_db(transaction=True)
def test_a_channel_hears_of_what_is_as_bad_as_it_asked_for_once_it_is(sink, admin):
    channel(admin, at(sink, "/all"))
    channel(admin, at(sink, "/critical"), least_impact=3)
    now, made = timezone.now(), book.Book()
    incident = suggest(now, impact="minor")
    look(made, now)
    assert [one.path for one in sink.got] == ["/all"]
    Incident.objects.update(impact="critical")
    for s in (5, 10, 15):
        look(made, now + timedelta(seconds=s))
    assert [one.path for one in sink.got] == ["/all", "/critical"]
    Incident.objects.update(impact="minor")
    look(made, now + timedelta(seconds=20))
    Incident.objects.update(impact="critical")
    look(made, now + timedelta(seconds=25))
    assert len(sink.got) == 2
    assert incident.title in titles(sink)[1]


def test_the_least_impact_is_chosen_in_the_console(client, admin):
    client.force_login(admin)
    row = channel(admin, "json://127.0.0.1/b")
    path = f"/console/alerts/{row.pk}/choose"
    assert client.post(path, {"wants_incidents": "on", "least_impact": "2"}).status_code == 302
    row.refresh_from_db()
    assert row.least_impact == 2
    client.post(path, {"wants_incidents": "on", "least_impact": "9"})
    client.post(path, {"least_impact": "1"})
    row.refresh_from_db()
    assert row.least_impact == 2
    assert "Major or worse".lower() in client.get("/console/alerts/").content.decode()
