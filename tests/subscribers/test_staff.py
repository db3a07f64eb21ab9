"""Subscribers as staff see them: found, explained, changed, stopped, and taken away."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from components.status import Impact
from incidents.models import Incident, Maintenance, Notice, Post
from statuspage.models import Audit, Role
from subscribers import importing
from subscribers.delivery import fan_out
from subscribers.match_reason import subject_of, why, with_subjects
from subscribers.models import Delivery, Host, State, Subscriber
from subscribers.states import Channel
from tests.looking import faults, sticks_out
from tests.making import component, group
from tests.people import cookie, person
from tests.subscribers.making import mail, somebody, webhook

HOME = "/console/subscribers/"


@pytest.fixture
def enter(client, db):
    def come(role):
        client.force_login(person(role.name.lower(), role))
        return client

    return come


@pytest.fixture
def editor(enter):
    return enter(Role.EDITOR)


@pytest.fixture
def admin(enter):
    return enter(Role.ADMIN)


def shown(client, path=HOME):
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def found(client, asked=""):
    return re.findall(
        r'class="strong" href="/console/subscribers/(\w{12})"', shown(client, f"{HOME}?{asked}")
    )


def told(one, at=None, **more):
    """One incident of everything, sorted: it is owed to this one."""
    at = at or timezone.now()
    incident = Incident.objects.open("Chat is down", "We look.", now=at, **more)
    fan_out.sort(at)
    return incident, one.deliveries.latest("pk")


# The list


def test_somebody_is_found_by_part_of_a_mail_address_and_by_a_whole_webhook(editor):
    ada, eve = mail("ada@acme.example"), mail("eve@other.example")
    hook = somebody(Channel.SLACK, "https://hooks.slack.com/services/T0/B0/secret")
    assert found(editor) == [hook.public_id, eve.public_id, ada.public_id]
    assert found(editor, "q=acme") == [ada.public_id]
    assert found(editor, "q=https://hooks.slack.com/services/T0/B0/secret") == [hook.public_id]
    assert "services/T0" not in shown(editor).replace("?q=", "")
    assert "No subscribers match “zzz”." in shown(editor, f"{HOME}?q=zzz")


def test_a_viewer_reads_no_mail_address_and_cannot_guess_one_letter_by_letter(enter):
    mail("ada@acme.example")
    viewer = enter(Role.VIEWER)
    text = shown(viewer)
    assert "a…@acme.example" in text
    assert "ada@" not in text
    assert "ada@acme.example" not in shown(viewer, f"{HOME}?q=ad").replace('value="ad"', "")
    assert "No subscribers match" in shown(viewer, f"{HOME}?q=ada@")
    assert "a…@acme.example" in shown(viewer, f"{HOME}?q=ada@acme.example")


def test_the_list_is_filtered_counted_and_says_who_fails(editor):
    now = timezone.now()
    good, bad = webhook("http://127.0.0.1:9/a"), webhook("http://127.0.0.1:9/b")
    Subscriber.objects.filter(pk=bad.pk).update(
        failing_since=now - timedelta(hours=1),
        next_at=now + timedelta(minutes=5),
        last_error="Responded with 503.",
    )
    mail(state=State.LEFT)
    assert found(editor, "failing=1") == [bad.public_id]
    assert found(editor, "first=failing")[0] == bad.public_id
    assert len(found(editor, "state=left")) == 1
    assert found(editor, "channel=webhook") == [bad.public_id, good.public_id]
    for odd in ("channel=x&state=y", "page=99", "q=%00", "incident=%00"):
        shown(editor, f"{HOME}?{odd}")
    text = shown(editor)
    assert "Responded with 503. Next try" in text
    assert re.search(r'Webhook\s+<span class="chip__count">2<', text)
    assert re.search(r'Unsubscribed\s+<span class="chip__count">1<', text)


def queries(client, path):
    with CaptureQueriesContext(connection) as caught:
        shown(client, path)
    return len(caught)


def test_the_number_of_queries_does_not_grow(editor):
    chat = component("Chat", group=group())
    one = webhook("http://127.0.0.1:9/", components=[chat])
    told(one, components=[chat])
    paths = (HOME, f"{HOME}{one.public_id}")
    before = [queries(editor, path) for path in paths]
    for n in range(8):
        mail(f"r{n}@example.org", components=[component(f"C{n}", group=chat.group)], groups=[chat.group])
        told(one, components=[chat])
    assert [queries(editor, path) for path in paths] == before


# One


def test_the_log_says_what_was_sent_why_and_what_was_answered(editor):
    chat = component("Chat")
    one = webhook("http://127.0.0.1:9/", components=[chat])
    _, delivery = told(one, components=[chat])
    Delivery.objects.update(state="sent", attempts=2, answer=204, took_ms=1_250, finished_at=timezone.now())
    text = shown(editor, f"{HOME}{one.public_id}")
    for words in (
        "Chat is down, entry 1",
        "It chose the component Chat.",
        "attempt 2",
        "answered 204",
        "1,250 ms",
    ):
        assert words in text
    one.components.clear()
    assert "they were different then" in shown(editor, f"{HOME}{one.public_id}")
    editor.post(f"{HOME}deliveries/{delivery.message_id}/replay")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.is_replay) == ("owed", True)
    again = editor.post(f"{HOME}deliveries/{delivery.message_id}/replay", follow=True)
    assert "already on its way" in again.content.decode()


def test_choices_are_changed_and_nothing_else_of_the_row(editor):
    chat, one = component("Chat"), webhook("http://127.0.0.1:9/")
    data = {"components": [chat.pk], "wants_incident": "on", "least_impact": 2}
    answer = editor.post(f"{HOME}{one.public_id}/choose", data)
    assert answer.status_code == 302
    one.refresh_from_db()
    assert (one.is_all, one.wants_maintenance, one.least_impact) == (False, False, 2)
    assert list(one.components.all()) == [chat]
    assert Audit.objects.get(act="subscriber.choose").after["scope"] == "Chat"
    refused = editor.post(f"{HOME}{one.public_id}/choose", {"least_impact": 0})
    assert refused.status_code == 400
    assert "Tick all components, or some of them." in refused.content.decode()


def test_somebody_is_stopped_with_a_reason_and_restored(editor):
    one = mail(confirmed_at=timezone.now())
    told(one)
    path = f"{HOME}{one.public_id}"
    assert "Enter why it is stopped." in editor.post(f"{path}/quarantine", follow=True).content.decode()
    editor.post(f"{path}/quarantine", {"why": "Bounces"})
    one.refresh_from_db()
    assert (one.state, one.note) == ("quarantined", "Bounces")
    assert not one.deliveries.filter(state="owed").exists()
    editor.post(f"{path}/restore")
    one.refresh_from_db()
    assert (one.state, one.note) == ("active", "")


def test_who_left_is_not_brought_back_by_staff(editor):
    one = mail(confirmed_at=timezone.now())
    one.leave(timezone.now())
    editor.post(f"{HOME}{one.public_id}/restore")
    editor.post(f"{HOME}{one.public_id}/test")
    one.refresh_from_db()
    assert one.state == "left"
    assert not one.deliveries.exists()


def test_a_new_secret_is_shown_once(editor):
    one = webhook("http://127.0.0.1:9/")
    answer = editor.post(f"{HOME}{one.public_id}/rotate")
    secret = re.search(r'value="(whsec_[^"]+)"', answer.content.decode())[1]
    assert "no-store" in answer.headers["cache-control"]
    one.refresh_from_db()
    assert one.secrets(timezone.now())[0] == secret
    assert len(one.secrets(timezone.now())) == 2
    assert "whsec_" not in shown(editor, f"{HOME}{one.public_id}")
    assert "whsec_" not in str(list(Audit.objects.values()))


def test_erasing_leaves_no_address_behind(admin):
    one = mail("ada@acme.example")
    told(one)
    admin.post(f"{HOME}{one.public_id}/test")
    admin.post(f"{HOME}{one.public_id}/erase")
    assert not Subscriber.objects.exists()
    assert not Delivery.objects.exists()
    assert "ada@acme" not in str(list(Audit.objects.values()))
    assert Audit.objects.get(act="subscriber.erase").thing == "Email a…@acme.example"


def test_an_editor_cannot_erase_and_a_responder_cannot_change(enter):
    one = mail()
    responder = enter(Role.RESPONDER)
    assert "Send a test" not in shown(responder, f"{HOME}{one.public_id}")
    assert responder.post(f"{HOME}{one.public_id}/test").status_code == 403
    editor = enter(Role.EDITOR)
    assert editor.post(f"{HOME}{one.public_id}/erase").status_code == 403
    assert "Erase" not in shown(editor, f"{HOME}{one.public_id}")


# By hand


def test_somebody_added_by_hand_is_asked_first(editor):
    data = {"channel": "email", "address": "ada@Acme.Example", "is_all": "on", "least_impact": 0}
    assert editor.post(f"{HOME}add", data).status_code == 302
    one = Subscriber.objects.get()
    assert (one.state, one.source, one.shown) == ("unconfirmed", "staff", "ada@acme.example")
    assert one.deliveries.get().purpose == "confirm"
    again = editor.post(f"{HOME}add", data)
    assert again.status_code == 400
    assert "already subscribed" in again.content.decode()


def test_who_agreed_is_told_at_once_and_it_is_written_down(editor):
    data = {"channel": "webhook", "address": "http://127.0.0.1:9/hook", "is_all": "on", "least_impact": 0,
            "agreed": "on", "wants_incident": "on"}  # fmt: skip
    answer = editor.post(f"{HOME}add", data)
    one = Subscriber.objects.get()
    assert (one.state, one.note) == ("active", "They agreed, according to editor.")
    assert [each.purpose for each in one.deliveries.all()] == ["welcome"]  # told so, with the way out
    assert one.secrets(timezone.now())[0] in answer.content.decode().replace("&#x2B;", "+")
    assert Audit.objects.get(act="subscriber.add").after["agreed"] is True
    bad = editor.post(f"{HOME}add", data | {"channel": "slack", "address": "https://x.example/"})
    assert "This is not a valid Slack address" in bad.content.decode()


# Why


CHOICES = st.fixed_dictionaries(
    {
        "is_all": st.booleans(), "components": st.sets(st.integers(0, 3)),
        "groups": st.sets(st.integers(0, 1)), "follows": st.booleans(), "least_impact": st.integers(0, 3),
        "wants": st.sets(st.integers(0, 3)),
        "state": st.sampled_from(["active", "active", "left"]), "earlier": st.booleans(),
    }
)  # fmt: skip


@hypothesis(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    many=st.lists(CHOICES, min_size=1, max_size=6), hit=st.sets(st.integers(0, 3)), worst=st.integers(0, 3)
)
def test_the_reason_given_is_the_rule_that_chooses(db, many, hit, worst):
    Subscriber.objects.all().delete()
    Notice.objects.all().delete()
    places = world()
    now = timezone.now()
    earlier = Incident.objects.open("Old", "x", now=now)
    first = Notice.objects.get()
    first.sorted_at = now
    first.save()
    everybody = [choosing(n, choices, places, earlier, first) for n, choices in enumerate(many)]
    statuses = {places[0][n]: TROUBLES[worst] for n in hit}
    earlier.post(Post("More", phase="identified", statuses=statuses), now=now)
    start = now + timedelta(hours=1)
    Maintenance.objects.plan("Work", "w", starts_at=start, ends_at=start + timedelta(hours=1), now=now,
                             components=[places[0][n] for n in hit])  # fmt: skip
    for notice in Notice.objects.filter(sorted_at=None):
        wanted = set(Subscriber.objects.told_of(notice).values_list("pk", flat=True))
        given = {one.pk for one in everybody if one.state == "active" and why(one, notice)}
        assert given == wanted, notice


TROUBLES = ("operational", "degraded_performance", "partial_outage", "major_outage")


def world():
    from components.models import Component, Group

    groups = [Group.objects.get_or_create(name=name)[0] for name in ("G0", "G1")]
    made = []
    for n in range(4):
        defaults = {"status": "operational", "group": groups[n % 2] if n < 3 else None, "is_shown": n != 2}
        made.append(Component.objects.get_or_create(name=f"C{n}", defaults=defaults)[0])
    return made, groups


def choosing(n, choices, places, incident, notice):
    """A subscriber with these choices, told of the incident before or not."""
    from incidents.models import NoticeKind

    components, groups = places
    one = mail(
        f"r{n}@example.org", state=choices["state"], is_all=choices["is_all"],
        least_impact=choices["least_impact"],
        **{f"wants_{kind}": place in choices["wants"] for place, kind in enumerate(NoticeKind.values)},
    )  # fmt: skip
    one.components.set([components[n] for n in choices["components"]])
    one.groups.set([groups[n] for n in choices["groups"]])
    one.follows.set([incident] if choices["follows"] else [])
    if choices["earlier"]:
        one.deliveries.create(notice=notice, created_at=notice.created_at, due_at=notice.created_at)
    return one


def test_each_reason_in_words(db):
    ours = group("Widgetify")
    chat = component("Chat", group=ours)
    incident = Incident.objects.open("Slow", "x", now=timezone.now(), components=[chat],
                                     statuses={chat: "degraded_performance"})  # fmt: skip
    notice = Notice.objects.get()
    follower = mail("f@x.example", is_all=False)
    follower.follows.add(incident)
    assert incident.shown_impact is Impact.MAJOR or incident.shown_impact is Impact.MINOR
    for one, words in (
        (mail("a@x.example"), "It chose all components."),
        (mail("b@x.example", components=[chat]), "It chose the component Chat."),
        (mail("c@x.example", groups=[ours]), "It chose the group Widgetify."),
        (follower, "It follows this incident."),
        (mail("d@x.example", least_impact=3), ""),
    ):
        assert why(one, notice) == words


def test_what_a_notice_concerns_is_asked_once_and_not_where_it_was_brought_along(
    db, django_assert_num_queries
):
    shown, hidden = component("Chat", group=group("Widgetify")), component("Cellar", is_shown=False)
    now = timezone.now()
    Incident.objects.open("Slow", "x", now=now, components=[shown, hidden])
    start = now + timedelta(hours=1)
    Maintenance.objects.plan("Work", "w", starts_at=start, ends_at=start + timedelta(hours=1), now=now,
                             components=[shown, hidden])  # fmt: skip
    for kind in ("incident", "maintenance"):
        bare = Notice.objects.select_related(kind).get(kind=kind)
        with django_assert_num_queries(1):
            assert bare.components() == [shown]
        brought = with_subjects(Notice.objects.filter(kind=kind)).get()
        with django_assert_num_queries(0):
            assert brought.components() == [shown]
            assert subject_of(brought).groups == {shown.group_id: "Widgetify"}


# The folder of mails


LETTER = b"""From: Widgetify <status@widgetify.example>
To: ada@acme.example
Subject: [Identified] Chat is down
Date: Sat, 21 Nov 2026 03:46:00 +0000
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="b"

