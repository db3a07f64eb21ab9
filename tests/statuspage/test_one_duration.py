"""Every surface tells one duration, and the same end: the time the probes saw it well again."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from incidents import automation, postmortem_draft
from incidents.models import Incident, Post, Postmortem, Template
from statuspage.api import views as api_views
from statuspage.models import Role
from statuspage.public import history_views, views
from tests.making import fell, found, rose, watched
from tests.people import person


@pytest.fixture
def ada(client, db):
    user = person("ada", Role.RESPONDER)
    client.force_login(user)
    return user


def page(gather, now, **named):
    return gather(now, **named).render(now).decode()


def plain(text):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def outage(began, ended):
    """A component failed from then to then; nobody has said yet that it is over."""
    probe = watched("API")
    fell(probe, began)
    rose(probe, ended)
    return probe, Incident.objects.get()


def numbers(incident, client, now):
    """What each place says of how long it was."""
    front, shown = (plain(page(g, now, **n)) for g, n in (
        (views.overview.gather, {}), (views.incident.gather, {"public_id": incident.public_id})))  # fmt: skip
    history = plain(page(views.history_page.gather, now))
    row = json.loads(page(history_views.history_json.gather, now))["incidents"][0]
    (api,) = json.loads(page(api_views.incidents.gather, now))["incidents"]
    draft = postmortem_draft.create(incident, author=None, now=now)
    console = plain(client.get(f"/console/incidents/{incident.public_id}").content.decode())
    return {
        "past": re.search(r"Lasted (\d+ min)", front)[1],
        "banner": re.search(r"Lasted (\d+ min)", shown)[1],
        "facts": re.search(r"(\d+ min) in all", shown)[1],
        "history": re.search(r"Major outage (\d+ min)", history)[1],
        "words": re.search(r"\((\d+ min)\)", incident.updates.last().body)[1],
        "report": f"{(draft.ended_at - draft.started_at) // timedelta(minutes=1)} min",
        "summary": re.search(r"\((\d+ min)\)", draft.summary)[1],
        "impact": re.search(r"for (\d+ min)", draft.impact)[1],
        "export": f"{row['duration_s'] // 60} min",
        "api": f"{api['duration_s'] // 60} min",
        "console": re.search(r"(\d+ min) in all", console)[1],
    }


def ends(incident, now):
    row = json.loads(page(history_views.history_json.gather, now))["incidents"][0]
    (api,) = json.loads(page(api_views.incidents.gather, now))["incidents"]
    return {row["ended_at"][:19], api["ended_at"][:19]}


@pytest.mark.parametrize("seconds", [0, 40])
def test_what_the_machine_resolved(client, ada, settings, seconds):
    now = timezone.now().replace(microsecond=0)
    began = now - timedelta(minutes=30)
    ended = began + timedelta(minutes=5, seconds=seconds)
    probe, incident = outage(began, ended)
    automation.advance(now - timedelta(minutes=10))
    found(probe, "up", now)
    incident.refresh_from_db()
    assert set(numbers(incident, client, now).values()) == {"5 min"}
    assert ends(incident, now) == {f"{ended:%Y-%m-%dT%H:%M:%S}"}


def test_what_people_resolved_with_the_templates(client, ada, settings):
    settings.SETTLE_S = 36_000
    now = timezone.now().replace(microsecond=0)
    began = now - timedelta(minutes=30)
    ended = began + timedelta(minutes=5, seconds=40)
    probe, incident = outage(began, ended)
    for phase, words in (
        ("monitoring", f"{ended:%H:%M} UTC. We"),
        ("resolved", f"{ended:%H:%M} UTC (5 min)"),
    ):
        text = Template.objects.filter(phase=phase, kind="update").first()
        sent = {"body": "", "promise": "30", "template": text.pk, "phase": phase}
        client.post(f"/console/incidents/{incident.public_id}/compose", sent)
        body = incident.drafts.get().data["body"]
        assert words in body
        incident.post(Post(body, phase=phase), now=now - timedelta(minutes=1), author=ada)
    found(probe, "up", now)
    incident.refresh_from_db()
    assert set(numbers(incident, client, now).values()) == {"5 min"}
    assert ends(incident, now) == {f"{ended:%Y-%m-%dT%H:%M:%S}"}


def test_while_it_is_watched_the_time_stands_still(db, settings):
    settings.SETTLE_S = 36_000
    now = timezone.now()
    began = now - timedelta(minutes=30)
    _, incident = outage(began, began + timedelta(minutes=5))
    text = plain(page(views.incident.gather, now, public_id=incident.public_id))
    assert "5 min in all" in text
    assert "Recovered" in text


def test_a_component_lists_the_same_duration(db):
    now = timezone.now()
    began = now - timedelta(minutes=30)
    probe, incident = outage(began, began + timedelta(minutes=5))
    automation.advance(now)
    text = plain(page(views.component.gather, now, public_id=probe.component.public_id))
    assert re.search(rf"{incident.title} Major outage 5 min", text)


@pytest.mark.parametrize("is_resolved", [True, False])
def test_the_time_that_it_was_well_before_a_relapse_is_counted_nowhere(client, ada, settings, is_resolved):
    settings.SETTLE_S = 60 if is_resolved else 180
    now = timezone.now().replace(microsecond=0)
    began = now - timedelta(minutes=30)
    probe, incident = outage(began, began + timedelta(minutes=2))
    automation.advance(began + timedelta(minutes=3, seconds=30))
    incident.refresh_from_db()
    assert bool(incident.resolved_at) is is_resolved
    again, ended = began + timedelta(minutes=4), began + timedelta(minutes=7)
    for seconds in (0, 10):
        found(probe, "down", again + timedelta(seconds=seconds))
    front = plain(page(views.incident.gather, again + timedelta(minutes=1), public_id=incident.public_id))
    assert "3 min so far" in front
    rose(probe, ended)
    automation.advance(now - timedelta(minutes=10))
    found(probe, "up", now)
    incident = Incident.objects.get()
    body = incident.updates.last().body
    assert "(5 min in all, with recoveries in between)" in body
    incident.updates.filter(pk=incident.updates.last().pk).update(
        body=body.replace(" in all, with recoveries in between", "")
    )
    said = numbers(incident, client, now)
    draft = Postmortem.objects.get()
    assert said.pop("report") == "7 min"  # from its beginning to its end, which are fields of a form
    assert set(said.values()) == {"5 min"}
    assert ends(incident, now) == {f"{ended:%Y-%m-%dT%H:%M:%S}"}
    ends_at = [at for at, tag, _ in draft.timeline if tag == "End"]
    assert ends_at == [f"{incident.resolved_at:%Y-%m-%dT%H:%M:%SZ}"]
