"""After a restore no one gets a message twice: what may have been sent after the backup is not sent."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents import notification_status
from incidents.models import Incident, Maintenance, Notice, Post
from subscribers.delivery import fan_out
from subscribers.models import Delivery, Sorter, Subscriber
from tests.making import fell, found, watched
from tests.subscribers.making import mail, webhook

pytestmark = pytest.mark.django_db


def restored(now):
    return notification_status.answers().hold_back(now)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def outage(now):
    """Its first message was handed out, and waits to be sent."""
    mail()
    probe = watched("Chat")
    fell(probe, now - timedelta(minutes=30))
    incident = Incident.objects.get()
    Notice.objects.update(due_at=now - timedelta(minutes=30))
    fan_out.sort(now - timedelta(minutes=29))
    assert Delivery.objects.filter(state="owed").exists()
    return incident


def test_what_was_due_is_not_sent_and_says_why(outage, now):
    held = restored(now)
    assert held == Delivery.objects.count()
    assert {row.state for row in Delivery.objects.all()} == {"cancelled"}
    assert "restored from a backup" in Delivery.objects.first().detail
    assert Subscriber.objects.get().next_at is None
    assert restored(now) == 0


def test_staff_can_send_it_again_under_its_id(outage, now):
    restored(now)
    (row,) = Delivery.objects.all()[:1]
    assert row.replay(now)
    assert Delivery.objects.get(pk=row.pk).message_id == row.message_id
    assert Subscriber.objects.get().next_at == now


def test_a_notice_that_waited_is_given_to_no_one(now):
    webhook("http://127.0.0.1:9/")
    fell(watched("Chat"), now - timedelta(minutes=30))
    Notice.objects.update(due_at=now - timedelta(minutes=1), sorted_at=None)
    assert restored(now) >= 1
    fan_out.sort(now + timedelta(minutes=5))
    assert not Delivery.objects.exists()


def test_what_is_due_later_was_not_sent_yet_and_is_sent(outage, now):
    Delivery.objects.update(due_at=now + timedelta(hours=2))  # a digest
    assert restored(now) == 0
    assert {row.state for row in Delivery.objects.all()} == {"owed"}


def test_how_a_known_incident_goes_on_is_not_sent_until_a_person_posts(outage, now):
    restored(now)
    before = Delivery.objects.count()
    later = now + timedelta(minutes=5)
    outage.refresh_from_db()
    update = outage.updates.create(
        number=90, phase="monitoring", body="Recovered.", at=later, is_by_machine=True
    )
    Notice.objects.of_update(update, later)
    fan_out.sort(later + timedelta(seconds=1))
    assert Delivery.objects.count() == before
    assert not Notice.objects.filter(sorted_at=None, due_at__lte=later).exists()
    outage.post(Post("We are back.", phase="monitoring"), now=later + timedelta(seconds=5))
    fan_out.sort(later + timedelta(minutes=2))
    assert Delivery.objects.count() == before + 1
    update = outage.updates.create(
        number=95, phase="resolved", body="Resolved.", at=later, is_by_machine=True
    )
    Notice.objects.of_update(update, later + timedelta(minutes=3))
    fan_out.sort(later + timedelta(minutes=5))
    assert Delivery.objects.count() == before + 2


def test_an_outage_that_begins_after_it_is_sent(now):
    mail()
    probe = watched("Chat")
    found(probe, "up", now - timedelta(minutes=60))
    restored(now)
    fell(probe, now + timedelta(minutes=10))
    incident = Incident.objects.get()
    Incident.objects.filter(pk=incident.pk).update(created_at=now + timedelta(minutes=10))
    fan_out.sort(now + timedelta(minutes=20))
    assert Delivery.objects.filter(notice__incident=incident, state="owed").exists()


@pytest.mark.parametrize(("hours", "is_sent"), [(-3, False), (3, True)])
def test_maintenance_says_what_was_planned_for_after_the_restore(now, hours, is_sent):
    mail()
    start = now + timedelta(hours=hours)
    work = Maintenance.objects.create(
        title="Disks", body="New disks.", starts_at=start, ends_at=start + timedelta(hours=1), notice_h=1
    )
    work.note_plan(now - timedelta(hours=9), None)
    Notice.objects.all().delete()
    Maintenance.objects.update(created_at=now - timedelta(hours=9))
    restored(now)
    later = max(now, start) + timedelta(seconds=30)
    for _ in range(3):
        work.refresh_from_db()
        work.advance(later)
    fan_out.sort(later + timedelta(minutes=5))
    assert Notice.objects.filter(maintenance=work).exists()
    assert Delivery.objects.filter(notice__maintenance=work).exists() is is_sent


def test_changes_of_components_before_the_restore_are_not_sent(now):
    mail(wants_component=True)
    fan_out.note_changes(now - timedelta(hours=2))
    fell(watched("Chat"), now - timedelta(minutes=30))
    restored(now)
    fan_out.note_changes(now)
    fan_out.sort(now)
    assert not Delivery.objects.filter(notice__kind="component").exists()
    assert Sorter.objects.get(pk=1).restored_at == now
