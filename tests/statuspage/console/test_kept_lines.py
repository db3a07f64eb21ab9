"""What the console keeps of its overview never shows: each page is as one made from nothing."""

import random
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from components.models import Component
from incidents.models import Incident, Post
from statuspage.console import kept_lines
from statuspage.models import Role
from tests.making import fell, rose, watched
from tests.people import person

NEW_EACH_TIME = re.compile(
    r'name="(csrfmiddlewaretoken|form_key)" value="[^"]*"|data-live="[^"]*"|[\d.]+ ms</dd>'
)


def shown(client, path="/console/"):
    return NEW_EACH_TIME.sub("", client.get(path).content.decode())


def seen_by(client, someone):
    client.force_login(someone)
    return someone, shown(client)


@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_as_if_made_from_nothing(client, db, monkeypatch, seed):
    chance, now = random.Random(seed), timezone.now()
    monkeypatch.setattr("statuspage.console.views.timezone.now", lambda: now)
    people = [person(role.name.lower(), role) for role in Role]
    probes = [
        watched(f"Part {place}", position=place, auto="suggest" if place % 2 else "publish")
        for place in range(5)
    ]
    for step in range(10):
        at = now - timedelta(minutes=60 - 5 * step)
        probe = chance.choice(probes)
        (fell if chance.random() < 0.6 else rose)(probe, at)
        Component.objects.filter(pk=chance.choice(probes).component_id).update(name=f"Part <{step}>")
        opened = Incident.objects.exclude(published_at=None).filter(resolved_at=None).first()
        if opened is not None and chance.random() < 0.5:
            opened.post(Post(f"Step {step}", phase="identified"), now=at, author=people[-1])
        now += timedelta(seconds=chance.choice([0, 30, 70_000]))
        kept = [seen_by(client, someone) for someone in chance.sample(people, 3)]
        for someone, page in kept:
            kept_lines.clear()
            assert (someone, page) == seen_by(client, someone), step


def test_forms_of_kept_lines_have_the_keys_of_their_page(client, db):
    fell(watched(auto="suggest"), timezone.now() - timedelta(minutes=3))
    seen = set()
    for name in ("ada", "ben"):
        client.force_login(person(name, Role.RESPONDER))
        page = client.get("/console/").content.decode()
        assert not [mark for mark in kept_lines.MARKS.values() if mark in page]
        tokens = re.findall(r'name="csrfmiddlewaretoken" value="([^"]{64})"', page)
        assert len(tokens) >= 2  # the suggestion's and the one to log out
        assert len(set(tokens)) == 1
        (key,) = set(re.findall(r'name="form_key" value="([^"]+)"', page))
        seen |= {key, tokens[0]}
    assert len(seen) == 4


def test_a_suggestion_that_was_kept_can_still_be_dismissed(db):
    fell(watched(auto="suggest"), timezone.now() - timedelta(minutes=3))
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("ada", Role.RESPONDER))
    client.get("/console/")
    page = client.get("/console/?part=live").content.decode()
    form = page[page.index('<form method="post" action="/console/incidents/') :]
    sent = dict(
        re.findall(r'name="(csrfmiddlewaretoken|form_key)" value="([^"]+)"', form.split("</form>")[0])
    )
    assert client.post(re.search(r'action="([^"]+)"', form)[1], sent).status_code == 302
    assert not Incident.objects.live().exists()
