"""Components that need others: one incident for a cause and what it takes along."""

from datetime import timedelta

import pytest

from components import dependencies
from components.models import Check, Component, Probe
from components.status import Status
from incidents import automation
from incidents.models import Affected, Incident
from tests.making import NOW, after, fell, found, rose, watched

pytestmark = pytest.mark.data


@pytest.fixture
def pair(db):
    """API needs Database; both are well."""
    database, api = watched("Database", position=1), watched("API", position=2)
    api.component.needs.add(database.component)
    for probe in (database, api):
        found(probe, "up", after(minutes=-5))
        probe.refresh_from_db()
    return database, api


def rows(incident):
    return [
        (row.component.name, Status(row.status).is_trouble)
        for row in incident.affected.select_related("component").order_by("component__position")
    ]


def test_what_fails_after_its_cause_joins_it_however_late(pair):
    database, api = pair
    fell(database)
    fell(api, after(minutes=30))
    incident = Incident.objects.get()
    assert rows(incident) == [("Database", True), ("API", True)]
    assert incident.started_at == NOW


def test_what_fails_first_waits_and_its_cause_gathers_it(pair, django_capture_on_commit_callbacks):
    database, api = pair
    Probe.objects.filter(pk=database.pk).update(next_slot=int(after(minutes=1).timestamp()))
    with django_capture_on_commit_callbacks(execute=True):
        fell(api)
    assert not Incident.objects.exists()
    assert Check.objects.filter(probe=api, outcome="down").count() == 2  # only the opening waits
    assert Component.objects.get(name="API").status == Status.MAJOR_OUTAGE
    database.refresh_from_db()
    assert database.next_slot <= after(seconds=10).timestamp()  # its cause is checked now
    fell(database, after(seconds=12))
    incident = Incident.objects.get()
    assert rows(incident) == [("Database", True), ("API", True)]
    assert incident.started_at == NOW  # the first failure of both
    automation.advance(after(minutes=10))
    assert Incident.objects.count() == 1


def test_a_cause_that_works_holds_nothing_back_for_long_and_no_minute_is_lost(pair):
    _, api = pair
    fell(api)
    automation.advance(after(seconds=20))
    assert not Incident.objects.exists()
    automation.advance(after(seconds=60))
    incident = Incident.objects.get()
    assert (rows(incident), incident.started_at) == ([("API", True)], NOW)
    assert Component.objects.get(name="API").held_until is None


def test_what_recovers_while_it_waits_opens_nothing(pair):
    _, api = pair
    fell(api)
    rose(api, after(seconds=15))
    automation.advance(after(minutes=2))
    assert not Incident.objects.exists()


def test_what_outlasts_its_cause_gets_its_own_incident_dated_back(pair):
    database, api = pair
    fell(database)
    fell(api, after(minutes=1))
    rose(database, after(minutes=10))
    first = Incident.objects.get()
    assert first.recovered_since is None  # API still fails
    automation.advance(after(minutes=10, seconds=20))
    assert Incident.objects.count() == 1  # it may come back with its cause
    automation.advance(after(minutes=12))
    own = Incident.objects.exclude(pk=first.pk).get()
    assert (rows(own), own.started_at) == ([("API", True)], after(minutes=1))
    first.refresh_from_db()
    assert first.recovered_since == after(minutes=10)
    automation.advance(after(minutes=20))
    first.refresh_from_db()
    assert first.resolved_at is not None
    rose(api, after(minutes=30))
    automation.advance(after(minutes=40))
    own.refresh_from_db()
    assert own.resolved_at is not None


def test_what_comes_back_with_its_cause_ends_with_it(pair):
    database, api = pair
    fell(database)
    fell(api, after(minutes=1))
    rose(database, after(minutes=10))
    rose(api, after(minutes=10, seconds=5))
    automation.advance(after(minutes=12))
    automation.advance(after(minutes=20))
    incident = Incident.objects.get()
    assert incident.resolved_at is not None


