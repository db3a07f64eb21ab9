"""The number beside the publish button is exactly who is owed the update afterwards."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from components.models import Heartbeat
from incidents import notification_status, postmortem_draft
from incidents.models import Incident, Maintenance, Notice, Post
from statuspage.models import Role
from subscribers.delivery import fan_out
from subscribers.models import Delivery, DeliveryState, Subscriber
from subscribers.states import Channel
from tests.making import component
from tests.people import person
from tests.subscribers.making import mail, somebody, webhook
from tests.subscribers.test_staff import CHOICES, TROUBLES, choosing, world


@pytest.fixture
def ada(client, db):
    client.force_login(person("ada", Role.RESPONDER))
    return client


def number(text):
    """All the numbers of the line, added."""
    line = re.search(r'<p id="audience".*?</p>', text, re.DOTALL)[0]
    if "no one" in line.lower():
        return 0
    told = re.search(r'<b class="roomy">(.*?)</b>', line)[1]
    return sum(int(one.replace(",", "")) for one in re.findall(r"[\d,]*\d", told))


def form(**more):
    return {"phase": "identified", "body": "Chat does not work.", "promise": "none", "title": "Chat",
            "although_hidden": "1", **more}  # fmt: skip


def publish(client, path, data):
    """What the form said of its audience, and who was owed the update then."""
    said = number(client.post(f"{path}/saved", data).content.decode())
    before = set(Notice.objects.values_list("pk", flat=True))
    answer = client.post(path if path.endswith("new") else f"{path}/compose", {**data, "publish": "1"})
    assert answer.status_code == 302, answer.content.decode()
    fan_out.sort(timezone.now() + timedelta(minutes=1))
    (fresh,) = set(Notice.objects.values_list("pk", flat=True)) - before
    return said, Delivery.objects.filter(notice=fresh).count()


PLACES = st.dictionaries(st.integers(0, 3), st.sampled_from(TROUBLES), max_size=4)


@hypothesis(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many=st.lists(CHOICES, min_size=1, max_size=6), first=PLACES, then=PLACES)
def test_who_is_counted_is_who_is_owed_it(ada, many, first, then):
    Subscriber.objects.all().delete()
    Notice.objects.all().delete()
    places = world()
    for one in places[0]:  # as if nothing had been
        one.status, one.manual_status = "operational", ""
        one.save()
    old = Incident.objects.open("Old", "x", now=timezone.now())
    Notice.objects.update(sorted_at=timezone.now())
    for n, choices in enumerate(many):
        choosing(n, choices, places, old, Notice.objects.get())
    names = {n: one.public_id for n, one in enumerate(places[0])}
    told = {f"status-{names[n]}": status for n, status in first.items()}
    said, owed = publish(ada, "/console/incidents/new", form(**told))
    assert said == owed
    # a second word: statuses turned, further components, and those told before hear the rest
    incident = Incident.objects.latest("pk")
    seen = incident.updates.latest("number").number
    was = {
        f"was-{row.component.public_id}": row.status for row in incident.affected.select_related("component")
    }
    told = {f"status-{names[n]}": status for n, status in then.items()}
    said, owed = publish(ada, f"/console/incidents/{incident.public_id}", form(seen=seen, **was, **told))
    assert said == owed


def test_an_incident_weighs_what_it_weighed_at_its_worst(ada):
    chat = component("Chat")
    incident = Incident.objects.open("Down", "x", now=timezone.now(), statuses={chat: "major_outage"})
    fan_out.sort(timezone.now())
    mail(least_impact=3)  # came after the first word
    told = {f"was-{chat.public_id}": "major_outage", f"status-{chat.public_id}": "degraded_performance"}
    said, owed = publish(ada, f"/console/incidents/{incident.public_id}", form(seen=1, **told))
    assert said == owed == 1


def test_the_line_reads_as_people_count(db):
    audience = notification_status.Audience(
        (("Email", 1_204), ("Slack", 40), ("Webhook", 37), ("Discord", 21))
    )
    assert audience.words == "1,204 email, 37 webhooks, 61 chat channels"
    assert audience.short == "1,204 email, 37 webhooks, 61 chats"
    assert notification_status.Audience((("Webhook", 1), ("Slack", 1))).words == "1 webhook, 1 chat channel"
    assert notification_status.Audience().words == ""


def test_notify_nobody_says_so_and_tells_nobody(ada):
    mail()
    answer = ada.post("/console/incidents/new/saved", form(quiet="1")).content.decode()
    assert "No one will be notified." in answer
    assert 'hx-swap-oob="true"' in answer
    ada.post("/console/incidents/new", form(quiet="1", publish="1"))
    fan_out.sort(timezone.now() + timedelta(minutes=1))
    assert not Delivery.objects.exists()


def test_planned_work_and_postmortems_say_who_is_told(ada):
    chat, files = component("Chat"), component("Files")
    mail("a@x.example"), mail("b@x.example", components=[chat])
    webhook("http://127.0.0.1:9/", components=[files])
    assert number(ada.get("/console/maintenance/new").content.decode()) == 1
    line = ada.post("/console/maintenance/new/audience", {"components": [chat.pk, "x"]}).content.decode()
    assert number(line) == 2
    now = timezone.now()
    start = now + timedelta(hours=1)
    work = Maintenance.objects.plan("Move", "x", starts_at=start, ends_at=start + timedelta(hours=1), now=now,
                                    components=[files])  # fmt: skip
    said = number(ada.get(f"/console/maintenance/{work.public_id}").content.decode())
    fan_out.sort(now)
    assert said == Delivery.objects.filter(notice__maintenance=work).count() == 2
    incident = Incident.objects.open("Down", "x", now=now, components=[chat], notifies=False)
    incident.post(Post("Over.", phase="resolved", notifies=False), now=now)
    report = postmortem_draft.create(incident, author=None, now=now)
    report.keep({"summary": "Down.", "root_cause": "A pool."}, now, author=None)
    page = f"/console/postmortems/{incident.public_id}"
    said = number(ada.get(page).content.decode())
    report.publish(now)
    fan_out.sort(now)
    assert said == Delivery.objects.filter(notice__postmortem=report).count() == 2
    report.withdraw()
    assert "won't be notified again" in ada.get(page).content.decode()


# How far it is


def test_an_update_says_how_far_its_telling_is(ada):
    now = timezone.now()
    hooks = [webhook(f"http://127.0.0.1:9/{n}") for n in range(3)]
    incident = Incident.objects.open("Down", "x", now=now, undo_s=20)
    path = f"/console/incidents/{incident.public_id}"
    shown = ada.get(path).content.decode()
    assert "No one has been notified yet, sending at" in shown
    assert f"{now + timedelta(seconds=20):%H:%M:%S} UTC" in shown
    fan_out.sort(now + timedelta(seconds=21))
    Delivery.objects.filter(subscriber=hooks[0]).update(state=DeliveryState.SENT)
    Subscriber.objects.filter(pk=hooks[1].pk).update(failing_since=now)
    part = ada.get(f"{path}?part=told").content.decode()
    assert "1 sent · 1 retrying · 1 waiting" in part
    assert f"?incident={incident.public_id}&amp;failing=1" in part
    assert 'id="telling"' in part
    assert "<html" not in part
    Delivery.objects.update(state=DeliveryState.SENT)
    part = ada.get(f"{path}?part=told").content.decode()
    assert "3 sent" in part
    assert 'id="telling"' not in part  # nothing moves any more: it asks no more


def test_an_update_that_concerned_nobody_says_so(ada):
    incident = Incident.objects.open("Down", "x", now=timezone.now())
    fan_out.sort(timezone.now())
    assert "No one was notified" in ada.get(f"/console/incidents/{incident.public_id}").content.decode()


# How delivery is


def test_the_overview_says_how_delivery_is(ada):
    now = timezone.now()
    Heartbeat.objects.beat("post", "p", now)
    mail(), webhook("http://127.0.0.1:9/"), somebody(Channel.SLACK, "https://hooks.slack.com/services/x/y/z")
    Subscriber.objects.filter(channel="webhook").update(
        failing_since=now, next_at=now + timedelta(minutes=5), last_error="Responded with 503."
    )
    text = re.sub(r"<[^>]+>|\s+", " ", ada.get("/console/?part=live").content.decode())
    text = re.sub(r"\s+", " ", text)
    assert "1 webhook retrying , next try" in text
    assert "Last answer: Responded with 503." in text
    assert "Oldest due message nothing waiting" in text
    assert "not set up" not in text


def test_the_console_asks_as_often_however_many_subscribe(ada):
    def queries(path):
        with CaptureQueriesContext(connection) as caught:
            assert ada.get(path).status_code == 200
        return len(caught)

    incident = Incident.objects.open("Down", "x", now=timezone.now())
    mail("first@x.example")
    fan_out.sort(timezone.now())
    paths = (
        "/console/",
        f"/console/incidents/{incident.public_id}",
        f"/console/incidents/{incident.public_id}/compose",
    )
    before = [queries(path) for path in paths]
    for n in range(9):
        mail(f"{n}@x.example")
        somebody(Channel.SLACK, f"https://hooks.slack.com/services/x/y/{n}")
    assert [queries(path) for path in paths] == before
