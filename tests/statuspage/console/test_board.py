"""What the overview reads as values is what the models say of the same rows."""

import random

import pytest
from django.db import connection

from components.models import Component
from components.status import SEVERITY, Impact, Status
from incidents.lifecycle import Phase
from incidents.models import Affected, Incident, Maintenance
from statuspage.console.board import MAX_ROWS, read_board, read_suggested
from tests.making import NOW, after, component

pytestmark = [pytest.mark.data, pytest.mark.django_db]


def made(chance, place, components):
    incident = Incident.objects.create(
        title=f"Incident {place}",
        phase=chance.choice([phase for phase in Phase if phase is not Phase.RESOLVED]),
        impact=chance.choice(list(Impact)),
        impact_override=chance.choice(["", "", *Impact]),
        is_owned=chance.random() < 0.5,
        started_at=after(minutes=chance.randrange(5)),
        published_at=chance.choice([None, NOW]),
        proposed_at=chance.choice([None, NOW]),
        next_update_at=chance.choice([None, after(minutes=30)]),
    )
    for each in chance.sample(components, chance.randrange(4)):
        Affected.objects.create(
            incident=incident,
            component=each,
            status=chance.choice(list(Status)),
            worst_status=chance.choice(list(Status)),
        )
    return incident


@pytest.mark.parametrize("seed", range(4))
def test_values_are_what_the_models_say(db, seed):
    chance = random.Random(seed)
    components = [
        Component.objects.create(
            name=f"Part {place}",
            position=chance.randrange(5),
            status=chance.choice(list(Status)),
            manual_status=chance.choice(["", "", *Status]),
            is_shown=chance.random() < 0.8,
        )
        for place in range(12)
    ]
    work = Maintenance.objects.create(
        title="Work", starts_at=NOW, ends_at=after(hours=1), state="in_progress"
    )
    work.components.set(components[:4])
    for place in range(15):
        made(chance, place, components)
    board = read_board()
    incidents = list(Incident.objects.live().filter(resolved_at=None))
    assert [each.pk for each in board.incidents] == [each.pk for each in incidents]
    for value, incident in zip(board.incidents, incidents, strict=True):
        places = list(incident.affected.as_seen())
        assert value.names == tuple(place.component.name for place in places)
        assert value.state == incident.state([place for place in places if place.component.is_shown])
        assert (value.title, value.phase, value.is_owned) == (
            incident.title,
            incident.phase,
            incident.is_owned,
        )
        assert value.is_suggestion == (incident.published_at is None)
        assert value.is_well == (incident.proposed_at is not None)
        assert (value.started_at, value.next_update_at) == (incident.started_at, incident.next_update_at)
    ordered = sorted(components, key=lambda each: (-SEVERITY[Status(each.status)], each.position, each.pk))
    assert [each.pk for each in board.components] == [each.pk for each in ordered]
    assert [each.is_set for each in board.components] == [bool(each.manual_status) for each in ordered]


def test_the_worst_components_are_there_when_there_are_too_many(db):
    for place in range(MAX_ROWS + 5):
        component(f"Part {place}", position=place)
    last = Component.objects.create(name="Last", position=99, status=Status.MAJOR_OUTAGE)
    shown = read_board().components
    assert len(shown) == MAX_ROWS
    assert shown[0].pk == last.pk


def test_deleted_and_merged_incidents_are_not_there(db):
    kept = Incident.objects.create(title="Kept", started_at=NOW)
    Incident.objects.create(title="Deleted", started_at=NOW, deleted_at=NOW)
    Incident.objects.create(title="Merged", started_at=NOW, merged_into=kept)
    Incident.objects.create(title="Over", started_at=NOW, resolved_at=NOW)
    assert [each.title for each in read_board().incidents] == ["Kept"]


def test_suggestions_are_whole_rows_in_order(db, django_assert_num_queries):
    first, second = (Incident.objects.create(title=name, started_at=NOW) for name in "ab")
    later, sooner = component("Later", position=2), component("Sooner", position=1)
    for each in (later, sooner):
        Affected.objects.create(incident=second, component=each)
    with django_assert_num_queries(2):
        read = read_suggested([first.pk, second.pk])
        names = [[place.component.name for place in each.all_affected] for each in read]
    assert read == [second, first]
    assert names == [["Sooner", "Later"], []]
    assert read[0].all_affected[0].incident is read[0]


def test_odd_characters_that_an_earlier_version_stored_are_left_out(db):
    component("Part")
    with connection.cursor() as cursor:  # the model's field would clean it
        cursor.execute("UPDATE components_component SET name = %s", ["Pa\u202ert"])
    (shown,) = read_board().components
    assert shown.name == Component.objects.get().name == "Part"