def test_an_incident_that_a_person_took_is_not_divided(pair, django_user_model):
    database, api = pair
    fell(database)
    fell(api, after(minutes=1))
    Incident.objects.update(is_owned=True)
    rose(database, after(minutes=10))
    automation.advance(after(minutes=30))
    assert Incident.objects.count() == 1


def test_a_cause_that_fails_again_takes_back_what_it_had_left_alone(pair):
    database, api = pair
    fell(database)
    fell(api, after(minutes=1))
    rose(database, after(minutes=10))
    automation.advance(after(minutes=12))
    assert Incident.objects.filter(resolved_at=None).count() == 2
    fell(database, after(minutes=13))
    opened = Incident.objects.filter(resolved_at=None, merged_into=None)
    assert [rows(incident) for incident in opened] == [[("Database", True), ("API", True)]]


def test_a_hidden_cause_is_not_named(pair):
    database, api = pair
    Component.objects.filter(name="Database").update(is_shown=False)
    fell(database)
    fell(api, after(minutes=5))
    incident = Incident.objects.get()
    assert incident.published_at is not None
    public = " ".join([incident.title, *incident.updates.filter(kind="post").values_list("body", flat=True)])
    assert "API" in public
    assert "Database" not in public


def test_what_needs_it_through_others_is_gathered_too(pair):
    database, api = pair
    web = watched("Web app", position=3)
    web.component.needs.add(api.component)
    found(web, "up", after(minutes=-5))
    web.refresh_from_db()
    fell(web)
    fell(api, after(seconds=2))
    assert not Incident.objects.exists()
    fell(database, after(seconds=4))
    assert rows(Incident.objects.get()) == [("Database", True), ("API", True), ("Web app", True)]


def test_nothing_waits_for_what_nobody_checks(db):
    database = Component.objects.create(name="Database", status="operational")
    api = watched("API")
    api.component.needs.add(database)
    fell(api)
    assert Incident.objects.count() == 1


def test_a_row_that_is_continued_elsewhere_is_in_one_open_incident_alone(pair):
    database, api = pair
    fell(database)
    fell(api, after(minutes=1))
    rose(database, after(minutes=10))
    automation.advance(after(minutes=12))
    places = Affected.objects.filter(component=api.component, continued_in=None)
    assert places.count() == 1
    assert Affected.objects.filter(component=api.component, is_auto_open=True).count() == 1


def test_no_component_needs_itself(pair):
    database, api = (probe.component for probe in pair)
    assert dependencies.circle(database, [api]) == api
    assert dependencies.circle(api, [api]) == api
    web = Component.objects.create(name="Web app")
    web.needs.add(api)
    assert dependencies.circle(database, [web]) == web
    assert dependencies.circle(web, [database]) is None
    assert [component.name for component in dependencies.dependents(database)] == ["Web app", "API"]


def test_a_circle_that_a_hand_in_the_database_made_stops_nothing(pair):
    database, api = pair
    database.component.needs.add(api.component)
    fell(api)
    fell(database, after(seconds=5))
    automation.advance(after(minutes=5))
    assert Incident.objects.filter(resolved_at=None, merged_into=None).count() == 1


def test_many_that_need_one_are_one_incident(db):
    database = watched("Database")
    found(database, "up", after(minutes=-5))
    services = [watched(f"Service {number}", position=number + 2) for number in range(8)]
    for service in services:
        service.component.needs.add(database.component)
        found(service, "up", after(minutes=-5))
        service.refresh_from_db()
    for seconds, service in enumerate(services[:4]):
        fell(service, NOW + timedelta(seconds=seconds))
    database.refresh_from_db()
    fell(database, after(seconds=6))
    for seconds, service in enumerate(services[4:]):
        fell(service, NOW + timedelta(minutes=3, seconds=seconds))
    assert Incident.objects.count() == 1
    assert Incident.objects.get().affected.count() == 9
