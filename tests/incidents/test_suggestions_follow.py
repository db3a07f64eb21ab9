"""A suggestion says what is so now: its title, its draft, its phase and what it promises."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents import automation
from incidents.lifecycle import Kind
from incidents.models import Incident
from statuspage.console import compose
from statuspage.console.overview import overview
from statuspage.models import Role
from tests.making import NOW, after, component, fell, group, rose, watched
from tests.people import person


def only() -> Incident:
    return Incident.objects.get()


def card(now):
    (suggestion,) = overview(now).suggestions
    return suggestion.title, suggestion.draft


def posts(incident) -> list[str]:
    return [update.body for update in incident.updates.filter(kind=Kind.POST)]


def test_it_promises_from_now_whenever_it_is_read(db):
    fell(watched(auto="suggest"))
    for minutes in (1, 20, 90):
        assert f"by {after(minutes=minutes + 30):%H:%M} UTC" in card(after(minutes=minutes))[1]


def test_what_joins_and_what_recovers_is_in_title_and_draft(db):
    web, api = watched("Web", auto="suggest"), watched("API", auto="suggest")
    fell(web)
    fell(api, after(seconds=30))
    title, draft = card(after(minutes=1))
    assert title == "Web and API are not working"
    assert draft.startswith("Web and API are returning errors")
    rose(web, after(minutes=2))
    title, draft = card(after(minutes=3))
    assert title == "API is returning errors"
    assert draft.startswith("API is returning errors")
    fell(web, after(minutes=4))
    assert card(after(minutes=5))[0] == "Web and API are not working"


def test_recovered_by_itself_it_offers_to_dismiss_or_to_publish_as_resolved(db, settings):
    settings.SETTLE_S = 3600
    probe = watched(auto="suggest")
    fell(probe)
    rose(probe, after(minutes=12))
    draft = card(after(minutes=13))[1]
    assert draft.startswith("API was not working normally from 08:00 UTC to 08:12 UTC (12 min).")
    assert compose.begin(only(), None, after(minutes=13)).data["phase"] == "resolved"
    client = Client()
    client.force_login(person("ed", Role.EDITOR))
    shown = client.get("/console/").content.decode()
    assert "It recovered on its own" in shown
    assert "Publish as resolved" in shown
    assert "Dismiss" in shown
    fell(probe, after(minutes=20))
    assert card(after(minutes=21))[1].startswith("API is returning errors")


@pytest.mark.parametrize("minutes", [1, 50, 200])
def test_published_late_it_promises_nothing_that_has_passed(db, minutes):
    fell(watched(auto="suggest"))
    only().hold()
    automation.publish(only(), after(minutes=minutes))
    incident = only()
    assert incident.next_update_at == after(minutes=minutes) + timedelta(minutes=30)
    assert f"by {incident.next_update_at:%H:%M} UTC" in posts(incident)[0]


def test_published_after_it_recovered_the_first_update_promises_nothing(db, settings):
    settings.SETTLE_S = 3600
    probe = watched(auto="suggest")
    fell(probe)
    rose(probe, after(minutes=2))
    automation.publish(only(), after(minutes=50))
    assert "next update" not in posts(only())[0]


def test_many_are_drafted_in_the_queries_of_one_as_each_would_be_alone(db):
    beside = group()
    counts, suggested = [], []
    for number in range(4):
        probe = watched(f"Part {number}", group=beside if number % 2 else group(f"Other {number}"))
        component(f"Well {number}", group=probe.component.group)
        incident = Incident.objects.create(title="It fails", started_at=NOW, is_by_machine=True)
        incident.affected.create(component=probe.component, status="major_outage")
        suggested.append(incident)
        with CaptureQueriesContext(connection) as asked:
            drafts = automation.drafts(suggested, after(minutes=1))
        counts.append(len(asked))
        assert drafts == {one.pk: automation.draft(one, after(minutes=1)) for one in suggested}
    assert counts == [3] * 4
    assert "Well 1 and Well 3 are working normally" in drafts[suggested[3].pk]
