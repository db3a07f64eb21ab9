"""Old knowledge is not shown as new: what a page says once its newest check is old."""

from datetime import datetime, timedelta

import pytest

from components.models import HourTally, Probe
from components.status import Status
from components.tasks import tally_hours
from statuspage.serving.document import Draft
from tests.making import NOW, after, fell, found, watched
from tests.statuspage.public.test_page_model import html, overview, rows


def test_a_stale_page_shows_no_component_green_whatever_its_interval(db):
    """The page is stale by its quickest probe's measure; the slow one is not silent by its own."""
    quick, slow = watched("Quick"), watched("Slow", interval_s=3600)
    for probe in (quick, slow):
        found(probe, "up", NOW)
    fresh = rows(overview(after(seconds=30)))
    assert {row.status for row in fresh.values()} == {Status.OPERATIONAL}
    later = after(hours=4)
    seen = overview(NOW, later)
    assert {row.status for row in rows(seen).values()} == {Status.UNKNOWN}
    assert seen.head.state.status is Status.UNKNOWN
    assert 'class="component" data-status="operational"' not in html(NOW, later)


@pytest.mark.parametrize("minutes", [30, 60, 120])
def test_a_slow_probe_that_is_in_time_is_not_green_on_a_stale_page(db, minutes):
    quick, slow = watched("Quick"), watched("Slow", interval_s=3600)
    for probe in (quick, slow):
        found(probe, "up", NOW)
    shown = rows(overview(after(minutes=minutes)))
    assert not slow.is_silent(after(minutes=minutes))
    assert {row.status for row in shown.values()} == {Status.UNKNOWN}


def bytes_at(moment: datetime) -> bytes:
    return str(moment).encode()


def test_the_first_variant_of_a_document_is_never_older_than_late():
    draft = Draft("text/plain", NOW, timedelta(minutes=2), timedelta(minutes=5), bytes_at)
    now = NOW + timedelta(minutes=30)
    (begins, first), *rest = draft.variants(now)
    assert begins is None
    assert first == bytes_at(NOW + timedelta(seconds=119))
    assert [moment for moment, _ in rest][:1] == [NOW + timedelta(minutes=2)]


def test_an_hour_that_ended_is_counted_again_when_an_outage_is_dated_back_into_it(db):
    probe = watched()
    begun = NOW - timedelta(hours=3)
    found(probe, "up", begun)
    tally_hours(NOW - timedelta(minutes=1))  # 7:59: all of the hour was well so far
    tally_hours(NOW + timedelta(seconds=2))  # 8:00: a new hour is the newest one
    ended = HourTally.objects.get(component=probe.component, hour=NOW - timedelta(hours=1))
    before = {name: getattr(ended, name) for name in fields()}
    Probe.objects.filter(pk=probe.pk).update(confirm_down=2)
    probe.refresh_from_db()
    fell(probe, NOW - timedelta(seconds=8))  # first failure at 7:59:52, sure at 8:00:02
    tally_hours(NOW + timedelta(seconds=30))
    ended.refresh_from_db()
    assert {name: getattr(ended, name) for name in fields()} != before


def fields() -> list[str]:
    from components.tasks import SECONDS_FIELDS

    return list(SECONDS_FIELDS)
