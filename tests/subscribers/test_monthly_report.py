"""The monthly report by mail: to those who asked, once, in part, and stopped alone."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from components.egress import Egress
from components.models import Component
from incidents.models import Incident, MonthlyReport, Notice, NoticeKind, Post
from subscribers import channels, emails, importing, match_reason
from subscribers.choice import Choice, usual
from subscribers.delivery import fan_out, leases
from subscribers.delivery.dispatcher import Dispatcher
from subscribers.delivery.message_builder import Packed, pack
from subscribers.forms import SignUpForm
from subscribers.models import Delivery, DeliveryState, State, Subscriber
from subscribers.signing_up import sign_up
from subscribers.states import Channel
from tests.making import component, group
from tests.subscribers.mailbox import Mailbox
from tests.subscribers.making import mail, webhook
from tests.whole import wait_for

OCTOBER = date(2026, 10, 1)
ENDED = datetime(2026, 11, 1, 0, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
ASKED = {"wants_report": True, "report_asked_at": datetime(2026, 10, 20, tzinfo=UTC)}


def row(place, **more):
    figures = {"uptime": "99.86 %", "down": "1 h down", "coverage": "", "outside": "99.91 %",
               "target": "99.9 %", "verdict": "met", "incidents": 1}  # fmt: skip
    return {"id": place.public_id if place else "", "name": str(place or "Average of all components"),
            **figures, **more}  # fmt: skip


def incident_on(*places, title="Orders fail"):
    return Incident.objects.open(
        title, "We look.", now=NOW - timedelta(days=20), components=places,
        statuses=dict.fromkeys(places, "major_outage"),
    )  # fmt: skip


def body(groups, incidents=()):
    return {
        "title": "October 2026",
        "url": "/reports/2026-10",
        "csv_url": "/reports/2026-10.csv",
        "average": row(None),
        "groups": [{"id": "", "name": name, "rows": [row(place) for place in rows]} for name, rows in groups],
        "incidents": [
            {
                "id": incident.public_id, "title": incident.title, "url": f"/incidents/{incident.public_id}",
                "state": "Major outage", "started_at": incident.started_at.isoformat(), "lasted": "1 h",
                "is_open": False,
                "places": [place.component.public_id for place in incident.affected.all()],
            }
            for incident in incidents
        ],
        "first_word": "2 min",
        "first_word_basis": "3 incidents",
    }  # fmt: skip


@pytest.fixture
def sales():
    return group("Sales")


@pytest.fixture
def shop(transactional_db, sales):
    return component("Shop", group=sales)


@pytest.fixture
def blog(shop):
    return component("Blog")


@pytest.fixture
def report(shop, blog):
    """October, with an incident of Shop. What was owed for the incident itself is done."""
    incident = incident_on(shop)
    fan_out.sort(NOW)
    return MonthlyReport.objects.keep(
        OCTOBER, body([("Sales", [shop]), ("", [blog])], [incident]), ended_at=ENDED, now=NOW
    )


def owed(now=NOW):
    """Who is owed the report."""
    fan_out.sort(now)
    rows = Delivery.objects.filter(notice__kind=NoticeKind.REPORT).order_by("pk")
    return [delivery.subscriber.open_address for delivery in rows]


def letter(subscriber, now=NOW):
    """The mail that it gets now, or None."""
    (packed,) = pack([subscriber.pk], now)
    return emails.letter(packed.envelope, now) if isinstance(packed, Packed) else None


def words(message):
    return {kind: message.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html")}


# Who gets it


def test_only_those_who_asked_before_the_month_was_over_get_it(report):
    mail("never@example.org")
    mail("asked@example.org", **ASKED)
    mail("just@example.org", wants_report=True, report_asked_at=ENDED - timedelta(seconds=1))
    mail("later@example.org", wants_report=True, report_asked_at=ENDED)
    mail("left@example.org", state=State.LEFT, **ASKED)
    mail("unsure@example.org", state=State.UNCONFIRMED, **ASKED)
    webhook("https://example.org/hook", **ASKED)
    assert owed() == ["asked@example.org", "just@example.org"]
    assert owed(NOW + timedelta(days=1)) == ["asked@example.org", "just@example.org"]


def test_those_who_follow_something_else_get_none(report, shop, blog, sales):
    other = component("Other")
    mail("shop@example.org", components=[shop], **ASKED)
    mail("sales@example.org", groups=[sales], **ASKED)
    mail("other@example.org", components=[other], **ASKED)
    mail("incident@example.org", is_all=False, **ASKED).follows.add(Incident.objects.get())
    assert owed() == ["shop@example.org", "sales@example.org"]


def test_a_reader_of_digests_gets_it_at_once_and_alone(report, shop):
    reader = mail("daily@example.org", is_digest=True, **ASKED)
    owed()
    assert Delivery.objects.get(notice__kind=NoticeKind.REPORT).due_at == NOW
    Incident.objects.get().post(Post("Still.", phase="monitoring"), now=NOW - timedelta(minutes=2))
    fan_out.sort(NOW)
    Delivery.objects.filter(notice__kind=NoticeKind.INCIDENT).update(due_at=NOW)
    assert "report for October 2026" in letter(reader)["Subject"]
    Delivery.objects.filter(notice__kind=NoticeKind.REPORT).update(state=DeliveryState.SENT)
    assert "Orders fail" in letter(reader)["Subject"]


def test_a_digest_that_began_earlier_does_not_take_it_in(report):
    reader = mail("daily@example.org", is_digest=True, **ASKED)
    for number in range(2):
        Incident.objects.open(f"Fault {number}", "x", now=NOW - timedelta(hours=1), components=[])
    Notice.objects.filter(kind=NoticeKind.REPORT).update(due_at=NOW + timedelta(seconds=1))
    fan_out.sort(NOW)
    fan_out.sort(NOW + timedelta(seconds=1))
    Delivery.objects.update(due_at=NOW)
    (packed,) = pack([reader.pk], NOW)
    assert {story.kind for story in (packed.envelope.story, *packed.envelope.others)} == {NoticeKind.INCIDENT}


def test_the_reason_that_staff_read_is_true(report, shop):
    notice = Notice.objects.get(kind=NoticeKind.REPORT)
    for name, more, reason in (
        ("all", ASKED, "It chose all components."),
        ("shop", {**ASKED, "components": [shop]}, "It chose the component Shop."),
        ("late", {"wants_report": True, "report_asked_at": ENDED}, ""),
        ("none", {}, ""),
    ):
        reader = mail(f"{name}@example.org", **more)
        assert match_reason.why(reader, notice) == reason
        assert Subscriber.objects.told_of(notice).filter(pk=reader.pk).exists() == bool(reason)


# What it says


def test_it_has_the_figures_the_links_and_its_own_way_out(report, settings):
    reader = mail(**ASKED)
    owed()
    message = letter(reader)
    assert message["Subject"].endswith(": report for October 2026")
    leave = f"{settings.PUBLIC_URL}/unsubscribe/{reader.key}/report"
    assert message["List-Unsubscribe"] == f"<{leave}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for text in words(message).values():
        for word in ("Shop", "Blog", "Sales", "Average of all components", "99.86 %", "99.91 %", "1 h down",
                     "target 99.9 %: met", "1 incident", "Orders fail", "Major outage", "lasted 1 h",
                     "2 min (3 incidents)", f"{settings.PUBLIC_URL}/reports/2026-10",
                     f"{settings.PUBLIC_URL}/reports/2026-10.csv", leave, reader.key):  # fmt: skip
            assert word in text
        assert "1 incidents" not in text


def test_a_part_is_about_what_is_followed_alone(report, blog, shop, sales):
    blogger, seller = mail("b@example.org", components=[blog], **ASKED), mail("s@example.org", groups=[sales],
                                                                              **ASKED)  # fmt: skip
    owed()
    for text in words(letter(blogger)).values():
        assert "Blog" in text
        assert not any(word in text for word in ("Shop", "Sales", "Orders fail", "Average"))
        assert "No incidents began in this month." in text
    for text in words(letter(seller)).values():
        assert all(word in text for word in ("Shop", "Sales", "Orders fail"))
        assert not any(word in text for word in ("Blog", "Average"))


def test_what_was_hidden_since_is_not_named(report, shop, blog):
    reader, seller = mail(**ASKED), mail("s@example.org", components=[shop], **ASKED)
    assert owed() == ["reader@example.org", "s@example.org"]
    Component.objects.filter(pk=shop.pk).update(is_shown=False)
    for text in words(letter(reader)).values():
        assert "Blog" in text
        assert not any(word in text for word in ("Shop", "Sales", "Orders fail", "Average"))
    assert letter(seller) is None
    Component.objects.update(is_shown=False)
    assert letter(reader) is None
    MonthlyReport.objects.all().delete()


def test_all_hidden_before_it_is_due_goes_to_no_one(report):
    mail(**ASKED)
    Component.objects.update(is_shown=False)
    assert owed() == []


def test_an_incident_that_was_withdrawn_is_not_named(report):
    reader = mail(**ASKED)
    owed()
    Incident.objects.update(deleted_at=NOW)
    for text in words(letter(reader)).values():
        assert "Orders fail" not in text


@pytest.mark.parametrize("number", [1, 60, 400])
def test_a_long_one_fits_and_says_what_is_left_out(shop, number):
    places = [component(f"Sérvice {n} <b> & {'x' * 60}") for n in range(number)]
    incidents = [incident_on(places[0], title=f"Fault {n} <script>") for n in range(min(number, 40))]
    MonthlyReport.objects.keep(OCTOBER, body([("", places)], incidents), ended_at=ENDED, now=NOW)
    reader = mail(wants_incident=False, **ASKED)
    owed()
    message = letter(reader)
    assert len(message.as_bytes()) <= emails.MAX_BYTES
    text = words(message)
    assert "<script>" not in text["html"]
    assert "on the page." in text["plain"] if number > 1 else "on the page." not in text["plain"]
    shown = text["plain"].count("99.86 %") - 1  # the average
    assert shown >= min(number, 10)
    if shown < number:
        assert f"{number - shown} more component" in text["plain"]


# Sent once


@pytest.fixture
def box(settings):
    with Mailbox() as made:
        settings.EMAIL_URL = "smtp://…"
        settings.EMAIL_HOST, settings.EMAIL_PORT = made.hostname, made.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield made


def done():
    return not Delivery.objects.filter(state=DeliveryState.OWED).exists()


def test_it_reaches_each_by_mail_once_whoever_sends(box, post, report):
    """Two dispatchers at once, and the notice sorted again and again."""
    for number in range(12):
        mail(f"r{number}@example.org", wants_incident=False, **ASKED)
    second = Dispatcher(channels.senders(), egress=Egress(["127.0.0.0/8"]))
    try:
        for _ in range(3):
            fan_out.sort(NOW)
            second.wake()
            post.postman.wake()
        wait_for(done, 25, 0.05)
        fan_out.sort(NOW)
        post.postman.wake()
    finally:
        second.drain(10)
        second.loop.call_soon_threadsafe(second.loop.stop)
    assert sorted(got.to for got in box.got) == sorted(f"r{number}@example.org" for number in range(12))
    assert all("October 2026" in got.message["Subject"] for got in box.got)


def test_a_worker_killed_in_the_middle_loses_none_and_keeps_the_id(box, post, report):
    reader = mail(wants_incident=False, **ASKED)
    fan_out.sort(NOW)
    _, claimed = leases.claim(NOW, 10, "dead:1:x")  # claimed, packed, and gone
    assert claimed == [reader.pk]
    before = letter(reader)["Message-ID"]
    Subscriber.objects.update(lease_until=NOW)  # its lease is over
    post.deliver()
    (got,) = box.got
    assert got.id == before


def test_a_notice_that_was_sorted_in_part_goes_on_and_doubles_nothing(report, monkeypatch):
    monkeypatch.setattr(fan_out, "CHUNK", 2)
    for number in range(5):
        mail(f"r{number}@example.org", **ASKED)
    notice = Notice.objects.get(kind=NoticeKind.REPORT)
    assert fan_out._sort_chunk(notice.pk, NOW) == 2  # then the worker is killed
    assert owed() == [f"r{number}@example.org" for number in range(5)]


def test_two_months_come_in_order_each_in_its_mail(box, post, report, shop):
    MonthlyReport.objects.keep(
        date(2026, 11, 1), {**body([("", [shop])]), "title": "November 2026"},
        ended_at=datetime(2026, 12, 1, tzinfo=UTC), now=NOW,
    )  # fmt: skip
    mail(wants_incident=False, **ASKED)
    post.deliver()
    assert [got.message["Subject"].rpartition("for ")[2] for got in box.got] == [
        "October 2026", "November 2026"
    ]  # fmt: skip


def test_a_refused_one_is_tried_again_under_its_id(box, post, report, monkeypatch):
    monkeypatch.setattr("subscribers.delivery.backoff.WAITS", (timedelta(seconds=0.2),))
    box.faults = {"reader": ["450 4.2.0 Later"]}
    mail(wants_incident=False, **ASKED)
    post.deliver()
    wait_for(lambda: post.postman.wake() or done(), 25, 0.1)
    assert len(box.got) == 1


# Choosing it


def form(**data):
    return {"address": "new@example.org", "full": "1", "scope": "all", "least_impact": "0", **data}


def test_it_is_offered_for_mail_alone_and_never_ticked_unasked(db):
    picks = {pick.value: pick.is_chosen for pick in SignUpForm(channel=Channel.EMAIL).kind_picks}
    assert picks["report"] is False
    assert all(picks[kind] for kind in usual(Channel.EMAIL).kinds)
    for channel in set(Channel) - {Channel.EMAIL}:
        assert "report" not in {pick.value for pick in SignUpForm(channel=channel).kind_picks}
    assert Client().post("/subscribe/slack", form(kinds=["report"])).status_code == 422


def test_a_sign_up_with_it_counts_from_that_moment_and_one_without_has_none(db):
    client = Client()
    assert client.post("/subscribe/email", form(kinds=["incident", "report"])).status_code == 302
    reader = Subscriber.objects.get()
    assert reader.wants_report
    assert reader.report_asked_at is not None
    assert (
        client.post("/subscribe/email", form(address="b@example.org", kinds=["incident"])).status_code == 302
    )
    assert not Subscriber.objects.at("email", "b@example.org").wants_report
    client.post("/subscriptions/new-email", {"email": "c@example.org"})
    assert not Subscriber.objects.at("email", "c@example.org").wants_report
    client.post("/api/v2/subscribers.json", {"subscriber[email]": "d@example.org"})
    assert not Subscriber.objects.at("email", "d@example.org").wants_report


def test_someone_who_returns_has_asked_on_that_day(db):
    reader = mail(**ASKED)
    reader.leave(NOW)
    sign_up(
        Channel.EMAIL, "reader@example.org", NOW + timedelta(days=3),
        choice=Choice(kinds=(NoticeKind.INCIDENT, NoticeKind.REPORT)),
    )  # fmt: skip
    reader.refresh_from_db()
    assert reader.report_asked_at == NOW + timedelta(days=3)


def test_the_page_of_the_subscription_chooses_it_and_keeps_the_day(db):
    reader, client = mail(), Client()
    page = client.get(reader.get_absolute_url()).content.decode()
    assert "Monthly report" in page
    client.post(reader.get_absolute_url(), form(kinds=["incident", "report"]))
    reader.refresh_from_db()
    asked_at = reader.report_asked_at
    assert (reader.wants_report, asked_at is not None) == (True, True)
    client.post(reader.get_absolute_url(), form(kinds=["report"]))
    reader.refresh_from_db()
    assert (reader.wants_incident, reader.report_asked_at) == (False, asked_at)
    data = json.loads(client.get(f"{reader.get_absolute_url()}/data.json").content)
    assert data["monthly_report_since"]
    assert data["kinds"] == ["report"]
    client.post(reader.get_absolute_url(), form(kinds=["incident"]))
    reader.refresh_from_db()
    assert (reader.wants_report, reader.report_asked_at) == (False, None)


def test_a_report_about_single_incidents_is_refused_with_a_sentence(db, shop):
    reader = mail(is_all=False)
    reader.follows.add(incident_on(shop))
    answer = Client().post(reader.get_absolute_url(), form(scope="follow", kinds=["incident", "report"]))
    assert answer.status_code == 422
    assert "The monthly report is about components" in answer.content.decode()


def test_one_click_stops_the_report_and_nothing_else(report):
    reader, client = mail(**ASKED), Client(enforce_csrf_checks=True)
    owed()
    path = f"/unsubscribe/{reader.key}/report"
    assert "Stop the monthly report?" in client.get(path).content.decode()
    reader.refresh_from_db()
    assert reader.wants_report  # a scanner that opens links stops nothing
    for _ in range(2):
        assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    reader.refresh_from_db()
    assert (reader.state, reader.wants_report, reader.wants_incident) == (State.ACTIVE, False, True)
    assert letter(reader) is None  # nor is what was owed sent
    unknown = client.post("/unsubscribe/unknown/report")
    known = client.post(path)
    assert (unknown.status_code, unknown["Referrer-Policy"]) == (known.status_code, known["Referrer-Policy"])


def test_whoever_wanted_nothing_else_is_unsubscribed(db):
    reader = mail(wants_incident=False, wants_maintenance=False, wants_postmortem=False, **ASKED)
    Client().post(f"/unsubscribe/{reader.key}/report")
    reader.refresh_from_db()
    assert (reader.state, reader.left_at is not None) == (State.LEFT, True)


def test_a_file_may_ask_for_it(db):
    text = ["address,kinds\n", "file@example.org,incident report\n", "other@example.org,\n"]
    whole = importing.begin("file.csv", text, NOW, author="root")
    while importing.import_next_part(whole, NOW):
        pass
    assert Subscriber.objects.at("email", "file@example.org").report_asked_at == NOW
    assert Subscriber.objects.at("email", "other@example.org").report_asked_at is None
