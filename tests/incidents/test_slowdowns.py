"""Staff hear of a component that is slower than it usually is at this hour of the week."""

from datetime import timedelta

import pytest

from components.latency import bucket
from components.models import HourTally
from incidents import slowdowns
from subscribers.alerts.kinds import KINDS, World
from tests.making import NOW, component, group

pytestmark = pytest.mark.data


@pytest.fixture(autouse=True)
def unknown(monkeypatch):
    monkeypatch.setattr(slowdowns, "_known", {})


def hour(api, weeks_ago, median_ms):
    HourTally.objects.create(
        component=api, hour=NOW - timedelta(hours=1, weeks=weeks_ago), latency={str(bucket(median_ms)): 60}
    )


def alerts(at):
    return [(owed.title, owed.body) for owed in KINDS["slow"].find(World(at, {}))]


def test_staff_hear_of_it_once_the_hour_is_counted(db):
    api = component("API", group=group())
    for week in range(1, 5):
        hour(api, week, 200)
    hour(api, 0, 700)
    assert alerts(NOW + timedelta(minutes=5)) == []  # the hour before is judged until then
    ((title, body),) = alerts(NOW + timedelta(minutes=15))
    assert title == "API responds slower than usual."
    assert "usual for this hour of the week (from 4 weeks)" in body


def test_no_weeks_no_word(db):
    api = component("API")
    hour(api, 1, 200)
    hour(api, 2, 200)
    hour(api, 0, 700)
    assert alerts(NOW + timedelta(minutes=15)) == []


def test_it_is_computed_once_an_hour(db, django_assert_num_queries):
    api = component("API")
    for week in range(5):
        hour(api, week, 200 if week else 700)
    alerts(NOW + timedelta(minutes=15))
    with django_assert_num_queries(1):  # for the names, which may change
        alerts(NOW + timedelta(minutes=40))


def test_a_component_is_named_as_it_is_called_now(db):
    api = component("API")
    for week in range(5):
        hour(api, week, 200 if week else 700)
    assert alerts(NOW + timedelta(minutes=15))[0][0] == "API responds slower than usual."
    api.name = "Search"
    api.save()
    assert alerts(NOW + timedelta(minutes=16))[0][0] == "Search responds slower than usual."
    api.delete()
    assert alerts(NOW + timedelta(minutes=17)) == []
