"""The days that staff see are those of the page's zone, as in public, where it is another day than in UTC."""

from datetime import UTC, date, datetime, timedelta

import pytest

from components import identity
from components.models import Component, DayTally
from components.status import Status
from incidents.models import ActionItem, Incident, Maintenance, Post, Postmortem
from statuspage.api import v2
from statuspage.console import agenda
from statuspage.console.components import uptime_of
from statuspage.console.probe_detail import facts
from statuspage.public.page_model import freshness
from statuspage.public.world import gather_world
from subscribers.delivery import webhook_payload
from tests.making import component, watched

DAY = timedelta(days=1)
# (zone, a moment, the day there): 14 hours ahead of UTC, and 11 behind
ZONES = [
    ("Pacific/Kiritimati", datetime(2026, 11, 12, 11, tzinfo=UTC), date(2026, 11, 13)),
    ("Pacific/Niue", datetime(2026, 11, 12, 8, tzinfo=UTC), date(2026, 11, 11)),
]
EACH = pytest.mark.parametrize(("zone", "now", "today"), ZONES, ids=[zone for zone, _, _ in ZONES])


@pytest.fixture
def page(db, settings):
    def of(zone):
        settings.PAGE_TIME_ZONE = zone
        identity.forget()

    return of


@EACH
def test_thirty_days_end_with_the_day_that_it_is_there(page, zone, now, today):
    page(zone)
    shop = component()
    for back in range(40):
        DayTally.objects.create(component=shop, day=today - back * DAY, up_s=86_400)
    assert uptime_of(shop, now).up == 30 * 86_400


@EACH
def test_the_page_of_a_probe_has_the_same_thirty_days(page, zone, now, today):
    page(zone)
    probe = watched("Shop")
    for back in range(40):  # down on the oldest of these days, and on the one before it
        seconds = {"major_s": 86_400} if back in (29, 30) else {"up_s": 86_400}
        DayTally.objects.create(component=probe.component, day=today - back * DAY, **seconds)
    shown = facts.page(probe, now, is_whole=True)["facts"]
    assert "96.66 %" in str(shown)


@EACH
def test_an_action_is_late_from_the_day_after_it_was_due(page, zone, now, today):
    page(zone)
    incident = Incident.objects.open("Orders fail", "We look.", now=now - DAY)
    incident.post(Post("Fixed.", phase="resolved"), now=now - DAY / 2)
    report = Postmortem.objects.create(incident=incident, started_at=now - DAY, ended_at=now, saved_at=now)
    for position, back in enumerate((1, 0)):
        ActionItem.objects.create(
            postmortem=report, position=position, text=str(back), due=today - back * DAY
        )
    coming = agenda.read_agenda([], now).coming
    assert [(entry.text, entry.is_late) for entry in coming] == [("Action: 1", True), ("Action: 0", False)]


@EACH
def test_work_and_actions_are_in_the_order_of_its_days(page, zone, now, today):
    page(zone)
    incident = Incident.objects.open("Orders fail", "We look.", now=now - DAY)
    report = Postmortem.objects.create(incident=incident, started_at=now - DAY, ended_at=now, saved_at=now)
    ActionItem.objects.create(postmortem=report, position=1, text="today", due=today)
    Maintenance.objects.create(title="Work", starts_at=now + timedelta(minutes=5), ends_at=now + DAY)
    days = {entry.text: entry.day for entry in agenda.read_agenda([], now).coming}
    assert days == {"Action: today": today, "Work": today}


@EACH
def test_a_webhook_and_the_api_say_the_same_start_of_a_component(page, zone, now, today):
    page(zone)
    shop = component()
    Component.objects.update(created_at=now)
    shop.refresh_from_db()
    world = gather_world(now)
    (of_api,) = v2.components(world, freshness(world, now))
    sent = webhook_payload._row(shop, Status.OPERATIONAL, "page")
    assert sent["start_date"] == of_api["start_date"] == today.isoformat()
