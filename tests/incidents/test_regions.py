"""One check from several regions: down when more than half of those that report agree."""

from datetime import timedelta

import pytest

from components.forms import KindForm
from components.models import Component, Flip, Probe
from components.status import Status
from incidents.models import Incident
from incidents.tasks import fall_silent
from statuspage.public import page_model
from statuspage.public.world import gather_world
from tests.making import NOW, after, fell, found, rose, watched

pytestmark = pytest.mark.data


def three(**more) -> list[Probe]:
    """A probe that is made from three regions, each of which has seen it pass."""
    main = watched(region="eu", **more)
    main.set_regions(["us", "ap"])
    probes = list(main.everywhere)
    for probe in probes:
        found(probe, "up", after(minutes=-1))
        probe.refresh_from_db()
    return probes


def shown() -> Status:
    return Status(Component.objects.get().status)


def test_one_region_alone_makes_no_outage(db):
    eu, *_ = three()
    fell(eu)
    assert Flip.objects.filter(probe=eu, new="down").exists()  # staff see which region fails
    assert shown() is Status.OPERATIONAL
    assert not Incident.objects.exists()


def test_two_of_three_are_an_outage_from_the_second_regions_first_failure(db):
    eu, us, _ = three()
    fell(eu)
    fell(us, after(seconds=30))
    assert shown() is Status.MAJOR_OUTAGE
    incident = Incident.objects.get()
    assert incident.started_at == after(seconds=30)
    assert incident.affected.count() == 1


def test_it_has_recovered_once_the_majority_passes_again(db):
    eu, us, ap = three()
    for probe in (eu, us, ap):
        fell(probe)
    rose(eu, after(minutes=5))
    assert shown() is Status.MAJOR_OUTAGE
    rose(us, after(minutes=6))
    assert shown() is Status.OPERATIONAL
    assert Incident.objects.get().recovered_since == after(minutes=6)


def test_a_silent_region_speaks_neither_for_it_nor_against_it(db):
    eu, us, ap = three()
    fell(eu)
    found(us, "up", after(minutes=20))  # the check goes on there
    Probe.objects.filter(pk=eu.pk).update(heard_s=int(after(minutes=20).timestamp()))
    fall_silent(after(minutes=20))
    ap.refresh_from_db()
    assert ap.outcome == "unknown"
    assert shown() is Status.OPERATIONAL  # one of two


def test_when_those_that_saw_it_working_fall_silent_the_failing_ones_are_the_majority(db):
    eu, *_ = three()
    fell(eu)
    Probe.objects.filter(pk=eu.pk).update(heard_s=int(after(minutes=20).timestamp()))
    fall_silent(after(minutes=20))
    assert shown() is Status.MAJOR_OUTAGE
    assert Incident.objects.get().started_at == NOW


def test_staff_say_how_many_regions_it_takes(db):
    eu, us, ap = three(quorum=3)
    fell(eu)
    fell(us)
    assert shown() is Status.OPERATIONAL
    fell(ap)
    assert shown() is Status.MAJOR_OUTAGE


def test_the_first_failure_asks_the_other_regions_at_once(db, django_capture_on_commit_callbacks):
    eu, *_ = three()
    now = int(NOW.timestamp())
    Probe.objects.filter(main=eu).update(next_slot=now + 30, claimed_slot=None)
    with django_capture_on_commit_callbacks(execute=True):
        found(eu, "down", NOW)
    assert set(Probe.objects.filter(main=eu).values_list("next_slot", flat=True)) == {now}
    Probe.objects.filter(main=eu).update(next_slot=now + 60)
    with django_capture_on_commit_callbacks(execute=True):
        found(eu, "down", after(seconds=5))  # the second is no news
    assert set(Probe.objects.filter(main=eu).values_list("next_slot", flat=True)) == {now + 60}


def test_the_other_regions_follow_what_staff_change(db):
    eu, us, _ = three()
    eu.target, eu.interval_s = "http://127.0.0.1:9/new", 120
    eu.save(update_fields=["target", "interval_s"])
    us.refresh_from_db()
    assert (us.target, us.interval_s, us.region, us.outcome) == (eu.target, 120, "us", "unknown")
    assert us.phase_s == eu.phase_s  # all look in the same second
    eu.pause(NOW)
    assert set(Probe.objects.values_list("is_paused", flat=True)) == {True}


def test_a_region_that_stays_keeps_its_results(db):
    eu, *_ = three()
    eu.set_regions(["us", "sa"])
    assert list(eu.everywhere.values_list("region", "outcome")) == [
        ("eu", "up"), ("us", "up"), ("sa", "unknown"),
    ]  # fmt: skip


def test_the_page_judges_the_regions_together(db, client):
    eu, *_ = three()
    fell(eu, NOW + timedelta(seconds=1))
    Probe.objects.update(heard_s=int(after(minutes=1).timestamp()))
    gathered = gather_world(after(minutes=1))
    fresh = page_model.freshness(gathered, after(minutes=1))
    assert page_model.shown_status(gathered, gathered.components[0], fresh) is Status.OPERATIONAL
    assert (fresh.probes, fresh.regions, fresh.failing) == (1, 3, 0)


@pytest.mark.parametrize(
    ("others", "quorum", "is_taken"), [("us, ap", 3, True), ("us", 3, False), ("", 2, False)]
)
def test_more_regions_than_there_are_cannot_be_needed(db, others, quorum, is_taken):
    probe = watched(region="eu")
    values = {name: getattr(probe, name) for name in KindForm.Meta.fields if getattr(probe, name) is not None}
    form = KindForm({**values, "other_regions": others, "quorum": quorum}, instance=probe)
    assert ("quorum" not in form.errors) is is_taken
