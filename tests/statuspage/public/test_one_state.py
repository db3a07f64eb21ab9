"""Every surface says the same of an incident: pages, console, preview, API, mail, chat, webhook."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from components.models import Component
from components.status import Status
from incidents.models import Incident, Notice, Post
from statuspage.api import views as api_views
from statuspage.models import Role
from statuspage.public import history_views, views
from subscribers import emails
from subscribers.channels.chat_message import compose
from subscribers.delivery.content import publisher_now, read
from subscribers.states import Channel
from tests.incidents.test_maintenance import plan, turn
from tests.making import component, fell, found, rose, watched
from tests.people import person
from tests.subscribers.letters import envelope

SLOW, PART, DOWN = "degraded_performance", "partial_outage", "major_outage"
WATCH = "Monitoring the fix"


def page(gather, now, **named):
    return gather(now, **named).render(now).decode()


def banner(text):
    """(the state that colours it, the word) of the banner of a page."""
    inside = re.search(r'<section class="banner".*?</section>', text, re.DOTALL)[0]
    word = re.search(r'banner__word">([^<]*)<', inside)
    return re.search(r'data-status="(\w+)"', inside)[1], word[1].removesuffix(", ongoing") if word else ""


def state_in(text, pattern):
    """(status, word) of the first state after what the pattern finds."""
    after = text[re.search(pattern, text, re.DOTALL).end() :]
    mark = re.search(r'data-status="(\w+)">\s*<svg.*?</svg>\s*(?:<b>)?([^<]+)', after, re.DOTALL)
    return mark[1], mark[2].strip()


def surfaces(incident, client, now):
    """What each of them says: (status, word)."""
    code = incident.public_id
    front = page(views.overview.gather, now)
    shown = page(views.incident.gather, now, public_id=code)
    title = re.escape(incident.title)
    said = {
        "front page": banner(front),
        "incident page": banner(shown),
        "title": re.search(r"<title>\s*(.*?): Widgetify\s*</title>", front)[1].replace(
            "Down", "Major outage"
        ),
        "icon": re.search(r'rel="icon" href="([^"]*)"', front)[1]
        == re.search(r'rel="icon" href="([^"]*)"', shown)[1],
        "card": re.search(r'card incident"[^>]*data-status="(\w+)"', front)[1],
        "history": state_in(page(views.history_page.gather, now), rf'id="list".*?>{title}</a>'),
        "csv": json.loads(page(history_views.history_json.gather, now))["incidents"][0]["status"],
        "api": json.loads(page(api_views.status.gather, now))["status"],
    }
    said["search"] = state_in(
        client.get("/history/search", {"q": incident.title.split()[-1]}).content.decode(), "history__words"
    )
    composer = client.get(f"/console/incidents/{code}/compose").content.decode()
    preview = re.search(
        r'(?s)pane--page">\s*<div class="banner" data-status="(\w+)".*?banner__word">([^<]*)<', composer
    )
    said["preview"] = (preview[1], preview[2])
    overview = client.get("/console/").content.decode()
    said["console"] = state_in(overview, rf"openline.*?>{title}</a>")
    said["console page"] = state_in(client.get(f"/console/incidents/{code}").content.decode(), "head__fact")
    notice = Notice.objects.filter(incident=incident).latest("pk")
    here = publisher_now()
    story = read([notice.pk], here.page_id)[notice.pk]
    mail = emails.letter(envelope(story, house=here), now)
    said["mail"] = mail.get_body(("plain",)).get_content().splitlines()[0].split(":")[0].capitalize()
    head = compose(envelope(story, house=here, channel=Channel.SLACK)).head
    said["chat"] = head.split(" ", 1)[1].split(" · ")[0]
    said["webhook"] = json.loads(here.json)["status_description"]
    return said


def fallen(now, **more):
    """A component that fell ten minutes ago beside one that works."""
    found(watched("Search", position=2), "up", now - timedelta(seconds=30))
    probe = watched("API", **more)
    fell(probe, now - timedelta(minutes=10))
    return probe, Incident.objects.get()


def down(now):
    probe, incident = fallen(now)
    found(probe, "down", now - timedelta(seconds=30))
    return incident


def watching(now):
    probe, incident = fallen(now)
    rose(probe, now - timedelta(minutes=1))
    return incident


def watching_by_people(now):
    probe, incident = fallen(now)
    rose(probe, now - timedelta(minutes=5))
    incident.post(Post("Fixed.", phase="monitoring"), now=now - timedelta(minutes=1))
    return incident


def fixed_too_early(now):
    probe, incident = fallen(now)
    incident.post(Post("Fixed.", phase="monitoring"), now=now - timedelta(minutes=1))
    found(probe, "down", now - timedelta(seconds=30))
    return incident


def better(now):
    _, incident = fallen(now)
    api = Component.objects.get(name="API")
    incident.post(Post("Slow.", phase="identified", statuses={api: SLOW}), now=now - timedelta(minutes=1))
    return incident


def by_hand_without_components(now):
    return Incident.objects.open("Letters get lost", "We look.", now=now - timedelta(minutes=3))


def by_hand_watching(now):
    incident = by_hand_without_components(now)
    incident.post(Post("Fixed.", phase="monitoring"), now=now - timedelta(minutes=1))
    return incident


def people_know_more(now):
    incident = by_hand_without_components(now)
    incident.amend(now, impact_override="major")
    return incident


def under_planned_work(now):
    """What the machine opened before the work began: the work covers what the probes see."""
    probe, incident = fallen(now)
    work = plan(probe.component, starts=now - timedelta(minutes=5), now=now - timedelta(days=2))
    turn(work, now - timedelta(minutes=5))
    found(probe, "down", now - timedelta(seconds=30))
    return incident


def with_a_hidden_component(now):
    """What strangers may not see is worse than what they may."""
    chat, cellar = component("Chat"), component("Cellar", is_shown=False)
    return Incident.objects.open(
        "Chat is slow", "We look.", now=now - timedelta(minutes=3),
        statuses={chat: Status.DEGRADED_PERFORMANCE, cellar: Status.MAJOR_OUTAGE},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "state", "description"),
    [
        (down, (DOWN, "Major outage"), "Partial System Outage"),
        (watching, (SLOW, WATCH), WATCH),
        (watching_by_people, (SLOW, WATCH), WATCH),
        (fixed_too_early, (DOWN, "Major outage"), "Partial System Outage"),
        (better, (SLOW, "Degraded"), "Partially Degraded Service"),
        (by_hand_without_components, (SLOW, "Degraded"), "Partially Degraded Service"),
        (by_hand_watching, (SLOW, WATCH), WATCH),
        (people_know_more, (PART, "Partial outage"), "Partial System Outage"),
        (under_planned_work, (SLOW, "Degraded"), "Partially Degraded Service"),
        (with_a_hidden_component, (SLOW, "Degraded"), "Partially Degraded Service"),
    ],
)
@pytest.mark.django_db
def test_every_surface_says_the_same(client, settings, make, state, description):
    settings.SETTLE_S = 3600
    client.force_login(person("ada", Role.RESPONDER))
    now = timezone.now()
    incident = make(now)
    said = surfaces(incident, client, now)
    status, word = state
    # what a person publishes is not covered by planned work any more
    preview = (DOWN, "Major outage") if make is under_planned_work else state
    indicator = "major" if description == "Partial System Outage" else "minor"
    assert said == {
        "front page": state, "incident page": state, "title": word, "icon": True, "card": status,
        "history": state, "csv": status, "search": state, "preview": preview, "console": state,
        "console page": state, "mail": word, "chat": word, "webhook": description,
        "api": {"indicator": indicator, "description": description},
    }  # fmt: skip


def test_no_page_says_major_outage_over_a_component_that_works(db, settings):
    settings.SETTLE_S = 3600
    now = timezone.now()
    incident = watching(now)
    text = page(views.incident.gather, now, public_id=incident.public_id)
    assert "Major outage, ongoing" not in text
    one = Component.objects.get(name="API")
    shown = page(views.component.gather, now, public_id=one.public_id)
    assert banner(shown) == (SLOW, WATCH)
    assert "API is operational" in shown


def test_a_hidden_component_does_not_make_the_impact_worse(db):
    assert with_a_hidden_component(timezone.now()).impact == "minor"


def test_what_still_needs_work_stands_before_what_is_watched(db, settings):
    settings.SETTLE_S = 36_000
    now = timezone.now()
    watching(now)
    Incident.objects.open("Letters get lost", "We look.", now=now - timedelta(minutes=40))
    text = page(views.overview.gather, now)
    assert banner(text) == (SLOW, "Degraded")
    assert "<h1>Letters get lost</h1>" in text
