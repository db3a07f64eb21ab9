"""Rows of several tables in one statement, which is compiled once for each shape of its terms."""

from datetime import timedelta

import pytest

from components.mixed_rows import Statement, first, rows
from components.models import Component, Heartbeat
from tests.making import NOW, after, component

pytestmark = [pytest.mark.data, pytest.mark.django_db]


def parts(since, ids, position):
    return [
        rows("beat", Heartbeat.objects.filter(at__gte=since), key="role", at="at"),
        rows("part", Component.objects.filter(pk__in=ids, position__gt=position), text="name", a="pk"),
        rows("last", first(Component.objects.order_by("-pk"), 1), a="pk"),
    ]


@pytest.fixture
def world(db):
    for minutes in (0, 5, 10):
        Heartbeat.objects.beat("worker", str(minutes), after(minutes=minutes))
    return [component(f"Part {place}", position=place) for place in range(4)]


def test_it_answers_for_the_terms_of_each_call(world, django_assert_num_queries):
    statement, pks = Statement(parts), [each.pk for each in world]
    for minutes, wanted, position in ((0, pks[:2], -1), (5, pks[2:], 2), (11, [pks[3], pks[1]], 0)):
        with django_assert_num_queries(1):
            read = statement.read(since=after(minutes=minutes), ids=wanted, position=position)
        assert len(read["beat"]) == sum(each >= minutes for each in (0, 5, 10))
        assert {row.at for row in read["beat"]} <= {after(minutes=each) for each in (0, 5, 10)}
        assert {row.a for row in read["part"]} == {
            each.pk for each in world if each.pk in wanted and each.position > position
        }
        assert [row.a for row in read["last"]] == pks[-1:]


def test_lists_of_another_length_are_another_shape(world):
    statement = Statement(parts)
    for count in (2, 0, 4, 1):
        wanted = [each.pk for each in world[:count]]
        read = statement.read(since=NOW, ids=wanted, position=-1)
        assert sorted(row.a for row in read["part"]) == wanted
        assert len(read["beat"]) == 3


def test_where_there_can_be_nothing_nothing_is_asked(db, django_assert_num_queries):
    statement = Statement(lambda ids: [rows("part", Component.objects.filter(pk__in=ids), text="name")])
    with django_assert_num_queries(0):
        assert statement.read(ids=[])["part"] == []


def test_a_term_that_is_changed_on_the_way_is_refused(db):
    later = Statement(
        lambda since: [rows("beat", Heartbeat.objects.filter(at__gte=since + timedelta(hours=1)))]
    )
    with pytest.raises(ValueError, match="not in the statement"):
        later.read(since=NOW)