--b
Content-Type: text/plain; charset=utf-8

Chat is <down>.
--b
Content-Type: text/html; charset=utf-8

<style>p{color:red}</style><script>alert(1)</script><p>Chat is down.</p>
--b--
"""


def test_mails_of_the_folder_are_read_and_walled_in(admin, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    assert "None yet." in shown(admin, f"{HOME}mails")
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "1-msg_1.eml").write_bytes(LETTER)
    (tmp_path / "secret_key").write_text("x")
    assert "[Identified] Chat is down" in shown(admin, f"{HOME}mails")
    text = shown(admin, f"{HOME}mails/1-msg_1.eml")
    assert "Chat is &lt;down&gt;." in text
    html = admin.get(f"{HOME}mails/1-msg_1.eml/html")
    assert "sandbox" in html.headers["content-security-policy"]
    assert "script-src" not in html.headers["content-security-policy"]
    for name in ("..%2Fsecret_key", "secret_key", "x.eml"):
        assert admin.get(f"{HOME}mails/{name}").status_code == 404


def test_only_the_newest_hundred_mails_are_listed(admin, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    (tmp_path / "mail").mkdir()
    for n in range(103):
        (tmp_path / "mail" / f"{n}.eml").write_bytes(LETTER)
    assert len(re.findall(r'class="mailline"', shown(admin, f"{HOME}mails"))) == 100


# How delivery is


def test_a_dead_receiver_is_not_our_own_delay(db):
    from incidents import notification_status

    now = timezone.now()
    late = now - timedelta(seconds=300)
    one, other = webhook("http://127.0.0.1:9/a"), webhook("http://127.0.0.2:9/b")
    Subscriber.objects.update(next_at=late)
    assert notification_status.answers().oldest_due_s(now) == 300
    assert notification_status.answers().health(now).oldest_due_s == 300
    Subscriber.objects.filter(pk=one.pk).update(failing_since=late)
    Host.objects.create(name=other.host, failures=5, rests_until=now + timedelta(seconds=9))
    assert notification_status.answers().oldest_due_s(now) == 0
    assert notification_status.answers().health(now).oldest_due_s == 0
    assert "1 webhook retrying" in [row.text for row in notification_status.answers().health(now).failing]


# In a browser


def test_nobody_is_shut_out_of_the_subscribers(web, browser):
    chat = component("Chat", group=group())
    one = webhook("https://hooks.widgetify.example/a/rather/long/address/of/a/webhook", components=[chat])
    incident, _ = told(one, components=[chat])
    for n in range(3):
        mail(f"reader{n}@example.org")
    now = timezone.now()
    Subscriber.objects.filter(pk=one.pk).update(
        failing_since=now, next_at=now, last_error="Responded with 503."
    )
    who = cookie(person("mira", Role.ADMIN))
    page, wrong = browser.open(f"{web.url}{HOME}", session=who, width=390, scheme="dark"), []
    for path in ("", one.public_id):  # what is failing; the rest is in test_everywhere_browser
        page.goto(f"{web.url}{HOME}{path}")
        wrong += [f"{path}: {fault}" for fault in faults(page)]
        if sticks_out(page):
            wrong.append(f"{path} scrolls sideways")
    assert wrong == [], "\n".join(wrong)
    # what script adds: an import goes on by itself, who is told follows the form, and so does the telling
    sheet = importing.begin(
        "a.csv", ["email\n", *(f"b{n}@x.example\n" for n in range(2_100))], now, author="m"
    )
    page = browser.open(f"{web.url}{HOME}imports/{sheet.pk}", session=who)
    page.get_by_role("heading", name="Done", exact=True).wait_for()
    assert Subscriber.objects.filter(source="import").count() == 2_100
    page.goto(f"{web.url}/console/incidents/new")
    assert "2,103 email" in page.inner_text("#audience")
    page.get_by_label("Notify no one").check()
    page.locator("#audience").get_by_text("No one will be notified.").wait_for()
    page.goto(f"{web.url}/console/incidents/{incident.public_id}")
    page.locator("#told-1").get_by_text("retrying").wait_for()
    Delivery.objects.update(state="sent", finished_at=now)
    page.locator("#told-1").get_by_text("1 sent", exact=True).wait_for()
