"""The words and the promise of an update tell one moment, and a form is taken once."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from incidents.models import Draft, Incident, Post, Template
from incidents.times import clock
from statuspage.console.promises import follow, preset, put
from statuspage.models import Role
from tests.making import NOW, after, fell, watched
from tests.people import person


@pytest.mark.parametrize(
    ("opened_min", "minutes", "at_min"),
    [
        (0, 30, 30),
        (-4, 30, 30),  # opened four minutes ago: as its writer sees it
        (-14, 30, 20),
        (-21, 30, 30),  # too little of it is left
        (-1500, 30, 30),  # a draft of yesterday
        (5, 30, 30),  # a clock that is wrong
        (-3, 15, 15),
    ],
)
def test_a_choice_is_what_stood_beside_it(opened_min, minutes, at_min):
    opened = after(minutes=opened_min).isoformat()
    assert preset(minutes, opened, NOW) == after(minutes=at_min)


def test_without_knowing_when_it_was_opened_it_is_from_now():
    assert preset(30, "", after(minutes=1)) == after(minutes=35)
    assert preset(30, "yesterday", after(minutes=1)) == after(minutes=35)


@pytest.mark.parametrize(
    ("body", "told", "promised_min", "becomes"),
    [
        ("It fails. We write by 08:30 UTC.", "08:30 UTC", 60, "It fails. We write by 09:00 UTC."),
        ("It fails. We write by 08:30 UTC.", "08:30 UTC", 30, "It fails. We write by 08:30 UTC."),
        ("It fails. We write by 08:30 UTC.", "08:30 UTC", 1440, "It fails. We write by 13 Nov, 08:00 UTC."),
        ("It fails. We write by 08:30 UTC.", "08:30 UTC", None, "It fails."),
        (
            "It fails. We write by 13 Nov, 08:30 UTC.",
            "08:30 UTC",
            60,
            "It fails. We write by 13 Nov, 08:30 UTC.",
        ),
        ("It fails. We write soon.", "08:30 UTC", 60, "It fails. We write soon."),  # edited
        ("By 08:30 UTC.", "08:30 UTC", None, "By 08:30 UTC."),  # nothing would be left
        ("It fails. We write by 08:30 UTC.", "", 60, "It fails. We write by 08:30 UTC."),  # not ours
    ],
)
def test_the_words_follow_the_promise(body, told, promised_min, becomes):
    promised = None if promised_min is None else after(minutes=promised_min)
    assert put(body, *follow(body, told, promised, NOW)) == becomes


@pytest.fixture
def ada(client, db):
    user = person("ada", Role.RESPONDER)
    client.force_login(user)
    return user


@pytest.fixture
def suggestion(db):
    fell(watched("Chat", auto="suggest"), timezone.now() - timedelta(minutes=5))
    return Incident.objects.get()


def fields(text):
    """What a browser would send of the composer."""
    form = re.search(r'<form class="compose".*?</form>', text, re.DOTALL)[0]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        kind = re.search(r'type="([^"]*)"', tag)
        if name and (kind is None or kind[1] not in ("radio", "checkbox") or "checked" in tag):
            found[name[1]] = value[1] if value else ""
    return found | dict(re.findall(r'<textarea id="(\w+)"[^>]*>([^<]*)<', form))


def opened(client, incident):
    return fields(client.get(f"/console/incidents/{incident.public_id}/compose").content.decode())


def agree(incident):
    """The promise of an incident stands in its newest words."""
    incident.refresh_from_db()
    last = incident.updates.filter(kind="post").last()
    assert f"by {clock(incident.next_update_at, last.at)}" in last.body


def test_untouched_words_and_promise_are_one_moment(client, ada, suggestion):
    sent = opened(client, suggestion)
    assert (
        f"in {sent['promise']} min, by {sent['told']}"
        in client.get(f"/console/incidents/{suggestion.public_id}/compose").content.decode()
    )
    client.post(f"/console/incidents/{suggestion.public_id}/compose", sent | {"publish": "1"})
    agree(suggestion)


@pytest.mark.parametrize("choice", [{"promise": "60"}, {"promise": "other", "promise_at": "04:44"}])
def test_another_promise_is_told_in_the_words(client, ada, suggestion, choice):
    sent = opened(client, suggestion) | choice
    saved = client.post(f"/console/incidents/{suggestion.public_id}/saved", sent).content.decode()
    assert "data-follow" in saved
    client.post(f"/console/incidents/{suggestion.public_id}/compose", sent | {"publish": "1"})
    agree(suggestion)


def test_no_promise_leaves_no_sentence_of_one(client, ada, suggestion):
    sent = opened(client, suggestion) | {"promise": "none", "publish": "1"}
    client.post(f"/console/incidents/{suggestion.public_id}/compose", sent)
    assert sent["told"] not in suggestion.updates.filter(kind="post").last().body


def test_a_template_tells_the_promise_that_is_made(client, ada, suggestion):
    text = Template.objects.filter(phase="investigating", kind="update").first()
    sent = opened(client, suggestion) | {"body": "", "template": text.pk}
    shown = client.post(f"/console/incidents/{suggestion.public_id}/compose", sent).content.decode()
    sent = fields(shown) | {"promise": "15", "publish": "1"}
    client.post(f"/console/incidents/{suggestion.public_id}/compose", sent)
    agree(suggestion)


def test_a_draft_of_yesterday_promises_nothing_that_has_passed(client, ada, suggestion):
    sent = opened(client, suggestion)
    client.post(f"/console/incidents/{suggestion.public_id}/saved", sent)
    draft = Draft.objects.get()
    long_ago = timezone.now() - timedelta(days=1)
    was = clock(long_ago + timedelta(minutes=30), long_ago)
    draft.data |= {
        "opened": long_ago.isoformat(), "told": was, "body": draft.data["body"].replace(sent["told"], was),
    }  # fmt: skip
    draft.save()
    client.post(
        f"/console/incidents/{suggestion.public_id}/compose", opened(client, suggestion) | {"publish": "1"}
    )
    agree(suggestion)


def test_taken_back_it_promises_from_then_on(client, ada, suggestion, settings):
    client.post(
        f"/console/incidents/{suggestion.public_id}/compose", opened(client, suggestion) | {"publish": "1"}
    )
    last = suggestion.updates.last()
    client.post(f"/console/incidents/{suggestion.public_id}/undo/{last.number}")
    suggestion.refresh_from_db()
    sent = opened(client, suggestion) | {"promise": "60", "publish": "1"}
    client.post(f"/console/incidents/{suggestion.public_id}/compose", sent)
    agree(suggestion)


# A form is taken once


def test_a_saving_that_comes_after_publishing_brings_nothing_back(client, ada, suggestion):
    sent = opened(client, suggestion)
    client.post(f"/console/incidents/{suggestion.public_id}/compose", sent | {"publish": "1"})
    assert client.post(f"/console/incidents/{suggestion.public_id}/saved", sent).status_code == 204
    assert not Draft.objects.exists()
    assert opened(client, suggestion)["body"] == ""


def test_the_same_of_a_new_incident(client, ada):
    sent = fields(client.get("/console/incidents/new").content.decode())
    sent |= {"title": "It fails", "body": "It does not work.", "promise": "30"}
    client.post("/console/incidents/new", sent | {"publish": "1"})
    assert client.post("/console/incidents/new/saved", sent).status_code == 204
    assert not Draft.objects.exists()


def test_a_form_that_is_sent_twice_is_published_once(client, ada, suggestion):
    sent = opened(client, suggestion) | {"publish": "1"}
    for _ in range(2):
        answer = client.post(f"/console/incidents/{suggestion.public_id}/compose", sent)
        assert answer.status_code == 302
    assert suggestion.updates.filter(kind="post", author=ada).count() == 1
    sent = fields(client.get("/console/incidents/new").content.decode())
    sent |= {"title": "It fails", "body": "It does not work.", "promise": "30", "publish": "1"}
    places = {client.post("/console/incidents/new", sent).url for _ in range(2)}
    assert len(places) == 1
    assert Incident.objects.filter(title="It fails").count() == 1


def test_what_is_published_from_another_form_does_not_end_this_one(client, ada, suggestion):
    first = opened(client, suggestion)
    other = opened(client, suggestion)
    client.post(f"/console/incidents/{suggestion.public_id}/compose", first | {"publish": "1"})
    assert client.post(f"/console/incidents/{suggestion.public_id}/saved", other).status_code == 200
    assert Draft.objects.count() == 1


@pytest.mark.parametrize(("age_s", "is_said"), [(2, True), (59, True), (61, False), (240, False)])
def test_who_wrote_a_minute_ago_is_not_writing_right_now(client, ada, suggestion, age_s, is_said):
    now = timezone.now()
    mira = person("mira", Role.RESPONDER)
    Draft.objects.keep(suggestion, mira, {"body": "We found it."}, now - timedelta(seconds=age_s))
    text = client.get(f"/console/incidents/{suggestion.public_id}").content.decode()
    assert ("is writing an update right now" in text) == is_said


def test_once_it_is_resolved_nobody_is_writing(client, ada, suggestion):
    now = timezone.now()
    mira = person("mira", Role.RESPONDER)
    Draft.objects.keep(suggestion, mira, {"body": "We found it."}, now - timedelta(seconds=5))
    suggestion.post(Post("Over.", phase="resolved"), now=now, author=ada)
    text = client.get(f"/console/incidents/{suggestion.public_id}").content.decode()
    assert "is writing an update right now" not in text
