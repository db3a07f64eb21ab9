"""The public doorbell rings for what customers can see and for nothing else; staff hear all of it."""

from datetime import timedelta

import httpx
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from components import pulse
from components.models import Page
from incidents import automation, handover, postmortem_draft
from incidents.models import Incident, Post, Postmortem
from statuspage.models import Role
from statuspage.serving import event_stream
from tests.making import fell, rose, watched
from tests.people import person

NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def rings(transactional_db, monkeypatch):
    """The channels that were rung, in order."""
    heard = []
    monkeypatch.setattr(pulse, "send", lambda token, channel=pulse.CHANNEL: heard.append(channel))
    return heard


@pytest.fixture
def ada(transactional_db):
    return person("ada", Role.ADMIN)


def opened(**more):
    shown = watched("Chat")
    return Incident.objects.open("Chat is slow", "We look.", components=[shown.component], now=NOW, **more)


def suggestion():
    probe = watched("Chat", auto="suggest")
    fell(probe, NOW)
    return Incident.objects.get(published_at=None)


def note(ada):
    incident = opened()
    return lambda: incident.note("Who has the key?", NOW, author=ada)


def hold(ada):
    incident = suggestion()
    return incident.hold


def rename_suggestion(ada):
    incident = suggestion()
    return lambda: incident.amend(NOW, title="Another")


def dismiss(ada):
    incident = suggestion()
    return lambda: incident.delete_softly(NOW, author=ada)


def draft(ada):
    incident = opened()
    incident.post(Post("All is well.", phase="resolved"), now=NOW)
    report = postmortem_draft.create(incident, author=ada, now=NOW)
    return lambda: report.keep({"summary": "A draft."}, NOW, author=ada)


def task_of_a_draft(ada):
    draft(ada)()
    task = Postmortem.objects.get().actions.create(text="Watch it", position=1)
    return lambda: task.move("done", NOW, author=ada)


def hidden_turn(ada):
    probe = watched("Inside", shown=False)
    return lambda: fell(probe, NOW)


def hidden_comes_back(ada):
    probe = watched("Inside", shown=False)
    fell(probe, NOW)
    return lambda: rose(probe, NOW + timedelta(minutes=5))


def hidden_paused(ada):
    probe = watched("Inside", shown=False)
    fell(probe, NOW)
    return lambda: probe.pause(NOW)


def by_form(path, **told):
    def ready(ada):
        probe = watched("Inside", shown=False)
        client = Client()
        client.force_login(ada)
        where = path.format(probe=probe.public_id, component=probe.component.public_id)
        told_of_it = {"name": "Inside", "auto_incidents": "publish", **told}
        return lambda: client.post(where, told_of_it).status_code == 302 or pytest.fail(where)

    return ready


STAFF_ONLY = {
    "note": note,
    "hold": hold,
    "rename a suggestion": rename_suggestion,
    "dismiss a suggestion": dismiss,
    "draft of a postmortem": draft,
    "task of a draft": task_of_a_draft,
    "a hidden component fails": hidden_turn,
    "a hidden component comes back": hidden_comes_back,
    "a hidden component's probe rests": hidden_paused,
    "a hidden component's probe goes": by_form("/console/probes/{probe}/delete"),
    "a hidden component changes": by_form("/console/components/{component}/edit", description="x"),
    "a hidden component goes": by_form("/console/components/{component}/delete"),
}


@pytest.mark.parametrize("kind", STAFF_ONLY)
def test_of_what_staff_alone_can_see_strangers_hear_nothing(rings, ada, kind):
    do = STAFF_ONLY[kind](ada)
    rings.clear()
    before = Page.objects.version()
    do()
    assert Page.objects.version() == before
    assert set(rings) == {pulse.STAFF_CHANNEL}


def publish(ada):
    incident = suggestion()
    return lambda: automation.publish(incident, NOW)


def post(ada):
    incident = opened()
    return lambda: incident.post(Post("We found it.", phase="identified"), now=NOW, author=ada)


def hand_back(ada):
    incident = opened()
    return lambda: handover.hand_back(incident, NOW, author=ada)


def show_postmortem(ada):
    draft(ada)
    report = Postmortem.objects.get()
    report.keep({"summary": "It was slow.", "root_cause": "A pool."}, NOW, author=ada)
    return lambda: report.publish(NOW)


def edit_published(ada):
    show_postmortem(ada)()
    report = Postmortem.objects.get()
    return lambda: report.keep({"summary": "It was very slow."}, NOW, author=ada)


def shown_turn(ada):
    probe = watched("Chat")
    return lambda: fell(probe, NOW)


def hide(ada):
    probe = watched("Chat")
    client = Client()
    client.force_login(ada)
    return lambda: client.post(f"/console/components/{probe.component.public_id}/show", {"is_shown": "no"})


PUBLIC = {
    "publish": publish,
    "post": post,
    "hand back": hand_back,
    "postmortem": show_postmortem,
    "edit of a postmortem": edit_published,
    "a component fails": shown_turn,
    "a component is hidden": hide,
}


@pytest.mark.parametrize("kind", PUBLIC)
def test_of_what_customers_can_see_everybody_hears(rings, ada, kind):
    do = PUBLIC[kind](ada)
    rings.clear()
    before = Page.objects.version()
    do()
    assert Page.objects.version() > before
    assert pulse.CHANNEL in rings


def tokens(web, query=""):
    """An iterator over what this stream says."""
    with httpx.stream("GET", f"{web.url}/live{query}", timeout=10) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: ") and "T" not in line:
                yield line


def test_a_real_stream_tells_staff_and_not_strangers(web):
    incident = opened()
    web.catch_up()
    staff, stranger = tokens(web, f"?staff={event_stream.staff_token()}"), tokens(web, "?staff=forged:a:b")
    seen, now = next(staff), f"data: {Page.objects.version()}"
    assert next(token for token in stranger if token == now)
    with transaction.atomic():
        incident.note("Who has the key?", timezone.now(), author=None)
    assert next(token for token in staff if token != seen)
    incident.post(Post("We found it.", phase="identified"), now=timezone.now())
    assert next(stranger) > now  # a note turns no version: nothing was told before this


def test_a_token_ends(monkeypatch):
    token = event_stream.staff_token()
    assert event_stream.is_staff(f"staff={token}".encode())
    assert not event_stream.is_staff(f"staff={token[:-1]}x".encode())
    assert not event_stream.is_staff(b"staff=")
    assert not event_stream.is_staff(b"\xff\x00&staff=a%00:b:c")
    monkeypatch.setattr(event_stream, "TOKEN_S", -1)
    assert not event_stream.is_staff(f"staff={token}".encode())
