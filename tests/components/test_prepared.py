"""Queries whose SQL is made once for each shape of their terms."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.db.models import F

from components.models import Component, Heartbeat
from components.prepared import ModelQuery, ValuesQuery
from tests.making import after, component, group

pytestmark = [pytest.mark.data, pytest.mark.django_db]


@pytest.fixture
def world(db):
    shop = group("Shop")
    return [component(f"Part {place}", position=place, group=shop) for place in range(4)]


def parts():
    return ModelQuery(
        lambda ids: (
            Component.objects.filter(pk__in=ids)
            .select_related("group")
            .annotate(twice=F("position") * 2)
            .order_by("-position")
        )
    )


def test_rows_are_whole_with_what_was_annotated_and_selected_beside_them(world, django_assert_num_queries):
    query, pks = parts(), [each.pk for each in world]
    for wanted in (pks[:2], pks[2:], [pks[3], pks[0]], pks):
        with django_assert_num_queries(1):
            read = query.read(ids=wanted)
            beside = [(each.group.name, each.twice) for each in read]
        assert read == list(Component.objects.filter(pk__in=wanted).order_by("-position"))
        assert beside == [("Shop", 2 * each.position) for each in read]
        assert all(vars(each).keys() >= {"name", "created_at", "is_shown"} for each in read)
        assert [each.created_at for each in read] == [
            Component.objects.get(pk=each.pk).created_at for each in read
        ]


def test_a_row_that_was_read_can_be_saved(world):
    (read,) = parts().read(ids=[world[1].pk])
    read.name = "New"
    read.save(update_fields=["name"])
    assert Component.objects.get(pk=world[1].pk).name == "New"


def test_nothing_is_asked_for_no_ids(world, django_assert_num_queries):
    query = parts()
    with django_assert_num_queries(0):
        assert query.read(ids=[]) == []


def test_a_time_of_another_moment_is_another_answer(db):
    for minutes in (0, 5, 10):
        Heartbeat.objects.beat("worker", str(minutes), after(minutes=minutes))
    beats = ValuesQuery(
        lambda since: Heartbeat.objects.filter(at__gte=since).order_by("pk").values_list("name", "pk")
    )
    for minutes, names in ((0, ["0", "5", "10"]), (5, ["5", "10"]), (11, [])):
        assert [name for name, _ in beats.read(since=after(minutes=minutes))] == names


def test_a_term_that_is_changed_on_the_way_is_refused(db):
    with pytest.raises(ValueError, match="These terms"):
        ModelQuery(lambda pk: Component.objects.filter(pk=pk + 1)).read(pk=1)


@pytest.mark.django_db(transaction=True)
def test_threads_do_not_get_each_others_rows(world):
    query, pks = parts(), [each.pk for each in world]

    def ask(place):
        try:
            return [each.pk for each in query.read(ids=[pks[place % 4]])] == [pks[place % 4]]
        finally:
            connection.close()

    query.read(ids=pks[:1])
    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(ask, range(200)))
