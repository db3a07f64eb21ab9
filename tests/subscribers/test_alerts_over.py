"""What staff are told once an alert is over: what happened, and not what usually does."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from components.models import Component, Probe
from incidents import automation
from incidents.models import Incident, Post
from statuspage.models import Role
from subscribers.alerts import book, kinds
from subscribers.models import Alert
from tests.making import after, component, fell, found, rose, watched
from tests.people import person
from tests.subscribers.test_alerts import at, channel, look, titles

TITLE = "API is returning errors"


@pytest.fixture
def ada(db):
    return person("ada", Role.RESPONDER)


def resolved(incident, ada):
    automation.advance(after(minutes=1))
    rose(Probe.objects.select_related("component").get(), after(minutes=2))
    automation.advance(after(minutes=9))


def posted(incident, ada):
    incident.post(Post("Fixed.", phase="monitoring"), now=after(minutes=1), author=ada)


def ended(incident, ada):
    incident.post(Post("Over.", phase="resolved"), now=after(minutes=1), author=ada)


def deleted(incident, ada):
    incident.delete_softly(after(minutes=1), author=ada)


def merged(incident, ada):
    other = Incident.objects.open("Other", "We look.", now=after(), author=ada)
    automation.merge(incident, other, after(minutes=1), author=ada)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("end", "words"),
    [
        (resolved, f"Resolved automatically: {TITLE}"),
        (posted, f"Taken over by staff: {TITLE}"),
        (ended, f"Resolved by staff: {TITLE}"),
        (deleted, f"Deleted by staff: {TITLE}"),
        (merged, f"Merged into “Other”: {TITLE}"),
    ],
)
def test_an_incident_that_was_published_automatically_ends_as_it_ended(sink, ada, end, words):
    channel(ada, at(sink))
    made, now = book.Book(), timezone.now()
    fell(watched())
    look(made, now)
    end(Incident.objects.get(), ada)
    look(made, now)
    assert titles(sink) == [f"Incident published automatically: {TITLE}", words]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("end", "words"),
    [
        (lambda probe: found(probe, "up", after(minutes=1)), ["API has passed its first check."]),
        (lambda probe: probe.pause(after(minutes=1)), []),
        (lambda probe: probe.delete(), []),
    ],
)
def test_a_probe_that_was_paused_or_deleted_has_passed_nothing(sink, ada, end, words):
    channel(ada, at(sink))
    made, now = book.Book(), timezone.now()
    probe = watched()
    found(probe, "down", after())
    found(probe, "down", after(seconds=10))
    for s in (0, 130):
        look(made, now + timedelta(seconds=s))
    end(Probe.objects.select_related("component").get())
    for s in (140, 270):
        look(made, now + timedelta(seconds=s))
    assert titles(sink)[1:] == words
    assert not Alert.objects.filter(closed_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_staff_are_asked_when_they_and_the_checks_disagree(sink, ada):
    channel(ada, at(sink))
    now, probe = timezone.now(), watched()
    fell(probe)
    other = component("Docs")
    Component.objects.filter(pk__in=(probe.component.pk, other.pk)).update(manual_status="operational")
    look(book.Book(), now)
    assert titles(sink)[-1] == f"API is set to Operational, but its checks fail: {TITLE}"


def test_a_clock_of_another_day_carries_it(db):
    before = datetime(2026, 12, 31, 23, 50, tzinfo=UTC)
    Incident.objects.create(
        title="Slow", started_at=before, is_owned=True, published_at=before, next_update_at=before
    )
    Incident.objects.create(
        title="Odd", started_at=before, is_by_machine=True, publish_at=before + timedelta(minutes=30)
    )
    now = kinds.World(before, {}), kinds.World(before + timedelta(minutes=20), {})
    assert [next(kinds.overdue(world)).title for world in now] == [
        "Update overdue: Slow. Promised by 23:50 UTC.",
        "Update overdue: Slow. Promised by 31 Dec 2026, 23:50 UTC.",
    ]
    assert "published at 1 Jan 2027, 00:20 UTC" in next(kinds.suggestions(now[0])).title
