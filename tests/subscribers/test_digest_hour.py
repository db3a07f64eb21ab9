"""A digest is one mail a day: when it goes, and when an update can no longer be taken back."""

from datetime import UTC, datetime, timedelta

import pytest

from incidents import undoing
from incidents.models import Incident, Post
from incidents.undoing import TooLateError
from subscribers.delivery import fan_out
from subscribers.models import Delivery
from tests.making import NOW, component
from tests.subscribers.making import mail, webhook


def told(now, body="We look."):
    """Something was said, and each subscriber is owed it."""
    chat = component("Chat")
    Incident.objects.open("Chat is down", body, now=now, components=[chat], statuses={chat: "major_outage"})
    fan_out.sort(now)


@pytest.mark.parametrize(
    ("zone", "said", "due"),
    [
        ("UTC", datetime(2026, 11, 12, 7, 59, tzinfo=UTC), datetime(2026, 11, 12, 8, tzinfo=UTC)),
        ("UTC", datetime(2026, 11, 12, 8, 0, tzinfo=UTC), datetime(2026, 11, 13, 8, tzinfo=UTC)),
        ("UTC", datetime(2026, 11, 12, 8, 1, tzinfo=UTC), datetime(2026, 11, 13, 8, tzinfo=UTC)),
        ("UTC", datetime(2026, 11, 12, 23, 59, tzinfo=UTC), datetime(2026, 11, 13, 8, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 11, 12, 6, 59, tzinfo=UTC), datetime(2026, 11, 12, 7, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 11, 12, 12, tzinfo=UTC), datetime(2026, 11, 13, 7, tzinfo=UTC)),
        # the clock goes back in the night: eight in the morning all the same
        ("Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 7, tzinfo=UTC)),
    ],
)
def test_a_digest_goes_at_the_next_eight_in_the_morning(db, settings, zone, said, due):
    settings.PAGE_TIME_ZONE = zone
    mail("daily@example.org", is_digest=True)
    told(said)
    assert Delivery.objects.get().due_at == due


def test_all_of_a_day_goes_in_one_digest(db):
    mail("daily@example.org", is_digest=True)
    told(NOW + timedelta(hours=1))
    incident = Incident.objects.get()
    for hours in (2, 5, 9):
        at = NOW + timedelta(hours=hours)
        incident.post(Post(f"Still {hours}.", phase="monitoring"), now=at)
        fan_out.sort(at + timedelta(minutes=5))
    assert Delivery.objects.count() > 1
    assert Delivery.objects.values("due_at").distinct().count() == 1


def test_others_are_told_at_once(db):
    mail("now@example.org")
    webhook("https://example.org/hook", is_digest=True)
    told(NOW + timedelta(hours=1))
    assert set(Delivery.objects.values_list("due_at", flat=True)) == {NOW + timedelta(hours=1)}


@pytest.mark.parametrize("readers", [1, 2])
def test_an_update_is_not_taken_back_once_the_first_were_told(db, settings, monkeypatch, readers):
    monkeypatch.setattr(fan_out, "CHUNK", 1)
    chat = component("Chat")
    incident = Incident.objects.open(
        "Chat is down", "We look.", now=NOW, components=[chat], statuses={chat: "major_outage"}
    )
    fan_out.sort(NOW)
    for number in range(readers + 1):
        mail(f"reader{number}@example.org")
    update = incident.post(Post("Found it.", phase="identified", undo_s=20), now=NOW)
    notice = update.notice
    later = NOW + timedelta(seconds=19)
    for _ in range(readers):
        fan_out._sort_chunk(notice.pk, later)
    notice.refresh_from_db()
    assert notice.sorted_at is None
    assert notice.cursor > 0
    with pytest.raises(TooLateError):
        undoing.undo(incident, update, later)
    update.refresh_from_db()
    assert update.kind == "post"
    assert Delivery.objects.filter(notice=notice).count() == readers
