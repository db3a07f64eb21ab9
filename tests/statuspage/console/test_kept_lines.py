"""What the console keeps of its overview never shows: each page is as one made from nothing."""

import random
import re
from datetime import timedelta

import pytest
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
    probes = [watched(f"Part {place}", position=place) for place in range(4)]
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
